/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The real bpfctl: exit codes, what it prints for people and for programs, what it says about wrong
 * command lines. */
#include "client/run_command.h"
#include "client/samples.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BPFCTL BPFD_BUILD_DIR "/bin/bpfctl"
#define WORDS_MAX 24

static struct test_server *server;
static char object_path[64];

/* Runs bpfctl with the words of `line`, which is cut at blanks; OBJECT is the object file. */
static struct run_result bpfctl_run(const char *line)
{
	char *argv[WORDS_MAX] = { (char *)(uintptr_t)BPFCTL };
	char *copy = strdup(line), *rest = copy, *word;
	struct run_result result;
	size_t count = 1;

	assert_non_null(copy);
	while ((word = strsep(&rest, " ")) != NULL && count < WORDS_MAX - 1)
		argv[count++] = strcmp(word, "OBJECT") == 0 ? object_path : word;
	result = command_run(argv);
	free(copy);
	return result;
}

static struct run_result bpfctl_run_on_server(const char *line)
{
	char with_socket[512];

	(void)snprintf(with_socket, sizeof(with_socket), "--socket %s %s", test_server_path(server),
	               line);
	return bpfctl_run(with_socket);
}

/* Output for each command, as a golden file. */
static const struct {
	const char *line;
	const char *golden;
} shown[] = {
	{ "list programs", "list_programs.txt" },
	{ "-o json list programs", "list_programs.json" },
	{ "list links", "list_links.txt" },
	{ "list links -o json", "list_links.json" },
	{ "get program 5", "get_program.txt" },
	{ "get program 5 -o json", "get_program.json" },
	{ "get link 1", "get_link_xdp.txt" },
	{ "get link 3", "get_link_tracepoint.txt" },
	{ "get link 3 --output=json", "get_link_tracepoint.json" },
	{ "status", "status.txt" },
	{ "status -o json", "status.json" },
	{ "version", "version.txt" },
	{ "version -o json", "version.json" },
	{ "load file OBJECT --program xdp:count_packets --program tracepoint:on_switch",
	  "load.txt" },
	{ "load file OBJECT --program xdp:count_packets -ojson", "load.json" },
	{ "attach xdp 5 --iface eth0 --priority 50 --proceed-on pass,dispatcher_return",
	  "attach.txt" },
	{ "attach xdp 5 --iface eth0 -o json", "attach.json" },
	{ "attach xdp 5 --iface eth0 --exclusive", "attach_exclusive.txt" },
	{ "attach xdp 5 --iface eth0 --exclusive -o json", "attach_exclusive.json" },
	{ "attach tracepoint 6 --target sched/sched_switch", "attach_tracepoint.txt" },
	{ "detach 1 2", "detach.txt" },
	{ "detach 1 2 -o json", "detach.json" },
	{ "unload 5", "unload.txt" },
	{ "--help", "help.txt" },
	{ "load file --help", "help_load_file.txt" },
	{ "attach xdp -h", "help_attach_xdp.txt" },
	{ "list --help", "help_list.txt" },
};

static void test_output(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct run_result result = bpfctl_run_on_server(shown[i].line);

		if (result.exit_code != 0 || *result.err)
			fail_msg("\"%s\" ended with %d: %s", shown[i].line, result.exit_code,
			         result.err);
		golden_compare(shown[i].golden, result.out);
		run_result_free(&result);
	}
}

