/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The launcher's core with fake roles, started by real fork and exec, in real identities: needs
 * root. */
#include "common/cleanup.h"
#include "common/log.h"
#include "common/memfd.h"
#include "common/sandbox.h"
#include "launcher/rules.h"
#include "launcher/supervisor.h"
#include "proto/channel_fetcher.h"

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define UID_BROKER 64201
#define UID_FRONTEND 64202
#define UID_LOADER 64203
#define GID_ACCESS 64204
#define UID_FETCHER 64205
#define UID_VERIFIER 64206
#define WAIT_MS 10000

struct run {
	char helpers[64];
	pid_t pid;
	int output; /* what the launcher and its roles wrote to standard error */
	int sockets[2];
	bool images;
	char rules[32];  /* where policy.d lies; empty: nowhere */
	char policy[48]; /* the supervisor's own */
	char text[8192];
	size_t used;
};

static int nothing_confine(const struct supervisor *supervisor, struct error *error)
{
	(void)supervisor;
	(void)error;
	return 0;
}

/* A sanitizer's run-time calls more than the policy allows. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINES false
#else
#define CONFINES true
#endif

static int real_confine(const struct supervisor *supervisor, struct error *error)
{
	return CONFINES
	               ? sandbox_enter(&sandbox_policy_launcher, &supervisor->settings, NULL, error)
	               : nothing_confine(supervisor, error);
}

static void file_copy(const char *from, const char *to)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char bytes[16384];
	ssize_t count;

	assert_true(in >= 0 && out >= 0);
	while ((count = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)count), count);
	assert_int_equal(fchmod(out, 0755), 0);
}

static void helper_install(const struct run *run, const char *role, const char *behaviour)
{
	char from[512], to[128];

	if (!behaviour)
		return;
	(void)snprintf(from, sizeof(from), FAKE_ROLES "/fake_role_%s", behaviour);
	(void)snprintf(to, sizeof(to), "%s/bpfd-%s", run->helpers, role);
	file_copy(from, to);
}

static void rules_fill(struct run *run, struct supervisor *out)
{
	static const struct fetcher_settings settings;
	struct rules rules;
	struct error error;

	(void)snprintf(run->policy, sizeof(run->policy), "%s/policy.d", run->rules);
	assert_int_equal(mkdir(run->policy, 0755), 0);
	assert_int_equal(rules_make(run->policy, "", &rules, &error), 0);
	out->worker_settings[WORKER_VERIFIER] = rules.fd;
	out->worker_settings[WORKER_FETCHER] =
		memfd_from_bytes("settings", &settings, sizeof(settings));
	out->policy = run->policy;
	out->trusted_root = "";
}

static void supervisor_fill(struct run *run, struct supervisor *out)
{
	*out = (struct supervisor){
		.helpers = run->helpers,
		.users = { .broker = { UID_BROKER, UID_BROKER },
		           .frontend = { UID_FRONTEND, UID_FRONTEND },
		           .loader = { UID_LOADER, UID_LOADER },
		           .fetcher = { UID_FETCHER, UID_FETCHER },
		           .verifier = { UID_VERIFIER, UID_VERIFIER },
		           .access_gid = GID_ACCESS },
		.settings = { .log_level = LOG_LEVEL_DEBUG, .opener = 1 },
		.listen_fd = run->sockets[0],
		.events_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.latency_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.notify_fd = run->sockets[1],
		.null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.worker_settings = { -1, -1, -1, -1 },
		.start_timeout_ms = 2000,
		.stop_timeout_ms = 500,
		.confine = nothing_confine,
	};
	(void)snprintf(out->settings.helpers_directory, sizeof(out->settings.helpers_directory),
	               "%s", run->helpers);
	(void)snprintf(out->settings.state_directory, sizeof(out->settings.state_directory), "%s",
	               run->helpers);
	(void)snprintf(out->settings.ca_directory, sizeof(out->settings.ca_directory), "/etc");
	(void)snprintf(out->settings.rules_directory, sizeof(out->settings.rules_directory), "%s",
	               run->rules[0] ? run->rules : "/etc");
	if (run->images) {
		out->worker_settings[WORKER_FETCHER] = memfd_from_bytes("settings", "fetch", 5);
		out->worker_settings[WORKER_VERIFIER] = memfd_from_bytes("settings", "trust", 5);
	}
	if (run->rules[0])
		rules_fill(run, out);
}

/* Behaviours of opener, broker and frontend; NULL: the binary is missing. */
static void run_start_with(struct run *run, const char *opener, const char *broker,
                           const char *frontend,
                           int (*confine)(const struct supervisor *, struct error *))
{
	int output[2];

	memset(run->text, 0, sizeof(run->text));
	run->used = 0;
	(void)snprintf(run->helpers, sizeof(run->helpers), "/tmp/bpfd-launcher-test-XXXXXX");
	assert_non_null(mkdtemp(run->helpers));
	assert_int_equal(chmod(run->helpers, 0755), 0);
	helper_install(run, "opener", opener);
	helper_install(run, "broker", broker);
	helper_install(run, "frontend", frontend);
	helper_install(run, "loader", "worker");
	helper_install(run, "fetcher", "worker");
	helper_install(run, "verifier", "worker");
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->sockets), 0);
	run->pid = fork();
	assert_true(run->pid >= 0);
	if (run->pid == 0) {
		struct supervisor supervisor;

		(void)dup2(output[1], STDERR_FILENO);
		log_open("launcher", LOG_LEVEL_DEBUG);
		supervisor_fill(run, &supervisor);
		supervisor.confine = confine;
		_exit(supervisor_run(&supervisor));
	}
	(void)close(output[1]);
	(void)close(run->sockets[1]);
	run->output = output[0];
}

