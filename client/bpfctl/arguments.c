/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/arguments.h"
#include "bpfctl/value.h"
#include "common/program_type.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define OPTIONS_MAX 32
#define CODE_FIRST 256 /* getopt_long's codes for rows: beyond every letter */

/* The rows that are valid at this point of the command line, and the same as getopt_long wants
 * them. */
struct option_set {
	const struct option_row *rows[OPTIONS_MAX];
	struct option options[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	size_t count;
};

_Bool complain(struct arguments *arguments, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(arguments->complaint, sizeof(arguments->complaint), format, list);
	va_end(list);
	return 0;
}

static _Bool take_socket(struct arguments *arguments, char *value)
{
	arguments->socket_path = value;
	return 1;
}

_Bool take_output(struct arguments *arguments, char *value)
{
	if (strcmp(value, "table") == 0)
		arguments->output = OUTPUT_TABLE;
	else if (strcmp(value, "json") == 0)
		arguments->output = OUTPUT_JSON;
	else
		return complain(arguments, "no output format \"%s\": it is table or json", value);
	return 1;
}

static _Bool take_timeout(struct arguments *arguments, char *value)
{
	uint64_t seconds;

	if (!number_parse(value, 1, 86400, &seconds))
		return complain(arguments, "--timeout takes 1 to 86400 seconds, not \"%s\"", value);
	arguments->timeout_ms = (uint32_t)seconds * 1000;
	return 1;
}

static _Bool take_help(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->help = 1;
	return 1;
}

static _Bool take_version(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->version = 1;
	return 1;
}

/* clang-format off */
const struct option_row global_options[] = {
	{ "socket", "PATH", VALUES_FILE, "bpfd's socket, if not " BPFD_SOCKET_PATH, take_socket, 0, 0, 0, 0 },
	{ "output", "FORMAT", "table json", "table (the default) or json", take_output, 'o', 0, 0, 0 },
	{ "timeout", "SECONDS", NULL, "how long to wait for an answer, if not 60; for images, 600", take_timeout, 0, 0, 0, 0 },
	{ "help", NULL, NULL, "explain, and do nothing", take_help, 'h', 0, 0, 0 },
	{ "version", NULL, NULL, "print the version of bpfctl", take_version, 'V', 0, 0, 0 },
	{},
};
/* clang-format on */

_Bool option_fits(const struct option_row *row, enum bpfd_program_type type)
{
	const struct program_type_row *taker = program_type_row(type);
	uint32_t wanted = row->fields | row->with;

	if (!wanted)
		return 1;
	return taker && (taker->takes & wanted) == wanted && !(taker->takes & row->without);
}

static _Bool option_is_there(const struct option_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->rows[i]->name, name) == 0)
			return 1;
	}
	return 0;
}

/* A command's own come first: of two with one name the first is taken. */
static void options_add(struct option_set *set, const struct option_row *rows,
                        enum bpfd_program_type type)
{
	for (; rows && rows->name && set->count < OPTIONS_MAX; rows++) {
		size_t length = strlen(set->letters);

		if (!option_fits(rows, type) || option_is_there(set, rows->name))
			continue;
		set->rows[set->count] = rows;
		set->options[set->count] = (struct option){
			.name = rows->name,
			.has_arg = rows->value ? required_argument : no_argument,
			.val = CODE_FIRST + (int)set->count,
		};
		set->count++;
		if (rows->letter) {
			set->letters[length] = rows->letter;
			set->letters[length + 1] = rows->value ? ':' : '\0';
		}
	}
}

static void options_collect(struct option_set *set, const struct arguments *arguments)
{
	*set = (struct option_set){ .letters = "+:" };
	if (arguments->command)
		options_add(set, arguments->command->options, arguments->type);
	options_add(set, global_options, BPFD_PROGRAM_NONE);
}

static _Bool option_is_of_another_type(const struct arguments *arguments, const char *word)
{
	const struct option_row *row = arguments->command ? arguments->command->options : NULL;

	for (; row && row->name; row++) {
		if (row->fields && strncmp(word, "--", 2) == 0 &&
		    strlen(row->name) == strcspn(word + 2, "=") &&
		    strncmp(word + 2, row->name, strlen(row->name)) == 0)
			return 1;
	}
	return 0;
}

static const struct option_row *option_find(const struct option_set *set, int code)
{
	if (code >= CODE_FIRST)
		return set->rows[code - CODE_FIRST];
	for (size_t i = 0; i < set->count; i++) {
		if (set->rows[i]->letter && set->rows[i]->letter == code)
			return set->rows[i];
	}
	return NULL;
}

