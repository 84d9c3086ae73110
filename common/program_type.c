/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/program_type.h"

#include "common/target.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* enum xdp_action, and what a dispatcher has where there is no program. */
static const struct action_row xdp_action_rows[] = {
	{ "aborted", 0 }, { "drop", 1 },     { "pass", 2 },
	{ "tx", 3 },      { "redirect", 4 }, { "dispatcher_return", 31 },
};

/* TC_ACT_* of linux/pkt_cls.h, and the same. */
static const struct action_row tc_action_rows[] = {
	{ "unspec", -1 },
	{ "ok", 0 },
	{ "reclassify", 1 },
	{ "shot", 2 },
	{ "pipe", 3 },
	{ "stolen", 4 },
	{ "queued", 5 },
	{ "repeat", 6 },
	{ "redirect", 7 },
	{ "trap", 8 },
	{ "dispatcher_return", 30 },
};
static const struct action_table tc_actions = { tc_action_rows, LENGTH(tc_action_rows), 1 };
static const struct action_table xdp_actions = { xdp_action_rows, LENGTH(xdp_action_rows), 0 };

#define B(field) TARGET_BIT(TARGET_##field)
#define SLEEPABLE BPF_F_SLEEPABLE
#define TRACE_UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI: linux/bpf.h has it from Linux 6.6 */

/* clang-format off */
static const struct program_type_row program_types[PROGRAM_TYPE_END] = {
	[PROGRAM_TYPE_XDP] = {
		.name = "xdp", .sections = "xdp xdp.frags",
		.bpf_type = BPF_PROG_TYPE_XDP, .attach_type = BPF_XDP, .flags = BPF_F_XDP_HAS_FRAGS,
		.dispatched = true, .actions = &xdp_actions,
		.takes = B(INTERFACE) | B(PRIORITY) | B(PROCEED_ON) | B(MODE) | B(EXCLUSIVE),
		.needs = B(INTERFACE), .since_major = 5, .since_minor = 9 },
	[PROGRAM_TYPE_TRACEPOINT] = {
		.name = "tracepoint", .sections = "tracepoint tp",
		.bpf_type = BPF_PROG_TYPE_TRACEPOINT,
		.takes = B(GROUP) | B(NAME), .needs = B(GROUP) | B(NAME), .since_major = 5, .since_minor = 15 },
	[PROGRAM_TYPE_RAW_TRACEPOINT] = {
		.name = "raw_tracepoint", .sections = "raw_tracepoint raw_tp",
		.bpf_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.takes = B(NAME), .needs = B(NAME), .since_major = 4, .since_minor = 17 },
	[PROGRAM_TYPE_TP_BTF] = {
		.name = "tp_btf", .sections = "tp_btf",
		.bpf_type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_RAW_TP, .loaded_for = "tracepoint",
		.since_major = 5, .since_minor = 5 },
	[PROGRAM_TYPE_FENTRY] = {
		.name = "fentry", .sections = "fentry fentry.s",
		.bpf_type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_FENTRY, .flags = SLEEPABLE,
		.loaded_for = "function", .since_major = 5, .since_minor = 5 },
	[PROGRAM_TYPE_FEXIT] = {
		.name = "fexit", .sections = "fexit fexit.s",
		.bpf_type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_FEXIT, .flags = SLEEPABLE,
		.loaded_for = "function", .since_major = 5, .since_minor = 5 },
	[PROGRAM_TYPE_FMOD_RET] = {
		.name = "fmod_ret", .sections = "fmod_ret fmod_ret.s",
		.bpf_type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_MODIFY_RETURN, .flags = SLEEPABLE,
		.loaded_for = "function", .since_major = 5, .since_minor = 7 },
	[PROGRAM_TYPE_LSM] = {
		.name = "lsm", .sections = "lsm lsm.s",
		.bpf_type = BPF_PROG_TYPE_LSM, .attach_type = BPF_LSM_MAC, .flags = SLEEPABLE,
		.loaded_for = "hook", .since_major = 5, .since_minor = 7 },
	[PROGRAM_TYPE_TC] = {
		.name = "tc", .sections = "tc classifier",
		.bpf_type = BPF_PROG_TYPE_SCHED_CLS,
		.dispatched = true, .actions = &tc_actions,
		.takes = B(INTERFACE) | B(DIRECTION) | B(PRIORITY) | B(PROCEED_ON),
		.needs = B(INTERFACE) | B(DIRECTION), .since_major = 5, .since_minor = 10 },
	[PROGRAM_TYPE_KPROBE] = {
		.name = "kprobe", .sections = "kprobe",
		.bpf_type = BPF_PROG_TYPE_KPROBE,
		.takes = B(FUNCTION) | B(OFFSET), .needs = B(FUNCTION), .since_major = 5, .since_minor = 15 },
	[PROGRAM_TYPE_KRETPROBE] = {
		.name = "kretprobe", .sections = "kretprobe",
		.bpf_type = BPF_PROG_TYPE_KPROBE,
		.takes = B(FUNCTION), .needs = B(FUNCTION), .since_major = 5, .since_minor = 15 },
	[PROGRAM_TYPE_KPROBE_MULTI] = {
		.name = "kprobe_multi", .sections = "kprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = BPF_TRACE_KPROBE_MULTI,
		.takes = B(FUNCTION), .needs = B(FUNCTION), .since_major = 5, .since_minor = 18 },
	[PROGRAM_TYPE_KRETPROBE_MULTI] = {
		.name = "kretprobe_multi", .sections = "kretprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = BPF_TRACE_KPROBE_MULTI,
		.takes = B(FUNCTION), .needs = B(FUNCTION), .since_major = 5, .since_minor = 18 },
	[PROGRAM_TYPE_UPROBE] = {
		.name = "uprobe", .sections = "uprobe uprobe.s",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .flags = SLEEPABLE,
		.takes = B(PATH) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 5, .since_minor = 15 },
	[PROGRAM_TYPE_URETPROBE] = {
		.name = "uretprobe", .sections = "uretprobe uretprobe.s",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .flags = SLEEPABLE,
		.takes = B(PATH) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 5, .since_minor = 15 },
	[PROGRAM_TYPE_UPROBE_MULTI] = {
		.name = "uprobe_multi", .sections = "uprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = TRACE_UPROBE_MULTI,
		.takes = B(PATH) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 6, .since_minor = 6 },
	[PROGRAM_TYPE_URETPROBE_MULTI] = {
		.name = "uretprobe_multi", .sections = "uretprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = TRACE_UPROBE_MULTI,
		.takes = B(PATH) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 6, .since_minor = 6 },
	[PROGRAM_TYPE_PERF_EVENT] = {
		.name = "perf_event", .sections = "perf_event",
		.bpf_type = BPF_PROG_TYPE_PERF_EVENT,
		.takes = B(NAME) | B(CPU) | B(PID) | B(FREQUENCY), .needs = B(NAME) | B(FREQUENCY), .since_major = 5, .since_minor = 15 },
};
/* clang-format on */

