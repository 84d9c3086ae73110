/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Credentials out of the files that tools for images keep, and from the programs that those files
 * name: what is found, what is not, and what is said about files that are wrong. */
#include "bpfctl/auth_file.h"
#include "common/cleanup.h"

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static char directory[] = "/tmp/bpfd-credentials-XXXXXX";
static char complaint[512];

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void file_write(const char *name, const char *text, mode_t mode)
{
	_cleanup_close_ int fd =
		open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int search(const char *text, const char *reference, struct credentials *credentials)
{
	*credentials = (struct credentials){};
	*complaint = '\0';
	file_write("config.json", text, 0600);
	return auth_file_search(path_of("config.json"), reference, credentials, complaint,
	                        sizeof(complaint));
}

/* "dTpw" is u:p, "djpx" is v:q, "dzpy" is w:r */
#define AUTHS(entries) "{\"auths\": {" entries "}}"
#define ENTRY(key, auth) "\"" key "\": {\"auth\": \"" auth "\"}"

static const struct {
	const char *text;
	const char *reference;
	const char *username; /* NULL: nothing is found */
	const char *password;
} found[] = {
	{ AUTHS(ENTRY("r.example", "dTpw")), "r.example/a/b:v1", "u", "p" },
	{ AUTHS(ENTRY("R.Example", "dTpw")), "r.example/a/b", "u", "p" },
	{ AUTHS(ENTRY("r.example:5000", "dTpw")), "r.example:5000/a", "u", "p" },
	{ AUTHS(ENTRY("r.example:5000", "dTpw")), "r.example/a", NULL, NULL },
	{ AUTHS(ENTRY("r.example", "dTpw")), "r.example:5000/a", NULL, NULL },
	{ AUTHS(ENTRY("r.example", "dTpw")), "r.example.org/a", NULL, NULL },
	{ AUTHS(ENTRY("example", "dTpw")), "r.example/a", NULL, NULL },
	{ AUTHS(ENTRY("https://r.example/v1/", "dTpw")), "r.example/a", "u", "p" },
	{ AUTHS(ENTRY("https://index.docker.io/v1/", "dTpw")), "docker.io/library/a", "u", "p" },
	{ AUTHS(ENTRY("r.example", "dTpw") "," ENTRY("r.example/a", "djpx")), "r.example/a/b", "v",
	  "q" },
	{ AUTHS(ENTRY("r.example/a", "djpx") "," ENTRY("r.example", "dTpw")), "r.example/ab", "u",
	  "p" },
	{ AUTHS(ENTRY("r.example/a", "djpx") "," ENTRY("r.example/a/b", "dzpy")),
	  "r.example/a/b@sha256:00", "w", "r" },
	{ AUTHS("\"r.example\": {\"username\": \"u\", \"password\": \"a:b\"}"), "r.example/a", "u",
	  "a:b" },
	{ AUTHS(ENTRY("r.example", "dTphOmI=")), "r.example/a", "u", "a:b" },
	{ AUTHS(ENTRY("r.example", "dTo=")), "r.example/a", "u", "" },
	{ AUTHS("\"r.example\": {}"), "r.example/a", NULL, NULL },
	{ "{}", "r.example/a", NULL, NULL },
	{ "{\"credsStore\": \"\"}", "r.example/a", NULL, NULL },
};

static void test_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		struct credentials credentials;
		int result = search(found[i].text, found[i].reference, &credentials);

		if (result != (found[i].username ? 1 : 0))
			fail_msg("row %zu: %d %s", i, result, complaint);
		assert_string_equal(credentials.username, found[i].username ?: "");
		assert_string_equal(credentials.password, found[i].password ?: "");
	}
}

