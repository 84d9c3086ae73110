/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-policy.d(5): what is taken, each thing that is refused, and what verifiers get of it. */
#include "common/cleanup.h"
#include "common/memfd.h"
#include "launcher/policy.h"
#include "launcher/trust.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char base[64]; /* the directory of policy files; each test cleans up what it made */
static struct policy policy;

static const char *below(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void file_write(const char *name, const char *text, size_t size)
{
	_cleanup_close_ int fd = open(below(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), (ssize_t)size);
}

static void text_write(const char *name, const char *text)
{
	file_write(name, text, strlen(text));
}

static int teardown(void **state)
{
	char command[192];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -f %s/* %s/.[a-z]*", base, base);
	return system(command); /* NOLINT(cert-env33-c): the test's own command line */
}

static int text_read(const char *text, struct error *error)
{
	text_write("t.conf", text);
	return policy_read(base, &policy, error);
}

static void every_kind_is_taken(void **state)
{
	struct error error = {};
	int result = text_read(
		"# whose images these are\n"
		"[repository registry.example:5000/team/*]\n"
		"verify = key /etc/bpfd/a.pub\n"
		"verify = key \"/etc/bpfd/the b.pub\"\n"
		"verify = keyless https://github.com/o/r/.github/workflows/x.yml@refs/heads/m\n"
		"    https://token.actions.githubusercontent.com\n"
		"\n"
		"[repository registry.example:5000/team/public]\n"
		"verify = none\n"
		"[repository *]\n"
		"verify = key /etc/bpfd/a.pub\n",
		&error);

	(void)state;
	assert_string_equal(error.message, "");
	assert_int_equal(result, 0);
	assert_int_equal(policy.rule_count, 5);
	assert_int_equal(policy_demands(&policy), 4);
	assert_string_equal(policy.rules[0].pattern, "registry.example:5000/team/*");
	assert_int_equal(policy.rules[0].kind, IMAGE_RULE_KEY);
	assert_string_equal(policy.rules[0].key, "/etc/bpfd/a.pub");
	assert_int_equal(policy.rules[0].file, 1);
	assert_string_equal(policy.rules[1].key, "/etc/bpfd/the b.pub");
	assert_int_equal(policy.rules[1].file, 2);
	assert_int_equal(policy.rules[2].kind, IMAGE_RULE_KEYLESS);
	assert_string_equal(policy.rules[2].identity,
	                    "https://github.com/o/r/.github/workflows/x.yml@refs/heads/m");
	assert_string_equal(policy.rules[2].issuer, "https://token.actions.githubusercontent.com");
	assert_int_equal(policy.rules[3].kind, IMAGE_RULE_NONE);
	assert_string_equal(policy.rules[4].pattern, "*");
	assert_int_equal(policy.rules[4].file, 1); /* the same file */
	assert_int_equal(policy.file_count, 2);
	assert_string_equal(policy.files[0].path, "/etc/bpfd/a.pub");
}

static void files_are_read_in_order(void **state)
{
	struct error error = {};

	(void)state;
	text_write("20-b.conf", "[repository r.example/b]\nverify = none\n");
	text_write("10-a.conf", "[repository r.example/a]\nverify = none\n");
	text_write("30-c.conf.off", "nonsense\n");
	text_write(".hidden.conf", "nonsense\n");
	assert_int_equal(policy_read(base, &policy, &error), 0);
	assert_int_equal(policy.rule_count, 2);
	assert_string_equal(policy.rules[0].pattern, "r.example/a");
	assert_string_equal(policy.rules[1].pattern, "r.example/b");
	assert_int_equal(policy_demands(&policy), 0);
	assert_int_equal(policy_read("/nonexistent/policy.d", &policy, &error), 0);
	assert_int_equal(policy.rule_count, 0);
}

#define R "[repository r.example/a]\n"
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"

#define MORE "  " LONG_64 LONG_64 "\n"

struct refused_row {
	const char *text;
	const char *said; /* after "FILE:" */
};

/* clang-format off */
static const struct refused_row refused_rows[] = {
	{ "verify = none\n", "1: \"verify\" stands before the first section" },
	{ "[repo r.example/a]\n", "1: unknown section [repo r.example/a]: expected [repository PATTERN]" },
	{ "[repository]\n", "1: unknown section [repository]: expected" },
	{ "[repository r.example]\n", "1: \"r.example\" is no pattern, for it names no registry and repository" },
	{ "[repository /a]\n", "1: \"/a\" is no pattern, for it names no registry" },
	{ "[repository r.example/]\n", "1: \"r.example/\" is no pattern, for it names no" },
	{ "[repository r.example/*/a]\n", "1: \"r.example/*/a\" is no pattern, for \"*\" stands at its end alone" },
	{ "[repository *.example/a]\n", "1: \"*.example/a\" is no pattern, for \"*\" stands at its end" },
	{ "[repository r.ex*]\n", "1: \"r.ex*\" is no pattern, for it names no" },
	{ "[repository R.example/a]\n", "1: \"R.example/a\" is no pattern, for registries and repositories are lower-case" },
	{ "[repository r.example/a b]\n", "1: \"r.example/a b\" is no pattern" },
	{ "[repository r.example/a:v1]\n", "1: \"r.example/a:v1\" is no pattern, for a repository has neither tag nor digest" },
	{ "[repository r.example/a@sha256]\n", "1: \"r.example/a@sha256\" is no pattern" },
	{ "[repository r.example//a]\n", "1: \"r.example//a\" is no pattern, for a part" },
	{ "[repository r.example/a/]\n", "1: \"r.example/a/\" is no pattern, for a part" },
	{ "[repository r.example/" LONG_64 LONG_64 "]\n" R, "1: [repository r.example/0123" },
	{ R "verify = none\n" R, "3: [repository r.example/a] is there already: put all its \"verify\" into one section" },
	{ R "\n[repository r.example/b]\nverify = none\n", "1: [repository r.example/a] has no \"verify\": it expects \"key FILE\"" },
	{ R, "1: [repository r.example/a] has no \"verify\"" },
	{ R "key = /a\n", "2: unknown key \"key\": expected \"verify\"" },
	{ R "verify\n", "2: expected \"[section]\" or \"key = value\"" },
	{ R "verify =\n", "2: \"verify\" expects \"key FILE\", \"keyless IDENTITY ISSUER\" or \"none\"" },
	{ R "verify = any\n", "2: \"verify\" expects" },
	{ R "verify = key\n", "2: \"verify\" expects" },
	{ R "verify = key /a /b\n", "2: \"verify\" expects" },
	{ R "verify = key \"/a\n", "2: \"verify\" expects" },
	{ R "verify = key \"/a\"b\n", "2: \"verify\" expects" },
	{ R "verify = key a.pub\n", "2: the key \"a.pub\" is not the absolute path of a file" },
	{ R "verify = keyless who\n", "2: \"verify\" expects" },
	{ R "verify = keyless who\n\n# a comment\n[repository r.example/b]\n", "2: \"verify\" expects" },
	{ R "verify = keyless who issuer more\n", "2: \"verify\" expects" },
	{ R "verify = keyless \"\" issuer\n", "2: identity and issuer are 1 to 255 bytes each" },
	{ R "verify = key\n" MORE MORE MORE MORE MORE MORE MORE MORE, "10: the value is longer than 1023 bytes" },
	{ R "verify = keyless \"" LONG_64 LONG_64 "\n  " LONG_64 LONG_64 "\" i\n", "2: identity and issuer are" },
	{ R "verify = none now\n", "2: \"verify\" expects" },
	{ R "verify = none\nverify = key /a\n", "3: \"verify = none\" stands alone" },
	{ R "verify = key /a\nverify = none\n", "3: \"verify = none\" stands alone" },
	{ R "verify = key /" LONG_64 LONG_64 LONG_64 "\n", "2: the line is too long" },
};
/* clang-format on */

static void each_mistake_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_rows) / sizeof(refused_rows[0]); i++) {
		struct error error = {};
		char said[512];

		if (text_read(refused_rows[i].text, &error) != -EINVAL)
			fail_msg("row %zu was taken: %s", i, refused_rows[i].text);
		(void)snprintf(said, sizeof(said), "%s:%s", below("t.conf"), refused_rows[i].said);
		error.message[strnlen(said, sizeof(said))] = '\0';
		assert_string_equal(error.message, said);
	}
}