/* Command lines that are wrong: exit code 2, words of the complaint, and the place to read on. */
static const struct {
	const char *line;
	const char *words;
} misused[] = {
	{ "list", "second word is missing" },
	{ "list maps", "unknown command \"list maps\"" },
	{ "frobnicate", "unknown command \"frobnicate\"" },
	{ "image pull x", "unknown command \"image\"" },
	{ "load image x", "unknown command \"load image\"" },
	{ "attach tc 5", "unknown command \"attach tc\"" },
	{ "status now", "\"now\" is too much" },
	{ "status --verbose", "unknown option \"--verbose\"" },
	{ "status -x", "unknown option \"-x\"" },
	{ "status --timeout 0", "--timeout takes 1 to 86400" },
	{ "status --timeout 1.5", "--timeout takes 1 to 86400" },
	{ "status --timeout", "needs a value" },
	{ "status -o yaml", "no output format \"yaml\"" },
	{ "status --out json", "unknown option \"--out\"" },
	{ "--help=x status", "takes no value" },
	{ "--iface eth0 attach xdp 5", "follow the command" },
	{ "load file --program xdp:f", "PATH is missing" },
	{ "load file OBJECT", "--program TYPE:FUNCTION is missing" },
	{ "load file OBJECT --program xdp", "takes TYPE:FUNCTION" },
	{ "load file OBJECT --program xdp:", "takes TYPE:FUNCTION" },
	{ "load file OBJECT --program :f", "no program type \"\"" },
	{ "load file OBJECT --program kprobe:f", "no program type \"kprobe\"" },
	{ "load file OBJECT --program xdp:f:eth0", "take no target" },
	{ "load file OBJECT --program tracepoint:f:sched/sched_switch",
	  "--target sched/sched_switch" },
	{ "load file OBJECT --program tracepoint:f --exclusive", "--exclusive is for xdp" },
	{ "load file OBJECT --program xdp:f --global limit", "takes NAME=HEX" },
	{ "load file OBJECT --program xdp:f --global limit=", "is not HEX" },
	{ "load file OBJECT --program xdp:f --global limit=123", "is not HEX" },
	{ "load file OBJECT --program xdp:f --global limit=0xzz", "is not HEX" },
	{ "load file OBJECT --program xdp:f --metadata =x", "takes KEY=VALUE" },
	{ "load file OBJECT --program xdp:f --metadata x", "takes KEY=VALUE" },
	{ "load file OBJECT --program xdp:f --application=", "--application takes a name" },
	{ "load file OBJECT --program xdp:f --persist", "unknown option \"--persist\"" },
	{ "load file OBJECT --program xdp:f --map-owner 5", "unknown option \"--map-owner\"" },
	{ "load file OBJECT OBJECT --program xdp:f", "is too much" },
	{ "attach xdp 5", "--iface INTERFACE is missing" },
	{ "attach xdp --iface eth0", "PROGRAM is missing" },
	{ "attach xdp 0 --iface eth0", "\"0\" is no id" },
	{ "attach xdp five --iface eth0", "\"five\" is no id" },
	{ "attach xdp 5 --iface=", "--iface takes" },
	{ "attach xdp 5 --iface eth0 --priority -1", "--priority takes a number" },
	{ "attach xdp 5 --iface eth0 --priority 5x", "--priority takes a number" },
	{ "attach xdp 5 --iface eth0 --priority 4294967296", "--priority takes a number" },
	{ "attach xdp 5 --iface eth0 --proceed-on pass,fail", "no XDP action \"fail\"" },
	{ "attach xdp 5 --iface eth0 --proceed-on pass,", "no XDP action \"\"" },
	{ "attach xdp 5 --iface eth0 --proceed-on pass,pass", "twice" },
	{ "attach xdp 5 --iface eth0 --mode fast", "no XDP mode \"fast\"" },
	{ "attach xdp 5 --iface eth0 --netns /run/netns/a", "unknown option \"--netns\"" },
	{ "attach tracepoint 5", "--target GROUP/NAME is missing" },
	{ "attach tracepoint 5 --target sched", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --target sched/", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --target a/b/c", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --iface eth0", "unknown option \"--iface\"" },
	{ "detach", "LINK... is missing" },
	{ "detach 1 -2", "unknown option \"-2\"" },
	{ "detach 1 99999999999999999999", "is no id" },
	{ "unload 1 0x2", "\"0x2\" is no id" },
	{ "get program", "ID is missing" },
	{ "get program 1 2", "\"2\" is too much" },
	{ "list programs --type tc", "no program type \"tc\"" },
	{ "list programs --all", "unknown option \"--all\"" },
	{ "list links --program x", "\"x\" is no program id" },
};

