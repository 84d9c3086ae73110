/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table of bpfctl's commands. A new command is a row here, its options, and a file with its run
 * function. */
#ifndef BPFD_BPFCTL_COMMAND_H
#define BPFD_BPFCTL_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,     /* by bpfd, or because a file cannot be read */
	EXIT_USAGE = 2,       /* the command line is wrong */
	EXIT_UNREACHABLE = 3, /* no answer came from bpfd */
};

struct arguments;

/* One option. `take` stores the value (NULL if the option has none): true, or false with a
 * complaint. */
struct option_row {
	const char *name;  /* without the dashes */
	const char *value; /* what the value is called in the help; NULL: no value */
	const char *help;
	_Bool (*take)(struct arguments *arguments, char *value);
	char letter;     /* the short form, or 0 */
	uint32_t fields; /* 1 << enum target_field: only for types that take one of them; 0: for all
	                  */
};

#define OPERANDS_ANY SIZE_MAX
#define COMMAND_TYPE "TYPE" /* in place of a second word: a program type's name */

struct command {
	const char *words[2]; /* the second may be NULL, or COMMAND_TYPE */
	const char *operands; /* as the help shows them; "" if there are none */
	const char *summary;
	const struct option_row *options; /* ends with a row without a name */
	size_t operands_min;
	size_t operands_max;
	_Bool (*check)(
		struct arguments *arguments); /* what the options alone cannot tell; may be NULL */
	enum exit_code (*run)(struct arguments *arguments);
};

extern const struct command commands[];
extern const size_t command_count;

/* The command of these words, or NULL. `second` may be NULL. */
const struct command *command_find(const char *first, const char *second);

/* How many words a command has that starts with `first`: 0 if there is none. */
size_t command_words(const char *first);

/* Run functions, one file for each group. */
enum exit_code load_file_run(struct arguments *arguments);
enum exit_code attach_run(struct arguments *arguments);
enum exit_code detach_run(struct arguments *arguments);
enum exit_code unload_run(struct arguments *arguments);
enum exit_code list_programs_run(struct arguments *arguments);
enum exit_code list_links_run(struct arguments *arguments);
enum exit_code get_program_run(struct arguments *arguments);
enum exit_code get_link_run(struct arguments *arguments);
enum exit_code status_run(struct arguments *arguments);
enum exit_code version_run(struct arguments *arguments);

#endif
