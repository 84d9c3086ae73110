/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The way of a role from the launcher's fork to its confined self, over a real exec: what /proc
 * says of it afterwards, and who is refused.
 */
#include "common/capability.h"
#include "common/cleanup.h"
#include "tests/sandbox/fixture.h"

#include <cmocka.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define HELPER "helpers/bpfd-role"
#define HELPER_HOLD_FD 3
#define CAPABILITY(name) (UINT64_C(1) << (name))

static struct fixture fixture;

/* How a child gets to the helper. */
struct start {
	const struct sandbox_policy *launcher; /* entered first, or NULL */
	const struct sandbox_policy *identity; /* taken, or NULL */
	const struct sandbox_policy *enter;    /* by the helper */
	int (*before)(void);                   /* just before exec, or NULL */
};

struct report {
	int status;
	char text[8192];
};

_Noreturn static void helper_start(const struct start *start, int output_fd, int hold_fd)
{
	char path[128];
	struct error error = {};

	(void)snprintf(path, sizeof(path), "%s/%s", fixture.base, HELPER);
	char *arguments[] = { path, (char *)(uintptr_t)start->enter->role, fixture.base,
		              start->launcher ? "confined" : NULL, NULL };
	char *environment[] = { NULL };

	if (dup2(output_fd, STDOUT_FILENO) < 0 || dup2(hold_fd, HELPER_HOLD_FD) < 0 ||
	    (start->launcher &&
	     sandbox_enter(start->launcher, &fixture.settings, NULL, &error) < 0) ||
	    (start->identity && fixture_identity(start->identity, &error) < 0) ||
	    (start->before && start->before() < 0)) {
		(void)dprintf(STDOUT_FILENO, "not started: %s\n", error.message);
		_exit(CHILD_NOT_CONFINED);
	}
	(void)execve(path, arguments, environment);
	_exit(CHILD_NOT_CONFINED);
}

/* Adds what the descriptor gives, up to its end or to the word that a confined helper says last. */
static void report_read(int fd, const char *last, struct report *report)
{
	size_t used = strlen(report->text);
	ssize_t length;

	while ((length = read(fd, report->text + used, sizeof(report->text) - 1 - used)) > 0) {
		used += (size_t)length;
		report->text[used] = '\0';
		if (last && strstr(report->text, last))
			break;
	}
}

static void status_read(pid_t pid, struct report *report)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	report_read(fd, NULL, report);
}

static void start_run(const struct start *start, struct report *report)
{
	int output[2], hold[2];

	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, hold), 0);
	report->text[0] = '\0';
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		helper_start(start, output[1], hold[1]);
	(void)close(output[1]);
	(void)close(hold[1]);
	report_read(output[0], "confined\n", report);
	status_read(pid, report);
	(void)close(output[0]);
	(void)close(hold[0]);
	assert_int_equal(waitpid(pid, &report->status, 0), pid);
}

/* The value after "Key:\t", up to the line's end. */
static void value_assert(const struct report *report, const char *key, const char *expected)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s:\t%s", key, expected);
	const char *found = strstr(report->text, line);

	if (!found || (found[strlen(line)] != '\n' && strcmp(found + strlen(line), " \n") == 0))
		fail_msg("expected \"%s\" in:\n%s", line, report->text);
}

static void confined_assert(const struct report *report, const struct sandbox_policy *policy,
                            uid_t uid)
{
	char number[128];

	assert_true(WIFEXITED(report->status));
	if (WEXITSTATUS(report->status) != 0)
		fail_msg("%s: %s", policy->role, report->text);
	(void)snprintf(number, sizeof(number), "%u\t%u\t%u\t%u\n", uid, uid, uid, uid);
	value_assert(report, "Uid", number);
	value_assert(report, "Gid", number);
	value_assert(report, "Groups", " \n");
	(void)snprintf(number, sizeof(number), "%016llx\n",
	               (unsigned long long)policy->capabilities);
	value_assert(report, "CapPrm", number);
	value_assert(report, "CapEff", number);
	value_assert(report, "CapBnd", number);
	value_assert(report, "CapInh", "0000000000000000\n");
	value_assert(report, "CapAmb", "0000000000000000\n");
	value_assert(report, "NoNewPrivs", "1\n");
	value_assert(report, "Seccomp", "2\n");
}

