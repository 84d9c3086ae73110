/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <cmocka.h>

#include "tests/channel/broker_crash.h"

#include "broker/kernel.h"
#include "common/cleanup.h"
#include "common/program_type.h"
#include "common/target.h"

#include <stdio.h>
#include <string.h>

#define OPERATIONS_MOST 32

/* ---- what must be true ---- */

/* What is pinned for programs is what their rows say. */
static void assert_programs_consistent(void)
{
	assert_int_equal(stage_entries("programs"), stage->program_count);
	assert_int_equal(stage_entries("maps"), stage->program_count);
	for (size_t i = 0; i < stage->program_count; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "maps/%llu",
		               (unsigned long long)stage->programs[i].id);
		assert_int_equal(stage_entries(path), stage->programs[i].map_count);
	}
}

/* Pinned by name is what programs have by name, and they all have the same. */
static void assert_shared_consistent(void)
{
	char name[MAP_NAME_SIZE] = "";
	uint32_t kernel_id = 0;

	for (size_t i = 0; i < stage->program_count; i++) {
		const struct record_program *program = &stage->programs[i];

		if (program->map_owner)
			assert_non_null(stage_program(program->map_owner));
		for (uint32_t map = 0; map < program->map_count; map++) {
			if (!(program->maps[map].flags & RECORD_MAP_BY_NAME))
				continue;
			assert_true(!kernel_id || kernel_id == program->maps[map].kernel_id);
			kernel_id = program->maps[map].kernel_id;
			memcpy(name, program->maps[map].name, sizeof(name));
		}
	}
	assert_int_equal(stage_entries("shared"), kernel_id != 0);
	if (!kernel_id)
		return;

	char path[256];
	struct record_map found = {};

	(void)snprintf(path, sizeof(path), "%.120s/shared/%s", stage->settings.bpffs_directory,
	               name);
	_cleanup_close_ int fd = kernel_pin_open(path);

	assert_int_equal(kernel_map_info(fd, &found), 0);
	assert_int_equal(found.kernel_id, kernel_id);
}

/* The chain on v0 runs exactly the XDP links, by one dispatcher or by itself. */
static void assert_chain_consistent(size_t xdp_links, bool shared)
{
	uint32_t attached = stage_attached("v0");
	size_t running = 0;

	assert_int_equal(attached != 0, xdp_links > 0);
	assert_int_equal(stage_entries("dispatchers"), xdp_links ? 1 + shared : 0);
	assert_int_equal(stage_entries("../xdp"), xdp_links ? shared : 0);
	for (size_t i = 0; i < stage->chain_count; i++) {
		assert_int_equal(stage->chains[i].dispatcher_id, attached);
		for (uint32_t at = 0; at < stage->chains[i].count; at++, running++)
			assert_non_null(stage_link(stage->chains[i].entries[at].link_id));
	}
	assert_int_equal(running, xdp_links);
}

void assert_consistent(bool shared)
{
	size_t xdp_links = 0;

	assert_programs_consistent();
	assert_shared_consistent();
	for (size_t i = 0; i < stage->link_count; i++) {
		assert_int_equal(stage->links[i].state, LINK_STATE_ATTACHED);
		assert_non_null(stage_program(stage->links[i].program_id));
		xdp_links += stage->links[i].type == PROGRAM_TYPE_XDP;
	}
	assert_int_equal(stage_entries("links"),
	                 stage->crash->no_perf_links ? 0 : stage->link_count - xdp_links);
	assert_chain_consistent(xdp_links, shared);
}

/* ---- what several tests begin with ---- */

uint64_t remove_send(uint16_t type, uint64_t id)
{
	struct frontend_remove request = { .target_id = id };

	return stage_send(type, &request, NULL);
}

void prepare_programs(void)
{
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
}

void prepare_links(void)
{
	prepare_programs();
	assert_done(stage_attach_xdp(1, "v0"));
	assert_done(stage_attach_tracepoint(2, "sched", "sched_switch"));
}

void prepare_successors(void)
{
	prepare_links();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
}

