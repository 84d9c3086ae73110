/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Command lines that are right, taken apart. The wrong ones are in bpfctl_test.c, where the real
 * program says so. */
#include "bpfctl/arguments.h"

#include <cmocka.h>
#include <string.h>

#define WORDS_MAX 32

/* Parses "bpfctl" and the words of `line`; static storage, as argv is. */
static const struct arguments *parse(const char *line)
{
	static struct arguments arguments;
	static char copy[1024];
	static char *argv[WORDS_MAX + 1];
	char *rest = copy, *word;
	int argc = 0;

	(void)snprintf(copy, sizeof(copy), "bpfctl %s", line);
	while ((word = strsep(&rest, " ")) != NULL && argc < WORDS_MAX)
		argv[argc++] = word;
	argv[argc] = NULL;
	if (!arguments_parse(argc, argv, &arguments))
		fail_msg("\"%s\": %s", line, arguments.complaint);
	return &arguments;
}

static void test_defaults(void **state)
{
	const struct arguments *arguments = parse("status");

	(void)state;
	assert_ptr_equal(arguments->command, command_find("status", NULL));
	assert_null(arguments->socket_path);
	assert_int_equal(arguments->timeout_ms, BPFD_TIMEOUT_MS);
	assert_int_equal(arguments->output, OUTPUT_TABLE);
	assert_int_equal(arguments->operand_count, 0);
}

static void test_global_options_anywhere(void **state)
{
	const struct arguments *arguments = parse("--socket=/s get -o json program --timeout 7 5");

	(void)state;
	assert_ptr_equal(arguments->command, command_find("get", "program"));
	assert_string_equal(arguments->socket_path, "/s");
	assert_int_equal(arguments->timeout_ms, 7000);
	assert_int_equal(arguments->output, OUTPUT_JSON);
	assert_string_equal(arguments->operands[0], "5");
}

static void test_load(void **state)
{
	const struct arguments *arguments =
		parse("load file a/b.o --program xdp:one --global g=0x0a00 --global h=ff "
	              "--metadata k=v=w "
	              "--metadata e= --application app --exclusive --program=xdp:two");

	(void)state;
	assert_int_equal(arguments->program_count, 2);
	assert_string_equal(arguments->programs[1].function, "two");
	assert_int_equal(arguments->programs[0].type, BPFD_PROGRAM_XDP);
	assert_true(arguments->programs[0].exclusive && arguments->programs[1].exclusive);
	assert_int_equal(arguments->global_count, 2);
	assert_int_equal(arguments->globals[0].size, 2);
	assert_memory_equal(arguments->globals[0].value, "\x0a", 2);
	assert_string_equal(arguments->globals[1].name, "h");
	assert_string_equal(arguments->metadata[0].value, "v=w");
	assert_string_equal(arguments->metadata[1].value, "");
	assert_string_equal(arguments->application, "app");
	assert_string_equal(arguments->operands[0], "a/b.o");
}

static void test_attach(void **state)
{
	const struct arguments *arguments =
		parse("attach xdp 5 --iface eth0 --priority 0 --proceed-on drop,pass --mode native "
	              "--exclusive");

	(void)state;
	assert_int_equal(arguments->type, BPFD_PROGRAM_XDP);
	assert_string_equal(arguments->xdp.interface, "eth0");
	assert_true(arguments->xdp.priority_set);
	assert_int_equal(arguments->xdp.priority, 0);
	assert_int_equal(arguments->xdp.proceed_on_count, 2);
	assert_int_equal(arguments->xdp.proceed_on[0], 1);
	assert_int_equal(arguments->xdp.mode, BPFD_XDP_MODE_NATIVE);
	assert_true(arguments->xdp.exclusive);

	arguments = parse("attach xdp 5 --iface eth0 --proceed-on drop --proceed-on tx");
	assert_false(arguments->xdp.priority_set);
	assert_int_equal(arguments->xdp.proceed_on_count, 1); /* the last one counts */
	assert_int_equal(arguments->xdp.proceed_on[0], 3);

	arguments = parse("attach tracepoint --target sched/sched_switch -- 6");
	assert_int_equal(arguments->type, BPFD_PROGRAM_TRACEPOINT);
	assert_string_equal(arguments->tracepoint.group, "sched");
	assert_string_equal(arguments->tracepoint.name, "sched_switch");
	assert_string_equal(arguments->operands[0], "6");
}

static void test_many_operands_among_options(void **state)
{
	const struct arguments *arguments = parse("detach 1 --timeout 5 2 -- 3");

	(void)state;
	assert_int_equal(arguments->operand_count, 3);
	assert_string_equal(arguments->operands[0], "1");
	assert_string_equal(arguments->operands[1], "2");
	assert_string_equal(arguments->operands[2], "3");
}

static void test_lists(void **state)
{
	const struct arguments *arguments =
		parse("list programs --type tracepoint --metadata a=b --application x");

	(void)state;
	assert_int_equal(arguments->type, BPFD_PROGRAM_TRACEPOINT);
	assert_int_equal(arguments->metadata_count, 1);
	assert_int_equal(parse("list links --program 5")->program_id, 5);
	assert_int_equal(parse("list links")->program_id, 0);
}

static void test_help_needs_nothing_else(void **state)
{
	(void)state;
	assert_true(parse("--help")->help);
	assert_true(parse("load --help")->help);
	assert_true(parse("attach xdp -h")->help);
	assert_true(parse("-V")->version);
}

/* As many as bpfd takes are taken, one more is refused. */
static void test_repeated_options_are_counted(void **state)
{
	char *argv[LOAD_PROGRAMS_MAX + 5], words[LOAD_PROGRAMS_MAX + 1][32],
		command[] = "load", file[] = "file", path[] = "x";
	static struct arguments arguments;

	(void)state;
	for (int count = LOAD_PROGRAMS_MAX; count <= LOAD_PROGRAMS_MAX + 1; count++) {
		argv[0] = argv[1] = command;
		argv[2] = file;
		argv[3] = path;
		for (int i = 0; i < count; i++) {
			(void)snprintf(words[i], sizeof(words[i]), "--program=xdp:f%d", i);
			argv[4 + i] = words[i];
		}
		assert_int_equal(arguments_parse(4 + count, argv, &arguments),
		                 count == LOAD_PROGRAMS_MAX);
		assert_int_equal(arguments.program_count, LOAD_PROGRAMS_MAX);
	}
}

/* Every command can be found, says what it is, and has options that do not hide the global ones. */
static void test_command_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];

		assert_ptr_equal(command_find(command->words[0], command->words[1]), command);
		assert_int_equal(command_words(command->words[0]), command->words[1] ? 2 : 1);
		assert_true(*command->summary && command->run);
		for (const struct option_row *row = command->options; row && row->name; row++) {
			assert_true(row->help && row->take);
			for (const struct option_row *global = global_options; global->name;
			     global++)
				assert_string_not_equal(row->name, global->name);
		}
	}
	assert_null(command_find("load", NULL));
	assert_null(command_find("status", "x"));
	assert_int_equal(command_words("x"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_global_options_anywhere),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_many_operands_among_options),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_help_needs_nothing_else),
		cmocka_unit_test(test_repeated_options_are_counted),
		cmocka_unit_test(test_command_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