static void roles_hold_exactly_their_capabilities(void **state)
{
	const struct {
		const struct sandbox_policy *policy;
		uid_t uid;
		uint64_t capabilities;
	} roles[] = {
		{ &sandbox_policy_broker, ROLE_UID,
		  CAPABILITY(CAP_BPF) | CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(CAP_PERFMON) },
		{ &sandbox_policy_frontend, ROLE_UID, 0 },
		{ &sandbox_policy_loader, ROLE_UID, 0 },
		{ &sandbox_policy_opener, 0, CAPABILITY(CAP_SYS_ADMIN) },
		{ &sandbox_policy_opener_containers, 0,
		  CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_SYS_PTRACE) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		const struct start start = { .identity = roles[i].policy,
			                     .enter = roles[i].policy };
		struct report report;

		assert_true(roles[i].policy->capabilities == roles[i].capabilities);
		start_run(&start, &report);
		confined_assert(&report, roles[i].policy, roles[i].uid);
		value_assert(&report, "Seccomp_filters", "1\n");
		value_assert(&report, "DeathSignal", "9\n");
	}
}

/* Loaders are started by a launcher that is confined already, and live behind two filters. */
static void confined_launcher_starts_loaders(void **state)
{
	const struct start start = { .launcher = &sandbox_policy_launcher,
		                     .identity = &sandbox_policy_loader,
		                     .enter = &sandbox_policy_loader };
	struct report report;
	char bounding[32];

	(void)state;
	start_run(&start, &report);
	/* The launcher cannot touch the bounding set any more: it was cut to the launcher's own. */
	(void)snprintf(bounding, sizeof(bounding), "CapBnd:\t%016llx",
	               (unsigned long long)sandbox_policy_launcher.capabilities);
	char *found = strstr(report.text, bounding);

	if (!found) {
		fail_msg("expected \"%s\" in:\n%s", bounding, report.text);
		return; /* clang-tidy does not know that fail_msg() never returns */
	}
	(void)memcpy(found, "CapBnd:\t0000000000000000", strlen(bounding));
	confined_assert(&report, &sandbox_policy_loader, ROLE_UID);
	value_assert(&report, "Seccomp_filters", "2\n");
}

static void launcher_gives_up_the_rest(void **state)
{
	const struct start start = { .enter = &sandbox_policy_launcher };
	struct report report;

	(void)state;
	assert_true(sandbox_policy_launcher.capabilities ==
	            (CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID)));
	start_run(&start, &report);
	value_assert(&report, "CapPrm", "00000000000000e0\n");
	value_assert(&report, "CapEff", "00000000000000e0\n");
	value_assert(&report, "CapBnd", "00000000000000e0\n");
	value_assert(&report, "NoNewPrivs", "1\n");
	value_assert(&report, "Seccomp", "2\n");
	value_assert(&report, "DeathSignal", "0\n");
}

/* The same user and empty sets, but without no-new-privileges. */
static int privileges_open(void)
{
	return setresgid(ROLE_UID, ROLE_UID, ROLE_UID) < 0 ||
	                       setresuid(ROLE_UID, ROLE_UID, ROLE_UID) < 0
	               ? -1
	               : 0;
}

static int root_group(void)
{
	return setresgid(0, 0, 0) < 0 || setresuid(ROLE_UID, ROLE_UID, ROLE_UID) < 0 ? -1 : 0;
}

static int saved_root(void)
{
	return setresgid(ROLE_UID, ROLE_UID, ROLE_UID) < 0 || setresuid(ROLE_UID, ROLE_UID, 0) < 0
	               ? -1
	               : 0;
}

