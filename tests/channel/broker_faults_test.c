/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker with loaders that die or hang, on a disk that is full and interfaces that others
 * change. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"
#include "tests/channel/broker_stage_roles.h"

#include "broker/broker.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

static struct frontend_load request;

#define EXIT_STATUS_BROKEN (1 << 8) /* as waitpid(2) gives exit status 1 */

/* ---- loaders die or hang ---- */

static struct stage_loader *loader_last(void)
{
	assert_true(stage->loader_count > 0);
	return &stage->loaders[(stage->loader_count - 1) % STAGE_MOST];
}

static void test_loader_dies_while_warm(void **state)
{
	unsigned int starts;

	(void)state;
	stage_start();
	stage_pump_for(200);
	starts = stage->loader_starts;
	assert_int_equal(kill(loader_last()->pid, SIGKILL), 0);
	while (stage->loader_starts == starts)
		assert_int_equal(stage_pump(5000), 0);
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), 1);
	assert_int_equal(stage_stop(), 0);
}

/* No loader lives: they are tried more and more seldom, and a load is told after its time. */
static void test_no_loader_lives(void **state)
{
	(void)state;
	stage->loaders_refused = true;
	stage->settings.load_timeout_ms = 1500;
	stage_start();
	stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
	assert_refused(stage_answer(stage_load_send("xdp_counter", &request)), ERROR_UNAVAILABLE,
	               "no loader");
	assert_in_range(stage->loader_starts, 4, 12);
	assert_int_equal(stage->program_count, 0);
	stage->loaders_refused = false;
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), 1);
	assert_int_equal(stage_stop(), 0);
}

/* What came of a load whose loader was stopped, and then got this signal, too, if it is one. */
static const struct stage_answer *load_stopped(struct stage_loader loader, int signal)
{
	uint64_t id;

	assert_int_equal(kill(loader.pid, SIGSTOP), 0);
	stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
	id = stage_load_send("xdp_counter", &request);
	if (signal) {
		stage_pump_for(200);
		assert_int_equal(kill(loader.pid, signal), 0);
	}
	return stage_answer(id);
}

/* A loader that was not warm yet did not have the load: another did it, or there was none in time.
 */
static bool was_cold(const struct stage_answer *answer)
{
	return answer->type == FRONTEND_DONE ||
	       strstr(answer->refused.error.message, "no loader was free");
}

/* The first such load whose loader was warm: it, what came of it, and what there was before. */
struct stopped {
	struct stage_loader loader;
	const struct stage_answer *answer;
	size_t programs;
	uint64_t failed; /* loads */
};

static struct stopped load_stopped_warm(int signal)
{
	struct stopped load;
	int wait_ms = 128;

	do {
		stage_pump_for(wait_ms);
		load.loader = *loader_last();
		load.programs = stage->program_count;
		load.failed = stage->status.loads_failed;
		load.answer = load_stopped(load.loader, signal);
		assert_non_null(load.answer);
		wait_ms *= 2;
	} while (was_cold(load.answer) && wait_ms <= 4096);
	return load;
}

/* The loader hangs in its load: the client is told, the loader is killed, the next load works. */
static void test_loader_hangs(void **state)
{
	struct stopped load;

	(void)state;
	stage->settings.load_timeout_ms = 1000;
	stage_start();
	load = load_stopped_warm(0);
	assert_refused(load.answer, ERROR_TIMEOUT, "1000 ms");
	while (stage->loader_killed != load.loader.id)
		assert_int_equal(stage_pump(5000), 0);
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP),
	                 load.programs + 1);
	assert_int_equal(stage->status.loads_failed, load.failed + 1);
	assert_int_equal(stage_stop(), 0);
}

static void test_loader_dies_in_its_load(void **state)
{
	struct stopped load;

	(void)state;
	stage_start();
	load = load_stopped_warm(SIGKILL);
	assert_refused(load.answer, ERROR_UNAVAILABLE, "");
	assert_int_equal(stage_entries("programs"), load.programs);
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP),
	                 load.programs + 1);
	assert_int_equal(stage_stop(), 0);
}

/* More loads than there are sessions: all are served, in order, and a hanging one holds up nobody.
 */
static void test_many_loads_at_once(void **state)
{
	uint64_t ids[24];

	(void)state;
	stage_start();
	stage_pump_for(300);
	for (size_t i = 0; i < 24; i++) {
		stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
		ids[i] = stage_load_send("xdp_counter", &request);
		stage_pump_for(1);
	}
	for (size_t i = 0; i < 24; i++)
		assert_done(stage_answer(ids[i]));
	assert_int_equal(stage->program_count, 24);
	assert_int_equal(stage_entries("programs"), 24);
	assert_int_equal(stage_stop(), 0);
}

/* ---- the file system of the store, or of its copy, is full ---- */

