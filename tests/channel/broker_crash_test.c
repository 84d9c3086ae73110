/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The broker dies before each of its steps in turn, in every operation: bpf() steps, writes to the
 * store, removals of pins. After the next start the store, the kernel and the pins agree, the
 * operation has happened whole or not at all, and nothing of it is left over.
 */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"

#include "common/program_type.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MOST 200

static struct frontend_load load_request;

struct operation {
	const char *name;
	void (*prepare)(void);
	/* Sends the request and gives back its id. */
	uint64_t (*send)(void);
	/* After the restart, with every program and link of `prepare` looked at. */
	void (*check)(bool answered);
};

static uint64_t remove_send(uint16_t type, uint64_t id)
{
	struct frontend_remove request = { .target_id = id };

	return stage_send(type, &request, NULL);
}

/* What must be true after any start: rows, pins and interfaces tell the same. */
static void assert_consistent(void)
{
	uint32_t attached = 0;
	int links = 0;

	assert_int_equal(stage_entries("programs"), stage->program_count);
	assert_int_equal(stage_entries("maps"), stage->program_count);
	for (size_t i = 0; i < stage->program_count; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "maps/%llu",
		               (unsigned long long)stage->programs[i].id);
		assert_int_equal(stage_entries(path), stage->programs[i].map_count);
	}
	for (size_t i = 0; i < stage->link_count; i++) {
		const struct record_link *link = &stage->links[i];

		assert_int_equal(link->state, LINK_STATE_ATTACHED);
		assert_non_null(stage_program(link->program_id));
		if (link->type == PROGRAM_TYPE_XDP)
			attached = stage_program(link->program_id)->kernel_id;
		else
			links++;
	}
	assert_int_equal(stage_attached("v0"), attached);
	assert_int_equal(stage_entries("dispatchers"), attached != 0);
	assert_int_equal(stage_entries("links"), links);
}

static void prepare_nothing(void)
{
}

static uint64_t load_send(void)
{
	stage_load_fill(&load_request, "data_sum", PROGRAM_TYPE_XDP);
	load_request.program_count = 2;
	memcpy(load_request.programs[1].function, "data_tracepoint", sizeof("data_tracepoint"));
	load_request.programs[1].type = PROGRAM_TYPE_TRACEPOINT;
	return stage_load_send("gate_data", &load_request);
}

static void load_check(bool answered)
{
	assert_true(stage->program_count == 2 || (!answered && stage->program_count == 0));
}

static void prepare_programs(void)
{
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
}

static uint64_t attach_xdp_send(void)
{
	struct frontend_attach request = { .program_id = 1,
		                           .type = PROGRAM_TYPE_XDP,
		                           .xdp = { .interface = "v0", .exclusive = 1 } };

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

static uint64_t attach_tracepoint_send(void)
{
	struct frontend_attach request = {
		.program_id = 2,
		.type = PROGRAM_TYPE_TRACEPOINT,
		.tracepoint = { .group = "sched", .name = "sched_switch" },
	};

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

static void attach_check(bool answered)
{
	assert_int_equal(stage->program_count, 2);
	assert_true(stage->link_count == 1 || (!answered && stage->link_count == 0));
}

static void prepare_links(void)
{
	prepare_programs();
	assert_done(stage_attach_xdp(1, "v0"));
	assert_done(stage_attach_tracepoint(2, "sched", "sched_switch"));
}

static uint64_t detach_xdp_send(void)
{
	return remove_send(FRONTEND_DETACH, 1);
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

static uint64_t unload_send(void)
{
	return remove_send(FRONTEND_UNLOAD, 1);
}

static void unload_check(bool answered)
{
	/* The links go first: a program without its link is a moment on the way, and the request
	 * can be repeated. */
	assert_non_null(stage_program(2));
	assert_non_null(stage_link(2));
	assert_true(!answered || !stage_program(1));
	assert_true(stage_program(1) || !stage_link(1));
}

static const struct operation operations[] = {
	{ "load", prepare_nothing, load_send, load_check },
	{ "attach xdp", prepare_programs, attach_xdp_send, attach_check },
	{ "attach tracepoint", prepare_programs, attach_tracepoint_send, attach_check },
	{ "detach xdp", prepare_links, detach_xdp_send, detach_check },
	{ "detach tracepoint", prepare_links, detach_tracepoint_send, detach_check },
	{ "unload", prepare_links, unload_send, unload_check },
};

/* One death, before step number `steps`. False once the operation needs no more than that. */
static bool death(const struct operation *operation, int steps)
{
	const struct stage_answer *answer;
	uint64_t id;

	assert_int_equal(stage_setup(NULL), 0);
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
	stage_start();
	assert_consistent();
	operation->check(answered);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
	return !answered;
}

static void test_every_death(void **state)
{
	const struct operation *operation = *state;
	int steps = 0;

	while (death(operation, steps)) {
		steps++;
		assert_true(steps < STEPS_MOST);
	}
	print_message("%s: died before each of %d steps\n", operation->name, steps);
}

/* Dies in the start itself, with a link of each kind to adopt. */
static void test_death_while_starting(void **state)
{
	int steps = 0;

	(void)state;
	assert_int_equal(stage_setup(NULL), 0);
	stage_start();
	prepare_links();
	stage_kill();
	while (steps < STEPS_MOST && stage_start_dying(steps)) {
		steps++;
		stage_kill();
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("start: died before each of %d steps\n", steps);
	stage_kill();
	stage_start();
	assert_consistent();
	assert_int_equal(stage->link_count, 2);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(operations) / sizeof(operations[0]) + 1];
	size_t count = 0;

	for (; count < sizeof(operations) / sizeof(operations[0]); count++)
		tests[count] = (struct CMUnitTest){ .name = operations[count].name,
			                            .test_func = test_every_death,
			                            .initial_state =
			                                    (void *)(uintptr_t)&operations[count] };
	tests[count] =
		(struct CMUnitTest){ .name = "start", .test_func = test_death_while_starting };
	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