/* getopt_long takes any unique beginning of an option; scripts that use one would break when an
 * option is added. */
static _Bool option_abbreviated(const struct option_row *row, const char *word)
{
	size_t length = strcspn(word, "=");

	return strncmp(word, "--", 2) == 0 && strlen(row->name) != length - 2;
}

static _Bool option_take(struct arguments *arguments, const struct option_set *set, int argc,
                         char **argv)
{
	const char *word = argv[optind];
	int code = getopt_long(argc, argv, set->letters, set->options, NULL);
	const struct option_row *row;

	if (code == ':')
		return complain(arguments, "option \"%s\" needs a value", word);
	row = code == '?' ? NULL : option_find(set, code);
	if (code == '?' && optopt >= CODE_FIRST)
		return complain(arguments, "option \"--%s\" takes no value",
		                set->rows[optopt - CODE_FIRST]->name);
	if (!row && option_is_of_another_type(arguments, word))
		return complain(arguments,
		                "%s programs take no %.*s: see \"bpfctl attach %s --help\"",
		                bpfd_program_type_name(arguments->type), (int)strcspn(word, "="),
		                word, bpfd_program_type_name(arguments->type));
	if (!row || option_abbreviated(row, word))
		return complain(
			arguments, "unknown option \"%s\"%s", word,
			arguments->command ? "" : " (a command's own options follow the command)");
	arguments->fields |= row->fields;
	return row->take(arguments, optarg);
}

/* The second word of a command, or the type that stands for it. */
static _Bool second_word_take(struct arguments *arguments, const char *word)
{
	char names[TYPE_NAMES_SIZE];

	if (strcmp(word, COMMAND_TYPE) != 0)
		arguments->command = command_find(arguments->first_word, word);
	if (arguments->command)
		return 1;
	arguments->command = command_find(arguments->first_word, COMMAND_TYPE);
	if (!arguments->command)
		return complain(arguments, "unknown command \"%s %s\"", arguments->first_word,
		                word);
	if (bpfd_program_type_parse(word, &arguments->type))
		return 1;
	arguments->command = NULL;
	return complain(arguments, "no program type \"%s\": it is one of %s", word,
	                program_type_names(names, sizeof(names)));
}

/* A word that is no option: part of the command's name first, then its operands. */
static _Bool word_take(struct arguments *arguments, struct option_set *set, char *word)
{
	if (arguments->command) {
		arguments->operands[arguments->operand_count++] = word;
		return 1;
	}
	if (!arguments->first_word) {
		if (command_words(word) == 0)
			return complain(arguments, "unknown command \"%s\"", word);
		arguments->first_word = word;
		if (command_words(word) == 1)
			arguments->command = command_find(word, NULL);
	} else if (!second_word_take(arguments, word)) {
		return 0;
	}
	if (arguments->command)
		options_collect(set, arguments);
	return 1;
}

static _Bool arguments_check(struct arguments *arguments)
{
	const struct command *command = arguments->command;

	if (arguments->help || arguments->version)
		return 1;
	if (!command && arguments->first_word)
		return complain(arguments, "\"%s\" what? A second word is missing",
		                arguments->first_word);
	if (!command)
		return complain(arguments, "a command is missing");
	if (arguments->operand_count < command->operands_min)
		return complain(arguments, "%s is missing", command->operands);
	if (arguments->operand_count > command->operands_max)
		return complain(arguments, "\"%s\" is too much",
		                arguments->operands[command->operands_max]);
	return !command->check || command->check(arguments);
}

/* No option begins with a digit: -5 is a number, as values of maps are. */
static _Bool word_is_option(const char *word)
{
	return word[0] == '-' && word[1] && (word[1] < '0' || word[1] > '9');
}

_Bool arguments_parse(int argc, char **argv, struct arguments *arguments)
{
	struct option_set set;
	_Bool options_end = 0;

	*arguments = (struct arguments){ .operands = argv };
	options_collect(&set, arguments);
	opterr = 0;
	optind = 1;
	while (optind < argc) {
		char *word = argv[optind];

		if (!options_end && strcmp(word, "--") == 0) {
			options_end = 1;
			optind++;
		} else if (!options_end && word_is_option(word)) {
			if (!option_take(arguments, &set, argc, argv))
				return 0;
		} else {
			optind++;
			if (!word_take(arguments, &set, word))
				return 0;
		}
	}
	return arguments_check(arguments);
}
