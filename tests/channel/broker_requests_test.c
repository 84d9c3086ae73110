/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the broker does with requests: real loads, attachments and restarts on this machine's own
 * kernel. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"

#include "common/program_type.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct frontend_load request;

static void test_start_and_stop(void **state)
{
	(void)state;
	stage_start();
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage->link_count, 0);
	assert_int_equal(stage->status.opener, 1);
	assert_true(stage->status.started_at_s > 0);
	assert_true(strlen(stage->status.kernel_release) > 0);
	assert_int_equal(stage->status.extension_programs, stage->status.extension_errno == 0);
	assert_int_equal(stage_stop(), 0);
}

static void test_xdp_from_load_to_unload(void **state)
{
	uint64_t program, link;

	(void)state;
	stage_start();
	program = stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_int_equal(program, 1);
	while (stage->status.loads == 0) /* counts follow the answer */
		assert_int_equal(stage_pump(5000), 0);
	assert_int_equal(stage->status.loads, 1);
	assert_int_equal(stage_program(1)->form, PROGRAM_FORM_NATIVE);
	assert_int_equal(stage_program(1)->owner_uid, 1000);
	assert_string_equal(stage_program(1)->application, "stage");
	assert_int_equal(stage_program(1)->map_count, 1);
	assert_string_equal(stage_program(1)->maps[0].name, "packets");
	assert_int_equal(stage_entries("programs"), 1);
	assert_int_equal(stage_entries("maps/1"), 1);

	link = assert_done(stage_attach_xdp(program, "v0"));
	assert_int_equal(stage_link(link)->state, LINK_STATE_ATTACHED);
	assert_int_equal(stage_attached("v0"), stage_program(1)->kernel_id);
	assert_int_equal(stage->chain_count, 1);
	assert_int_equal(stage->chains[0].entries[0].link_id, link);

	assert_refused(stage_attach_xdp(program, "v0"), ERROR_ALREADY_EXISTS, "already");
	assert_int_equal(assert_done(stage_remove(FRONTEND_DETACH, link)), link);
	assert_int_equal(stage_attached("v0"), 0);
	assert_null(stage_link(link));
	assert_int_equal(stage->chain_count, 0);
	assert_refused(stage_remove(FRONTEND_DETACH, link), ERROR_NOT_FOUND, "there is no link 1");

	assert_int_equal(assert_done(stage_remove(FRONTEND_UNLOAD, program)), program);
	assert_int_equal(stage_entries("programs"), 0);
	assert_int_equal(stage_entries("maps"), 0);
	assert_int_equal(stage_entries("dispatchers"), 0);
	assert_int_equal(stage->program_count, 0);
	assert_refused(stage_remove(FRONTEND_UNLOAD, program), ERROR_NOT_FOUND,
	               "there is no program 1");
	assert_int_equal(stage_stop(), 0);
}

static void test_tracepoint(void **state)
{
	uint64_t program, first, second;

	(void)state;
	stage_start();
	program = stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
	first = assert_done(stage_attach_tracepoint(program, "sched", "sched_switch"));
	second = assert_done(stage_attach_tracepoint(program, "syscalls", "sys_enter_openat"));
	assert_int_equal(second, first + 1);
	assert_refused(stage_attach_tracepoint(program, "sched", "sched_switch"),
	               ERROR_ALREADY_EXISTS, "link 1");
	assert_refused(stage_attach_tracepoint(program, "sched", "no_such_event"), ERROR_NOT_FOUND,
	               "");
	assert_refused(stage_attach_xdp(program, "v0"), ERROR_INVALID_ARGUMENT, "type tracepoint");
	assert_int_equal(stage_entries("links"), 2);
	/* An unload takes all its links along. */
	assert_done(stage_remove(FRONTEND_UNLOAD, program));
	assert_int_equal(stage_entries("links"), 0);
	assert_int_equal(stage->link_count, 0);
	assert_int_equal(stage_stop(), 0);
}

static bool map_listed(uint64_t program_id, const char *name)
{
	const struct record_program *program = stage_program(program_id);

	for (uint32_t i = 0; i < program->map_count; i++) {
		if (strcmp(program->maps[i].name, name) == 0)
			return true;
	}
	return false;
}