static const struct {
	const char *text;
	const char *words;
} wrong[] = {
	{ "", "it is no JSON" },
	{ "{\"auths\": {\"r.example\": {\"auth\": \"secret\"", "it is no JSON: see its line 1" },
	{ "[]", "no JSON object" },
	{ "{\"auths\": []}", "an object \"auths\"" },
	{ "{\"auths\": {}, \"auths\": {}}", "it is no JSON" },
	{ AUTHS("\"r.example\": \"secret\""), "what it has for \"r.example\" is no object" },
	{ AUTHS(ENTRY("r.example", "c2VjcmV0")), "not base64 of a name, a colon" },
	{ AUTHS(ENTRY("r.example", "secret!")), "not base64" },
	{ AUTHS(ENTRY("r.example", "OnA=")), "not base64 of a name" },
	{ AUTHS(ENTRY("r.example", "dQA6cA==")), "not base64 of a name" },
	{ AUTHS("\"r.example\": {\"identitytoken\": \"secret\"}"), "--password-stdin" },
	{ "{\"credsStore\": \"no/such\"}", "whose name no program can have" },
	{ "{\"credsStore\": \"nosuch\"}", "docker-credential-nosuch, which cannot be run" },
	{ "{\"credsStore\": \"fails\"}", "docker-credential-fails, which does not give them" },
	{ "{\"credsStore\": \"garbage\"}", "docker-credential-garbage, which does not give" },
	{ "{\"credsStore\": \"token\"}", "docker-credential-token, which does not give" },
};

/* And no complaint quotes what may be a password. */
static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct credentials credentials;
		int result = search(wrong[i].text, "r.example/a", &credentials);

		if (result >= 0 || !strstr(complaint, wrong[i].words))
			fail_msg("row %zu: %d %s", i, result, complaint);
		assert_null(strstr(complaint, "secret"));
		assert_string_equal(credentials.password, "");
	}
}

static void test_helpers(void **state)
{
	static const struct {
		const char *text;
		const char *reference;
		const char *username;
		const char *password;
	} rows[] = {
		{ "{\"credsStore\": \"echo\"}", "r.example/a", "helper", "r.example" },
		{ "{\"credsStore\": \"echo\"}", "docker.io/library/a", "helper",
		  "https://index.docker.io/v1/" },
		{ "{\"credHelpers\": {\"r.example\": \"echo\"}, \"credsStore\": \"fails\"}",
		  "r.example/a", "helper", "r.example" },
		{ "{\"credHelpers\": {\"s.example\": \"fails\"}}", "r.example/a", NULL, NULL },
		{ "{\"credsStore\": \"empty\"}", "r.example/a", NULL, NULL },
		/* what the file itself has comes first; an empty entry means the helper */
		{ "{\"auths\": {\"r.example\": {\"auth\": \"dTpw\"}}, \"credsStore\": \"echo\"}",
		  "r.example/a", "u", "p" },
		{ "{\"auths\": {\"r.example\": {}}, \"credsStore\": \"echo\"}", "r.example/a",
		  "helper", "r.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct credentials credentials;
		int result = search(rows[i].text, rows[i].reference, &credentials);

		if (result != (rows[i].username ? 1 : 0))
			fail_msg("row %zu: %d %s", i, result, complaint);
		assert_string_equal(credentials.username, rows[i].username ?: "");
		assert_string_equal(credentials.password, rows[i].password ?: "");
	}
}

static void test_files_that_cannot_be_read(void **state)
{
	struct credentials credentials = {};

	(void)state;
	assert_int_equal(auth_file_search(path_of("nosuch"), "r.example/a", &credentials, complaint,
	                                  sizeof(complaint)),
	                 0);
	assert_int_equal(auth_file_search(path_of("config.json/x"), "r.example/a", &credentials,
	                                  complaint, sizeof(complaint)),
	                 0);
	assert_true(auth_file_search(directory, "r.example/a", &credentials, complaint,
	                             sizeof(complaint)) < 0);
	assert_non_null(strstr(complaint, "it is no file"));
	file_write("large", "", 0600);
	assert_int_equal(truncate(path_of("large"), AUTH_FILE_SIZE_MAX + 1), 0);
	assert_true(auth_file_search(path_of("large"), "r.example/a", &credentials, complaint,
	                             sizeof(complaint)) < 0);
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0); /* which nobody writes to */
	assert_true(auth_file_search(path_of("pipe"), "r.example/a", &credentials, complaint,
	                             sizeof(complaint)) < 0);
}

