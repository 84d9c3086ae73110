/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/options.h"
#include "bpfctl/value.h"

#include <string.h>

static _Bool type_parse(struct arguments *arguments, const char *name, enum bpfd_program_type *type)
{
	char names[TYPE_NAMES_SIZE];

	if (bpfd_program_type_parse(name, type))
		return 1;
	return complain(arguments, "no program type \"%s\": it is one of %s", name,
	                program_type_names(names, sizeof(names)));
}

_Bool take_type(struct arguments *arguments, char *value)
{
	return type_parse(arguments, value, &arguments->type);
}

/* Only what is loaded for a place takes one; where others go is said when they are attached. */
static _Bool load_target_check(struct arguments *arguments, const struct bpfd_load_program *program)
{
	const struct program_type_row *row = program_type_row(program->type);

	if (!program->target || !row)
		return 1;
	if (row->loaded_for && *program->target)
		return 1;
	if (row->loaded_for)
		return complain(arguments,
		                "--program %s:%s: takes the kernel's %s after the last colon, or "
		                "no such colon",
		                row->name, program->function, row->loaded_for);
	return complain(
		arguments,
		"%s programs take no target at load: use \"bpfctl attach %s\" to say where, "
		"and leave out \":%s\"",
		row->name, row->name, program->target);
}

/* FUNCTION or TYPE:FUNCTION[:TARGET] */
_Bool take_program(struct arguments *arguments, char *value)
{
	struct bpfd_load_program *program = &arguments->programs[arguments->program_count];
	char *function = strchr(value, ':');
	char *target = NULL;

	if (arguments->program_count == LOAD_PROGRAMS_MAX)
		return complain(arguments, "more than %d times --program", LOAD_PROGRAMS_MAX);
	if (!*value || (function && (!function[1] || function[1] == ':')))
		return complain(arguments, "--program takes FUNCTION or TYPE:FUNCTION, not \"%s\"",
		                value);
	if (function) {
		*function++ = '\0';
		target = strchr(function, ':');
		if (!type_parse(arguments, value, &program->type))
			return 0;
	}
	if (target)
		*target++ = '\0';
	program->function = function ? function : value;
	program->target = target;
	arguments->program_count++;
	return load_target_check(arguments, program);
}

/* What the value means is known once the object is read: see globals.h. */
_Bool take_global(struct arguments *arguments, char *value)
{
	struct bpfd_global *global = &arguments->globals[arguments->global_count];
	char *text;

	if (arguments->global_count == LOAD_GLOBALS_MAX)
		return complain(arguments, "more than %d times --global", LOAD_GLOBALS_MAX);
	if (!pair_split(value, &global->name, &text))
		return complain(arguments, "--global takes NAME=VALUE, not \"%s\"", value);
	if (!*text)
		return complain(arguments, "--global %s: its value is missing", global->name);
	if (strncmp(text, "hex:", 4) == 0 && !hex_ok(text + 4))
		return complain(
			arguments,
			"--global %s: \"%s\" is not HEX: two digits for each byte, in the order in "
			"which they lie in memory (a 32-bit 10 is 0a000000 on a little-endian "
			"machine)",
			global->name, text + 4);
	global->value = text;
	arguments->global_count++;
	return 1;
}

_Bool take_metadata(struct arguments *arguments, char *value)
{
	struct bpfd_metadata *metadata = &arguments->metadata[arguments->metadata_count];
	char *text;

	if (arguments->metadata_count == METADATA_MAX)
		return complain(arguments, "more than %d times --metadata", METADATA_MAX);
	if (!pair_split(value, &metadata->key, &text))
		return complain(arguments, "--metadata takes KEY=VALUE, not \"%s\"", value);
	metadata->value = text;
	arguments->metadata_count++;
	return 1;
}

_Bool take_application(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--application takes a name");
	arguments->application = value;
	return 1;
}

_Bool take_load_exclusive(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->exclusive = 1;
	return 1;
}

_Bool take_persist(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->persist = 1;
	return 1;
}