static int ballast_make(const char *path)
{
	static unsigned char block[4096];
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0) {
	}
	return fd;
}

static void test_disk_full(void **state)
{
	char path[256];
	_cleanup_close_ int fd = -1;
	size_t loaded = 0;
	const struct stage_answer *answer;

	(void)state;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	stage_live_path(path, "ballast");
	fd = ballast_make(path);
	/* The store's own free pages take a few more. */
	do {
		stage_load_fill(&request, "xdp_counter", PROGRAM_TYPE_XDP);
		answer = stage_answer(stage_load_send("xdp_counter", &request));
		assert_true(++loaded < 30);
	} while (answer->type == FRONTEND_DONE);
	assert_refused(answer, ERROR_STORE, "file system is full");
	assert_int_equal(stage_entries("programs"), loaded);
	assert_int_equal(stage->program_count, loaded);

	while ((answer = stage_attach_xdp(1, "v0"))->type == FRONTEND_DONE)
		assert_done(stage_remove(FRONTEND_DETACH, answer->done.ids[0]));
	assert_refused(answer, ERROR_STORE, "file system is full");
	assert_int_equal(stage_attached("v0"), 0);
	assert_int_equal(stage->link_count, 0);
	assert_int_equal(stage_entries("dispatchers"), 0);

	assert_int_equal(unlink(path), 0);
	(void)close(steal_fd(&fd));
	assert_done(stage_attach_xdp(1, "v0"));
	assert_int_equal(stage_stop(), 0);
	stage_start();
	assert_int_equal(stage->program_count, loaded);
	assert_int_equal(stage->link_count, 1);
	assert_int_equal(stage_stop(), 0);
}

static const struct stage_answer *update_xdp(uint64_t program_id)
{
	struct frontend_update update = { .link_id = 1, .program_id = program_id };

	return stage_answer(stage_send(FRONTEND_UPDATE, &update, NULL));
}

/* An update that cannot be stored, before or after the kernel was changed: the link is as it was.
 */
static void test_update_on_a_full_disk(void **state)
{
	char path[256];
	_cleanup_close_ int fd = -1;
	const struct stage_answer *answer;
	uint64_t program_id = 1;

	(void)state;
	stage_start();
	for (int i = 0; i < 2; i++)
		(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_done(stage_attach_xdp(1, "v0"));
	stage_live_path(path, "ballast");
	fd = ballast_make(path);
	while ((answer = update_xdp(3 - program_id))->type == FRONTEND_DONE)
		program_id = 3 - program_id;
	assert_refused(answer, ERROR_STORE, "file system is full");
	assert_int_equal(stage_link(1)->program_id, program_id);
	assert_int_equal(stage_attached("v0"), stage_program(program_id)->kernel_id);
	assert_int_equal(stage_entries("dispatchers"), 1);

	assert_int_equal(unlink(path), 0);
	(void)close(steal_fd(&fd));
	assert_done(update_xdp(3 - program_id));
	assert_int_equal(stage_stop(), 0);
	stage_start();
	assert_int_equal(stage_link(1)->program_id, 3 - program_id);
	assert_int_equal(stage_attached("v0"), stage_program(3 - program_id)->kernel_id);
	assert_int_equal(stage_stop(), 0);
}

/* A bpfd that was ended finds its state although it cannot write any more. */
static void test_start_on_a_full_disk(void **state)
{
	char path[256];

	(void)state;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_done(stage_attach_xdp(1, "v0"));
	stage_kill();
	stage_live_path(path, "ballast");
	assert_int_equal(close(ballast_make(path)), 0);
	stage_start();
	assert_int_equal(stage_link(1)->state, LINK_STATE_ATTACHED);
	assert_int_equal(stage_stop(), 0);
}

static void store_copy_wait(uint32_t written)
{
	while (stage->status.store_copy != written)
		assert_int_equal(stage_pump(10000), 0);
}

/* The copy cannot be written: changes are made nevertheless, the status says it, and says when it
 * is over. */
static void test_copy_fails(void **state)
{
	char path[256];

	(void)state;
	stage->settings.log_level = 0;
	stage_start();
	assert_int_equal(stage->status.store_copy, 1);
	(void)snprintf(path, sizeof(path), "%s/ballast", stage->settings.state_directory);
	assert_int_equal(close(ballast_make(path)), 0);
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	store_copy_wait(0);
	assert_int_equal(stage->status.store_copy_errno, ENOSPC);
	assert_done(stage_attach_xdp(1, "v0"));
	assert_int_equal(unlink(path), 0);
	store_copy_wait(1);
	assert_int_equal(stage->status.store_copy_errno, 0);
	assert_int_equal(stage_stop(), 0);
}

static void test_stop_with_a_copy_that_fails(void **state)
{
	char path[256];

	(void)state;
	stage->settings.log_level = 0;
	stage_start();
	(void)snprintf(path, sizeof(path), "%s/ballast", stage->settings.state_directory);
	assert_int_equal(close(ballast_make(path)), 0);
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	assert_int_equal(stage_stop(), 0);
	stage_start();
	assert_int_equal(stage->program_count, 1);
	assert_int_equal(stage->status.store_copy, 0);
	assert_int_equal(stage_stop(), 0);
}

/* Without the live store and without the pins, as a reboot leaves it. */
static void reboot(void)
{
	char path[256];

	stage_live_path(path, "data.mdb");
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "rm -r %.128s/programs/* %.100s/maps/*",
	               stage->settings.bpffs_directory, stage->settings.bpffs_directory);
	stage_command(path);
}

