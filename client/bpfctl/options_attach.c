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

static _Bool take_function(struct arguments *arguments, char *value)
{
	return take_text(arguments, "function", value, &arguments->target.function);
}

static _Bool take_direction(struct arguments *arguments, char *value)
{
	if (!bpfd_direction_parse(value, &arguments->target.direction))
		return complain(arguments, "no direction \"%s\": it is ingress or egress", value);
	return 1;
}

/* What range bpfd takes is bpfd's to say. */
static _Bool take_priority(struct arguments *arguments, char *value)
{
	uint64_t number;
	_Bool negative = value[0] == '-';

	if (!number_parse(value + negative, 0, INT32_MAX, &number))
		return complain(arguments, "--priority takes a number, not \"%s\"", value);
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

static _Bool take_proceed_on(struct arguments *arguments, char *value)
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

/* What a target is called depends on the type. */
static _Bool take_target(struct arguments *arguments, char *value)
{
	uint32_t takes = program_type_row(arguments->type)->takes;

	if (takes & TARGET_BIT(TARGET_GROUP))
		return take_tracepoint(arguments, value);
	return take_text(arguments, "target", value,
	                 takes & TARGET_BIT(TARGET_PATH) ? &arguments->target.path
	                                                 : &arguments->target.name);
}

static _Bool take_offset(struct arguments *arguments, char *value)
{
	return take_number(arguments, "offset", value, INT64_MAX, &arguments->target.offset);
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
	arguments->target.cpu_set = 1;
	return take_narrow(arguments, "cpu", value, &arguments->target.cpu);
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
		return complain(
			arguments,
			"no netfilter hook \"%s\": it is prerouting, input, forward, output "
			"or postrouting",
			value);
	return 1;
}

#define B(field) TARGET_BIT(TARGET_##field)

/* clang-format off */
const struct option_row attach_options[] = {
	{ "iface", "INTERFACE", "where", take_interface, 0, B(INTERFACE) },
	{ "direction", "DIRECTION", "ingress or egress", take_direction, 0, B(DIRECTION) },
	{ "netns", "PATH", "the network namespace, as /run/netns/blue, if not bpfd's own", take_netns, 0, B(NETNS) },
	{ "follow", NULL, "attach again when an interface of this name returns", take_follow, 0, B(FOLLOW) },
	{ "target", "TARGET", "where: GROUP/NAME of a tracepoint, a path, or a name, as the type has it",
	  take_target, 0, B(GROUP) | B(NAME) | B(PATH) },
	{ "function", "FUNCTION", "the function, as the symbol tables have it", take_function, 0, B(FUNCTION) },
	{ "offset", "BYTES", "from its beginning", take_offset, 0, B(OFFSET) },
	{ "pid", "PID", "only in this process", take_pid, 0, B(PID) },
	{ "container-pid", "PID", "as this process sees files: one inside the container", take_container_pid, 0,
	  B(CONTAINER_PID) },
	{ "cpu", "N", "only on this processor", take_cpu, 0, B(CPU) },
	{ "frequency", "HZ", "how often", take_frequency, 0, B(FREQUENCY) },
	{ "family", "FAMILY", "ipv4 or ipv6", take_family, 0, B(FAMILY) },
	{ "hook", "HOOK", "prerouting, input, forward, output or postrouting", take_hook, 0, B(HOOK) },
	{ "priority", "N", "lower runs first; if not given, what the object says, else 50", take_priority, 0,
	  B(PRIORITY) },
	{ "proceed-on", "ACTION,...", "run the next program after these results; if not given, what the object says",
	  take_proceed_on, 0, B(PROCEED_ON) },
	{ "mode", "MODE", "native or generic; if not given, native where the driver can", take_mode, 0, B(MODE) },
	{ "exclusive", NULL, "attach it alone, without a chain", take_exclusive, 0, B(EXCLUSIVE) },
	METADATA_ROW("kept with the link; repeat for more"),
	{},
};
/* clang-format on */

_Bool attach_check(struct arguments *arguments)
{
	uint32_t needs = program_type_row(arguments->type)->needs;

	for (const struct option_row *row = attach_options; row->name; row++) {
		if (needs & row->fields && !(arguments->fields & row->fields))
			return complain(arguments, "--%s %s is missing: say where to attach",
			                row->name, row->value);
	}
	return ids_check(arguments);
}
