/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/completion.h"
#include "common/program_type.h"

#include <string.h>

#define NAMES_MAX 64

static _Bool command_takes_type(const struct command *command)
{
	return command->words[1] && strcmp(command->words[1], COMMAND_TYPE) == 0;
}

void leaves_print(FILE *out, leaf_print *print)
{
	for (size_t i = 0; i < command_count; i++) {
		if (!command_takes_type(&commands[i]))
			print(out, &commands[i], BPFD_PROGRAM_NONE);
		for (uint32_t type = 1; command_takes_type(&commands[i]) && type < PROGRAM_TYPE_END;
		     type++) {
			if (program_type_row(type))
				print(out, &commands[i], (enum bpfd_program_type)type);
		}
	}
}

const char *leaf_second(const struct command *command, enum bpfd_program_type type)
{
	return command_takes_type(command) ? bpfd_program_type_name(type) : command->words[1];
}

_Bool command_is_first(const struct command *command)
{
	return command == commands || strcmp(command->words[0], command[-1].words[0]) != 0;
}

/* Adds a word, with a blank before it if it is not the first. */
static void word_add(char *out, size_t size, const char *word)
{
	size_t used = strlen(out);

	(void)snprintf(out + used, size - used, "%s%s", used ? " " : "", word);
}

const char *first_words(char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < command_count; i++) {
		if (command_is_first(&commands[i]))
			word_add(out, size, commands[i].words[0]);
	}
	return out;
}

static void types_add(char *out, size_t size)
{
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (program_type_row(type))
			word_add(out, size, program_type_row(type)->name);
	}
}

const char *second_words(const char *first, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].words[0], first) != 0 || !commands[i].words[1])
			continue;
		if (command_takes_type(&commands[i]))
			types_add(out, size);
		else
			word_add(out, size, commands[i].words[1]);
	}
	return out;
}

const char *values_text(const char *values, enum bpfd_program_type type, char out[VALUES_TEXT_SIZE])
{
	const struct program_type_row *row = program_type_row(type);

	out[0] = '\0';
	if (strcmp(values, VALUES_TYPE) == 0)
		types_add(out, VALUES_TEXT_SIZE);
	else if (strcmp(values, VALUES_ACTION) == 0)
		for (size_t i = 0; row && row->actions && i < row->actions->count; i++)
			word_add(out, VALUES_TEXT_SIZE, row->actions->rows[i].name);
	else
		word_add(out, VALUES_TEXT_SIZE, values);
	return out;
}

struct names {
	const char *names[NAMES_MAX];
	size_t count;
};

static void valued_print(FILE *out, const char *separator, const struct option_row *rows,
                         struct names *seen)
{
	for (; rows && rows->name; rows++) {
		_Bool known = !rows->value;

		for (size_t i = 0; i < seen->count; i++)
			known = known || strcmp(seen->names[i], rows->name) == 0;
		if (known || seen->count == NAMES_MAX)
			continue;
		(void)fprintf(out, "%s--%s", seen->count ? separator : "", rows->name);
		if (rows->letter)
			(void)fprintf(out, "%s-%c", separator, rows->letter);
		seen->names[seen->count++] = rows->name;
	}
}

void valued_options_print(FILE *out, const char *separator)
{
	struct names seen = {};

	valued_print(out, separator, global_options, &seen);
	for (size_t i = 0; i < command_count; i++)
		valued_print(out, separator, commands[i].options, &seen);
}
