/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The options of "attach TYPE": one list for all types. A row says which fields of the target it
 * sets; an option is there for the types that take one of them.
 */
#include "bpfctl/options.h"
#include "bpfctl/value.h"
#include "bpfctl/words.h"

#include <inttypes.h>
#include <string.h>

static _Bool take_text(struct arguments *arguments, const char *option, char *value,
                       const char **out)
{
	if (!*value)
		return complain(arguments, "--%s needs a value that is not empty", option);
	*out = value;
	return 1;
}

static _Bool take_number(struct arguments *arguments, const char *option, char *value,
                         uint64_t most, uint64_t *out)
{
	if (number_parse(value, 0, most, out))
		return 1;
	return complain(arguments, "--%s takes a number from 0 to %" PRIu64 ", not \"%s\"", option,
	                most, value);
}

static _Bool take_narrow(struct arguments *arguments, const char *option, char *value,
                         uint32_t *out)
{
	uint64_t number;

	if (!take_number(arguments, option, value, UINT32_MAX, &number))
		return 0;
	*out = (uint32_t)number;
	return 1;
}

static _Bool take_interface(struct arguments *arguments, char *value)
{
	return take_text(arguments, "iface", value, &arguments->target.interface);
}

static _Bool take_netns(struct arguments *arguments, char *value)
{
	return take_text(arguments, "netns", value, &arguments->target.netns);
}

static _Bool room_check(struct arguments *arguments, const char *option, size_t count)
{
	return count < PLACES_MAX ||
	       complain(arguments, "--%s names too many places: at most %d are allowed", option,
	                PLACES_MAX);
}

static _Bool take_function(struct arguments *arguments, char *value)
{
	char *name;

	while ((name = strsep(&value, ",")) != NULL) {
		if (!room_check(arguments, "function", arguments->function_count) ||
		    !take_text(arguments, "function", name,
		               &arguments->functions[arguments->function_count]))
			return 0;
		arguments->function_count++;
	}
	return 1;
}

static _Bool take_direction(struct arguments *arguments, char *value)
{
	if (!bpfd_direction_parse(value, &arguments->target.direction))
		return complain(arguments, "no direction \"%s\": it is ingress or egress", value);
	return 1;
}

/* What range bpfd takes is bpfd's to say. */
_Bool take_priority(struct arguments *arguments, char *value)
{
	uint64_t number;
	_Bool negative = value[0] == '-';

	if (!number_parse(value + negative, 0, INT32_MAX, &number))
		return complain(
			arguments,
			"--priority takes a whole number of up to 31 bits, as 50 or -5, not \"%s\"",
			value);
	arguments->target.priority = negative ? -(int32_t)number : (int32_t)number;
	arguments->target.priority_set = 1;
	return 1;
}

static _Bool action_add(struct arguments *arguments, const char *name)
{
	char known[256];
	int32_t action;

	if (!bpfd_action_parse(arguments->type, name, &action))
		return complain(arguments, "%s has no action \"%s\": they are %s",
		                bpfd_program_type_name(arguments->type), name,
		                actions_known(arguments->type, known, sizeof(known)));
	for (size_t i = 0; i < arguments->target.proceed_on_count; i++) {
		if (arguments->proceed_on[i] == action)
			return complain(arguments, "--proceed-on names \"%s\" twice", name);
	}
	arguments->proceed_on[arguments->target.proceed_on_count++] = action;
	return 1;
}

_Bool take_proceed_on(struct arguments *arguments, char *value)
{
	char *name;

	arguments->target.proceed_on = arguments->proceed_on;
	arguments->target.proceed_on_count = 0;
	while ((name = strsep(&value, ",")) != NULL) {
		if (!action_add(arguments, name))
			return 0;
	}
	return 1;
}

static _Bool take_mode(struct arguments *arguments, char *value)
{
	if (!bpfd_xdp_mode_parse(value, &arguments->target.mode))
		return complain(arguments, "no XDP mode \"%s\": it is native or generic", value);
	return 1;
}

static _Bool take_exclusive(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->target.exclusive = 1;
	return 1;
}

static _Bool take_follow(struct arguments *arguments, char *value)
{
	(void)value;
	arguments->target.follow = 1;
	return 1;
}

