/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/options.h"
#include "bpfctl/value.h"

#include <string.h>

#define TYPES "xdp or tracepoint"

static _Bool take_type(struct arguments *arguments, char *value)
{
	if (!bpfd_program_type_parse(value, &arguments->type))
		return complain(arguments, "no program type \"%s\": it is " TYPES, value);
	return 1;
}

/* TYPE:FUNCTION[:TARGET]. No type of this version has a target at load; the syntax keeps its place.
 */
static _Bool take_program(struct arguments *arguments, char *value)
{
	struct bpfd_load_program *program = &arguments->programs[arguments->program_count];
	char *function = strchr(value, ':');
	char *target;

	if (arguments->program_count == LOAD_PROGRAMS_MAX)
		return complain(arguments, "more than %d times --program", LOAD_PROGRAMS_MAX);
	if (!function || !function[1] || function[1] == ':')
		return complain(arguments, "--program takes TYPE:FUNCTION, not \"%s\"", value);
	*function++ = '\0';
	target = strchr(function, ':');
	if (!bpfd_program_type_parse(value, &program->type))
		return complain(arguments, "no program type \"%s\": it is " TYPES, value);
	if (target && program->type == BPFD_PROGRAM_TRACEPOINT)
		return complain(arguments,
		                "a tracepoint's target is not said at load: use \"bpfctl attach "
		                "tracepoint PROGRAM "
		                "--target %s\"",
		                target + 1);
	if (target)
		return complain(arguments, "%s programs take no target at load: leave out \"%s\"",
		                value, target);
	program->function = function;
	arguments->program_count++;
	return 1;
}

static _Bool take_global(struct arguments *arguments, char *value)
{
	struct bpfd_global *global = &arguments->globals[arguments->global_count];
	char *hex;

	if (arguments->global_count == LOAD_GLOBALS_MAX)
		return complain(arguments, "more than %d times --global", LOAD_GLOBALS_MAX);
	if (!pair_split(value, &global->name, &hex))
		return complain(arguments, "--global takes NAME=HEX, not \"%s\"", value);
	if (!hex_parse(hex, (uint8_t *)hex, &global->size))
		return complain(
			arguments,
			"--global %s: \"%s\" is not HEX: two digits for each byte, in the order in "
			"which "
			"they lie in memory (a 32-bit 10 is 0a000000 on a little-endian machine)",
			global->name, hex);
	global->value = hex;
	arguments->global_count++;
	return 1;
}

static _Bool take_metadata(struct arguments *arguments, char *value)
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

static _Bool take_application(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--application takes a name");
	arguments->application = value;
	return 1;
}

static _Bool take_exclusive(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->exclusive = 1;
	return 1;
}

static _Bool take_program_id(struct arguments *arguments, char *value)
{
	if (!id_parse(value, &arguments->program_id))
		return complain(arguments, "\"%s\" is no program id: see \"bpfctl list programs\"",
		                value);
	return 1;
}

static _Bool take_interface(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--iface takes an interface's name");
	arguments->xdp.interface = value;
	return 1;
}

/* What range bpfd takes is bpfd's to say. */
static _Bool take_priority(struct arguments *arguments, char *value)
{
	uint64_t priority;

	if (!number_parse(value, 0, UINT32_MAX, &priority))
		return complain(arguments, "--priority takes a number from 0 to %u, not \"%s\"",
		                PRIORITY_MAX, value);
	arguments->xdp.priority = (uint32_t)priority;
	arguments->xdp.priority_set = 1;
	return 1;
}

static _Bool action_add(struct arguments *arguments, const char *name)
{
	uint32_t action;

	if (!bpfd_xdp_action_parse(name, &action))
		return complain(
			arguments,
			"no XDP action \"%s\": they are aborted, drop, pass, tx, redirect and "
			"dispatcher_return",
			name);
	for (size_t i = 0; i < arguments->xdp.proceed_on_count; i++) {
		if (arguments->proceed_on[i] == action)
			return complain(arguments, "--proceed-on names \"%s\" twice", name);
	}
	arguments->proceed_on[arguments->xdp.proceed_on_count++] = action;
	return 1;
}