static void run_start(struct run *run, const char *opener, const char *broker, const char *frontend)
{
	run_start_with(run, opener, broker, frontend, nothing_confine);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Reads on until `text` appears (NULL: until nobody holds the pipe). */
static bool output_wait(struct run *run, const char *text)
{
	uint64_t deadline = now_ms() + WAIT_MS;

	while (!text || !strstr(run->text, text)) {
		struct pollfd wait = { .fd = run->output, .events = POLLIN };
		uint64_t now = now_ms();
		ssize_t count;

		if (now >= deadline || poll(&wait, 1, (int)(deadline - now)) <= 0)
			return false;
		count = read(run->output, run->text + run->used, sizeof(run->text) - 1 - run->used);
		if (count <= 0)
			return !text;
		run->used += (size_t)count;
	}
	return true;
}

/* The end of the launcher and of everything that it started: all of them hold the pipe. Returns the
 * wait status. */
static int run_finish(struct run *run)
{
	static const char *const roles[] = { "opener", "broker",  "frontend",
		                             "loader", "fetcher", "verifier" };
	bool ended = output_wait(run, NULL);
	int wait_status = -1;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/bpfd-%s", run->helpers, roles[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(run->helpers), 0);
	if (!ended)
		(void)kill(run->pid, SIGKILL);
	assert_int_equal(waitpid(run->pid, &wait_status, 0), run->pid);
	(void)close(run->output);
	(void)close(run->sockets[0]);
	if (!ended)
		fail_msg("something still runs; output: %s", run->text);
	return wait_status;
}

#define assert_output(run, needle)                                                    \
	do {                                                                          \
		if (!strstr((run)->text, needle))                                     \
			fail_msg("no \"%s\" in the output: %s", needle, (run)->text); \
	} while (0)
#define assert_exit(wait_status, expected)                            \
	do {                                                          \
		assert_true(WIFEXITED(wait_status));                  \
		assert_int_equal(WEXITSTATUS(wait_status), expected); \
	} while (0)

static void serves_and_stops(void **state)
{
	(void)state;
	struct run run = {};

	run_start_with(&run, "inspects", "inspects", "inspects", real_confine);
	assert_true(output_wait(&run, "ready on"));

	char notified[64] = "";
	assert_true(recv(run.sockets[0], notified, sizeof(notified) - 1, 0) > 0);
	assert_string_equal(notified, "READY=1\nSTATUS=serving");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	int wait_status = run_finish(&run);

	assert_output(&run, "stopping on SIGTERM");
	assert_null(strstr(run.text, "while it stopped"));
	assert_exit(wait_status, 0);
}

static void starts_workers(void **state)
{
	(void)state;
	struct run run = { .images = true };

	run_start_with(&run, "good", "runs_loaders", "runs_fetchers", real_confine);
	if (!output_wait(&run, "loaders are right"))
		fail_msg("output: %s", run.text);
	assert_output(&run, "cannot start a loader: too many run already");
	assert_true(output_wait(&run, "fetchers are right"));
	assert_int_equal(kill(run.pid, SIGINT), 0);
	int wait_status = run_finish(&run);

	assert_exit(wait_status, 0);
}

static void starts_no_fetcher_without_images(void **state)
{
	(void)state;
	struct run run = {};

	run_start_with(&run, "good", "good", "misses_fetchers", real_confine);
	assert_true(output_wait(&run, "no fetchers"));
	assert_output(&run, "cannot start a fetcher: images are switched off");
	assert_int_equal(kill(run.pid, SIGINT), 0);
	int wait_status = run_finish(&run);

	assert_exit(wait_status, 0);
}

static void file_write(const char *directory, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void file_remove(const char *directory, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(unlink(path), 0);
}

/* Behind the launcher's own sandbox, as "bpfctl reload" has them read; the files change as a whole
 * each time. */
static void rules_are_read_again(void **state)
{
	(void)state;
	if (!CONFINES) {
		print_message("SKIP: what lies out of its reach: it is not confined\n");
		skip();
	}
	struct run run = {};
	char text[256], policy[64], moved[96], outside[] = "/var/tmp/bpfd-key-XXXXXX";
	int fd = mkstemp(outside);

	assert_int_equal(write(fd, "key", 3), 3);
	(void)close(fd);
	(void)snprintf(run.rules, sizeof(run.rules), "/tmp/bpfd-rules-XXXXXX");
	assert_non_null(mkdtemp(run.rules));
	(void)snprintf(policy, sizeof(policy), "%s/policy.d", run.rules);
	run_start_with(&run, "good", "reads_rules", "good", real_confine);
	assert_true(output_wait(&run, "rules: none\n"));
	file_write(run.rules, "a.pub", "key");
	(void)snprintf(text, sizeof(text), "[repository r.example/a]\nverify = key %s/a.pub\n",
	               run.rules);
	file_write(run.rules, "new", text);
	(void)snprintf(text, sizeof(text), "%s/new", run.rules);
	(void)snprintf(moved, sizeof(moved), "%s/a.conf", policy);
	assert_int_equal(rename(text, moved), 0);
	assert_true(output_wait(&run, "rules: 1 1 \n"));
	assert_output(&run, "the rules about signatures were read again: 1, of which 1 want one");
	file_write(policy, "b.conf", "[repository r.example/b]\nverify = nobody\n");
	assert_true(output_wait(&run, "rules: 0 0 "));
	assert_true(output_wait(&run, "b.conf:2: \"verify\" expects "));
	(void)snprintf(text, sizeof(text), "[repository r.example/b]\nverify = key %s\n", outside);
	file_write(policy, "b.conf", text);
	assert_true(output_wait(&run, "start bpfd again\n"));
	file_remove(policy, "a.conf");
	file_remove(policy, "b.conf");
	assert_int_equal(rmdir(policy), 0);
	assert_true(output_wait(&run, "rules: 0 1 \n"));
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	int wait_status = run_finish(&run);

	assert_exit(wait_status, 0);
	file_remove(run.rules, "a.pub");
	assert_int_equal(rmdir(run.rules), 0);
	assert_int_equal(unlink(outside), 0);
}

/* Everything that goes wrong by itself ends the service with status 1 and says who and why. */
struct failure_row {
	const char *opener, *broker, *frontend;
	const char *said;
};

static const struct failure_row failure_rows[] = {
	{ "dies", "good", "good", "ended with status 3 before it was ready" },
	{ "good", "dies", "good", "bpfd-broker (pid " },
	{ "good", "good", "dies", "bpfd-frontend (pid " },
	{ "good", "sigsys", "good",
	  "was killed by SIGSYS: its seccomp policy refused a system call" },
	{ "good", "good", "hangs", "is not ready after 2 s" },
	{ "good", "ready_twice", "good", "broke the protocol" },
	{ "good", "good", "garbage", "broke the protocol" },
	{ "good", "good", "asks_loader", "broke the protocol" },
	{ "asks_loader", "good", "good", "broke the protocol" },
	{ "good", "good", "asks_verifier", "broke the protocol" },
	{ "good", "asks_fetcher", "good", "broke the protocol" },
	{ "asks_fetcher", "good", "good", "broke the protocol" },
	{ "good", "asks_nothing", "good", "broke the protocol" },
	{ "good", "asks_beyond", "good", "broke the protocol" },
	{ "kills_worker", "good", "good", "broke the protocol" },
	{ "good", "same_id", "good", "broke the protocol" },
	{ "good", "good", "asks_rules", "broke the protocol" },
	{ "good", "closes", "good", "was killed by SIGKILL" },
	{ "good", "good", NULL, "bpfd-frontend: No such file or directory" },
};

static void fails_with_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failure_rows) / sizeof(failure_rows[0]); i++) {
		const struct failure_row *row = &failure_rows[i];
		struct run run = {};

		run_start(&run, row->opener, row->broker, row->frontend);
		int wait_status = run_finish(&run);

		assert_output(&run, row->said);
		assert_output(&run, "; stopping");
		assert_exit(wait_status, 1);
	}
}

