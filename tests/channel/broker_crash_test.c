/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The broker dies before each of its steps in turn, in every operation: bpf() steps, writes to the
 * store, removals of pins. After the next start the store, the kernel and the pins agree, the
 * operation has happened whole or not at all, and nothing of it is left over.
 */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"

#include "broker/kernel.h"
#include "common/cleanup.h"
#include "common/program_type.h"
#include "common/target.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STEPS_MOST 1000

static struct frontend_load load_request;

struct operation {
	const char *name;
	bool shared; /* needs a kernel that takes extension programs: the programs run by a
	                dispatcher */
	bool held;   /* on a kernel without perf links: the broker keeps perf events open */
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

/* What must be true after any start: rows, pins and interfaces tell the same. */
static void assert_consistent(bool shared)
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

static void prepare_links(void)
{
	prepare_programs();
	assert_done(stage_attach_xdp(1, "v0"));
	assert_done(stage_attach_tracepoint(2, "sched", "sched_switch"));
}

static uint64_t attach_sample_send(void)
{
	struct frontend_attach request = {
		.program_id = 1,
		.type = PROGRAM_TYPE_PERF_EVENT,
		.target = { .name = "cpu-clock", .frequency_hz = 50 },
	};

	return stage_send(FRONTEND_ATTACH, &request, NULL);
}

static void prepare_samplers(void)
{
	(void)stage_load("probes", "sampled", PROGRAM_TYPE_PERF_EVENT);
	(void)stage_load("probes", "sampled", PROGRAM_TYPE_PERF_EVENT);
}

/* On every processor. */
static void prepare_sample(void)
{
	prepare_samplers();
	assert_done(stage_answer(attach_sample_send()));
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

static void shared_load(void)
{
	stage_load_fill(&load_request, "xdp_counter", PROGRAM_TYPE_XDP);
	load_request.programs[0].exclusive = 0;
	assert_done(stage_answer(stage_load_send("xdp_counter", &load_request)));
}

static uint64_t shared_attach_send(uint64_t program_id, int32_t priority)
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

/* Two programs run by a dispatcher, a third one is loaded. */
static void prepare_shared(void)
{
	for (uint64_t id = 1; id <= 3; id++)
		shared_load();
	for (uint64_t id = 1; id <= 2; id++)
		assert_done(stage_answer(shared_attach_send(id, (int32_t)id * 10)));
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

static uint64_t update_send(uint64_t link_id, uint64_t program_id)
{
	struct frontend_update request = { .link_id = link_id, .program_id = program_id };

	return stage_send(FRONTEND_UPDATE, &request, NULL);
}

/* A second program of each type, to take the place of the first. */
static void prepare_successors(void)
{
	prepare_links();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
}

static uint64_t update_xdp_send(void)
{
	return update_send(1, 3);
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

static void update_xdp_check(bool answered)
{
	update_check(answered, 1, 1, 3);
	assert_int_equal(stage_attached("v0"), stage_program(stage_link(1)->program_id)->kernel_id);
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
	{ "unload", false, false, prepare_links, unload_send, unload_check },
	{ "update xdp", false, false, prepare_successors, update_xdp_send, update_xdp_check },
	{ "update tracepoint", false, false, prepare_successors, update_tracepoint_send,
	  update_tracepoint_check },
	{ "update held tracepoint", false, true, prepare_successors, update_tracepoint_send,
	  update_held_check },
	{ "update sample", false, false, prepare_sample, update_sample_send, update_sample_check },
	{ "update held sample", false, true, prepare_sample, update_sample_send,
	  update_held_sample_check },
	{ "shared update", true, false, prepare_shared, update_shared_send, update_shared_check },
	{ "shared attach", true, false, prepare_shared, attach_between_send, attach_between_check },
	{ "shared detach", true, false, prepare_shared, detach_xdp_send, detach_first_check },
};

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

/* Dies in the start itself, with a link of each kind to adopt, or to attach again. */
static void test_death_while_starting(void **state)
{
	bool held = *state;
	int steps = 0;

	assert_int_equal(stage_setup(NULL), 0);
	stage->crash->no_perf_links = held;
	stage_start_crashing();
	prepare_links();
	stage_kill();
	while (steps < STEPS_MOST && stage_start_dying(steps)) {
		steps++;
		stage_kill();
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("start: died before each of %d steps\n", steps);
	stage_kill();
	if (held)
		stage_start_crashing();
	else
		stage_start();
	assert_consistent(false);
	assert_int_equal(stage->link_count, 2);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
}

/* Dies in the middle of an update, and again and again while the next start takes it back. */
static void test_death_while_restoring(void **state)
{
	int steps = 0;

	(void)state;
	/* the step after which the kernel has the new program, and the store has not */
	for (int step = 0; step < STEPS_MOST; step++) {
		assert_int_equal(stage_setup(NULL), 0);
		stage_start_crashing();
		prepare_successors();
		stage->crash->steps_left = step;
		if (stage_answer(update_xdp_send()))
			fail_msg("no step leaves an update half done");
		assert_int_equal(stage_wait_end(), 9 << 8);

		uint32_t before = stage_program(1)->kernel_id;

		stage_kill();
		if (stage_attached("v0") != before)
			break;
		stage_start();
		assert_int_equal(stage_stop(), 0);
		assert_int_equal(stage_teardown(NULL), 0);
	}
	while (steps < STEPS_MOST && stage_start_dying(steps)) {
		steps++;
		stage_kill();
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("restoring: died before each of %d steps\n", steps);
	stage_kill();
	stage_start();
	assert_consistent(false);
	assert_int_equal(stage->link_count, 2);
	assert_int_equal(stage_link(1)->program_id, 1);
	update_xdp_check(false);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
}

/* Dies while it writes the store's last copy; then the live store is lost. The copy is the old one
 * or the new one, and no id is used again. */
static bool death_while_stopping(int steps)
{
	char path[256];
	bool died;

	assert_int_equal(stage_setup(NULL), 0);
	stage->settings.log_level = 0; /* it says what it does not know */
	stage_start_crashing();
	prepare_programs();
	stage->crash->steps_left = steps;
	assert_int_equal(channel_send(&stage->launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	died = stage_wait_end() != 0;
	stage_live_path(path, "data.mdb");
	assert_int_equal(unlink(path), 0);
	stage_start();
	assert_consistent(false);
	assert_true(died ? stage->program_count == 0 || stage->program_count == 2
	                 : stage->program_count == 2);
	assert_true(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP) > 2);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
	return died;
}

static void test_death_while_stopping(void **state)
{
	int steps = 0;

	(void)state;
	while (death_while_stopping(steps)) {
		steps++;
		assert_true(steps < STEPS_MOST);
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("stop: died before each of %d steps\n", steps);
}

/* An argument chooses the operations, as in "shared*". */
int main(int argc, char **argv)
{
	static int held = 1;
	struct CMUnitTest tests[sizeof(operations) / sizeof(operations[0]) + 4];
	size_t count = 0;

	for (; count < sizeof(operations) / sizeof(operations[0]); count++)
		tests[count] = (struct CMUnitTest){ .name = operations[count].name,
			                            .test_func = test_every_death,
			                            .initial_state =
			                                    (void *)(uintptr_t)&operations[count] };
	tests[count] =
		(struct CMUnitTest){ .name = "start", .test_func = test_death_while_starting };
	tests[count + 2] =
		(struct CMUnitTest){ .name = "restoring", .test_func = test_death_while_restoring };
	tests[count + 1] =
		(struct CMUnitTest){ .name = "stop", .test_func = test_death_while_stopping };
	tests[count + 3] = (struct CMUnitTest){ .name = "held start",
		                                .test_func = test_death_while_starting,
		                                .initial_state = &held };
	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