_Bool take_map_owner(struct arguments *arguments, char *value)
{
	if (!id_parse(value, &arguments->map_owner))
		return complain(arguments,
		                "--map-owner takes a program's id, not \"%s\": see \"bpfctl list "
		                "programs\"",
		                value);
	return 1;
}

static _Bool take_force(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->force = 1;
	return 1;
}

_Bool take_program_id(struct arguments *arguments, char *value)
{
	if (!id_parse(value, &arguments->program_id))
		return complain(arguments, "\"%s\" is no program id: see \"bpfctl list programs\"",
		                value);
	return 1;
}

/* clang-format off */
const struct option_row load_options[] = {
	LOAD_ROWS("a function of the object to load, as FUNCTION or TYPE:FUNCTION[:TARGET]; repeat for more"),
	{},
};

const struct option_row unload_options[] = {
	{ "force", NULL, NULL, "also while other programs use its maps, which then stay with those", take_force, 0, 0, 0, 0 },
	{},
};
/* clang-format on */

/* What the words mean depends on the link's type: they are looked at when that is known. */
static _Bool take_actions(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--proceed-on takes actions, as pass,drop");
	arguments->actions = value;
	return 1;
}

/* clang-format off */
const struct option_row update_options[] = {
	{ "priority", "N", NULL, "lower runs first", take_priority, 0, 0, 0, 0 },
	{ "proceed-on", "ACTION,...", NULL, "run the next program after these results", take_actions, 0, 0, 0, 0 },
	{ "program", "PROGRAM", VALUES_PROGRAM, "run this program instead, of the same type", take_program_id, 0, 0, 0, 0 },
	{},
};
/* clang-format on */

_Bool update_check(struct arguments *arguments)
{
	if (!arguments->target.priority_set && !arguments->actions && !arguments->program_id)
		return complain(arguments, "nothing to change: give --priority, --proceed-on or "
		                           "--program");
	return ids_check(arguments);
}

_Bool load_check(struct arguments *arguments)
{
	if (arguments->program_count == 0)
		return complain(arguments, "--program FUNCTION is missing: say what to load");
	return exclusive_check(arguments);
}

_Bool exclusive_check(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->program_count; i++) {
		if (arguments->exclusive && arguments->programs[i].type != BPFD_PROGRAM_XDP)
			return complain(arguments,
			                "--exclusive is for xdp programs: if \"%s\" is one, name "
			                "it as xdp:%s",
			                arguments->programs[i].function,
			                arguments->programs[i].function);
		arguments->programs[i].exclusive = arguments->exclusive;
	}
	return 1;
}

_Bool ids_check(struct arguments *arguments)
{
	uint64_t id;

	for (size_t i = 0; i < arguments->operand_count; i++) {
		if (!id_parse(arguments->operands[i], &id))
			return complain(
				arguments,
				"\"%s\" is no id: see \"bpfctl list programs\" and \"bpfctl "
				"list links\"",
				arguments->operands[i]);
	}
	return 1;
}

_Bool map_check(struct arguments *arguments)
{
	return take_program_id(arguments, arguments->operands[0]);
}

static _Bool take_new(struct arguments *arguments, char *value)
{
	(void)value;
	if (arguments->map_mode == BPFD_MAP_SET_EXISTING)
		return complain(arguments, "--new and --existing exclude each other");
	arguments->map_mode = BPFD_MAP_SET_NEW;
	return 1;
}

static _Bool take_existing(struct arguments *arguments, char *value)
{
	(void)value;
	if (arguments->map_mode == BPFD_MAP_SET_NEW)
		return complain(arguments, "--new and --existing exclude each other");
	arguments->map_mode = BPFD_MAP_SET_EXISTING;
	return 1;
}

/* clang-format off */
const struct option_row map_set_options[] = {
	{ "new", NULL, NULL, "only if there is no such entry", take_new, 0, 0, 0, 0 },
	{ "existing", NULL, NULL, "only if there is one", take_existing, 0, 0, 0, 0 },
	{},
};
/* clang-format on */
