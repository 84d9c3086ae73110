/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Each step of the sandbox made to fail, by a seccomp filter of the test's own that answers one
 * system call with an error: nobody continues unconfined, and the reason is said.
 */
#include "common/landlock.h"
#include "tests/sandbox/fixture.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ANY (-1)

static struct fixture fixture;

struct row {
	const struct sandbox_policy *policy;
	const char *reason; /* in the error; NULL: the step succeeds all the same */
	long number;        /* the system call that fails */
	int argument;       /* its first argument, or ANY */
	int answer;         /* errno; 0: it returns 0 and does nothing */
	int result;
};

/* clang-format off */
static const struct row identity_rows[] = {
	{ &sandbox_policy_broker, "cannot read its capabilities", SYS_capget, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot give up gaining privileges by exec", SYS_prctl, PR_SET_NO_NEW_PRIVS, EINVAL, -EINVAL },
	{ &sandbox_policy_broker, "cannot give up gaining privileges by exec", SYS_prctl, PR_CAPBSET_DROP, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot give up gaining privileges by exec", SYS_prctl, PR_SET_SECUREBITS, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot take gid 64321", SYS_setgroups, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot take gid 64321", SYS_setresgid, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot keep its capabilities", SYS_prctl, PR_SET_KEEPCAPS, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot take uid 64321: Resource temporarily unavailable", SYS_setresuid, ANY, EAGAIN, -EAGAIN },
	{ &sandbox_policy_broker, "capability sets were refused", SYS_capset, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot read its resource limit", SYS_prlimit64, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot bind its life to its parent's", SYS_prctl, PR_SET_PDEATHSIG, EINVAL, -EINVAL },
};

static const struct row enter_rows[] = {
	/* kernels without Landlock, or with it switched off */
	{ &sandbox_policy_broker, NULL, SYS_landlock_create_ruleset, ANY, ENOSYS, 0 },
	{ &sandbox_policy_broker, NULL, SYS_landlock_create_ruleset, ANY, EOPNOTSUPP, 0 },

	{ &sandbox_policy_broker, "cannot read its user and group", SYS_getresuid, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot settle its capability sets", SYS_capget, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot settle its capability sets", SYS_capset, ANY, EPERM, -EPERM },
	/* it claims success: the inheritable and ambient sets are still there */
	{ &sandbox_policy_broker, "are not as its policy says", SYS_capset, ANY, 0, -EPERM },
	{ &sandbox_policy_broker, "without no-new-privileges", SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, -EPERM },
	{ &sandbox_policy_broker, "cannot bind its life to its parent's", SYS_prctl, PR_SET_PDEATHSIG, EINVAL, -EINVAL },
	{ &sandbox_policy_broker, "cannot read its resource limit", SYS_prlimit64, ANY, EPERM, -EPERM },
	{ &sandbox_policy_broker, "cannot leave", SYS_landlock_add_rule, ANY, EINVAL, -EINVAL },
	{ &sandbox_policy_broker, "cannot confine itself by Landlock", SYS_landlock_restrict_self, ANY, E2BIG, -E2BIG },
	{ &sandbox_policy_broker, "cannot hide itself from ptrace", SYS_prctl, PR_SET_DUMPABLE, EINVAL, -EINVAL },
	{ &sandbox_policy_broker, "cannot load its seccomp filter", SYS_seccomp, ANY, EINVAL, -EINVAL },
};
/* clang-format on */

/* Lower halves only: this is a little-endian test of calls that take ints. */
static int call_fail(const struct row *row)
{
	const unsigned int answer = SECCOMP_RET_ERRNO | (unsigned int)row->answer;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)row->number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)row->argument, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (row->argument == ANY)
		filter[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static int outcome_check(const struct row *row, int result, const struct error *error)
{
	if (result != row->result)
		return 2;
	if (!row->reason)
		return 0;
	return strstr(error->message, row->reason) && strncmp(error->message, "the broker", 10) == 0
	               ? 0
	               : 3;
}

static int identity_run(const void *argument)
{
	const struct row *row = argument;
	struct error error = {};

	if (call_fail(row) < 0)
		return 1;
	int result = fixture_identity(row->policy, &error);

	return outcome_check(row, result, &error);
}

static int enter_run(const void *argument)
{
	const struct row *row = argument;
	struct error error = {};
	uint32_t abi = 99;

	if (fixture_identity(row->policy, &error) < 0 || call_fail(row) < 0)
		return 1;
	int result = sandbox_enter(row->policy, &fixture.settings, &abi, &error);

	/* Said on success only; 0 is what a kernel without Landlock has. */
	if (abi != (result == 0 ? 0 : 99))
		return 4;
	return outcome_check(row, result, &error);
}

/* A kernel without Landlock has no such step. */
static bool row_applies(const struct row *row)
{
	if (row->number != SYS_landlock_add_rule && row->number != SYS_landlock_restrict_self)
		return true;
	if (landlock_version() > 0)
		return true;
	print_message("SKIP: %s: this kernel has no Landlock\n", row->reason);
	return false;
}

static void rows_run(const struct row *rows, size_t count, int (*run)(const void *argument))
{
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++) {
		int outcome = row_applies(&rows[i]) ? fixture_run(run, &rows[i]) : 0;

		if (outcome == 0)
			continue;
		print_error("row %zu (%s): %d\n", i,
		            rows[i].reason ? rows[i].reason : "no Landlock", outcome);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void no_identity_without_every_step(void **state)
{
	(void)state;
	rows_run(identity_rows, sizeof(identity_rows) / sizeof(identity_rows[0]), identity_run);
}

static void no_sandbox_without_every_step(void **state)
{
	(void)state;
	rows_run(enter_rows, sizeof(enter_rows) / sizeof(enter_rows[0]), enter_run);
}

static int fixture_open(void **state)
{
	(void)state;
	return fixture_make(&fixture);
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
		cmocka_unit_test(no_identity_without_every_step),
		cmocka_unit_test(no_sandbox_without_every_step),
	};

	if (fixture_skip())
		return 77;
	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