static void test_several_programs_share_maps(void **state)
{
	const struct stage_answer *answer;
	const uint32_t constant = 3;

	(void)state;
	stage_start();
	stage_load_fill(&request, "data_sum", PROGRAM_TYPE_XDP);
	request.program_count = 2;
	memcpy(request.programs[1].function, "data_tracepoint", sizeof("data_tracepoint"));
	request.programs[1].type = PROGRAM_TYPE_TRACEPOINT;
	request.globals.count = 1;
	request.globals.data_size = sizeof(constant);
	memcpy(request.globals.entries[0].name, "constant", sizeof("constant"));
	request.globals.entries[0].size = sizeof(constant);
	memcpy(request.globals.data, &constant, sizeof(constant));
	request.metadata.count = 1;
	memcpy(request.metadata.entries[0].key, "team", sizeof("team"));
	answer = stage_answer(stage_load_send("gate_data", &request));
	assert_done(answer);
	assert_int_equal(answer->done.count, 2);
	assert_int_equal(answer->done.ids[0], 1);
	assert_int_equal(answer->done.ids[1], 2);
	assert_int_equal(stage->globals_count, 2);
	assert_string_equal(stage_program(1)->name, "data_sum");
	assert_string_equal(stage_program(2)->name, "data_tracepoint");
	assert_string_equal(stage_program(2)->metadata.entries[0].key, "team");
	assert_true(stage_program(1)->map_count > stage_program(2)->map_count);
	/* Its own, and the read-only ones, which libbpf binds to every program of an object. */
	assert_int_equal(stage_program(2)->map_count, 3);
	assert_true(map_listed(2, ".bss") && map_listed(2, ".rodata") && !map_listed(2, ".data"));
	assert_true(map_listed(1, ".data"));
	assert_int_equal(stage_entries("maps/2"), 3);
	assert_int_equal(stage_entries("maps/1"), stage_program(1)->map_count);
	/* The shared map lives on with the program that is left. */
	assert_done(stage_remove(FRONTEND_UNLOAD, 1));
	assert_int_equal(stage_entries("maps/2"), 3);
	assert_int_equal(stage_stop(), 0);
}

static void test_pin_modes(void **state)
{
	struct stat status;
	char path[256];

	(void)state;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)snprintf(path, sizeof(path), "%s/maps/1", stage->settings.bpffs_directory);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 02750);
	assert_int_equal(status.st_gid, 0); /* the group of the setgid directory maps/ */
	(void)snprintf(path, sizeof(path), "%s/maps/1/packets", stage->settings.bpffs_directory);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	(void)snprintf(path, sizeof(path), "%s/programs/1", stage->settings.bpffs_directory);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stage_stop(), 0);
}

static void test_refusals(void **state)
{
	uint64_t program;

	(void)state;
	stage_start();
	stage_load_fill(&request, "no_such_function", PROGRAM_TYPE_XDP);
	assert_refused(stage_answer(stage_load_send("xdp_counter", &request)), ERROR_NOT_FOUND,
	               "no_such_function");
	stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
	request.program_count = 0;
	assert_refused(stage_answer(stage_load_send("xdp_counter", &request)),
	               ERROR_INVALID_ARGUMENT, "names no program");
	program = stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_refused(stage_attach_xdp(program, "no-such-if"), ERROR_NOT_FOUND, "no-such-if");
	assert_refused(stage_attach_xdp(99, "v0"), ERROR_NOT_FOUND, "there is no program 99");
	assert_refused(stage_remove(FRONTEND_DETACH, 0), ERROR_INVALID_ARGUMENT, "id is 0");
	assert_int_equal(stage->link_count, 0);
	assert_int_equal(stage->status.loads, 1);
	assert_int_equal(stage->status.loads_failed, 1);
	assert_int_equal(stage_stop(), 0);
}

static void test_verifier_log(void **state)
{
	const struct stage_answer *answer;

	(void)state;
	stage_start();
	stage_load_fill(&request, "refused", PROGRAM_TYPE_XDP);
	answer = stage_answer(stage_load_send("refused", &request));
	assert_refused(answer, ERROR_VERIFIER, "refused");
	assert_int_equal(answer->type, FRONTEND_REFUSED_WITH_LOG);
	assert_true(strlen(answer->log) > 20);
	assert_true(answer->refused.log_size > 20);
	assert_int_equal(stage_stop(), 0);
}

