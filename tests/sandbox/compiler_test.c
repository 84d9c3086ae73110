/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The policy compiler: what it refuses, with the place and the reason, and what it makes of what it
 * takes. */
#include "seccomp/policy.h"
#include "tests/sandbox/simulator.h"

#include <cmocka.h>
#include <asm/unistd.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD "role test\nroot no\ndefault kill\n"

struct bad_row {
	const char *text;
	const char *message;
};

/* clang-format off */
static const struct bad_row bad_rows[] = {
	{ "", "t.policy:0: the policy has no \"role\" line" },
	{ "role test\n", "t.policy:1: the policy has no \"root yes|no|any\" line" },
	{ "role test\nroot no\n", "t.policy:2: the policy has no \"default kill\" line" },
	{ HEAD, "t.policy:3: the policy allows no system call: the role could not even end" },
	{ "role\n", "t.policy:1: expected: role NAME" },
	{ "role a b\n", "t.policy:1: expected: role NAME" },
	{ "role Test\n", "t.policy:1: \"Test\" is no role name: lower case letters only" },
	{ "role a;b\n", "t.policy:1: \"a;b\" is no role name: lower case letters only" },
	{ "role test\nrole test\n", "t.policy:2: the role is named twice" },
	{ "role test\nroot maybe\n", "t.policy:2: expected: root yes|no|any" },
	{ "role test\nroot any\ndefault kill\nallow read\n",
	  "t.policy:4: \"root any\" needs \"narrows\", and leaves no capability" },
	{ "role test\nroot any\nnarrows\ncapability CAP_BPF\ndefault kill\nallow read\n",
	  "t.policy:6: \"root any\" needs \"narrows\", and leaves no capability" },
	{ "role test\nroot yes\nroot no\n", "t.policy:3: root is said twice" },
	{ HEAD "permit read\n", "t.policy:4: \"permit\" is nothing that a policy says" },
	{ "default allow\n", "t.policy:1: expected: default kill (nothing else is accepted)" },
	{ HEAD "narrows now\n", "t.policy:4: expected: narrows" },
	{ HEAD "capability\n", "t.policy:4: expected: capability CAP_NAME..." },
	{ HEAD "capability CAP_NOTHING\n", "t.policy:4: \"CAP_NOTHING\" is no capability" },
	{ HEAD "capability BPF\n", "t.policy:4: \"BPF\" is no capability" },
	{ HEAD "capability CAP_BPF CAP_BPF\n", "t.policy:4: CAP_BPF is given twice" },
	{ HEAD "rlimit NOFILE\n", "t.policy:4: expected: rlimit NAME VALUE" },
	{ HEAD "rlimit FILES 5\n", "t.policy:4: \"FILES\" is no resource limit that the compiler knows" },
	{ HEAD "rlimit NOFILE 5x\n", "t.policy:4: \"5x\" is not a number" },
	{ HEAD "rlimit NOFILE 99999999999999999999\n", "t.policy:4: \"99999999999999999999\" is not a number" },
	{ HEAD "rlimit NOFILE 5\nrlimit NOFILE 6\n", "t.policy:5: NOFILE is limited twice" },
	{ HEAD "landlock read\n", "t.policy:4: expected: landlock ACCESS|ACCESS... PATH [optional]" },
	{ HEAD "landlock read /a maybe\n", "t.policy:4: expected: landlock ACCESS|ACCESS... PATH [optional]" },
	{ HEAD "landlock peek /a\n", "t.policy:4: \"peek\" is no Landlock access" },
	{ HEAD "landlock read| /a\n", "t.policy:4: \"\" is no Landlock access" },
	{ HEAD "landlock read a\n", "t.policy:4: \"a\" is no path: it starts with neither / nor @" },
	{ HEAD "landlock read /a\"b\n", "t.policy:4: \"/a\"b\" holds a quote or a backslash" },
	{ HEAD "landlock scope world\n", "t.policy:4: \"world\" is no Landlock scope" },
	{ HEAD "landlock tcp listen\n", "t.policy:4: \"listen\" is no Landlock access to TCP" },
	{ HEAD "allow read\nlandlock inherited\nlandlock tcp connect\n",
	  "t.policy:6: \"landlock inherited\" takes no rules of its own" },
	{ HEAD "allow read\nlandlock inherited\nlandlock read /a\n",
	  "t.policy:6: \"landlock inherited\" takes no rules of its own" },
	{ HEAD "needed\n", "t.policy:4: expected: needed LIBRARY..." },
	{ HEAD "allow\n", "t.policy:4: expected: allow CALL..." },
	{ HEAD "allow reed\n", "t.policy:4: \"reed\" is no system call" },
	{ HEAD "allow read\n\n# a comment\nallow write read\n", "t.policy:7: read has a rule already" },
	{ HEAD "allow bpf\nallow bpf arg0 == BPF_PROG_LOAD\n", "t.policy:5: bpf has a rule already" },
	{ HEAD "allow bpf arg0 == BPF_PROG_LOAD\nerrno ENOSYS bpf\n", "t.policy:5: bpf has a rule already" },
	{ HEAD "errno ENOTHING bpf\n", "t.policy:4: expected: errno ENAME CALL..." },
	{ HEAD "errno ENOSYS\n", "t.policy:4: expected: errno ENAME CALL..." },
	{ HEAD "allow bpf arg6 == 1\n", "t.policy:4: \"arg6\" is no argument: arg0 to arg5" },
	{ HEAD "allow bpf arg0\n", "t.policy:4: expected: CALL argN [& MASK] == VALUE [and argN ...] | "
	  "argN [& MASK] in VALUE..." },
	{ HEAD "allow bpf arg0 > 3\n", "t.policy:4: expected: CALL argN [& MASK] == VALUE [and argN ...] | "
	  "argN [& MASK] in VALUE..." },
	{ HEAD "allow bpf arg0 == 3 or\n", "t.policy:4: expected: CALL argN [& MASK] == VALUE [and argN ...] | "
	  "argN [& MASK] in VALUE..." },
	{ HEAD "allow bpf arg0 == 3 and\n", "t.policy:4: expected: CALL argN [& MASK] == VALUE [and argN ...] | "
	  "argN [& MASK] in VALUE..." },
	{ HEAD "allow bpf arg0 in\n", "t.policy:4: expected: CALL argN [& MASK] == VALUE [and argN ...] | "
	  "argN [& MASK] in VALUE..." },
	{ HEAD "allow bpf arg0 == BPF_PROG_LAOD\n", "t.policy:4: \"BPF_PROG_LAOD\" is no constant that the compiler knows" },
	{ HEAD "allow mmap arg2 & PROT_EXEC|PROT_REED == 0\n",
	  "t.policy:4: \"PROT_REED\" is no constant that the compiler knows" },
	{ HEAD "allow mmap arg2 & PROT_EXEC == PROT_WRITE\n",
	  "t.policy:4: the value has bits outside the mask: the rule could never match" },
	{ HEAD "allow bpf arg0 == 1 arg1 == 2\n", "t.policy:4: expected: CALL argN [& MASK] == VALUE [and argN ...] | "
	  "argN [& MASK] in VALUE..." },
};
/* clang-format on */

