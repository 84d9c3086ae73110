/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker dies while it attaches and detaches programs of each kind. */
#include <cmocka.h>

#include "tests/channel/broker_crash.h"

#include "common/program_type.h"
#include "common/target.h"

static uint64_t attach_xdp_send(void)
{
	struct frontend_attach request = { .program_id = 1,
		                           .type = PROGRAM_TYPE_XDP,
		                           .target = { .interface = "v0", .exclusive = 1 } };

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

static uint64_t attach_tracepoint_send(void)
{
	struct frontend_attach request = {
		.program_id = 2,
		.type = PROGRAM_TYPE_TRACEPOINT,
		.target = { .group = "sched", .name = "sched_switch" },
	};

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

static void attach_check(bool answered)
{
	assert_int_equal(stage->program_count, 2);
	assert_true(stage->link_count == 1 || (!answered && stage->link_count == 0));
}

static uint64_t detach_tracepoint_send(void)
{
	return remove_send(FRONTEND_DETACH, 2);
}

static void detach_check(bool answered)
{
	assert_int_equal(stage->program_count, 2);
	assert_true(stage->link_count == 1 || (!answered && stage->link_count == 2));
}

static uint64_t attach_between_send(void)
{
	return shared_attach_send(3, 15);
}

static void attach_between_check(bool answered)
{
	assert_int_equal(stage->program_count, 3);
	assert_true(stage->link_count == 3 || (!answered && stage->link_count == 2));
}

static void detach_first_check(bool answered)
{
	assert_int_equal(stage->program_count, 3);
	assert_true(stage->link_count == 1 || (!answered && stage->link_count == 2));
}

static void sample_attach_check(bool answered)
{
	assert_int_equal(stage->program_count, 2);
	assert_true(stage->link_count == 1 || (!answered && stage->link_count == 0));
}

static void sample_detach_check(bool answered)
{
	assert_int_equal(stage->program_count, 2);
	assert_true(stage->link_count == 0 || (!answered && stage->link_count == 1));
}

static const struct operation operations[] = {
	{ "attach xdp", false, false, prepare_programs, attach_xdp_send, attach_check },
	{ "attach tracepoint", false, false, prepare_programs, attach_tracepoint_send,
	  attach_check },
	{ "attach held tracepoint", false, true, prepare_programs, attach_tracepoint_send,
	  attach_check },
	{ "attach sample", false, false, prepare_samplers, attach_sample_send,
	  sample_attach_check },
	{ "attach held sample", false, true, prepare_samplers, attach_sample_send,
	  sample_attach_check },
	{ "detach xdp", false, false, prepare_links, detach_xdp_send, detach_check },
	{ "detach tracepoint", false, false, prepare_links, detach_tracepoint_send, detach_check },
	{ "detach held tracepoint", false, true, prepare_links, detach_tracepoint_send,
	  detach_check },
	{ "detach sample", false, false, prepare_sample, detach_xdp_send, sample_detach_check },
	{ "detach held sample", false, true, prepare_sample, detach_xdp_send, sample_detach_check },
	{ "shared attach", true, false, prepare_shared, attach_between_send, attach_between_check },
	{ "shared detach", true, false, prepare_shared, detach_xdp_send, detach_first_check },
};

int main(int argc, char **argv)
{
	return operations_run(operations, sizeof(operations) / sizeof(operations[0]), argc, argv);
}