/* Announced or not, with a load behind it or without: nobody sees a difference. */
static void test_load_that_comes(void **state)
{
	(void)state;
	stage_start();
	for (uint64_t id = 1; id <= 3; id++) {
		for (uint64_t announced = 0; announced < id; announced++)
			(void)stage_send(FRONTEND_LOAD_COMING, NULL, NULL);
		assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), id);
		assert_int_equal(stage_entries("programs"), id);
		assert_int_equal(stage_entries("maps"), id);
	}
	(void)stage_send(FRONTEND_LOAD_COMING, NULL, NULL);
	stage_load_fill(&request, "no_such_function", PROGRAM_TYPE_XDP);
	assert_refused(stage_answer(stage_load_send("xdp_counter", &request)), ERROR_NOT_FOUND,
	               "no_such_function");
	assert_int_equal(stage_entries("maps"), 3);
	assert_int_equal(stage_stop(), 0);
}

/* What the broker asks for next of the processors' latency. */
static int32_t latency_next(int fd)
{
	struct pollfd asked = { .fd = fd, .events = POLLIN };
	int32_t latency_us = -1;

	assert_int_equal(poll(&asked, 1, 10000), 1);
	assert_int_equal(read(fd, &latency_us, sizeof(latency_us)), sizeof(latency_us));
	return latency_us;
}

/* How often it was asked that none of them sleeps: at least once, and each time that was taken
 * back. */
static uint64_t latency_requests(int fd)
{
	struct pollfd more = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	do {
		assert_int_equal(latency_next(fd), 0);
		assert_int_equal(latency_next(fd), INT32_MAX);
		count++;
	} while (poll(&more, 1, 0) > 0);
	return count;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* While a load comes, and a little later no more; however often one is announced. */
static void test_processors_stay_awake(void **state)
{
	uint64_t began_ms, asked = 0;
	int ends[2], held;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stage->latency_fd = ends[1];
	stage_start();
	began_ms = now_ms();
	for (uint64_t id = 1; id <= 3; id++) {
		for (int announced = 0; announced < 20; announced++)
			(void)stage_send(FRONTEND_LOAD_COMING, NULL, NULL);
		assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), id);
		asked += latency_requests(ends[0]);
		stage_pump_for(60); /* from then on it may be asked again */
	}
	assert_in_range(asked, 3, (now_ms() - began_ms) / 50 + 1);
	/* what may take long does not keep them awake meanwhile */
	(void)stage_send(FRONTEND_LOAD_COMING, NULL, NULL);
	assert_refused(stage_attach_xdp(99, "v0"), ERROR_NOT_FOUND, "there is no program 99");
	assert_int_equal(ioctl(ends[0], FIONREAD, &held), 0);
	assert_int_equal(held, 2 * sizeof(int32_t));
	assert_int_equal(stage_stop(), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void test_latency_not_to_be_had(void **state)
{
	(void)state;
	stage->latency_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(stage->latency_fd >= 0);
	stage_start();
	for (uint64_t id = 1; id <= 2; id++) {
		(void)stage_send(FRONTEND_LOAD_COMING, NULL, NULL);
		assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), id);
		stage_pump_for(60);
	}
	assert_int_equal(stage_stop(), 0);
	(void)close(stage->latency_fd);
}

static void test_program_ceiling(void **state)
{
	(void)state;
	stage->settings.programs_max = 2;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
	assert_refused(stage_answer(stage_load_send("xdp_counter", &request)), ERROR_LIMIT,
	               "may hold 2");
	assert_done(stage_remove(FRONTEND_UNLOAD, 1));
	/* Its id is not used again. */
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), 3);
	assert_int_equal(stage_stop(), 0);
}