uint64_t attach_sample_send(void)
{
	struct frontend_attach request = {
		.program_id = 1,
		.type = PROGRAM_TYPE_PERF_EVENT,
		.target = { .name = "cpu-clock", .frequency_hz = 50 },
	};

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

void prepare_samplers(void)
{
	(void)stage_load("probes", "sampled", PROGRAM_TYPE_PERF_EVENT);
	(void)stage_load("probes", "sampled", PROGRAM_TYPE_PERF_EVENT);
}

void prepare_sample(void)
{
	prepare_samplers();
	assert_done(stage_answer(attach_sample_send()));
}

static void shared_load(void)
{
	static struct frontend_load request;

	stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
	request.programs[0].exclusive = 0;
	assert_done(stage_answer(stage_load_send("xdp_counter", &request)));
}

uint64_t shared_attach_send(uint64_t program_id, int32_t priority)
{
	struct frontend_attach request = {
		.program_id = program_id,
		.type = PROGRAM_TYPE_XDP,
		.target = { .interface = "v0",
		            .priority = priority,
		            .given = TARGET_BIT(TARGET_PRIORITY) },
	};

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

void prepare_shared(void)
{
	for (uint64_t id = 1; id <= 3; id++)
		shared_load();
	for (uint64_t id = 1; id <= 2; id++)
		assert_done(stage_answer(shared_attach_send(id, (int32_t)id * 10)));
}

uint64_t detach_xdp_send(void)
{
	return remove_send(FRONTEND_DETACH, 1);
}

uint64_t update_xdp_send(void)
{
	struct frontend_update request = { .link_id = 1, .program_id = 3 };

	return stage_send(FRONTEND_UPDATE, &request, NULL);
}

void update_xdp_check(bool answered)
{
	const struct record_link *link = stage_link(1);

	assert_non_null(link);
	assert_true(link->program_id == 3 || (!answered && link->program_id == 1));
	assert_int_equal(stage_attached("v0"), stage_program(link->program_id)->kernel_id);
}

/* ---- deaths ---- */

/* One death, before step number `steps`. False once the operation needs no more than that. */
static bool death(const struct operation *operation, int steps)
{
	const struct stage_answer *answer;
	uint64_t id;

	assert_int_equal(stage_setup(NULL), 0);
	stage->crash->no_perf_links = operation->held;
	stage_start_crashing();
	operation->prepare();
	stage->crash->steps_left = steps;
	id = operation->send();
	answer = stage_answer(id);
	if (answer)
		assert_done(answer);
	else
		assert_int_equal(stage_wait_end(), 9 << 8);

	bool answered = answer != NULL;

	stage_kill();
	if (operation->held)
		stage_start_crashing(); /* which does not */
	else
		stage_start();
	assert_consistent(operation->shared);
	operation->check(answered);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
	return !answered;
}

static bool extensions_taken(void)
{
	bool taken;

	assert_int_equal(stage_setup(NULL), 0);
	stage_start();
	taken = stage->status.extension_programs;
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
	return taken;
}

static void test_every_death(void **state)
{
	const struct operation *operation = *state;
	int steps = 0;

	if (operation->shared && !extensions_taken()) {
		print_message("SKIP: %s: this kernel refuses extension programs\n",
		              operation->name);
		skip();
	}
	while (death(operation, steps)) {
		steps++;
		assert_true(steps < STEPS_MOST);
	}
	print_message("%s: died before each of %d steps\n", operation->name, steps);
}

int operations_run(const struct operation *operations, size_t count, int argc, char **argv)
{
	struct CMUnitTest tests[OPERATIONS_MOST] = {};

	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	assert_true(count <= OPERATIONS_MOST);
	for (size_t i = 0; i < count; i++)
		tests[i] =
			(struct CMUnitTest){ .name = operations[i].name,
			                     .test_func = test_every_death,
			                     .initial_state = (void *)(uintptr_t)&operations[i] };
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests("deaths", tests, count, NULL, NULL);
}
