/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Scripts that complete bpfctl's command lines, printed from the tables of commands and options, so
 * that a new command, option or program type is in them by itself.
 */
#ifndef BPFD_BPFCTL_COMPLETION_H
#define BPFD_BPFCTL_COMPLETION_H

#include "bpfctl/arguments.h"

#define VALUES_TEXT_SIZE TYPE_NAMES_SIZE

/* Calls it for each command, and for a command that takes a type once for each type. */
typedef void leaf_print(FILE *out, const struct command *command, enum bpfd_program_type type);
void leaves_print(FILE *out, leaf_print *print);

/* Is it the first of the commands that begin with its first word? They are neighbours. */
_Bool command_is_first(const struct command *command);

/* The second word: of a command that takes a type the type's name; NULL if there is none. */
const char *leaf_second(const struct command *command, enum bpfd_program_type type);

/* All first words, and all second words after one, with blanks between them; cut at `size`. */
const char *first_words(char *out, size_t size);
const char *second_words(const char *first, char *out, size_t size);

/* The values with the words in place of VALUES_TYPE and VALUES_ACTION. */
const char *values_text(const char *values, enum bpfd_program_type type,
                        char out[VALUES_TEXT_SIZE]);

/* The options that take a value, of all commands, each once: "--iface", "-o", ..., with `separator`
 * between them. */
void valued_options_print(FILE *out, const char *separator);

#endif