static void test_repeated_requests(void **state)
{
	struct frontend_remove remove = { .target_id = 1, .request_id = { 9, 9 } };
	const struct stage_answer *answer;
	uint64_t first, second;

	(void)state;
	stage_start();
	stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
	/* The second comes while the first is in progress: one load, two answers. */
	first = stage_load_send("xdp_counter", &request);
	second = stage_load_send("xdp_counter", &request);
	assert_int_equal(assert_done(stage_answer(first)), 1);
	assert_int_equal(assert_done(stage_answer(second)), 1);
	assert_int_equal(stage->program_count, 1);
	answer = stage_answer(stage_load_send("xdp_counter", &request));
	assert_int_equal(assert_done(answer), 1);
	assert_int_equal(answer->done.repeated, 1);
	assert_int_equal(stage_stop(), 0);

	stage_start();
	answer = stage_answer(stage_load_send("xdp_counter", &request));
	assert_int_equal(assert_done(answer), 1);
	assert_int_equal(answer->done.repeated, 1);
	assert_int_equal(stage->program_count, 1);
	/* The same id of another user is another request; of another kind it is refused. */
	request.peer.uid = 1001;
	assert_int_equal(assert_done(stage_answer(stage_load_send("xdp_counter", &request))), 2);
	memcpy(remove.request_id, request.request_id, sizeof(remove.request_id));
	remove.peer.uid = 1001;
	assert_refused(stage_answer(stage_send(FRONTEND_UNLOAD, &remove, NULL)),
	               ERROR_INVALID_ARGUMENT, "another kind");
	remove.request_id[3] = 0xaa;
	assert_done(stage_answer(stage_send(FRONTEND_UNLOAD, &remove, NULL)));
	answer = stage_answer(stage_send(FRONTEND_UNLOAD, &remove, NULL));
	assert_int_equal(assert_done(answer), 1);
	assert_int_equal(answer->done.repeated, 1);
	assert_int_equal(stage_stop(), 0);
}

/* Stop and start, and kill -9: nothing is lost, and nothing is off in between. */
static void test_restart(void **state)
{
	struct record_program before;
	struct record_link link_before;
	uint32_t attached;

	(void)state;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
	assert_done(stage_attach_xdp(1, "v0"));
	assert_done(stage_attach_tracepoint(2, "sched", "sched_switch"));
	before = *stage_program(1);
	link_before = *stage_link(1);
	attached = stage_attached("v0");
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			assert_int_equal(stage_stop(), 0);
		else
			stage_kill();
		assert_int_equal(stage_attached("v0"), attached);
		stage_start();
		assert_int_equal(stage->program_count, 2);
		assert_int_equal(stage->link_count, 2);
		assert_memory_equal(&before, stage_program(1), sizeof(before));
		assert_memory_equal(&link_before, stage_link(1), sizeof(link_before));
		assert_int_equal(stage_link(2)->state, LINK_STATE_ATTACHED);
		assert_int_equal(stage->chain_count, 1);
		assert_int_equal(stage->chains[0].entries[0].link_id, 1);
	}
	assert_done(stage_remove(FRONTEND_UNLOAD, 1));
	assert_done(stage_remove(FRONTEND_UNLOAD, 2));
	assert_int_equal(stage_attached("v0"), 0);
	assert_int_equal(stage_stop(), 0);
}

/* A reboot takes the pins; what was attached by others' hand while bpfd was away is seen too. */
static void test_restart_without_pins(void **state)
{
	char command[512];

	(void)state;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
	assert_done(stage_attach_xdp(1, "v0"));
	assert_done(stage_attach_xdp(2, "v1"));
	assert_done(stage_attach_tracepoint(3, "sched", "sched_switch"));
	stage_kill();
	(void)snprintf(command, sizeof(command),
	               "ip link set dev v0 xdp off; rm %s/programs/3; mkdir %s/maps/50",
	               stage->settings.bpffs_directory, stage->settings.bpffs_directory);
	stage_command(command);
	stage_start();
	assert_int_equal(stage_link(1)->state, LINK_STATE_REMOVED);
	assert_int_equal(stage_link(2)->state, LINK_STATE_ATTACHED);
	assert_null(stage_program(3));
	assert_null(stage_link(3));
	assert_int_equal(stage_entries("links"), 0);
	assert_int_equal(stage_entries("maps/3"), -1);
	assert_int_equal(stage_entries("maps/50"), -1);
	/* An id that was seen in a pin is not given again. */
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), 51);
	assert_int_equal(stage_stop(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start_and_stop, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_xdp_from_load_to_unload, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_tracepoint, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_several_programs_share_maps, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_pin_modes, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_verifier_log, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_load_that_comes, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_processors_stay_awake, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_latency_not_to_be_had, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_program_ceiling, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_repeated_requests, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_restart, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_restart_without_pins, stage_setup,
		                                stage_teardown),
	};

	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