static void rules_are_bounded(void **state)
{
	char text[16384] = "[repository r.example/a]\n";
	struct error error = {};
	size_t used = strlen(text);

	(void)state;
	for (int i = 0; i < TRUST_RULES_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "verify = key /%d\n", i);
	assert_int_equal(text_read(text, &error), 0);
	assert_int_equal(policy.rule_count, TRUST_RULES_MAX);
	assert_int_equal(policy.file_count, TRUST_RULES_MAX);
	(void)snprintf(text + used, sizeof(text) - used, "verify = key /0\n");
	assert_int_equal(text_read(text, &error), -EINVAL);
	assert_non_null(strstr(error.message, "t.conf:66: more than 64 rules"));
}

static void only_roots_own_files_are_read(void **state)
{
	struct error error = {};

	(void)state;
	text_write("t.conf", R "verify = none\n");
	assert_int_equal(chmod(below("t.conf"), 0664), 0);
	assert_int_equal(policy_read(base, &policy, &error), -EPERM);
	assert_non_null(strstr(error.message, "t.conf is writable by others (mode 0664)"));
	assert_int_equal(chmod(below("t.conf"), 0644), 0);
	assert_int_equal(chown(below("t.conf"), 64201, 0), 0);
	assert_int_equal(policy_read(base, &policy, &error), -EPERM);
	assert_non_null(strstr(error.message, "t.conf belongs to uid 64201"));
	assert_int_equal(chown(below("t.conf"), 0, 0), 0);
	/* and who can make files in the directory can make rules */
	assert_int_equal(chmod(base, 0775), 0);
	assert_int_equal(policy_read(base, &policy, &error), -EPERM);
	assert_non_null(strstr(error.message, "is not root's alone (uid 0, mode 0775)"));
	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(policy_read(base, &policy, &error), 0);
	assert_int_equal(remove(below("t.conf")), 0);
	assert_int_equal(symlink("/etc", below("t.conf")), 0);
	assert_int_equal(policy_read(base, &policy, &error), -EINVAL);
	assert_non_null(strstr(error.message, "t.conf is not a regular file"));
}

