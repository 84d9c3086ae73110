/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A command line, taken apart and checked as far as that is possible without bpfd. */
#ifndef BPFD_BPFCTL_ARGUMENTS_H
#define BPFD_BPFCTL_ARGUMENTS_H

#include "bpfctl/command.h"
#include "bpfd/bpfd.h"
#include "proto/limits.h"

#define ACTIONS_MAX 32
#define TYPE_NAMES_SIZE 1536 /* the names of all program types, in one text */

enum output_format { OUTPUT_TABLE, OUTPUT_JSON };

/* Texts point into argv, which parsing changes: "KEY=VALUE" is cut in two, a HEX value is decoded
 * in place. */
struct arguments {
	const struct command *command; /* NULL with `help` or `version`, if none was named */
	const char *first_word;        /* of a command that --help is asked for; may be NULL */
	_Bool help;
	_Bool version;
	const char *socket_path; /* NULL: the default */
	uint32_t timeout_ms;     /* 0: the command's default */
	enum output_format output;
	char **operands;
	size_t operand_count;

	struct bpfd_load_program programs[LOAD_PROGRAMS_MAX];
	size_t program_count;
	struct bpfd_global globals[LOAD_GLOBALS_MAX];
	size_t global_count;
	struct bpfd_metadata metadata[METADATA_MAX];
	size_t metadata_count;
	const char *application;
	_Bool exclusive;
	_Bool persist;
	_Bool force;
	uint64_t map_owner;    /* 0: none */
	const char *directory; /* of reload; NULL: the default */
	enum bpfd_program_type type;
	uint64_t program_id;
	enum bpfd_map_set_mode map_mode;
	char *actions; /* of update's --proceed-on, as given; NULL: not given */
	struct bpfd_target target;
	int32_t proceed_on[ACTIONS_MAX];
	const char *functions[PLACES_MAX];
	size_t function_count;
	uint64_t offsets[PLACES_MAX];
	size_t offset_count;
	struct bpfd_place places[PLACES_MAX - 1]; /* the target's, made of the two */
	uint32_t fields; /* 1 << enum target_field: what options were given for */

	_Bool all;
	_Bool kernel; /* the operand is the kernel's id */
	_Bool owner_set;
	_Bool password_stdin;
	_Bool push;
	enum bpfd_pull_policy pull_policy;
	uint32_t owner_uid;
	const char *interface; /* of a filter */
	const char *map_type;

	const char *username; /* of a registry; NULL: not given */
	const char *tag;      /* of image build: the reference */
	const char *path;     /* where it is written to; NULL: nowhere */

	uint32_t interval_s; /* 0: the default */
	uint32_t count;      /* 0: as the output suggests */

	char complaint[TYPE_NAMES_SIZE + 512];
};

/* Fills in what is wrong with the command line. Returns false, so that a caller may write `return
 * complain(...)`. */
_Bool complain(struct arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* True, or false with `arguments->complaint`. */
_Bool arguments_parse(int argc, char **argv, struct arguments *arguments);

/* -o, which every command has, and which image build gives a second meaning. */
_Bool take_output(struct arguments *arguments, char *value);

/* The options that every command takes; ends with a row without a name. */
extern const struct option_row global_options[];

/* Is the option there for programs of this type? */
_Bool option_fits(const struct option_row *row, enum bpfd_program_type type);

#endif
