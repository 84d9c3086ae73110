/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker dies while it loads and unloads programs, with maps of their own and of others. */
#include <cmocka.h>

#include "tests/channel/broker_crash.h"

#include "common/program_type.h"

#include <string.h>

static struct frontend_load load_request;

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

static uint32_t hits_id(uint64_t program_id)
{
	const struct record_program *program = stage_program(program_id);

	for (uint32_t i = 0; i < program->map_count; i++) {
		if (strcmp(program->maps[i].name, "hits") == 0)
			return program->maps[i].kernel_id;
	}
	fail_msg("program %llu has no map", (unsigned long long)program_id);
	return 0;
}

static void prepare_owner(void)
{
	(void)stage_load("share", "share", PROGRAM_TYPE_TRACEPOINT);
}

/* With the owner's map, and one by name that nobody has yet. */
static uint64_t owned_load_send(void)
{
	stage_load_fill(&load_request, "share_second", PROGRAM_TYPE_TRACEPOINT);
	load_request.program_count = 2;
	memcpy(load_request.programs[1].function, "share_second_by_name",
	       sizeof("share_second_by_name"));
	load_request.programs[1].type = PROGRAM_TYPE_TRACEPOINT;
	load_request.map_owner = 1;
	return stage_load_send("share_second", &load_request);
}

static void owned_load_check(bool answered)
{
	assert_true(stage->program_count == 3 || (!answered && stage->program_count == 1));
	if (stage->program_count == 1)
		return;
	assert_int_equal(stage_program(2)->map_owner, 1);
	assert_int_equal(hits_id(2), hits_id(1));
}

static void prepare_user(void)
{
	prepare_owner();
	assert_done(stage_answer(owned_load_send()));
}

static uint64_t forced_unload_send(void)
{
	struct frontend_remove request = { .target_id = 1, .force = 1 };

	return stage_send(FRONTEND_UNLOAD, &request, NULL);
}

/* The user has its map and knows whether there is an owner. */
static void forced_unload_check(bool answered)
{
	const struct record_program *owner = stage_program(1);

	assert_true(!owner || !answered);
	assert_int_equal(stage_program(2)->map_owner, owner ? 1 : 0);
	assert_int_equal(stage_program(3)->map_owner, owner ? 1 : 0);
	assert_true(hits_id(2) != 0);
	if (owner)
		assert_int_equal(hits_id(2), hits_id(1));
}

/* The last one that has the map by name. */
static uint64_t last_unload_send(void)
{
	return remove_send(FRONTEND_UNLOAD, 3);
}

static void last_unload_check(bool answered)
{
	assert_true(stage->program_count == 2 || (!answered && stage->program_count == 3));
}

static const struct operation operations[] = {
	{ "load with an owner", false, false, prepare_owner, owned_load_send, owned_load_check },
	{ "forced unload", false, false, prepare_user, forced_unload_send, forced_unload_check },
	{ "unload by name", false, false, prepare_user, last_unload_send, last_unload_check },
	{ "load", false, false, prepare_nothing, load_send, load_check },
	{ "unload", false, false, prepare_links, unload_send, unload_check },
};

int main(int argc, char **argv)
{
	return operations_run(operations, sizeof(operations) / sizeof(operations[0]), argc, argv);
}
