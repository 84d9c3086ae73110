/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfctl with images: what it asks of bpfd, what it prints, what it says about wrong command lines,
 * and that credentials come in by the standard input or a file alone. */
#include "client/bpfctl_run.h"
#include "client/samples.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct test_server *server;
static Bpfd__V1__Request *seen; /* the last request */
static char home[] = "/tmp/bpfd-home-XXXXXX";

static void reply_seen(void *context, const Bpfd__V1__Request *request, unsigned count,
                       struct reply *reply)
{
	size_t size = bpfd__v1__request__get_packed_size(request);
	uint8_t *bytes = malloc(size + 1);

	if (!bytes)
		abort();
	if (seen)
		bpfd__v1__request__free_unpacked(seen, NULL);
	(void)bpfd__v1__request__pack(request, bytes);
	seen = bpfd__v1__request__unpack(NULL, size, bytes);
	free(bytes);
	sample_reply(context, request, count, reply);
}

static struct run_result run(const char *line)
{
	struct run_result result;

	test_server_settle(server);
	result = bpfctl_run_on(server, line, NULL);
	test_server_settle(server);
	return result;
}

static void test_output(void **state)
{
	static const struct {
		const char *line;
		const char *golden;
	} rows[] = {
		{ "image list", "image_list.txt" },
		{ "image list -o json", "image_list.json" },
		{ "image pull r.example/team/filter:v1", "image_pull.txt" },
		{ "image pull r.example/team/filter:v1 -o json", "image_pull.json" },
		{ "image inspect r.example/team/filter:v1", "image_inspect.txt" },
		{ "image inspect sha256:11 -o json", "image_inspect.json" },
		{ "image verify r.example/team/filter:v1", "image_verify.txt" },
		{ "image verify r.example/team/filter:v1 -o json", "image_verify.json" },
		{ "image remove a.example/b", "image_remove.txt" },
		{ "image remove a.example/b -o json", "image_remove.json" },
		{ "load image r.example/team/filter:v1 --program count_packets", "image_load.txt" },
		{ "get program 9", "get_program_image.txt" },
		{ "get program 9 -o json", "get_program_image.json" },
		{ "load image --help", "help_load_image.txt" },
		{ "image --help", "help_image.txt" },
		{ "image build --help", "help_image_build.txt" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run_result result = run(rows[i].line);

		if (result.exit_code != 0 || *result.err)
			fail_msg("\"%s\" ended with %d: %s", rows[i].line, result.exit_code,
			         result.err);
		golden_compare(rows[i].golden, result.out);
		run_result_free(&result);
	}
}

static void test_misuse(void **state)
{
	static const struct {
		const char *line;
		const char *words;
	} rows[] = {
		{ "image", "\"image\" what?" },
		{ "image push r.example/a", "unknown command \"image push\"" },
		{ "load image", "REFERENCE is missing" },
		{ "load image a b", "\"b\" is too much" },
		{ "load image r.example/a --pull-policy sometimes",
		  "no pull policy \"sometimes\"" },
		{ "load image r.example/a --pull-policy -always", "no pull policy" },
		{ "load image r.example/a --username u", "--username needs --password-stdin" },
		{ "load image r.example/a --password-stdin", "needs --username NAME" },
		{ "load image r.example/a --username= --password-stdin",
		  "--username takes a name" },
		{ "load image r.example/a --username u --password-stdin --pull-policy never",
		  "with --pull-policy never no registry is asked" },
		{ "load image r.example/a --password secret", "unknown option \"--password\"" },
		{ "load image r.example/a --exclusive", "name them with --program xdp:FUNCTION" },
		{ "image pull", "REFERENCE is missing" },
		{ "image list r.example/a", "\"r.example/a\" is too much" },
		{ "image inspect", "REFERENCE is missing" },
		{ "image remove", "REFERENCE... is missing" },
		{ "image build", "OBJECT... is missing" },
		{ "image build x.o --push", "--tag REFERENCE is missing" },
		{ "image build x.o -t r.example/a", "nothing to do with the image" },
		{ "image build x.o -t r.example/a -o out --username u --password-stdin",
		  "are for --push" },
		{ "image build x.o -t r.example/a --output=", "--output takes a directory" },
		{ "image build x.o -t r.example/a --push --username u", "needs --password-stdin" },
		{ "image generate-build-args", "OBJECT... is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run_result result = run(rows[i].line);

		if (result.exit_code != 2 || *result.out || !strstr(result.err, rows[i].words) ||
		    !strstr(result.err, "--help\"."))
			fail_msg("\"%s\" ended with %d and said: %s", rows[i].line,
			         result.exit_code, result.err);
		run_result_free(&result);
	}
	assert_int_equal(test_server_requests(server), 0);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *line;
		const char *err;
		const char *out;
	} rows[] = {
		{ "load image r.example/untrusted", "bpfctl: no good signature: sign it\n", "" },
		{ "image pull r.example/nosuch", "bpfctl: no such image: push it\n", "" },
		{ "image verify r.example/untrusted", "bpfctl: no good signature: sign it\n", "" },
		{ "image inspect r.example/nosuch", "bpfctl: no such image: push it\n", "" },
		{ "image remove r.example/nosuch a.example/b", "bpfctl: no such image: push it\n",
		  "removed r.example/team/filter:v1\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run_result result = run(rows[i].line);

		assert_string_equal(result.err, rows[i].err);
		assert_string_equal(result.out, rows[i].out);
		assert_int_equal(result.exit_code, 1);
		run_result_free(&result);
	}
}

static void test_unreachable(void **state)
{
	struct run_result result = bpfctl_run("--socket /nonexistent/s image list", NULL);

	(void)state;
	assert_int_equal(result.exit_code, 3);
	assert_non_null(strstr(result.err, "is bpfd running"));
	run_result_free(&result);
}

/* What bpfd is asked for. */
static void test_requests(void **state)
{
	struct run_result result = run("load image r.example/a:v1 --pull-policy IfNotPresent "
	                               "--program xdp:filter --metadata k=v --persist");

	(void)state;
	assert_int_equal(result.exit_code, 0);
	run_result_free(&result);
	assert_int_equal(seen->operation_case, BPFD__V1__REQUEST__OPERATION_LOAD);
	assert_string_equal(seen->load->image->reference, "r.example/a:v1");
	assert_int_equal(seen->load->image->pull_policy, 2);
	assert_string_equal(seen->load->image->username, "");
	assert_int_equal(seen->load->object.len, 0);
	assert_int_equal(seen->load->n_programs, 1);
	assert_string_equal(seen->load->metadata[0]->key, "k");
	assert_true(seen->load->persist);

	/* none named: those that the image names */
	result = run("load image r.example/a --pull-policy never");
	run_result_free(&result);
	assert_int_equal(seen->load->n_programs, 0);
	assert_int_equal(seen->load->image->pull_policy, 3);

	/* who says "pull" wants what the tag is now */
	result = run("image pull r.example/a");
	run_result_free(&result);
	assert_int_equal(seen->image_pull->image->pull_policy, 1);
	result = run("image pull r.example/a --pull-policy if-not-present");
	run_result_free(&result);
	assert_int_equal(seen->image_pull->image->pull_policy, 2);
	result = run("image remove sha256:1234");
	run_result_free(&result);
	assert_string_equal(seen->image_remove->reference, "sha256:1234");
}

static int shell_run(const char *script)
{
	char command[1024];
	char *const argv[] = { (char *)(uintptr_t) "/bin/bash", (char *)(uintptr_t) "-c", command,
		               NULL };
	struct run_result result;
	int exit_code;

	(void)snprintf(command, sizeof(command), "BPFCTL='%s --socket %s'; %s", BPFCTL,
	               test_server_path(server), script);
	test_server_settle(server);
	result = command_run(argv);
	test_server_settle(server);
	exit_code = result.exit_code;
	if (exit_code)
		print_message("%s: %s%s\n", script, result.out, result.err);
	run_result_free(&result);
	return exit_code;
}

static void test_passwords(void **state)
{
	static const struct {
		const char *script;
		const char *username;
		const char *password;
	} rows[] = {
		{ "echo secret | $BPFCTL image pull r.example/a --username u --password-stdin", "u",
		  "secret" },
		{ "printf 's c\\r\\n' | $BPFCTL image verify r.example/a --username u "
		  "--password-stdin",
		  "u", "s c" },
		{ "mkdir -p $HOME/.docker; echo '{\"auths\": {\"r.example\": {\"auth\": "
		  "\"dTpw\"}}}' > $HOME/.docker/config.json; $BPFCTL load image r.example/a",
		  "u", "p" },
		{ "$BPFCTL load image s.example/a", "", "" },
		{ "$BPFCTL load image r.example/a --pull-policy never", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const Bpfd__V1__ImageSource *image;

		assert_int_equal(shell_run(rows[i].script), 0);
		image = seen->operation_case == BPFD__V1__REQUEST__OPERATION_LOAD
		                ? seen->load->image
		        : seen->operation_case == BPFD__V1__REQUEST__OPERATION_IMAGE_PULL
		                ? seen->image_pull->image
		                : seen->image_verify->image;
		assert_string_equal(image->username, rows[i].username);
		assert_string_equal(image->password, rows[i].password);
	}
}

/* Each ends with 1 before bpfd is asked, and says these words. */
static void test_bad_passwords(void **state)
{
	static const char *const rows[] = {
		"printf '' | $BPFCTL image pull r.example/a --username u --password-stdin 2>&1 | "
		"grep -q 'the standard input is empty'",
		"printf 'a\\nb\\n' | $BPFCTL image pull r.example/a --username u --password-stdin "
		"2>&1 | grep -q 'must be one line'",
		"printf 'a\\0b' | $BPFCTL image pull r.example/a --username u --password-stdin "
		"2>&1 "
		"| grep -q 'must be one line'",
		"head -c 5000 /dev/zero | tr '\\0' x | $BPFCTL image pull r.example/a --username u "
		"--password-stdin 2>&1 | grep -q 'has more than'",
		"mkdir -p $HOME/.docker; echo '{' > $HOME/.docker/config.json; $BPFCTL image pull "
		"r.example/a 2>&1 | grep -q 'config.json\": it is no JSON'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(shell_run(rows[i]), 0);
	assert_int_equal(test_server_requests(server), 0);
}

static int server_setup(void **state)
{
	(void)state;
	server = test_server_start(reply_seen, NULL, NULL);
	return server ? 0 : -1;
}

static int server_teardown(void **state)
{
	(void)state;
	test_server_free(server);
	if (seen)
		bpfd__v1__request__free_unpacked(seen, NULL);
	seen = NULL;
	return 0;
}

static int home_setup(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	(void)unsetenv("DOCKER_CONFIG");
	(void)unsetenv("REGISTRY_AUTH_FILE");
	(void)unsetenv("XDG_RUNTIME_DIR");
	return setenv("HOME", home, 1);
}

static int home_teardown(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command); /* NOLINT(cert-env33-c): a directory of the test's own */
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_SERVER(test_output),        WITH_SERVER(test_misuse),
		WITH_SERVER(test_refusals),      cmocka_unit_test(test_unreachable),
		WITH_SERVER(test_requests),      WITH_SERVER(test_passwords),
		WITH_SERVER(test_bad_passwords),
	};

	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)alarm(120);
	return cmocka_run_group_tests(tests, home_setup, home_teardown);
}