/* ---- what verifiers get ---- */

static void memfd_expect(int fd, size_t at, const void *bytes, size_t size)
{
	char got[64];

	assert_true(size <= sizeof(got));
	assert_int_equal(pread(fd, got, size, (off_t)at), (ssize_t)size);
	assert_memory_equal(got, bytes, size);
}

static void the_memfd_has_all(void **state)
{
	_cleanup_close_ int fd = -1;
	struct error error = {};
	struct trust_header header;
	struct trust_rule rule;
	struct trust_file files[3];
	char text[512];
	size_t size = 0, at;

	(void)state;
	text_write("a.pub", "eleven byte");
	text_write("b.pub", "sixteen bytes...");
	text_write("root.json", "{}");
	(void)snprintf(text, sizeof(text),
	               R "verify = key %s/a.pub\nverify = key %s/b.pub\nverify = keyless i s\n",
	               base, base);
	assert_int_equal(text_read(text, &error), 0);
	assert_int_equal(trust_make(&policy, below("root.json"), &fd, &error), 0);
	assert_int_equal(memfd_check(fd, &size), 0);
	at = sizeof(header) + 3 * sizeof(rule) + 3 * sizeof(files[0]);
	assert_int_equal(size, at + 16 + 16 + 8);
	assert_int_equal(memfd_read(fd, &header, sizeof(header)), 0);
	assert_true(header.magic == TRUST_MAGIC);
	assert_int_equal(header.rules, 3);
	assert_int_equal(header.files, 3);
	assert_int_equal(header.trusted_root, 3);
	assert_int_equal(header.reserved, 0);
	assert_int_equal(pread(fd, &rule, sizeof(rule), sizeof(header)), sizeof(rule));
	assert_memory_equal(&rule, &policy.rules[0], sizeof(rule));
	assert_int_equal(pread(fd, files, sizeof(files), sizeof(header) + 3 * sizeof(rule)),
	                 sizeof(files));
	assert_int_equal(files[0].size, 11);
	assert_int_equal(files[1].size, 16);
	assert_int_equal(files[2].size, 2);
	memfd_expect(fd, at, "eleven byte\0\0\0\0\0", 16);
	memfd_expect(fd, at + 16, "sixteen bytes...", 16);
	memfd_expect(fd, at + 32, "{}\0\0\0\0\0\0", 8);
}