static void test_misuse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(misused) / sizeof(misused[0]); i++) {
		struct run_result result = bpfctl_run_on_server(misused[i].line);

		if (result.exit_code != 2 || *result.out || !strstr(result.err, misused[i].words) ||
		    !strstr(result.err, "--help\"."))
			fail_msg("\"%s\" ended with %d and said: %s", misused[i].line,
			         result.exit_code, result.err);
		run_result_free(&result);
	}
	assert_int_equal(test_server_requests(server), 0);
}

static void test_no_command(void **state)
{
	struct run_result result = command_run((char *[]){ (char *)(uintptr_t)BPFCTL, NULL });

	(void)state;
	assert_int_equal(result.exit_code, 2);
	assert_string_equal(result.err, "bpfctl: a command is missing\nTry \"bpfctl --help\".\n");
	run_result_free(&result);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *line;
		const char *out;
		const char *err;
	} rows[] = {
		{ "get program 900", "",
		  "bpfctl: there is none with that id: see \"bpfctl list\"?[0m\n" },
		{ "detach 1 900 2", "detached link 1\ndetached link 2\n",
		  "bpfctl: link 900: there is none with that id: see \"bpfctl list\"?[0m\n" },
		{ "unload 900 -o json", "{\n  \"unloaded\": []\n}\n",
		  "bpfctl: program 900: there is none with that id: see \"bpfctl list\"?[0m\n" },
		{ "load file OBJECT --program xdp:bad", "",
		  "bpfctl: the kernel's verifier refused \"bad\": read its log\nthe verifier's "
		  "log:\n"
		  "0: (b7) r0 = 1\nR1 type=ctx expected=fp\n?[31mprocessed 2 insns\n" },
		{ "load file /nonexistent/x.o --program xdp:f", "",
		  "bpfctl: cannot load \"/nonexistent/x.o\": No such file or directory\n" },
		{ "load file /tmp --program xdp:f", "",
		  "bpfctl: cannot load \"/tmp\": it is a directory, not an object file\n" },
		{ "load file /dev/null --program xdp:f", "",
		  "bpfctl: cannot load \"/dev/null\": the file is empty\n" },
		{ "load file /dev/zero --program xdp:f", "",
		  "bpfctl: cannot load \"/dev/zero\": it is larger than 16 MiB, the most that bpfd "
		  "takes\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run_result result = bpfctl_run_on_server(rows[i].line);

		assert_string_equal(result.err, rows[i].err);
		assert_string_equal(result.out, rows[i].out);
		assert_int_equal(result.exit_code, 1);
		run_result_free(&result);
	}
}

static void test_object_of_17_mib(void **state)
{
	char path[] = "/tmp/bpfd-client-XXXXXX", line[128];
	struct run_result result;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 17 << 20), 0);
	(void)snprintf(line, sizeof(line), "load file %s --program xdp:f", path);
	result = bpfctl_run_on_server(line);
	assert_int_equal(result.exit_code, 1);
	assert_non_null(strstr(result.err, "larger than 16 MiB"));
	run_result_free(&result);
	(void)close(fd);
	(void)unlink(path);
}

static void reply_silence(void *context, const Bpfd__V1__Request *request, unsigned count,
                          struct reply *reply)
{
	(void)context;
	(void)request;
	(void)count;
	reply->kind = REPLY_SILENCE;
}

static void reply_garbage(void *context, const Bpfd__V1__Request *request, unsigned count,
                          struct reply *reply)
{
	(void)context;
	(void)request;
	(void)count;
	reply_bytes(reply, "\xff\xff\xff", 3);
}

