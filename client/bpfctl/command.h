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

/* What completion offers for a value, where it is no list of words. */
#define VALUES_FILE "@file"
#define VALUES_INTERFACE "@interface"
#define VALUES_TYPE "@type"       /* program types */
#define VALUES_ACTION "@action"   /* the type's return values, with commas */
#define VALUES_PROGRAM "@program" /* ids that bpfd knows */
#define VALUES_LINK "@link"
#define VALUES_IMAGE "@image" /* references that are in the cache */

/* One option. `take` stores the value (NULL if the option has none): true, or false with a
 * complaint. */
struct option_row {
	const char *name;   /* without the dashes */
	const char *value;  /* what the value is called in the help; NULL: no value */
	const char *values; /* what it may be, for completion: words with blanks between them, or a
	                       VALUES_...; NULL: anything */
	const char *help;
	_Bool (*take)(struct arguments *arguments, char *value);
	char letter;      /* the short form, or 0 */
	uint32_t fields;  /* 1 << enum target_field: what the option says; it is there for types
	                     that take all of them. 0: for all types */
	uint32_t with;    /* and these */
	uint32_t without; /* and none of these */
};

#define OPERANDS_ANY SIZE_MAX
#define COMMAND_TYPE "TYPE" /* in place of a second word: a program type's name */

struct command {
	const char *words[2]; /* the second may be NULL, or COMMAND_TYPE */
	const char *operands; /* as the help shows them; "" if there are none */
	const char *values;   /* as in struct option_row */
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
enum exit_code load_image_run(struct arguments *arguments);
enum exit_code image_pull_run(struct arguments *arguments);
enum exit_code image_list_run(struct arguments *arguments);
enum exit_code image_inspect_run(struct arguments *arguments);
enum exit_code image_verify_run(struct arguments *arguments);
enum exit_code image_remove_run(struct arguments *arguments);
enum exit_code image_build_run(struct arguments *arguments);
enum exit_code image_build_args_run(struct arguments *arguments);
enum exit_code attach_run(struct arguments *arguments);
enum exit_code reload_run(struct arguments *arguments); /* declare/reload.c */
enum exit_code update_run(struct arguments *arguments);
enum exit_code detach_run(struct arguments *arguments);
enum exit_code unload_run(struct arguments *arguments);
enum exit_code list_programs_run(struct arguments *arguments);
enum exit_code list_links_run(struct arguments *arguments);
enum exit_code list_maps_run(struct arguments *arguments);
enum exit_code top_run(struct arguments *arguments);
enum exit_code get_program_run(struct arguments *arguments);
enum exit_code get_link_run(struct arguments *arguments);
enum exit_code watch_run(struct arguments *arguments);
enum exit_code map_dump_run(struct arguments *arguments);
enum exit_code map_get_run(struct arguments *arguments);
enum exit_code map_set_run(struct arguments *arguments);
enum exit_code map_delete_run(struct arguments *arguments);
enum exit_code map_follow_run(struct arguments *arguments);
enum exit_code status_run(struct arguments *arguments);
enum exit_code version_run(struct arguments *arguments);
enum exit_code completion_bash_run(struct arguments *arguments);
enum exit_code completion_zsh_run(struct arguments *arguments);
enum exit_code completion_fish_run(struct arguments *arguments);

#endif