static void no_rules_are_a_memfd_too(void **state)
{
	_cleanup_close_ int fd = -1;
	struct trust_header header;
	struct error error = {};
	size_t size = 0;

	(void)state;
	assert_int_equal(policy_read(base, &policy, &error), 0);
	assert_int_equal(trust_make(&policy, "", &fd, &error), 0);
	assert_int_equal(memfd_check(fd, &size), 0);
	assert_int_equal(size, sizeof(header));
	assert_int_equal(memfd_read(fd, &header, sizeof(header)), 0);
	assert_int_equal(header.rules + header.files + header.trusted_root, 0);
}

static void trust_refused(const char *text, const char *trusted_root, int result, const char *said)
{
	struct error error = {};
	int fd = -1;

	assert_int_equal(text_read(text, &error), 0);
	assert_int_equal(trust_make(&policy, trusted_root, &fd, &error), result);
	assert_int_equal(fd, -1);
	if (!strstr(error.message, said))
		fail_msg("no \"%s\" in: %s", said, error.message);
}

/* A rule that cannot be kept ends the start: it is never left out. */
static void missing_files_are_told(void **state)
{
	static char large[TRUST_FILE_SIZE_MAX + 1];
	char text[512];

	(void)state;
	(void)snprintf(text, sizeof(text), R "# who\nverify = key %s/k.pub\n", base);
	trust_refused(text, "", -ENOENT, "t.conf:3: cannot open the file ");
	text_write("k.pub", "");
	trust_refused(text, "", -EINVAL, "k.pub is empty or longer than 1048576 bytes");
	file_write("k.pub", large, sizeof(large));
	trust_refused(text, "", -EINVAL, "k.pub is empty or longer than 1048576 bytes");
	file_write("k.pub", large, sizeof(large) - 1);
	assert_int_equal(chmod(below("k.pub"), 0666), 0);
	trust_refused(text, "", -EPERM, "t.conf:3: ");
	assert_int_equal(chmod(below("k.pub"), 0600), 0);
	trust_refused(text, "/nonexistent.json", -ENOENT,
	              "[images] trusted-root: cannot open the file /nonexistent.json");
	trust_refused(R "verify = keyless i s\n", "", -EINVAL,
	              "[repository r.example/a] wants keyless signatures");
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_is_taken),           TEST(files_are_read_in_order),
		TEST(each_mistake_is_told),          TEST(rules_are_bounded),
		TEST(only_roots_own_files_are_read), TEST(the_memfd_has_all),
		TEST(no_rules_are_a_memfd_too),      TEST(missing_files_are_told),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: needs root, for the files must be root's\n");
		return 77;
	}
	(void)snprintf(base, sizeof(base), "/tmp/bpfd-policy-test-XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	(void)rmdir(base);
	return failed;
}
