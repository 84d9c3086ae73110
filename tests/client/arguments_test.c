/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Command lines that are right, taken apart. The wrong ones are in bpfctl_test.c, where the real
 * program says so. */
#include "bpfctl/arguments.h"
#include "bpfctl/options.h"

#include <cmocka.h>
#include <string.h>

#define WORDS_MAX 32

/* Parses "bpfctl" and the words of `line`; static storage, as argv is. */
static _Bool parse_try(const char *line, struct arguments *arguments)
{
	static char copy[1024];
	static char *argv[WORDS_MAX + 1];
	char *rest = copy, *word;
	int argc = 0;

	(void)snprintf(copy, sizeof(copy), "bpfctl %s", line);
	while ((word = strsep(&rest, " ")) != NULL && argc < WORDS_MAX)
		argv[argc++] = word;
	argv[argc] = NULL;
	return arguments_parse(argc, argv, arguments);
}

static const struct arguments *parse(const char *line)
{
	static struct arguments arguments;

	if (!parse_try(line, &arguments))
		fail_msg("\"%s\": %s", line, arguments.complaint);
	return &arguments;
}

static void test_defaults(void **state)
{
	const struct arguments *arguments = parse("status");

	(void)state;
	assert_ptr_equal(arguments->command, command_find("status", NULL));
	assert_null(arguments->socket_path);
	assert_int_equal(arguments->timeout_ms, 0); /* each command has its own */
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
		parse("load file a/b.o --program xdp:one --global g=hex:0a00 --global h={a=1} "
	              "--metadata k=v=w "
	              "--metadata e= --application app --exclusive --program=xdp:two");

	(void)state;
	assert_int_equal(arguments->program_count, 2);
	assert_string_equal(arguments->programs[1].function, "two");
	assert_int_equal(arguments->programs[0].type, BPFD_PROGRAM_XDP);
	assert_true(arguments->programs[0].exclusive && arguments->programs[1].exclusive);
	assert_int_equal(arguments->global_count, 2);
	assert_string_equal(arguments->globals[0].value, "hex:0a00");
	assert_string_equal(arguments->globals[1].name, "h");
	assert_string_equal(arguments->globals[1].value, "{a=1}");
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
	assert_string_equal(arguments->target.interface, "eth0");
	assert_true(arguments->target.priority_set);
	assert_int_equal(arguments->target.priority, 0);
	assert_int_equal(arguments->target.proceed_on_count, 2);
	assert_int_equal(arguments->target.proceed_on[0], 1);
	assert_int_equal(arguments->target.mode, BPFD_XDP_MODE_NATIVE);
	assert_true(arguments->target.exclusive);

	arguments = parse("attach xdp 5 --iface eth0 --proceed-on drop --proceed-on tx");
	assert_false(arguments->target.priority_set);
	assert_int_equal(arguments->target.proceed_on_count, 1); /* the last one counts */
	assert_int_equal(arguments->target.proceed_on[0], 3);

	arguments = parse("attach tracepoint --target sched/sched_switch -- 6");
	assert_int_equal(arguments->type, BPFD_PROGRAM_TRACEPOINT);
	assert_string_equal(arguments->target.group, "sched");
	assert_string_equal(arguments->target.name, "sched_switch");
	assert_string_equal(arguments->operands[0], "6");
}

static void test_load_programs(void **state)
{
	const struct arguments *arguments = parse(
		"load file x --program one --program fentry:two:vfs_read --program lsm:three");

	(void)state;
	assert_int_equal(arguments->program_count, 3);
	assert_int_equal(arguments->programs[0].type, BPFD_PROGRAM_NONE);
	assert_string_equal(arguments->programs[0].function, "one");
	assert_null(arguments->programs[0].target);
	assert_int_equal(arguments->programs[1].type, BPFD_PROGRAM_FENTRY);
	assert_string_equal(arguments->programs[1].function, "two");
	assert_string_equal(arguments->programs[1].target, "vfs_read");
	assert_int_equal(arguments->programs[2].type, BPFD_PROGRAM_LSM);
	assert_null(arguments->programs[2].target);
}

/* What range bpfd takes is bpfd's to say, but a number that is none is refused here. */
static void test_priorities(void **state)
{
	static const struct {
		const char *word;
		_Bool ok;
		int32_t value;
	} rows[] = {
		{ "-1", 1, -1 },
		{ "-0", 1, 0 },
		{ "2147483647", 1, INT32_MAX },
		{ "-2147483647", 1, -INT32_MAX },
		{ "2147483648", 0, 0 },
		{ "-2147483648", 0, 0 },
		{ "4294967295", 0, 0 },
		{ "99999999999999999999", 0, 0 },
		{ "--1", 0, 0 },
		{ "-", 0, 0 },
		{ "+1", 0, 0 },
		{ "1.5", 0, 0 },
	};
	static struct arguments arguments;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[96];

		(void)snprintf(line, sizeof(line), "attach xdp 5 --iface eth0 --priority %s",
		               rows[i].word);
		assert_int_equal(parse_try(line, &arguments), rows[i].ok);
		if (rows[i].ok) {
			assert_true(arguments.target.priority_set);
			assert_int_equal(arguments.target.priority, rows[i].value);
		}
	}
}

