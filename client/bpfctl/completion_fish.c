/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/completion.h"

#include <string.h>

/* The words of the command line that are no options and no options' values. */
static const char words_head[] = "function __bpfctl_words\n"
				 "\tset -l skip 0\n"
				 "\tfor word in (commandline -opc)[2..-1]\n"
				 "\t\tif test $skip = 1\n"
				 "\t\t\tset skip 0\n"
				 "\t\t\tcontinue\n"
				 "\t\tend\n"
				 "\t\tswitch $word\n"
				 "\t\t\tcase ";
static const char words_tail[] = "\n"
				 "\t\t\t\tset skip 1\n"
				 "\t\t\tcase '-*'\n"
				 "\t\t\tcase '*'\n"
				 "\t\t\t\techo $word\n"
				 "\t\tend\n"
				 "\tend\n"
				 "end\n\n";

static const char helpers[] =
	"# Is it this command: are these the first words, and are there at most MOST?\n"
	"function __bpfctl_at\n"
	"\tset -l most $argv[1]\n"
	"\tset -l wanted $argv[2..-1]\n"
	"\tset -l words (__bpfctl_words)\n"
	"\ttest (count $words) -ge (count $wanted); or return 1\n"
	"\ttest $most = any; or test (count $words) -le $most; or return 1\n"
	"\tset -q wanted[1]; or return 0\n"
	"\tset -l given $words[1..(count $wanted)]\n"
	"\ttest \"$given\" = \"$wanted\"\n"
	"end\n\n"
	"function __bpfctl_ids\n"
	"\tset -l socket\n"
	"\tset -l line (commandline -opc)\n"
	"\tif set -l at (contains -i -- --socket $line)\n"
	"\t\tset socket --socket $line[(math $at + 1)]\n"
	"\tend\n"
	"\tbpfctl $socket --timeout 2 -o json list $argv[1] 2>/dev/null |\n"
	"\t\tstring replace -rf '^    \"id\": ([0-9]+),$' '$1'\n"
	"end\n\n"
	"function __bpfctl_images\n"
	"\tset -l socket\n"
	"\tset -l line (commandline -opc)\n"
	"\tif set -l at (contains -i -- --socket $line)\n"
	"\t\tset socket --socket $line[(math $at + 1)]\n"
	"\tend\n"
	"\tbpfctl $socket --timeout 2 -o json image list 2>/dev/null |\n"
	"\t\tstring replace -rf '^    \"reference\": \"(.*)\",$' '$1'\n"
	"end\n\n"
	"function __bpfctl_interfaces\n"
	"\tfor path in /sys/class/net/*/\n"
	"\t\tpath basename $path\n"
	"\tend\n"
	"end\n\n"
	"complete -c bpfctl -f\n";

/* In single quotes. */
static void quoted_print(FILE *out, const char *text)
{
	(void)fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	(void)fputc('\'', out);
}

/* What an argument of -a is for values; NULL for files, which fish finds itself. */
static const char *values_argument(const char *values, enum bpfd_program_type type, char *out,
                                   size_t size)
{
	char text[VALUES_TEXT_SIZE];

	if (strcmp(values, VALUES_FILE) == 0)
		return NULL;
	if (strcmp(values, VALUES_INTERFACE) == 0)
		return "(__bpfctl_interfaces)";
	if (strcmp(values, VALUES_PROGRAM) == 0)
		return "(__bpfctl_ids programs)";
	if (strcmp(values, VALUES_LINK) == 0)
		return "(__bpfctl_ids links)";
	if (strcmp(values, VALUES_IMAGE) == 0)
		return "(__bpfctl_images)";
	if (strcmp(values, VALUES_ACTION) == 0)
		(void)snprintf(out, size, "(__fish_append , %s)", values_text(values, type, text));
	else
		(void)snprintf(out, size, "%s", values_text(values, type, text));
	return out;
}

static void values_print(FILE *out, const char *values, enum bpfd_program_type type)
{
	char text[VALUES_TEXT_SIZE + 32];
	const char *argument = values_argument(values, type, text, sizeof(text));

	if (argument) {
		(void)fputs(" -a ", out);
		quoted_print(out, argument);
	} else {
		(void)fputs(" -F", out);
	}
}

static _Bool value_is_file(const struct option_row *row)
{
	return row->values && strcmp(row->values, VALUES_FILE) == 0;
}

/* One line for each option. */
static void options_print(FILE *out, const char *condition, const struct option_row *rows,
                          enum bpfd_program_type type)
{
	for (; rows && rows->name; rows++) {
		if (!option_fits(rows, type))
			continue;
		(void)fprintf(out, "complete -c bpfctl%s -l %s", condition, rows->name);
		if (rows->letter)
			(void)fprintf(out, " -s %c", rows->letter);
		if (rows->value)
			(void)fputs(value_is_file(rows) ? " -r" : " -x", out);
		if (rows->values)
			values_print(out, rows->values, type);
		(void)fputs(" -d ", out);
		quoted_print(out, rows->help);
		(void)fputc('\n', out);
	}
}

static void leaf_lines_print(FILE *out, const struct command *command, enum bpfd_program_type type)
{
	const char *second = leaf_second(command, type);
	char name[64], condition[128];
	size_t words = second ? 2 : 1;

	(void)snprintf(name, sizeof(name), "%s%s%s", command->words[0], second ? " " : "",
	               second ? second : "");
	if (command->values) {
		(void)snprintf(condition, sizeof(condition), "%zu", words);
		(void)fprintf(out, "complete -c bpfctl -n '__bpfctl_at %s %s'",
		              command->operands_max == OPERANDS_ANY ? "any" : condition, name);
		values_print(out, command->values, type);
		(void)fputc('\n', out);
	}
	(void)snprintf(condition, sizeof(condition), " -n '__bpfctl_at any %s'", name);
	options_print(out, condition, command->options, type);
}

/* One line for each word that a command can begin with, and each that can follow it. */
static void command_lines_print(FILE *out)
{
	char words[TYPE_NAMES_SIZE];

	for (size_t i = 0; i < command_count; i++) {
		const char *first = commands[i].words[0];

		if (!command_is_first(&commands[i]))
			continue;
		(void)fprintf(out, "complete -c bpfctl -n '__bpfctl_at 0' -a %s -d ", first);
		quoted_print(out, commands[i].summary);
		(void)fputc('\n', out);
		if (commands[i].words[1])
			(void)fprintf(out, "complete -c bpfctl -n '__bpfctl_at 1 %s' -a '%s'\n",
			              first, second_words(first, words, sizeof(words)));
	}
}

enum exit_code completion_fish_run(struct arguments *arguments)
{
	(void)arguments;
	(void)fputs("# fish: completes bpfctl's command lines. Made by \"bpfctl completion "
	            "fish\".\n\n",
	            stdout);
	(void)fputs(words_head, stdout);
	valued_options_print(stdout, " ");
	(void)fputs(words_tail, stdout);
	(void)fputs(helpers, stdout);
	options_print(stdout, "", global_options, BPFD_PROGRAM_NONE);
	command_lines_print(stdout);
	leaves_print(stdout, leaf_lines_print);
	return EXIT_DONE;
}