static _Bool take_proceed_on(struct arguments *arguments, char *value)
{
	char *name;

	arguments->xdp.proceed_on = arguments->proceed_on;
	arguments->xdp.proceed_on_count = 0;
	while ((name = strsep(&value, ",")) != NULL) {
		if (!action_add(arguments, name))
			return 0;
	}
	return 1;
}

static _Bool take_mode(struct arguments *arguments, char *value)
{
	if (!bpfd_xdp_mode_parse(value, &arguments->xdp.mode))
		return complain(arguments, "no XDP mode \"%s\": it is native or generic", value);
	return 1;
}

static _Bool take_target(struct arguments *arguments, char *value)
{
	char *slash = strchr(value, '/');

	if (!slash || slash == value || !slash[1] || strchr(slash + 1, '/'))
		return complain(arguments,
		                "--target takes GROUP/NAME, as sched/sched_switch, not \"%s\"",
		                value);
	*slash = '\0';
	arguments->tracepoint.group = value;
	arguments->tracepoint.name = slash + 1;
	return 1;
}

#define METADATA_ROW(help)                                      \
	{                                                       \
		"metadata", "KEY=VALUE", help, take_metadata, 0 \
	}

const struct option_row load_options[] = {
	{ "program", "TYPE:FUNCTION",
	  "a function of the object to load, and as what (" TYPES "); repeat for more",
	  take_program, 0 },
	{ "global", "NAME=HEX",
	  "sets a global variable: its bytes in memory order; repeat for more", take_global, 0 },
	METADATA_ROW("kept with the programs; repeat for more"),
	{ "application", "NAME", "what the programs belong to", take_application, 0 },
	{ "exclusive", NULL, "xdp: to be attached alone, not in a chain with others",
	  take_exclusive, 0 },
	{},
};

const struct option_row attach_xdp_options[] = {
	{ "iface", "INTERFACE", "where", take_interface, 0 },
	{ "priority", "N", "lower runs first; if not given, what the object says, else 50",
	  take_priority, 0 },
	{ "proceed-on", "ACTION,...",
	  "run the next program after these results; if not given, what the object says",
	  take_proceed_on, 0 },
	{ "mode", "MODE", "native or generic; if not given, native where the driver can", take_mode,
	  0 },
	{ "exclusive", NULL, "attach it alone, without a chain", take_exclusive, 0 },
	METADATA_ROW("kept with the link; repeat for more"),
	{},
};

const struct option_row attach_tracepoint_options[] = {
	{ "target", "GROUP/NAME", "the tracepoint, as sched/sched_switch", take_target, 0 },
	METADATA_ROW("kept with the link; repeat for more"),
	{},
};

const struct option_row list_programs_options[] = {
	{ "type", "TYPE", "only programs of this type: " TYPES, take_type, 0 },
	{ "application", "NAME", "only programs of this application", take_application, 0 },
	METADATA_ROW("only programs with this metadata; repeat for more"),
	{},
};

const struct option_row list_links_options[] = {
	{ "program", "ID", "only links of this program", take_program_id, 0 },
	{},
};

_Bool load_check(struct arguments *arguments)
{
	if (arguments->program_count == 0)
		return complain(arguments, "--program TYPE:FUNCTION is missing: say what to load");
	for (size_t i = 0; i < arguments->program_count; i++) {
		if (arguments->exclusive && arguments->programs[i].type != BPFD_PROGRAM_XDP)
			return complain(arguments,
			                "--exclusive is for xdp programs, \"%s\" is none",
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

_Bool attach_xdp_check(struct arguments *arguments)
{
	if (!arguments->xdp.interface)
		return complain(arguments, "--iface INTERFACE is missing: say where to attach");
	arguments->type = BPFD_PROGRAM_XDP;
	arguments->xdp.exclusive = arguments->exclusive;
	return ids_check(arguments);
}

_Bool attach_tracepoint_check(struct arguments *arguments)
{
	if (!arguments->tracepoint.group)
		return complain(arguments, "--target GROUP/NAME is missing: say where to attach");
	arguments->type = BPFD_PROGRAM_TRACEPOINT;
	return ids_check(arguments);
}
