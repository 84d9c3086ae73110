/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The real bpfctl: exit codes, what it prints for people and for programs, what it says about wrong
 * command lines. */
#include "client/bpfctl_run.h"
#include "client/samples.h"
#include "common/program_type.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test_server *server;
static char object_path[64];

static struct run_result bpfctl_run_on_server(const char *line)
{
	return bpfctl_run_on(server, line, object_path);
}

#define EIGHT "1,2,3,4,5,6,7,8,"
#define THIRTY_THREE EIGHT EIGHT EIGHT EIGHT "9"

/* Output for each command, as a golden file. */
static const struct {
	const char *line;
	const char *golden;
} shown[] = {
	{ "list programs", "list_programs.txt" },
	{ "-o json list programs", "list_programs.json" },
	{ "list programs --all", "list_programs_all.txt" },
	{ "-o json list programs --all", "list_programs_all.json" },
	{ "list links --all", "list_links_all.txt" },
	{ "list links --all -o json", "list_links_all.json" },
	{ "list maps", "list_maps.txt" },
	{ "list maps --all -o json", "list_maps.json" },
	{ "get program --kernel 301", "get_program_kernel.txt" },
	{ "get program 301 --kernel -o json", "get_program_kernel.json" },
	{ "list links", "list_links.txt" },
	{ "list links -o json", "list_links.json" },
	{ "get program 5", "get_program.txt" },
	{ "get program 5 -o json", "get_program.json" },
	{ "get link 1", "get_link_xdp.txt" },
	{ "get link 3", "get_link_tracepoint.txt" },
	{ "get link 3 --output=json", "get_link_tracepoint.json" },
	{ "get link 4", "get_link_uprobe.txt" },
	{ "get link 4 -o json", "get_link_uprobe.json" },
	{ "get link 5", "get_link_fentry.txt" },
	{ "get link 5 -o json", "get_link_fentry.json" },
	{ "get program 8", "get_program_fentry.txt" },
	{ "get program 8 -o json", "get_program_fentry.json" },
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
	{ "attach fentry 8 --metadata a=b", "attach_fentry.txt" },
	{ "attach uprobe 7 --target /bin/bash --offset 16", "attach_uprobe.txt" },
	{ "update 1 --priority -3 --program 6 --proceed-on drop,tx", "update.txt" },
	{ "update 1 --priority 0 -o json", "update.json" },
	{ "detach 1 2", "detach.txt" },
	{ "detach 1 2 -o json", "detach.json" },
	{ "unload 5", "unload.txt" },
	{ "unload --force 5", "unload.txt" },
	{ "unload --help", "help_unload.txt" },
	{ "--help", "help.txt" },
	{ "load file --help", "help_load_file.txt" },
	{ "attach -h", "help_attach.txt" },
	{ "attach xdp -h", "help_attach_xdp.txt" },
	{ "attach tracepoint --help", "help_attach_tracepoint.txt" },
	{ "attach fentry --help", "help_attach_fentry.txt" },
	{ "list --help", "help_list.txt" },
};

/* Cuts the list of types out, which grows with each, and looks at it. */
static void types_cut(char *text)
{
	static const char title[] = "\nTYPE is one of:\n";
	char *list = strstr(text, title), *end, *line;

	if (!list)
		return;
	end = strstr(list + sizeof(title) - 1, "\n\n");
	assert_non_null(end);
	*end = '\0';
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		char word[64];

		if (!program_type_row(type))
			continue;
		(void)snprintf(word, sizeof(word), " %s", program_type_row(type)->name);
		assert_non_null(strstr(list, word));
	}
	for (char *rest = list + sizeof(title) - 1; (line = strsep(&rest, "\n"));)
		assert_in_range(strlen(line), 3, 80);
	memmove(list, end + 1, strlen(end + 1) + 1);
}