static void test_reboot(void **state)
{
	(void)state;
	stage->settings.log_level = 0;
	stage_start();
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), id);
	assert_int_equal(stage_stop(), 0);
	reboot();
	stage_start();
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), 4);
	/* Not stopped in order, before and after the copy was written. */
	stage_kill();
	reboot();
	stage_start();
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP),
	                 4 + STORE_ID_GAP);
	stage_pump_for(1500);
	stage_kill();
	reboot();
	stage_start();
	assert_int_equal(stage->program_count, 0);
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP),
	                 5 + 2 * STORE_ID_GAP);
	assert_int_equal(stage_stop(), 0);
}

/* ---- others change interfaces ---- */

static void test_interface_changes(void **state)
{
	uint64_t link;

	(void)state;
	stage_start();
	(void)stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP);
	link = assert_done(stage_attach_xdp(1, "v0"));
	stage_command("ip link set v0 down; ip link set v0 name renamed; ip link set renamed up");
	while (strcmp(stage_link(link)->target.interface, "renamed") != 0)
		assert_int_equal(stage_pump(5000), 0);
	assert_int_equal(stage_link(link)->state, LINK_STATE_ATTACHED);
	stage_command("ip link set renamed down; ip link set renamed name v0; ip link set v0 up");
	stage_command("ip link set dev v0 xdp off");
	while (stage_link(link)->state != LINK_STATE_REMOVED)
		assert_int_equal(stage_pump(5000), 0);
	assert_done(stage_remove(FRONTEND_DETACH, link));
	link = assert_done(stage_attach_xdp(1, "v0"));
	stage_command("ip link del v0");
	while (stage_link(link)->state != LINK_STATE_GONE)
		assert_int_equal(stage_pump(5000), 0);
	while (stage->chain_count > 0)
		assert_int_equal(stage_pump(5000), 0);
	/* bpfd's own pins of that interface are collected */
	for (int tries = 0; tries < 50 && stage_entries("dispatchers") > 0; tries++)
		stage_pump_for(100);
	assert_int_equal(stage_entries("dispatchers"), 0);
	stage_kill();
	stage_start();
	assert_int_equal(stage_link(link)->state, LINK_STATE_GONE);
	assert_done(stage_remove(FRONTEND_DETACH, link));
	assert_done(stage_remove(FRONTEND_UNLOAD, 1));
	assert_int_equal(stage_stop(), 0);
}

static void test_without_opener(void **state)
{
	const struct stage_answer *answer;

	(void)state;
	stage->settings.opener = 0;
	stage_start();
	assert_int_equal(stage->status.opener, 0);
	(void)stage_load("tracepoint_counter", "tracepoint_counter", PROGRAM_TYPE_TRACEPOINT);
	answer = stage_attach_tracepoint(1, "sched", "sched_switch");
	assert_refused(answer, ERROR_UNSUPPORTED, "opener");
	assert_int_equal(stage->link_count, 0);
	assert_int_equal(stage_stop(), 0);
}

/* A second broker on the same store ends with the reason; the first does not notice. */
static void test_second_broker(void **state)
{
	struct stage *first = stage;
	struct stage second = { .settings = stage->settings,
		                .crash = stage->crash,
		                .launcher = { .fd = -1 },
		                .frontend = { .fd = -1 },
		                .opener_launcher = { .fd = -1 } };

	(void)state;
	stage_start();
	second.settings.log_level = 0;
	stage = &second;
	stage_spawn();
	int status = stage_wait_end();
	stage = first;
	assert_int_equal(status, EXIT_STATUS_BROKEN);
	assert_int_equal(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP), 1);
	assert_int_equal(stage_stop(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loader_dies_while_warm, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_no_loader_lives, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_loader_hangs, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_loader_dies_in_its_load, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_many_loads_at_once, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_update_on_a_full_disk, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_start_on_a_full_disk, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_copy_fails, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_stop_with_a_copy_that_fails, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_reboot, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_interface_changes, stage_setup,
		                                stage_teardown),
		cmocka_unit_test_setup_teardown(test_without_opener, stage_setup, stage_teardown),
		cmocka_unit_test_setup_teardown(test_second_broker, stage_setup, stage_teardown),
	};

	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