/* Parses `text`; the result, and in `messages` (to be freed) what was said. */
static int text_parse(const char *text, struct policy *policy, char **messages)
{
	size_t size;
	FILE *output = open_memstream(messages, &size);
	/* fmemopen() takes no empty buffer */
	FILE *input = text[0] ? fmemopen((char *)(uintptr_t)text, strlen(text), "r")
	                      : fopen("/dev/null", "re");

	assert_non_null(output);
	assert_non_null(input);
	int result = policy_parse(policy, "t.policy", input, output);

	(void)fclose(input);
	(void)fclose(output);
	return result;
}

static void bad_policies_are_refused_with_their_place(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		struct policy policy;
		char *messages = NULL;
		int result = text_parse(bad_rows[i].text, &policy, &messages);

		messages[strcspn(messages, "\n")] = '\0';
		if (result == 0 || strcmp(messages, bad_rows[i].message) != 0) {
			print_error("row %zu: %d \"%s\" instead of \"%s\"\n", i, result, messages,
			            bad_rows[i].message);
			wrong++;
		}
		free(messages);
		policy_free(&policy);
	}
	assert_int_equal(wrong, 0);
}

static unsigned int policy_verdict(const struct policy *policy, const struct seccomp_data *data)
{
	static struct sock_filter filter[4096];
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(seccomp_export_bpf(policy->filter, fileno(file)), 0);
	ssize_t size = pread(fileno(file), filter, sizeof(filter), 0);

	(void)fclose(file);
	assert_true(size > 0 && (size_t)size < sizeof(filter));
	return simulator_run(filter, (size_t)size / sizeof(filter[0]), data);
}