static void test_output(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct run_result result = bpfctl_run_on_server(shown[i].line);

		if (result.exit_code != 0 || *result.err)
			fail_msg("\"%s\" ended with %d: %s", shown[i].line, result.exit_code,
			         result.err);
		types_cut(result.out);
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
	{ "list pins", "unknown command \"list pins\"" },
	{ "frobnicate", "unknown command \"frobnicate\"" },
	{ "attach", "second word is missing" },
	{ "attach socket_filter 5", "no program type \"socket_filter\": it is one of xdp, " },
	{ "attach XDP 5", "no program type \"XDP\"" },
	{ "attach 5", "no program type \"5\"" },
	{ "attach TYPE 5", "no program type \"TYPE\"" },
	{ "attach --iface eth0 xdp 5", "follow the command" },
	{ "completion", "second word is missing" },
	{ "completion tcsh", "unknown command \"completion tcsh\"" },
	{ "completion bash 5", "\"5\" is too much" },
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
	{ "load file OBJECT", "--program FUNCTION is missing" },
	{ "load file OBJECT --program=", "takes FUNCTION or TYPE:FUNCTION" },
	{ "load file OBJECT --program xdp:", "takes FUNCTION or TYPE:FUNCTION" },
	{ "load file OBJECT --program fentry::vfs_read", "takes FUNCTION or TYPE:FUNCTION" },
	{ "load file OBJECT --program :f", "no program type \"\"" },
	{ "load file OBJECT --program socket_filter:f", "no program type \"socket_filter\"" },
	{ "load file OBJECT --program xdp:f:eth0", "xdp programs take no target at load" },
	{ "load file OBJECT --program xdp:f:", "xdp programs take no target at load" },
	{ "load file OBJECT --program tracepoint:f:sched/sched_switch",
	  "use \"bpfctl attach tracepoint\" to say where, and leave out \":sched/sched_switch\"" },
	{ "load file OBJECT --program fentry:f:", "the kernel's function after the last colon" },
	{ "load file OBJECT --program lsm:f:", "the kernel's hook after the last colon" },
	{ "load file OBJECT --program tracepoint:f --exclusive", "--exclusive is for xdp" },
	{ "load file OBJECT --program f --exclusive", "name it as xdp:f" },
	{ "load file OBJECT --program xdp:f --global limit", "takes NAME=VALUE" },
	{ "load file OBJECT --program xdp:f --global limit=", "its value is missing" },
	{ "load file OBJECT --program xdp:f --global limit=hex:123", "is not HEX" },
	{ "load file OBJECT --program xdp:f --global limit=hex:zz", "is not HEX" },
	{ "map dump 5", "PROGRAM MAP is missing" },
	{ "map dump x flows", "is no program id" },
	{ "map get 5 flows 1 2", "\"2\" is too much" },
	{ "map set 5 flows", "is missing" },
	{ "map set 5 flows 1 2 --new --existing", "exclude each other" },
	{ "map", "\"map\" what?" },
	{ "load file OBJECT --program xdp:f --metadata =x", "takes KEY=VALUE" },
	{ "load file OBJECT --program xdp:f --metadata x", "takes KEY=VALUE" },
	{ "load file OBJECT --program xdp:f --application=", "--application takes a name" },
	{ "load file OBJECT --program xdp:f --persisting", "unknown option \"--persisting\"" },
	{ "load file OBJECT --program xdp:f --map-owner five",
	  "takes a program's id, not \"five\"" },
	{ "load file OBJECT --program xdp:f --map-owner 0", "takes a program's id, not \"0\"" },
	{ "load file OBJECT --program xdp:f --map-owner", "needs a value" },
	{ "detach 5 --force", "unknown option \"--force\"" },
	{ "load file OBJECT OBJECT --program xdp:f", "is too much" },
	{ "attach xdp 5", "--iface INTERFACE is missing" },
	{ "attach xdp --iface eth0", "PROGRAM is missing" },
	{ "attach xdp 0 --iface eth0", "\"0\" is no id" },
	{ "attach xdp five --iface eth0", "\"five\" is no id" },
	{ "attach xdp 5 --iface=", "--iface needs a value" },
	{ "attach xdp 5 --iface eth0 --priority", "needs a value" },
	{ "attach xdp 5 --iface eth0 --priority -2147483648", "--priority takes a whole number" },
	{ "attach xdp 5 --iface eth0 --priority --", "--priority takes a whole number" },
	{ "attach xdp 5 --iface eth0 --priority 5x", "--priority takes a whole number" },
	{ "attach xdp 5 --iface eth0 --priority 4294967296", "--priority takes a whole number" },
	{ "attach xdp 5 --iface eth0 --proceed-on pass,fail",
	  "xdp has no action \"fail\": they are aborted, drop, " },
	{ "attach xdp 5 --iface eth0 --proceed-on pass,", "xdp has no action \"\"" },
	{ "attach xdp 5 --iface eth0 --proceed-on pass,pass", "twice" },
	{ "attach xdp 5 --iface eth0 --mode fast", "no XDP mode \"fast\"" },
	{ "attach tracepoint 5 --target sched/sched_switch --netns /run/netns/a",
	  "tracepoint programs take no --netns" },
	{ "attach xdp 5 --iface eth0 --function=f",
	  "xdp programs take no --function: see \"bpfctl attach xdp --help\"" },
	{ "attach xdp 5 --iface eth0 --functio f", "unknown option \"--functio\"" },
	{ "attach fentry 5 --iface eth0", "fentry programs take no --iface" },
	{ "attach fentry 5 --target vfs_read", "fentry programs take no --target" },
	{ "attach fentry 5 --priority 5", "fentry programs take no --priority" },
	{ "attach raw_tracepoint 5", "--target NAME is missing: raw_tracepoint programs need it" },
	{ "attach kprobe 5 --offset 1", "--function FUNCTION is missing" },
	{ "attach kprobe 5 --function=", "--function needs a value" },
	{ "attach kprobe 5 --function f --offset -1", "--offset takes a number from 0 to" },
	{ "attach kretprobe 5 --function f --offset 1", "kretprobe programs take no --offset" },
	{ "attach uprobe 5 --target /bin/sh", "--function FUNCTION or --offset BYTES is missing" },
	{ "attach uprobe 5 --function main", "--target FILE is missing" },
	{ "attach uprobe 5 --offset 1", "--target FILE is missing" },
	{ "attach uprobe 5 --target /bin/sh --offset 1 --pid 4294967296",
	  "--pid takes a number from 0 to 4294967295" },
	{ "attach kprobe_multi 5", "--function FUNCTION is missing" },
	{ "attach kprobe_multi 5 --function a,", "--function needs a value" },
	{ "attach kprobe_multi 5 --function a,,b", "--function needs a value" },
	{ "attach kprobe_multi 5 --function a,b --offset 1",
	  "kprobe_multi programs take no --offset" },
	{ "attach kprobe_multi 5 --function " THIRTY_THREE,
	  "--function names too many places: at most 32 are allowed" },
	{ "attach uprobe_multi 5 --target /bin/sh --offset " THIRTY_THREE,
	  "--offset names too many places: at most 32 are allowed" },
	{ "attach uprobe_multi 5 --target /bin/sh --offset 1,x",
	  "--offset takes a number from 0 to" },
	{ "attach uprobe_multi 5 --target /bin/sh --function a,b,c --offset 1,2",
	  "--function names 3 places and --offset 2: give one offset for all functions" },
	{ "attach kprobe 5 --function a,b", "kprobe programs run at one place: name one" },
	{ "attach kretprobe 5 --function a --function b", "kretprobe programs run at one place" },
	{ "attach uprobe 5 --target /bin/sh --offset 1,2", "uprobe programs run at one place" },
	{ "attach perf_event 5 --target cpu-clock", "--frequency HZ is missing" },
	{ "attach perf_event 5 --frequency 99", "--target EVENT is missing" },
	{ "attach tc 5 --iface eth0", "--direction DIRECTION is missing" },
	{ "attach tc 5 --iface eth0 --direction in", "no direction \"in\"" },
	{ "attach tc 5 --iface eth0 --direction ingress --mode native",
	  "tc programs take no --mode" },
	{ "attach tracepoint 5", "--target GROUP/NAME is missing" },
	{ "attach tracepoint 5 --target sched", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --target sched/", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --target a/b/c", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --target /x", "takes GROUP/NAME" },
	{ "attach tracepoint 5 --iface eth0", "tracepoint programs take no --iface" },
	{ "update 1", "nothing to change: give --priority, --proceed-on or --program" },
	{ "update --priority 5", "LINK is missing" },
	{ "update x --priority 5", "\"x\" is no id" },
	{ "update 1 2 --priority 5", "\"2\" is too much" },
	{ "update 1 --priority five", "--priority takes a whole number" },
	{ "update 1 --program 0", "\"0\" is no program id" },
	{ "update 1 --proceed-on=", "--proceed-on takes actions" },
	{ "update 1 --iface eth0", "unknown option \"--iface\"" },
	{ "detach", "LINK... is missing" },
	{ "detach 1 -2", "\"-2\" is no id" },
	{ "detach 1 99999999999999999999", "is no id" },
	{ "unload 1 0x2", "\"0x2\" is no id" },
	{ "get program", "ID is missing" },
	{ "get program 1 2", "\"2\" is too much" },
	{ "list programs --type socket_filter", "no program type \"socket_filter\"" },
	{ "list programs --everything", "unknown option \"--everything\"" },
	{ "list programs --owner root", "--owner takes a user's number" },
	{ "list links --owner 4294967295", "--owner takes a user's number" },
	{ "list maps --type", "needs a value" },
	{ "get program --kernel 4294967296", "is no kernel id" },
	{ "top --interval 0", "--interval takes 1 to 60 seconds" },
	{ "top --count x", "--count takes 1 to" },
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

/* What the words mean is known when bpfd has said which type the link has; nothing is changed by a
 * wrong one. */
static void test_update_knows_the_actions_of_the_link(void **state)
{
	static const struct {
		const char *line;
		const char *words;
		int exit_code;
	} rows[] = {
		{ "update 1 --proceed-on pass,shot", "xdp has no action \"shot\"", 2 },
		{ "update 5 --proceed-on pass", "link 5 is in no chain", 2 },
		{ "update 900 --proceed-on pass", "there is none with that id", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run_result result = bpfctl_run_on_server(rows[i].line);

		assert_int_equal(result.exit_code, rows[i].exit_code);
		assert_string_equal(result.out, "");
		assert_non_null(strstr(result.err, rows[i].words));
		assert_int_equal(test_server_requests(server), i + 1);
		run_result_free(&result);
	}
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
	struct run_result result = bpfctl_run(line, NULL);

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
	struct run_result result = bpfctl_run("--socket /nonexistent --version", NULL);

	(void)state;
	assert_int_equal(result.exit_code, 0);
	assert_string_equal(result.out, "bpfctl " BPFD_VERSION "\n");
	run_result_free(&result);
}

/* Runs a shell line in which $BPFCTL is bpfctl on the test server; returns its exit code. */
static int shell_run(const char *script)
{
	char command[1024];
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

/* The shell's script asks the bpfctl in PATH, and on the socket that was named. */
static void test_completion_of_ids(void **state)
{
	static const struct {
		const char *words;
		const char *offered;
	} rows[] = {
		{ "get program", "5 6" }, { "get link", "1 3" },
		{ "detach 1", "1 3" },    { "unload", "5 6" },
		{ "attach xdp", "5 6" },  { "attach xdp --iface lo", "5 6" },
		{ "attach xdp 5", "" },   { "list links --program", "5 6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char script[768];

		(void)snprintf(script, sizeof(script),
		               "PATH=" BPFD_BUILD_DIR
		               "/bin:$PATH; source <(bpfctl completion bash); "
		               "COMP_WORDS=($BPFCTL %s ''); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); "
		               "_bpfctl; echo \"${COMPREPLY[*]}\"; test \"${COMPREPLY[*]}\" = '%s'",
		               rows[i].words, rows[i].offered);
		assert_int_equal(shell_run(script), 0);
	}
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
		WITH_SERVER(test_update_knows_the_actions_of_the_link),
		cmocka_unit_test(test_no_command),
		WITH_SERVER(test_refusals),
		WITH_SERVER(test_object_of_17_mib),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_version_needs_no_daemon),
		WITH_SERVER(test_streams_that_fail),
		WITH_SERVER(test_completion_of_ids),
	};

	/* tables and dates look alike everywhere */
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)alarm(180);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