/* A word is the type's: "ok" is TC's, "pass" XDP's. */
static void test_actions_of_the_type(void **state)
{
	const struct arguments *arguments =
		parse("attach tc 5 --iface eth0 --direction egress --proceed-on unspec,ok,trap");
	static struct arguments wrong;

	(void)state;
	assert_int_equal(arguments->target.direction, BPFD_DIRECTION_EGRESS);
	assert_int_equal(arguments->target.proceed_on_count, 3);
	assert_int_equal(arguments->target.proceed_on[0], -1);
	assert_int_equal(arguments->target.proceed_on[1], 0);
	assert_int_equal(arguments->target.proceed_on[2], 8);
	assert_false(
		parse_try("attach tc 5 --iface eth0 --direction egress --proceed-on pass", &wrong));
	assert_non_null(strstr(wrong.complaint, "unspec, ok, "));
	assert_non_null(strstr(wrong.complaint, " and dispatcher_return"));
}

/* What --target is depends on the type. */
static void test_targets_of_the_type(void **state)
{
	const struct arguments *arguments = parse("attach raw_tracepoint 5 --target sched_switch");

	(void)state;
	assert_string_equal(arguments->target.name, "sched_switch");
	assert_null(arguments->target.group);
	arguments = parse("attach uprobe 5 --target /bin/bash --offset 16 --pid 7");
	assert_string_equal(arguments->target.path, "/bin/bash");
	assert_null(arguments->target.name);
	assert_int_equal(arguments->target.offset, 16);
	assert_int_equal(arguments->target.pid, 7);
	arguments = parse("attach perf_event 5 --target cpu-clock --frequency 99 --cpu 0");
	assert_string_equal(arguments->target.name, "cpu-clock");
	assert_int_equal(arguments->target.frequency, 99);
	assert_true(arguments->target.cpu_set);
	arguments = parse("attach kprobe_multi 5 --function a,b --function c");
	assert_string_equal(arguments->target.function, "a");
	assert_int_equal(arguments->target.place_count, 2);
	assert_string_equal(arguments->target.places[0].function, "b");
	assert_string_equal(arguments->target.places[1].function, "c");
	assert_int_equal(arguments->target.places[1].offset, 0);
	arguments = parse("attach uprobe_multi 5 --target /bin/sh --offset 16,32");
	assert_null(arguments->target.function);
	assert_int_equal(arguments->target.offset, 16);
	assert_int_equal(arguments->target.place_count, 1);
	assert_null(arguments->target.places[0].function);
	assert_int_equal(arguments->target.places[0].offset, 32);
	arguments = parse("attach uprobe_multi 5 --target /bin/sh --function a,b --offset 4");
	assert_int_equal(arguments->target.offset, 4);
	assert_int_equal(arguments->target.places[0].offset, 4); /* of each */
	arguments = parse("attach uprobe_multi 5 --target /bin/sh --function a,b --offset 4,8");
	assert_int_equal(arguments->target.offset, 4);
	assert_int_equal(arguments->target.places[0].offset, 8);
	arguments = parse("attach kprobe 5 --function a --offset 4");
	assert_int_equal(arguments->target.place_count, 0);
	arguments = parse("attach fentry 5");
	assert_int_equal(arguments->type, BPFD_PROGRAM_FENTRY);
	assert_int_equal(arguments->fields, 0);
}

/* Of each type: what it needs can be said, by one option for each name, and what it does not take
 * cannot. */
static void test_options_of_all_types(void **state)
{
	(void)state;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);
		uint32_t said = 0;

		if (!row)
			continue;
		for (const struct option_row *option = attach_options; option->name; option++) {
			if (!option_fits(option, (enum bpfd_program_type)type))
				continue;
			if (said & option->fields)
				fail_msg("%s: --%s twice", row->name, option->name);
			said |= option->fields;
		}
		if (said != row->takes)
			fail_msg("%s takes 0x%x, its options say 0x%x", row->name, row->takes,
			         said);
	}
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
	assert_true(parse("attach --help")->help);
	assert_null(parse("attach --help")->command);
	assert_true(parse("load file --help")->help);
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

		/* commands with one first word are neighbours: completion relies on it */
		for (size_t before = 0; before + 1 < i; before++)
			assert_true(strcmp(commands[before].words[0], command->words[0]) != 0 ||
			            strcmp(commands[i - 1].words[0], command->words[0]) == 0);
		assert_ptr_equal(command_find(command->words[0], command->words[1]), command);
		assert_int_equal(command_words(command->words[0]), command->words[1] ? 2 : 1);
		assert_true(*command->summary && command->run);
		for (const struct option_row *row = command->options; row && row->name; row++) {
			assert_true(row->help && row->take);
			if (command->options == image_build_options && row->letter == 'o')
				continue; /* which hands "json" and "table" on */
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
		cmocka_unit_test(test_load_programs),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_actions_of_the_type),
		cmocka_unit_test(test_targets_of_the_type),
		cmocka_unit_test(test_options_of_all_types),
		cmocka_unit_test(test_many_operands_among_options),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_help_needs_nothing_else),
		cmocka_unit_test(test_repeated_options_are_counted),
		cmocka_unit_test(test_command_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