static void rules_mean_what_they_say(void **state)
{
	static const char text[] = HEAD "allow read write # both\n"
					"allow mmap arg2 & PROT_EXEC|PROT_WRITE in 0 PROT_WRITE\n"
					"allow kill arg0 == 7 and arg1 & INT == SIGKILL\n"
					"errno EPERM prlimit64\n";
	const struct {
		int number;
		unsigned int verdict;
		uint64_t arguments[6];
	} rows[] = {
		{ __NR_read, SECCOMP_RET_ALLOW, {} },
		{ __NR_write, SECCOMP_RET_ALLOW, {} },
		{ __NR_close, SECCOMP_RET_KILL_PROCESS, {} },
		{ __NR_mmap, SECCOMP_RET_ALLOW, { 0, 0, PROT_READ } },
		{ __NR_mmap, SECCOMP_RET_ALLOW, { 0, 0, PROT_WRITE } },
		{ __NR_mmap, SECCOMP_RET_KILL_PROCESS, { 0, 0, PROT_EXEC } },
		{ __NR_mmap, SECCOMP_RET_KILL_PROCESS, { 0, 0, PROT_EXEC | PROT_WRITE } },
		{ __NR_kill, SECCOMP_RET_ALLOW, { 7, 9 } },
		{ __NR_kill, SECCOMP_RET_ALLOW, { 7, UINT64_C(1) << 32 | 9 } },
		{ __NR_kill, SECCOMP_RET_KILL_PROCESS, { UINT64_C(1) << 32 | 7, 9 } },
		{ __NR_kill, SECCOMP_RET_KILL_PROCESS, { 7, 15 } },
		{ __NR_kill, SECCOMP_RET_KILL_PROCESS, { 8, 9 } },
		{ __NR_prlimit64, SECCOMP_RET_ERRNO | EPERM, {} },
	};
	struct policy policy;
	char *messages = NULL;

	(void)state;
	assert_int_equal(text_parse(text, &policy, &messages), 0);
	assert_string_equal(messages, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seccomp_data data = { .nr = rows[i].number, .arch = seccomp_arch_native() };

		memcpy(data.args, rows[i].arguments, sizeof(data.args));
		assert_int_equal(policy_verdict(&policy, &data), rows[i].verdict);
	}
	free(messages);
	policy_free(&policy);
}

static void everything_reaches_the_table(void **state)
{
	static const char text[] = "role test\nroot yes\nnarrows\nsurvives-parent\n"
				   "capability CAP_BPF CAP_KILL\nrlimit NOFILE 0x10\n"
				   "landlock read|write @state/x optional\nlandlock scope "
				   "signal\nlandlock tcp connect\n"
				   "needed libc.so.6\ndefault kill\nallow exit_group\n";
	static const char *const expected[] = {
		"/* Made from t.policy. */",
		"const struct sandbox_policy sandbox_policy_test = {",
		"\t.root = 1,\n\t.any_user = 0,\n\t.narrows = 1,\n\t.survives_parent = 1,\n",
		"\t.landlock_inherited = 0,\n",
		"\t.landlock_scope = 0x2,\n\t.landlock_tcp = 0x2,\n",
		"\t.capabilities = 0x8000000020,\n",
		"\t{ .resource = 7, .value = 16u },\n",
		"\t{ .path = \"@state/x\", .access = 0x400e, .optional = 1 },\n",
		"\t\"libc.so.6\",\n",
	};
	struct policy policy;
	char *messages = NULL, *source = NULL;
	size_t size;

	(void)state;
	assert_int_equal(text_parse(text, &policy, &messages), 0);
	FILE *output = open_memstream(&source, &size);

	assert_non_null(output);
	assert_int_equal(policy_emit(&policy, "t.policy", output), 0);
	(void)fclose(output);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (!strstr(source, expected[i]))
			fail_msg("no \"%s\" in:\n%s", expected[i], source);
	}
	free(source);
	free(messages);
	policy_free(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_policies_are_refused_with_their_place),
		cmocka_unit_test(rules_mean_what_they_say),
		cmocka_unit_test(everything_reaches_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
