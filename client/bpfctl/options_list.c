/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What lists are narrowed down by, and how they are watched. */
#include "bpfctl/options.h"
#include "bpfctl/value.h"

#define INTERVAL_MAX_S 60
#define COUNT_MAX 1000000

static _Bool take_all(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->all = 1;
	return 1;
}

static _Bool take_kernel(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->kernel = 1;
	return 1;
}

static _Bool take_owner(struct arguments *arguments, char *value)
{
	uint64_t uid;

	if (!number_parse(value, 0, UINT32_MAX - 1, &uid))
		return complain(arguments, "--owner takes a user's number, not \"%s\": see id(1)",
		                value);
	arguments->owner_set = 1;
	arguments->owner_uid = (uint32_t)uid;
	return 1;
}

static _Bool take_interface(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--interface takes a name");
	arguments->interface = value;
	return 1;
}

static _Bool take_map_type(struct arguments *arguments, char *value)
{
	if (!*value)
		return complain(arguments, "--type takes a map type, as hash or array");
	arguments->map_type = value;
	return 1;
}

static _Bool take_interval(struct arguments *arguments, char *value)
{
	uint64_t seconds;

	if (!number_parse(value, 1, INTERVAL_MAX_S, &seconds))
		return complain(arguments, "--interval takes 1 to %d seconds, not \"%s\"",
		                INTERVAL_MAX_S, value);
	arguments->interval_s = (uint32_t)seconds;
	return 1;
}

static _Bool take_count(struct arguments *arguments, char *value)
{
	uint64_t count;

	if (!number_parse(value, 1, COUNT_MAX, &count))
		return complain(arguments, "--count takes 1 to %d, not \"%s\"", COUNT_MAX, value);
	arguments->count = (uint32_t)count;
	return 1;
}

/* A kernel's ids have 32 bits. */
_Bool program_check(struct arguments *arguments)
{
	uint64_t id;

	if (!arguments->kernel)
		return ids_check(arguments);
	if (!number_parse(arguments->operands[0], 1, UINT32_MAX, &id))
		return complain(arguments,
		                "\"%s\" is no kernel id: see \"bpfctl list programs --all\"",
		                arguments->operands[0]);
	return 1;
}

/* clang-format off */
#define ALL_ROW(help) { "all", NULL, NULL, help, take_all, 0, 0, 0, 0 }
#define OWNER_ROW(help) { "owner", "UID", NULL, help, take_owner, 0, 0, 0, 0 }
#define INTERFACE_ROW(help) { "interface", "IF", VALUES_INTERFACE, help, take_interface, 0, 0, 0, 0 }
#define APPLICATION_ROW(help) { "application", "NAME", NULL, help, take_application, 0, 0, 0, 0 }

const struct option_row list_programs_options[] = {
	ALL_ROW("what others loaded, too"),
	{ "type", "TYPE", VALUES_TYPE, "only programs of this type", take_type, 0, 0, 0, 0 },
	APPLICATION_ROW("only programs of this application"),
	METADATA_ROW("only programs with this metadata; repeat for more"),
	OWNER_ROW("only programs that this user loaded"),
	INTERFACE_ROW("only programs that run on this interface"),
	{},
};

const struct option_row list_links_options[] = {
	ALL_ROW("every link of the kernel's, too"),
	{ "program", "ID", VALUES_PROGRAM, "only links of this program", take_program_id, 0, 0, 0, 0 },
	{ "type", "TYPE", VALUES_TYPE, "only links of programs of this type", take_type, 0, 0, 0, 0 },
	APPLICATION_ROW("only links of this application's programs"),
	METADATA_ROW("only links with this metadata; repeat for more"),
	OWNER_ROW("only links that this user made"),
	INTERFACE_ROW("only links on this interface"),
	{},
};

const struct option_row list_maps_options[] = {
	ALL_ROW("what others made, too"),
	{ "program", "ID", VALUES_PROGRAM, "only maps of this program", take_program_id, 0, 0, 0, 0 },
	{ "type", "TYPE", NULL, "only maps of this type, as hash", take_map_type, 0, 0, 0, 0 },
	APPLICATION_ROW("only maps of this application's programs"),
	OWNER_ROW("only maps of programs that this user loaded"),
	{},
};

const struct option_row get_program_options[] = {
	{ "kernel", NULL, NULL, "ID is the kernel's, of any program", take_kernel, 0, 0, 0, 0 },
	{},
};

const struct option_row top_options[] = {
	{ "interval", "SECONDS", NULL, "measure for so long each time, if not 1", take_interval, 0, 0, 0, 0 },
	{ "count", "N", NULL, "measure so often; on a terminal, if not for ever", take_count, 0, 0, 0, 0 },
	{ "type", "TYPE", VALUES_TYPE, "only programs of this type", take_type, 0, 0, 0, 0 },
	APPLICATION_ROW("only programs of this application"),
	METADATA_ROW("only programs with this metadata; repeat for more"),
	OWNER_ROW("only programs that this user loaded"),
	INTERFACE_ROW("only programs that run on this interface"),
	{},
};
/* clang-format on */