static void wrong_identities_are_refused(void **state)
{
	const struct {
		struct start start;
		const char *reason;
	} rows[] = {
		{ { .enter = &sandbox_policy_broker }, "the broker must not run as root" },
		{ { .identity = &sandbox_policy_loader, .enter = &sandbox_policy_opener },
		  "the opener must run as root, but runs as uid 64321" },
		{ { .identity = &sandbox_policy_broker, .enter = &sandbox_policy_loader },
		  "the loader was not started with exactly its capabilities: it holds "
		  "CAP_NET_ADMIN CAP_PERFMON CAP_BPF" },
		{ { .identity = &sandbox_policy_loader, .enter = &sandbox_policy_broker },
		  "the broker was not started with exactly its capabilities: it holds none" },
		{ { .enter = &sandbox_policy_opener },
		  "the opener was not started with exactly its capabilities: it holds CAP_KILL "
		  "CAP_SETGID CAP_SETUID CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_PERFMON "
		  "CAP_BPF and " },
		{ { .identity = &sandbox_policy_loader, .enter = &sandbox_policy_launcher },
		  "the launcher must run as root" },
		{ { .enter = &sandbox_policy_frontend, .before = privileges_open },
		  "the frontend was started without no-new-privileges" },
		{ { .enter = &sandbox_policy_frontend, .before = root_group },
		  "the frontend must not run in root's group" },
		/* over exec the saved uid becomes the effective one: seen as it is before */
		{ { .identity = &sandbox_policy_loader, .enter = &sandbox_policy_gate },
		  "the gate needs CAP_NET_ADMIN CAP_PERFMON CAP_BPF, which this process does not "
		  "hold" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct report report;

		start_run(&rows[i].start, &report);
		if (!strstr(report.text, rows[i].reason))
			fail_msg("row %zu: expected \"%s\", got:\n%s", i, rows[i].reason,
			         report.text);
		assert_true(WIFEXITED(report.status) && WEXITSTATUS(report.status) == 3);
	}
}

/* Asked of sandbox_enter() in this process's child: exec would even the three uids out. */
static int enter_saved_root(const void *argument)
{
	struct error error = {};

	(void)argument;
	if (saved_root() < 0)
		return 1;
	if (sandbox_enter(&sandbox_policy_frontend, NULL, NULL, &error) != -EPERM)
		return 2;
	return strstr(error.message, "can still change its user") ? 0 : 3;
}

static void a_way_back_to_root_is_refused(void **state)
{
	(void)state;
	assert_int_equal(fixture_run(enter_saved_root, NULL), 0);
}

struct identity_row {
	const struct sandbox_policy *policy;
	uid_t uid;
	gid_t gid;
	gid_t group;
	int result;
	uint64_t without; /* capabilities that the caller lacks */
	const char *reason;
};

static int identity_row_run(const void *argument)
{
	const struct identity_row *row = argument;
	struct capability_sets sets;
	struct error error = {};

	if (capability_sets_read(&sets) < 0)
		return 1;
	sets.permitted &= ~row->without;
	sets.effective &= ~row->without;
	sets.inheritable &= ~row->without;
	if (capability_sets_write(&sets) < 0)
		return 2;
	if (sandbox_identity(row->policy, row->uid, row->gid, &row->group, 1, &error) !=
	    row->result)
		return 3;
	return row->result == 0 || strstr(error.message, row->reason) ? 0 : 4;
}

static void impossible_identities_are_refused(void **state)
{
	const struct identity_row rows[] = {
		{ &sandbox_policy_broker, 0, 1, 1, -EINVAL, 0, "the broker must not run as root" },
		{ &sandbox_policy_opener, ROLE_UID, 1, 1, -EINVAL, 0,
		  "the opener must run as root" },
		{ &sandbox_policy_loader, ROLE_UID, 0, 1, -EINVAL, 0, "root's group" },
		{ &sandbox_policy_loader, ROLE_UID, 1, 0, -EINVAL, 0, "root's group" },
		{ &sandbox_policy_broker, ROLE_UID, 1, 1, -EPERM,
		  CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON),
		  "the broker needs CAP_PERFMON CAP_BPF, which this process does not hold" },
		{ &sandbox_policy_opener, 0, 0, 1, -EPERM, CAPABILITY(CAP_SYS_ADMIN),
		  "CAP_SYS_ADMIN" },
		{ &sandbox_policy_loader, ROLE_UID, 1, 1, -EPERM, CAPABILITY(CAP_SETUID),
		  "CAP_SETUID" },
		{ &sandbox_policy_loader, ROLE_UID, 1, 1, -EPERM, CAPABILITY(CAP_SETGID),
		  "CAP_SETGID" },
		/* containers often lack this one: no-new-privileges does */
		{ &sandbox_policy_broker, ROLE_UID, 1, 1, 0, CAPABILITY(CAP_SETPCAP), "" },
		{ &sandbox_policy_opener, 0, 0, 1, 0, CAPABILITY(CAP_SETPCAP), "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int outcome = fixture_run(identity_row_run, &rows[i]);

		if (outcome)
			fail_msg("row %zu: %d", i, outcome);
	}
}

static int setpcap_drop(void)
{
	struct capability_sets sets;

	if (capability_sets_read(&sets) < 0)
		return -1;
	sets.permitted &= ~CAPABILITY(CAP_SETPCAP);
	sets.effective &= ~CAPABILITY(CAP_SETPCAP);
	return capability_sets_write(&sets);
}

static int opener_without_setpcap(void)
{
	struct error error = {};

	if (setpcap_drop() < 0)
		return -1;
	return fixture_identity(&sandbox_policy_opener, &error);
}

/* Root's exec would fill the permitted set from the bounding set, which stays full here:
 * no-new-privileges holds. */
static void root_role_gains_nothing_by_exec(void **state)
{
	const struct start start = { .enter = &sandbox_policy_opener,
		                     .before = opener_without_setpcap };
	struct report report;

	(void)state;
	start_run(&start, &report);
	assert_true(WIFEXITED(report.status) && WEXITSTATUS(report.status) == 0);
	value_assert(&report, "CapPrm", "0000000000200000\n");
	value_assert(&report, "CapEff", "0000000000200000\n");
}

/* A parent that starts a role and ends: the role must not outlive it. */
static int orphan_make(const void *argument)
{
	const int *write_fd = argument;
	struct error error = {};
	int ready[2];
	char byte = 0;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	pid_t pid = fork();

	if (pid == 0) {
		if (fixture_identity(&sandbox_policy_loader, &error) < 0 ||
		    write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause(); /* holding *write_fd open */
	}
	(void)close(ready[1]);
	(void)write_fd;
	return pid > 0 && read(ready[0], &byte, 1) == 1 ? 0 : 2;
}

static void roles_end_with_their_parent(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fixture_run(orphan_make, &ends[1]), 0);
	(void)close(ends[1]);
	struct pollfd watch = { .fd = ends[0], .events = POLLIN };

	assert_int_equal(poll(&watch, 1, 5000), 1);
	assert_true(watch.revents & POLLHUP);
	(void)close(ends[0]);
}

/* Two loaders are one user: neither may look into the other. */
static void roles_of_one_user_cannot_trace_each_other(void **state)
{
	int ready[2], hold[2];
	char byte = 0;
	int status;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid_t victim = fork();

	if (victim == 0) {
		(void)close(hold[1]);
		fixture_enter(&fixture, &sandbox_policy_loader);
		_exit(write(ready[1], &byte, 1) == 1 && read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	pid_t attacker = fork();

	if (attacker == 0) {
		struct error error = {};

		if (fixture_identity(&sandbox_policy_loader, &error) < 0)
			_exit(1);
		_exit(ptrace(PTRACE_SEIZE, victim, NULL, NULL) < 0 && errno == EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(attacker, &status, 0), attacker);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(hold[1]);
	assert_int_equal(waitpid(victim, &status, 0), victim);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int fixture_open(void **state)
{
	(void)state;
	if (fixture_make(&fixture) < 0)
		return -1;
	return fixture_copy(&fixture, BPFD_BUILD_DIR "/tests/sandbox_role_helper", HELPER);
}

static int fixture_close(void **state)
{
	(void)state;
	fixture_remove(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_hold_exactly_their_capabilities),
		cmocka_unit_test(confined_launcher_starts_loaders),
		cmocka_unit_test(launcher_gives_up_the_rest),
		cmocka_unit_test(wrong_identities_are_refused),
		cmocka_unit_test(a_way_back_to_root_is_refused),
		cmocka_unit_test(impossible_identities_are_refused),
		cmocka_unit_test(root_role_gains_nothing_by_exec),
		cmocka_unit_test(roles_end_with_their_parent),
		cmocka_unit_test(roles_of_one_user_cannot_trace_each_other),
	};

	if (fixture_skip())
		return 77;
	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