static void assert_unreachable(const char *line, const char *words)
{
	struct run_result result = bpfctl_run(line);

	if (result.exit_code != 3 || *result.out || !strstr(result.err, words))
		fail_msg("\"%s\" ended with %d and said: %s%s", line, result.exit_code, result.out,
		         result.err);
	run_result_free(&result);
}

static void test_unreachable(void **state)
{
	struct test_server *silent = test_server_start(reply_silence, NULL, NULL);
	struct test_server *wrong = test_server_start(reply_garbage, NULL, NULL);
	char line[256];

	(void)state;
	assert_unreachable("--socket /nonexistent/bpfd.sock status", "is bpfd running");
	assert_unreachable("--socket /etc/passwd detach 1 2", "nobody listens");
	(void)snprintf(line, sizeof(line), "--socket %s --timeout 1 detach 1 2",
	               test_server_path(silent));
	assert_unreachable(line, "link 1: bpfd did not answer within 1.000 s");
	assert_int_equal(test_server_requests(silent), 1); /* link 2 is not tried */
	(void)snprintf(line, sizeof(line), "--socket %s status", test_server_path(wrong));
	assert_unreachable(line, "none of bpfd's");
	test_server_free(silent);
	test_server_free(wrong);
}

static void test_version_needs_no_daemon(void **state)
{
	struct run_result result = bpfctl_run("--socket /nonexistent --version");

	(void)state;
	assert_int_equal(result.exit_code, 0);
	assert_string_equal(result.out, "bpfctl " BPFD_VERSION "\n");
	run_result_free(&result);
}

/* Runs a shell line in which $BPFCTL is bpfctl on the test server; returns its exit code. */
static int shell_run(const char *script)
{
	char command[512];
	char *const argv[] = { (char *)(uintptr_t) "/bin/bash", (char *)(uintptr_t) "-c", command,
		               NULL };
	struct run_result result;
	int exit_code;

	(void)snprintf(command, sizeof(command), "BPFCTL='%s --socket %s'; %s", BPFCTL,
	               test_server_path(server), script);
	result = command_run(argv);
	exit_code = result.exit_code;
	if (exit_code)
		print_message("%s: %s%s\n", script, result.out, result.err);
	run_result_free(&result);
	return exit_code;
}

static void test_streams_that_fail(void **state)
{
	(void)state;
	/* the reader is gone: silence, and the work is done */
	assert_int_equal(shell_run("set -o pipefail; $BPFCTL unload 1 2 3 | true"), 0);
	assert_int_equal(test_server_requests(server), 3);
	/* a full disk is told, and is a failure */
	assert_int_equal(shell_run("$BPFCTL list programs 2>&1 >/dev/full | grep -q 'cannot write "
	                           "the output: No space'"),
	                 0);
	assert_int_equal(
		shell_run("$BPFCTL -o json list programs 2>/dev/null >/dev/full; test $? = 1"), 0);
	/* an object from a pipe */
	assert_int_equal(shell_run("cat /bin/true | $BPFCTL load file /dev/stdin --program xdp:f"),
	                 0);
}

static int server_setup(void **state)
{
	int fd;

	(void)state;
	server = test_server_start(sample_reply, NULL, NULL);
	(void)strcpy(object_path, "/tmp/bpfd-object-XXXXXX");
	fd = mkstemp(object_path);
	if (fd < 0 || write(fd, "\177ELF", 4) != 4)
		return -1;
	return close(fd);
}

static int server_teardown(void **state)
{
	(void)state;
	test_server_free(server);
	return unlink(object_path);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WITH_SERVER(test_output),
		WITH_SERVER(test_misuse),
		cmocka_unit_test(test_no_command),
		WITH_SERVER(test_refusals),
		WITH_SERVER(test_object_of_17_mib),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_version_needs_no_daemon),
		WITH_SERVER(test_streams_that_fail),
	};

	/* tables and dates look alike everywhere */
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)alarm(180);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