static _Bool take_tracepoint(struct arguments *arguments, char *value)
{
	char *slash = strchr(value, '/');

	if (!slash || slash == value || !slash[1] || strchr(slash + 1, '/'))
		return complain(arguments,
		                "--target takes GROUP/NAME, as sched/sched_switch, not \"%s\"",
		                value);
	*slash = '\0';
	arguments->target.group = value;
	arguments->target.name = slash + 1;
	return 1;
}

static _Bool take_name(struct arguments *arguments, char *value)
{
	return take_text(arguments, "target", value, &arguments->target.name);
}

static _Bool take_path(struct arguments *arguments, char *value)
{
	return take_text(arguments, "target", value, &arguments->target.path);
}

static _Bool take_offset(struct arguments *arguments, char *value)
{
	char *number;

	while ((number = strsep(&value, ",")) != NULL) {
		if (!room_check(arguments, "offset", arguments->offset_count) ||
		    !take_number(arguments, "offset", number, INT64_MAX,
		                 &arguments->offsets[arguments->offset_count]))
			return 0;
		arguments->offset_count++;
	}
	return 1;
}

static _Bool take_pid(struct arguments *arguments, char *value)
{
	return take_narrow(arguments, "pid", value, &arguments->target.pid);
}

static _Bool take_container_pid(struct arguments *arguments, char *value)
{
	return take_narrow(arguments, "container-pid", value, &arguments->target.container_pid);
}

static _Bool take_cpu(struct arguments *arguments, char *value)
{
	if (!take_narrow(arguments, "cpu", value, &arguments->target.cpu))
		return 0;
	arguments->target.cpu_set = 1;
	return 1;
}

static _Bool take_frequency(struct arguments *arguments, char *value)
{
	return take_narrow(arguments, "frequency", value, &arguments->target.frequency);
}

static _Bool take_family(struct arguments *arguments, char *value)
{
	if (!bpfd_netfilter_family_parse(value, &arguments->target.family))
		return complain(arguments, "no family \"%s\": it is ipv4 or ipv6", value);
	return 1;
}

static _Bool take_hook(struct arguments *arguments, char *value)
{
	if (!bpfd_netfilter_hook_parse(value, &arguments->target.hook))
		return complain(arguments,
		                "no netfilter hook \"%s\": it is prerouting, input, forward, "
		                "output or postrouting",
		                value);
	return 1;
}

#define B(field) TARGET_BIT(TARGET_##field)
#define HOOKS "prerouting input forward output postrouting"