uint32_t actions_mask(const struct action_table *actions)
{
	uint32_t mask = 0;

	for (size_t i = 0; actions && i < actions->count; i++)
		mask |= 1u << (actions->rows[i].code + actions->bias);
	return mask;
}

const struct action_row *action_by_code(const struct action_table *actions, int32_t code)
{
	for (size_t i = 0; actions && i < actions->count; i++) {
		if (actions->rows[i].code == code)
			return &actions->rows[i];
	}
	return NULL;
}

const struct program_type_row *program_type_row(uint32_t type)
{
	if (type >= PROGRAM_TYPE_END || !program_types[type].name)
		return NULL;
	return &program_types[type];
}

enum program_type program_type_by_name(const char *name)
{
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (program_types[type].name && strcmp(program_types[type].name, name) == 0)
			return (enum program_type)type;
	}
	return PROGRAM_TYPE_NONE;
}

/* The length of the longest of the words that the section is, or begins with before a '/'; or 0. */
static size_t section_match(const char *words, const char *section)
{
	size_t best = 0;

	while (*words) {
		size_t length = strcspn(words, " ");

		if (length > best && strncmp(section, words, length) == 0 &&
		    (section[length] == '\0' || section[length] == '/'))
			best = length;
		words += length + (words[length] == ' ');
	}
	return best;
}

enum program_type program_type_by_section(const char *section, const char **rest)
{
	enum program_type found = PROGRAM_TYPE_NONE;
	size_t best = 0;

	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		size_t length = program_types[type].name
		                        ? section_match(program_types[type].sections, section)
		                        : 0;

		if (length > best) {
			best = length;
			found = (enum program_type)type;
		}
	}
	/* of a section that says nothing, nothing is left either */
	*rest = best ? section + best + (section[best] == '/') : section + strlen(section);
	return found;
}

const char *program_type_names(char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t type = 1; type < PROGRAM_TYPE_END && used < size; type++) {
		if (program_types[type].name)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
			                         program_types[type].name);
	}
	return out;
}