/* The first file that knows the registry counts; those that somebody names come first. */
static void test_order_of_files(void **state)
{
	struct credentials credentials = {};

	(void)state;
	(void)mkdir(path_of(".docker"), 0700);
	file_write("config.json", AUTHS(ENTRY("a.example", "dTpw")), 0600);
	file_write("named.json", AUTHS(ENTRY("a.example", "djpx") "," ENTRY("b.example", "djpx")),
	           0600);
	file_write(".docker/config.json",
	           AUTHS(ENTRY("b.example", "dzpy") "," ENTRY("c.example", "dzpy")), 0600);
	(void)setenv("DOCKER_CONFIG", directory, 1);
	(void)setenv("REGISTRY_AUTH_FILE", path_of("named.json"), 1);
	(void)setenv("HOME", directory, 1);
	(void)unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(
		credentials_look_up("a.example/x", &credentials, complaint, sizeof(complaint)), 1);
	assert_string_equal(credentials.username, "u");
	assert_int_equal(
		credentials_look_up("b.example/x", &credentials, complaint, sizeof(complaint)), 1);
	assert_string_equal(credentials.username, "v");
	assert_int_equal(
		credentials_look_up("c.example/x", &credentials, complaint, sizeof(complaint)), 1);
	assert_string_equal(credentials.username, "w");
	assert_int_equal(
		credentials_look_up("d.example/x", &credentials, complaint, sizeof(complaint)), 0);
}

static void test_bounds(void **state)
{
	static char name[IMAGE_USERNAME_SIZE + 1], password[IMAGE_PASSWORD_SIZE + 1];
	struct credentials credentials = {};

	(void)state;
	memset(name, 'n', IMAGE_USERNAME_SIZE - 1);
	memset(password, 'p', IMAGE_PASSWORD_SIZE - 1);
	assert_int_equal(credentials_set(&credentials, name, password), 0);
	assert_string_equal(credentials.password, password);
	name[IMAGE_USERNAME_SIZE - 1] = 'n';
	assert_int_equal(credentials_set(&credentials, name, "p"), -EINVAL);
	password[IMAGE_PASSWORD_SIZE - 1] = 'p';
	assert_int_equal(credentials_set(&credentials, "n", password), -EINVAL);
	assert_int_equal(credentials_set(&credentials, "", "p"), -EINVAL);
	credentials_forget(&credentials);
	assert_string_equal(credentials.password, "");
}

static int group_setup(void **state)
{
	static const struct {
		const char *name;
		const char *script;
	} helpers[] = {
		{ "docker-credential-echo", "read -r server\nprintf '{\"ServerURL\": \"%s\", "
		                            "\"Username\": \"helper\", \"Secret\": \"%s\"}' "
		                            "\"$server\" \"$server\"\n" },
		{ "docker-credential-fails", "echo secret; exit 1\n" },
		{ "docker-credential-empty", "echo 'credentials not found in native keychain'; "
		                             "exit 1\n" },
		{ "docker-credential-garbage", "echo secret\n" },
		{ "docker-credential-token", "echo '{\"Username\": \"<token>\", \"Secret\": "
		                             "\"secret\"}'\n" },
	};
	char text[512], path[PATH_MAX];

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		(void)snprintf(text, sizeof(text), "#!/bin/sh\n%s", helpers[i].script);
		file_write(helpers[i].name, text, 0755);
	}
	(void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", directory);
	return setenv("PATH", path, 1);
}

static int group_teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of the test's own */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_files_that_cannot_be_read),
		cmocka_unit_test(test_order_of_files),
		cmocka_unit_test(test_bounds),
	};

	(void)alarm(60);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