/* What --target is depends on what else the type takes. */
/* clang-format off */
const struct option_row attach_options[] = {
	{ "iface", "INTERFACE", VALUES_INTERFACE, "where", take_interface, 0, B(INTERFACE), 0, 0 },
	{ "direction", "DIRECTION", "ingress egress", "ingress or egress", take_direction, 0, B(DIRECTION), 0, 0 },
	{ "netns", "PATH", VALUES_FILE, "the network namespace, as /run/netns/blue, if not bpfd's own",
	  take_netns, 0, B(NETNS), 0, 0 },
	{ "follow", NULL, NULL, "attach again when an interface of this name returns", take_follow, 0, B(FOLLOW), 0, 0 },
	{ "target", "GROUP/NAME", NULL, "the tracepoint, as in /sys/kernel/tracing/events",
	  take_tracepoint, 0, B(GROUP) | B(NAME), 0, 0 },
	{ "target", "EVENT", NULL, "the event that is sampled, as cpu-clock", take_name, 0, B(NAME), B(FREQUENCY), 0 },
	{ "target", "NAME", NULL, "the tracepoint, without its group", take_name, 0, B(NAME), 0, B(GROUP) | B(FREQUENCY) },
	{ "target", "FILE", VALUES_FILE, "the program or library: a path, or a library's name, as libc", take_path, 0, B(PATH), B(OFFSET), 0 },
	{ "target", "PATH", VALUES_FILE, "the control group, by its absolute path", take_path, 0, B(PATH), 0, B(OFFSET) },
	{ "function", "FUNCTION", NULL, "the function, as the symbol tables have it; ..._multi types take several, with commas", take_function, 0, B(FUNCTION), 0, 0 },
	{ "offset", "BYTES", NULL, "from the beginning of the function, or of the file if there is none; as many",
	  take_offset, 0, B(OFFSET), 0, 0 },
	{ "pid", "PID", NULL, "only in this process", take_pid, 0, B(PID), 0, 0 },
	{ "container-pid", "PID", NULL, "as this process sees files: one inside the container",
	  take_container_pid, 0, B(CONTAINER_PID), 0, 0 },
	{ "cpu", "N", NULL, "only on this processor; without it and --pid, on every one", take_cpu, 0, B(CPU), 0, 0 },
	{ "frequency", "HZ", NULL, "how often in a second", take_frequency, 0, B(FREQUENCY), 0, 0 },
	{ "family", "FAMILY", "ipv4 ipv6", "ipv4 or ipv6", take_family, 0, B(FAMILY), 0, 0 },
	{ "hook", "HOOK", HOOKS, "prerouting, input, forward, output or postrouting", take_hook, 0, B(HOOK), 0, 0 },
	{ "priority", "N", NULL, "lower runs first; if not given, what the object says, else 50",
	  take_priority, 0, B(PRIORITY), 0, B(PATH) | B(HOOK) },
	{ "priority", "N", NULL, "lower runs first; if not given, 50", take_priority, 0, B(PRIORITY), B(PATH), 0 },
	{ "priority", "N", NULL, "lower runs first, as nftables' chains; if not given, 0", take_priority, 0, B(PRIORITY), B(HOOK), 0 },
	{ "proceed-on", "ACTION,...", VALUES_ACTION,
	  "run the next program after these results; if not given, what the object says", take_proceed_on, 0, B(PROCEED_ON), 0, 0 },
	{ "mode", "MODE", "native generic", "native or generic; if not given, native where the driver can",
	  take_mode, 0, B(MODE), 0, 0 },
	{ "exclusive", NULL, NULL, "attach it alone, without a chain", take_exclusive, 0, B(EXCLUSIVE), 0, 0 },
	METADATA_ROW("kept with the link; repeat for more"),
	{},
};
/* clang-format on */

/* A place in a file is said by an offset, or found by a function's name. */
static uint32_t fields_missing(const struct program_type_row *type, uint32_t given)
{
	if (type->needs & B(PATH) && given & B(FUNCTION))
		given |= B(OFFSET);
	return type->needs & ~given;
}

static struct bpfd_place place_at(const struct arguments *arguments, size_t index)
{
	struct bpfd_place place = {};

	if (index < arguments->function_count)
		place.function = arguments->functions[index];
	if (arguments->offset_count == 1)
		place.offset = arguments->offsets[0]; /* of every function */
	else if (index < arguments->offset_count)
		place.offset = arguments->offsets[index];
	return place;
}

/* Functions and offsets as places. */
static _Bool places_make(struct arguments *arguments, const struct program_type_row *type)
{
	size_t functions = arguments->function_count, offsets = arguments->offset_count;
	size_t count = functions > offsets ? functions : offsets;
	struct bpfd_place first = place_at(arguments, 0);

	if (functions && offsets > 1 && offsets != functions)
		return complain(arguments,
		                "--function names %zu places and --offset %zu: give one offset "
		                "for all functions, or one for each",
		                functions, offsets);
	if (count > 1 && !type->many)
		return complain(arguments,
		                "%s programs run at one place: name one, or load it as one of the "
		                "..._multi types, which take several",
		                type->name);
	arguments->target.function = first.function;
	arguments->target.offset = first.offset;
	for (size_t i = 1; i < count; i++)
		arguments->places[i - 1] = place_at(arguments, i);
	arguments->target.places = arguments->places;
	arguments->target.place_count = count > 1 ? count - 1 : 0;
	return 1;
}

_Bool attach_check(struct arguments *arguments)
{
	const struct program_type_row *type = program_type_row(arguments->type);
	uint32_t missing = fields_missing(type, arguments->fields);

	if (missing == B(OFFSET) && type->takes & B(FUNCTION))
		return complain(
			arguments,
			"--function FUNCTION or --offset BYTES is missing: %s programs need "
			"one of them",
			type->name);
	for (const struct option_row *row = attach_options; row->name; row++) {
		if (option_fits(row, arguments->type) && missing & row->fields)
			return complain(arguments, "--%s %s is missing: %s programs need it",
			                row->name, row->value, type->name);
	}
	return places_make(arguments, type) && ids_check(arguments);
}
