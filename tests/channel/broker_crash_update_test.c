/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker dies while it puts another program in the place of the one behind a link. */
#include <cmocka.h>

#include "tests/channel/broker_crash.h"

#include "broker/kernel.h"
#include "common/cleanup.h"
#include "common/target.h"

#include <stdio.h>
#include <unistd.h>

static uint64_t update_send(uint64_t link_id, uint64_t program_id)
{
	struct frontend_update request = { .link_id = link_id, .program_id = program_id };

	return stage_send(FRONTEND_UPDATE, &request, NULL);
}

static uint64_t update_tracepoint_send(void)
{
	return update_send(2, 4);
}

static void update_check(bool answered, uint64_t link_id, uint64_t before, uint64_t after)
{
	const struct record_link *link = stage_link(link_id);

	assert_non_null(link);
	assert_true(link->program_id == after || (!answered && link->program_id == before));
}

static void update_tracepoint_check(bool answered)
{
	char path[256];
	struct bpf_link_info info = {};

	update_check(answered, 2, 2, 4);
	(void)snprintf(path, sizeof(path), "%s/links/2", stage->settings.bpffs_directory);

	_cleanup_close_ int link_fd = kernel_pin_open(path);

	assert_true(link_fd >= 0);
	assert_int_equal(kernel_info(link_fd, &info, sizeof(info)), 0);
	assert_int_equal(info.prog_id, stage_program(stage_link(2)->program_id)->kernel_id);
}

static uint64_t update_sample_send(void)
{
	return update_send(1, 2);
}

/* Each processor's link runs what the record says. */
static void update_sample_check(bool answered)
{
	char path[256];
	struct bpf_link_info info = {};
	int found = 0;

	update_check(answered, 1, 1, 2);
	for (unsigned int cpu = 0; cpu < 1024; cpu++) {
		(void)snprintf(path, sizeof(path), "%s/links/1/%u", stage->settings.bpffs_directory,
		               cpu);
		_cleanup_close_ int link_fd = kernel_pin_open(path);

		if (link_fd < 0)
			continue;
		found++;
		assert_int_equal(kernel_info(link_fd, &info, sizeof(info)), 0);
		assert_int_equal(info.prog_id, stage_program(stage_link(1)->program_id)->kernel_id);
	}
	assert_int_equal(found, sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(stage_entries("links/1"), found);
}

/* The broker that was started for this check is the one that keeps the events. */
static void update_held_check(bool answered)
{
	update_check(answered, 2, 2, 4);
}

static void update_held_sample_check(bool answered)
{
	update_check(answered, 1, 1, 2);
}

/* Of the two programs that run by a dispatcher the first one is replaced, and goes behind the
 * second. */
static uint64_t update_shared_send(void)
{
	struct frontend_update request = {
		.link_id = 1, .program_id = 3, .priority = 30, .given = TARGET_BIT(TARGET_PRIORITY)
	};

	return stage_send(FRONTEND_UPDATE, &request, NULL);
}

static void update_shared_check(bool answered)
{
	const struct record_chain *chain = &stage->chains[0];
	const struct record_link *link = stage_link(1);
	bool done = link->program_id == 3;

	update_check(answered, 1, 1, 3);
	assert_int_equal(link->target.priority, done ? 30 : 10);
	assert_int_equal(stage->chain_count, 1);
	assert_int_equal(chain->count, 2);
	assert_int_equal(chain->entries[done].link_id, 1);
	assert_int_equal(chain->entries[done].kernel_id,
	                 stage_program(link->program_id)->kernel_id);
}

static const struct operation operations[] = {
	{ "update xdp", false, false, prepare_successors, update_xdp_send, update_xdp_check },
	{ "update tracepoint", false, false, prepare_successors, update_tracepoint_send,
	  update_tracepoint_check },
	{ "update held tracepoint", false, true, prepare_successors, update_tracepoint_send,
	  update_held_check },
	{ "update sample", false, false, prepare_sample, update_sample_send, update_sample_check },
	{ "update held sample", false, true, prepare_sample, update_sample_send,
	  update_held_sample_check },
	{ "shared update", true, false, prepare_shared, update_shared_send, update_shared_check },
};

int main(int argc, char **argv)
{
	return operations_run(operations, sizeof(operations) / sizeof(operations[0]), argc, argv);
}