static int pid_of(const struct run *run, const char *role)
{
	char text[32];
	const char *line = strstr(run->text, "ready on ");
	const char *at;

	(void)snprintf(text, sizeof(text), "%s ", role);
	at = line ? strstr(line, text) : NULL;
	return at ? (int)strtol(at + strlen(text), NULL, 10) : -1;
}

static void a_killed_role_ends_all(void **state)
{
	(void)state;
	static const char *const roles[] = { "opener", "broker", "frontend" };

	for (size_t i = 0; i < 3; i++) {
		struct run run = {};
		char said[64];

		run_start_with(&run, "good", "good", "good", real_confine);
		assert_true(output_wait(&run, "ready on"));
		assert_int_equal(kill(pid_of(&run, roles[i]), SIGKILL), 0);
		int wait_status = run_finish(&run);

		(void)snprintf(said, sizeof(said), "bpfd-%s (pid %d) was killed by SIGKILL",
		               roles[i], pid_of(&run, roles[i]));
		assert_output(&run, said);
		assert_exit(wait_status, 1);
	}
}

static void roles_end_with_the_launcher(void **state)
{
	(void)state;
	struct run run = {};

	run_start(&run, "ignores_stop", "ignores_stop", "ignores_stop");
	assert_true(output_wait(&run, "ready on"));
	assert_int_equal(kill(run.pid, SIGKILL), 0);
	/* run_finish() waits until nobody holds the pipe */
	int wait_status = run_finish(&run);

	assert_true(WIFSIGNALED(wait_status));
}

static void kills_what_does_not_stop(void **state)
{
	(void)state;
	struct run run = {};

	run_start_with(&run, "good", "ignores_stop", "good", real_confine);
	assert_true(output_wait(&run, "ready on"));
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	int wait_status = run_finish(&run);

	assert_output(&run, "bpfd-broker (pid ");
	assert_output(&run, "does not stop: killing it");
	assert_exit(wait_status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_and_stops),
		cmocka_unit_test(starts_workers),
		cmocka_unit_test(starts_no_fetcher_without_images),
		cmocka_unit_test(rules_are_read_again),
		cmocka_unit_test(fails_with_reason),
		cmocka_unit_test(a_killed_role_ends_all),
		cmocka_unit_test(roles_end_with_the_launcher),
		cmocka_unit_test(kills_what_does_not_stop),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: needs root, to start processes as other users\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
