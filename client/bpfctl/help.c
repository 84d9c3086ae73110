/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/help.h"
#include "bpfctl/text.h"
#include "common/program_type.h"

#include <string.h>

#define LEFT_COLUMN 29
#define LINE_WIDTH 80

static void option_print(FILE *out, const struct option_row *row)
{
	char left[64], letter[8] = "    ";

	if (row->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, row->value ? " " : "",
	               row->value ? row->value : "");
	(void)fprintf(out, "  %-*s  %s\n", LEFT_COLUMN, left, row->help);
}

static _Bool option_is_in(const struct option_row *rows, const char *name)
{
	for (; rows && rows->name; rows++) {
		if (strcmp(rows->name, name) == 0)
			return 1;
	}
	return 0;
}

/* Without those that `own` has, too, and means otherwise. */
static void options_print(FILE *out, const char *title, const struct option_row *rows,
                          enum bpfd_program_type type, const struct option_row *own)
{
	if (!rows)
		return;
	(void)fprintf(out, "\n%s\n", title);
	for (; rows->name; rows++) {
		if (option_fits(rows, type) && !option_is_in(own, rows->name))
			option_print(out, rows);
	}
}

static void command_name(const struct command *command, char *name, size_t size)
{
	(void)snprintf(name, size, "%s%s%s", command->words[0], command->words[1] ? " " : "",
	               command->words[1] ? command->words[1] : "");
}

/* "attach xdp": with the type that was named */
static void arguments_name(const struct arguments *arguments, char *name, size_t size)
{
	const struct command *command = arguments->command;

	if (command->words[1] && strcmp(command->words[1], COMMAND_TYPE) == 0)
		(void)snprintf(name, size, "%s %s", command->words[0],
		               bpfd_program_type_name(arguments->type));
	else
		command_name(command, name, size);
}

/* Of a type whose options do not say where it runs. */
static void place_help(FILE *out, enum bpfd_program_type type)
{
	const struct program_type_row *row = program_type_row(type);

	if (row && row->loaded_for)
		(void)fprintf(out,
		              "\nIt runs at the %s that it was loaded for: see --program of "
		              "\"bpfctl load file --help\".\n",
		              row->loaded_for);
}

static void command_help(FILE *out, const struct arguments *arguments)
{
	const struct command *command = arguments->command;
	char name[64];

	arguments_name(arguments, name, sizeof(name));
	(void)fprintf(out, "bpfctl %s: %s\n\nUsage: bpfctl %s%s%s%s\n", name, command->summary,
	              name, command->options ? " [OPTIONS]" : "", *command->operands ? " " : "",
	              command->operands);
	place_help(out, arguments->type);
	options_print(out, "Options:", command->options, arguments->type, NULL);
	options_print(out, "Options of every command:", global_options, BPFD_PROGRAM_NONE,
	              command->options);
}

/* In lines that fit a terminal. */
static void types_print(FILE *out)
{
	static const char title[] = "\nTYPE is one of:";
	size_t column = LINE_WIDTH;

	(void)fputs(title, out);
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const char *name = bpfd_program_type_name((enum bpfd_program_type)type);

		if (!name)
			continue;
		column += strlen(name) + 1;
		if (column > LINE_WIDTH) {
			(void)fputs("\n ", out);
			column = strlen(name) + 2;
		}
		(void)fprintf(out, " %s", name);
	}
	(void)fputc('\n', out);
}

static void commands_help(FILE *out, const char *first_word)
{
	(void)fputs("bpfctl: load, attach, list and remove eBPF programs through bpfd\n\n"
	            "Usage: bpfctl [--socket PATH] [-o table|json] [--timeout SECONDS] "
	            "COMMAND\n\nCommands:\n",
	            out);
	for (size_t i = 0; i < command_count; i++) {
		char name[64], left[96];

		if (first_word && strcmp(commands[i].words[0], first_word) != 0)
			continue;
		command_name(&commands[i], name, sizeof(name));
		(void)snprintf(left, sizeof(left), "%s %s", name, commands[i].operands);
		(void)fprintf(out, "  %-*s  %s\n", LEFT_COLUMN, left, commands[i].summary);
	}
	options_print(out, "Options of every command:", global_options, BPFD_PROGRAM_NONE, NULL);
	if (!first_word || command_find(first_word, COMMAND_TYPE))
		types_print(out);
	(void)fputs("\n\"bpfctl COMMAND --help\" explains one command, bpfctl(1) all of them.\n",
	            out);
}

void help_print(FILE *out, const struct arguments *arguments)
{
	if (arguments->command)
		command_help(out, arguments);
	else
		commands_help(out, arguments->first_word);
}

void complaint_print(FILE *out, const struct arguments *arguments)
{
	char name[64] = "";

	if (arguments->command)
		arguments_name(arguments, name, sizeof(name));
	else if (arguments->first_word)
		(void)snprintf(name, sizeof(name), "%s", arguments->first_word);
	(void)fputs("bpfctl: ", out);
	text_print(out, arguments->complaint);
	(void)fprintf(out, "\nTry \"bpfctl %s%s--help\".\n", name, *name ? " " : "");
}
