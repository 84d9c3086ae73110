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

/* linux/bpf.h has them from Linux 6.4 */
#define TYPE_NETFILTER 32
#define ATTACH_NETFILTER 45

/* Links to control groups are of Linux 5.7, where most of the types are older. */
#define CGROUP_TYPE(label, words, type, attach, minor)                                         \
	{                                                                                      \
		.name = (label), .sections = (words), .bpf_type = BPF_PROG_TYPE_##type,        \
		.attach_type = BPF_##attach, .takes = B(PATH) | B(PRIORITY), .needs = B(PATH), \
		.since_major = 5, .since_minor = (minor)                                       \
	}

/* clang-format off */
static const struct program_type_row program_types[PROGRAM_TYPE_END] = {
	[PROGRAM_TYPE_XDP] = {
		.name = "xdp", .sections = "xdp xdp.frags",
		.bpf_type = BPF_PROG_TYPE_XDP, .attach_type = BPF_XDP, .flags = BPF_F_XDP_HAS_FRAGS,
		.dispatched = true, .actions = &xdp_actions,
		.takes = B(INTERFACE) | B(NETNS) | B(FOLLOW) | B(PRIORITY) | B(PROCEED_ON) | B(MODE) | B(EXCLUSIVE),
		.needs = B(INTERFACE), .since_major = 5, .since_minor = 9 },
	[PROGRAM_TYPE_NETFILTER] = {
		.name = "netfilter", .sections = "netfilter",
		.bpf_type = TYPE_NETFILTER, .attach_type = ATTACH_NETFILTER,
		.takes = B(FAMILY) | B(HOOK) | B(PRIORITY), .needs = B(FAMILY) | B(HOOK),
		.since_major = 6, .since_minor = 4 },
	[PROGRAM_TYPE_SK_LOOKUP] = {
		.name = "sk_lookup", .sections = "sk_lookup",
		.bpf_type = BPF_PROG_TYPE_SK_LOOKUP, .attach_type = BPF_SK_LOOKUP,
		.takes = B(NETNS), .since_major = 5, .since_minor = 9 },
	[PROGRAM_TYPE_FLOW_DISSECTOR] = {
		.name = "flow_dissector", .sections = "flow_dissector",
		.bpf_type = BPF_PROG_TYPE_FLOW_DISSECTOR, .attach_type = BPF_FLOW_DISSECTOR,
		.takes = B(NETNS), .since_major = 5, .since_minor = 8 },
	[PROGRAM_TYPE_ITER] = {
		.name = "iter", .sections = "iter iter.s",
		.bpf_type = BPF_PROG_TYPE_TRACING, .attach_type = BPF_TRACE_ITER, .flags = SLEEPABLE,
		.loaded_for = "iterator", .since_major = 5, .since_minor = 8 },
	/* their names are libbpf's sections, with '_' for '/' */
	[PROGRAM_TYPE_CGROUP_SKB_INGRESS] = CGROUP_TYPE("cgroup_skb_ingress", "cgroup_skb/ingress", CGROUP_SKB, CGROUP_INET_INGRESS, 7),
	[PROGRAM_TYPE_CGROUP_SKB_EGRESS] = CGROUP_TYPE("cgroup_skb_egress", "cgroup_skb/egress", CGROUP_SKB, CGROUP_INET_EGRESS, 7),
	[PROGRAM_TYPE_CGROUP_SOCK_CREATE] = CGROUP_TYPE("cgroup_sock_create", "cgroup/sock_create cgroup/sock", CGROUP_SOCK, CGROUP_INET_SOCK_CREATE, 7),
	[PROGRAM_TYPE_CGROUP_SOCK_RELEASE] = CGROUP_TYPE("cgroup_sock_release", "cgroup/sock_release", CGROUP_SOCK, CGROUP_INET_SOCK_RELEASE, 9),
	[PROGRAM_TYPE_CGROUP_POST_BIND4] = CGROUP_TYPE("cgroup_post_bind4", "cgroup/post_bind4", CGROUP_SOCK, CGROUP_INET4_POST_BIND, 7),
	[PROGRAM_TYPE_CGROUP_POST_BIND6] = CGROUP_TYPE("cgroup_post_bind6", "cgroup/post_bind6", CGROUP_SOCK, CGROUP_INET6_POST_BIND, 7),
	[PROGRAM_TYPE_CGROUP_BIND4] = CGROUP_TYPE("cgroup_bind4", "cgroup/bind4", CGROUP_SOCK_ADDR, CGROUP_INET4_BIND, 7),
	[PROGRAM_TYPE_CGROUP_BIND6] = CGROUP_TYPE("cgroup_bind6", "cgroup/bind6", CGROUP_SOCK_ADDR, CGROUP_INET6_BIND, 7),
	[PROGRAM_TYPE_CGROUP_CONNECT4] = CGROUP_TYPE("cgroup_connect4", "cgroup/connect4", CGROUP_SOCK_ADDR, CGROUP_INET4_CONNECT, 7),
	[PROGRAM_TYPE_CGROUP_CONNECT6] = CGROUP_TYPE("cgroup_connect6", "cgroup/connect6", CGROUP_SOCK_ADDR, CGROUP_INET6_CONNECT, 7),
	[PROGRAM_TYPE_CGROUP_SENDMSG4] = CGROUP_TYPE("cgroup_sendmsg4", "cgroup/sendmsg4", CGROUP_SOCK_ADDR, CGROUP_UDP4_SENDMSG, 7),
	[PROGRAM_TYPE_CGROUP_SENDMSG6] = CGROUP_TYPE("cgroup_sendmsg6", "cgroup/sendmsg6", CGROUP_SOCK_ADDR, CGROUP_UDP6_SENDMSG, 7),
	[PROGRAM_TYPE_CGROUP_RECVMSG4] = CGROUP_TYPE("cgroup_recvmsg4", "cgroup/recvmsg4", CGROUP_SOCK_ADDR, CGROUP_UDP4_RECVMSG, 7),
	[PROGRAM_TYPE_CGROUP_RECVMSG6] = CGROUP_TYPE("cgroup_recvmsg6", "cgroup/recvmsg6", CGROUP_SOCK_ADDR, CGROUP_UDP6_RECVMSG, 7),
	[PROGRAM_TYPE_CGROUP_GETPEERNAME4] = CGROUP_TYPE("cgroup_getpeername4", "cgroup/getpeername4", CGROUP_SOCK_ADDR, CGROUP_INET4_GETPEERNAME, 8),
	[PROGRAM_TYPE_CGROUP_GETPEERNAME6] = CGROUP_TYPE("cgroup_getpeername6", "cgroup/getpeername6", CGROUP_SOCK_ADDR, CGROUP_INET6_GETPEERNAME, 8),
	[PROGRAM_TYPE_CGROUP_GETSOCKNAME4] = CGROUP_TYPE("cgroup_getsockname4", "cgroup/getsockname4", CGROUP_SOCK_ADDR, CGROUP_INET4_GETSOCKNAME, 8),
	[PROGRAM_TYPE_CGROUP_GETSOCKNAME6] = CGROUP_TYPE("cgroup_getsockname6", "cgroup/getsockname6", CGROUP_SOCK_ADDR, CGROUP_INET6_GETSOCKNAME, 8),
	[PROGRAM_TYPE_CGROUP_GETSOCKOPT] = CGROUP_TYPE("cgroup_getsockopt", "cgroup/getsockopt", CGROUP_SOCKOPT, CGROUP_GETSOCKOPT, 7),
	[PROGRAM_TYPE_CGROUP_SETSOCKOPT] = CGROUP_TYPE("cgroup_setsockopt", "cgroup/setsockopt", CGROUP_SOCKOPT, CGROUP_SETSOCKOPT, 7),
	[PROGRAM_TYPE_CGROUP_SYSCTL] = CGROUP_TYPE("cgroup_sysctl", "cgroup/sysctl", CGROUP_SYSCTL, CGROUP_SYSCTL, 7),
	[PROGRAM_TYPE_CGROUP_DEV] = CGROUP_TYPE("cgroup_dev", "cgroup/dev", CGROUP_DEVICE, CGROUP_DEVICE, 7),
	[PROGRAM_TYPE_SOCKOPS] = CGROUP_TYPE("sockops", "sockops", SOCK_OPS, CGROUP_SOCK_OPS, 7),
	[PROGRAM_TYPE_TRACEPOINT] = {
		.name = "tracepoint", .sections = "tracepoint tp",
		.bpf_type = BPF_PROG_TYPE_TRACEPOINT,
		.takes = B(GROUP) | B(NAME), .needs = B(GROUP) | B(NAME), .since_major = 4, .since_minor = 7 },
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
		.takes = B(INTERFACE) | B(NETNS) | B(FOLLOW) | B(DIRECTION) | B(PRIORITY) | B(PROCEED_ON),
		.needs = B(INTERFACE) | B(DIRECTION), .since_major = 5, .since_minor = 10 },
	[PROGRAM_TYPE_TCX] = {
		.name = "tcx", .sections = "tcx",
		.bpf_type = BPF_PROG_TYPE_SCHED_CLS,
		.takes = B(INTERFACE) | B(NETNS) | B(FOLLOW) | B(DIRECTION) | B(PRIORITY),
		.needs = B(INTERFACE) | B(DIRECTION), .since_major = 6, .since_minor = 6 },
	[PROGRAM_TYPE_NETKIT] = {
		.name = "netkit", .sections = "netkit",
		.bpf_type = BPF_PROG_TYPE_SCHED_CLS,
		.takes = B(INTERFACE) | B(NETNS) | B(FOLLOW) | B(DIRECTION) | B(PRIORITY),
		.needs = B(INTERFACE) | B(DIRECTION), .since_major = 6, .since_minor = 7 },
	[PROGRAM_TYPE_KPROBE] = {
		.name = "kprobe", .sections = "kprobe",
		.bpf_type = BPF_PROG_TYPE_KPROBE,
		.takes = B(FUNCTION) | B(OFFSET), .needs = B(FUNCTION), .since_major = 4, .since_minor = 17 },
	[PROGRAM_TYPE_KRETPROBE] = {
		.name = "kretprobe", .sections = "kretprobe",
		.bpf_type = BPF_PROG_TYPE_KPROBE,
		.takes = B(FUNCTION), .needs = B(FUNCTION), .since_major = 4, .since_minor = 17 },
	[PROGRAM_TYPE_KPROBE_MULTI] = {
		.name = "kprobe_multi", .sections = "kprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = BPF_TRACE_KPROBE_MULTI,
		.many = true,
		.takes = B(FUNCTION), .needs = B(FUNCTION), .since_major = 5, .since_minor = 18 },
	[PROGRAM_TYPE_KRETPROBE_MULTI] = {
		.name = "kretprobe_multi", .sections = "kretprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = BPF_TRACE_KPROBE_MULTI,
		.many = true,
		.takes = B(FUNCTION), .needs = B(FUNCTION), .since_major = 5, .since_minor = 18 },
	[PROGRAM_TYPE_UPROBE] = {
		.name = "uprobe", .sections = "uprobe uprobe.s",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .flags = SLEEPABLE,
		.takes = B(PATH) | B(FUNCTION) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 4, .since_minor = 17 },
	[PROGRAM_TYPE_URETPROBE] = {
		.name = "uretprobe", .sections = "uretprobe uretprobe.s",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .flags = SLEEPABLE,
		.takes = B(PATH) | B(FUNCTION) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 4, .since_minor = 17 },
	[PROGRAM_TYPE_UPROBE_MULTI] = {
		.name = "uprobe_multi", .sections = "uprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = TRACE_UPROBE_MULTI,
		.many = true,
		.takes = B(PATH) | B(FUNCTION) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 6, .since_minor = 6 },
	[PROGRAM_TYPE_URETPROBE_MULTI] = {
		.name = "uretprobe_multi", .sections = "uretprobe.multi",
		.bpf_type = BPF_PROG_TYPE_KPROBE, .attach_type = TRACE_UPROBE_MULTI,
		.many = true,
		.takes = B(PATH) | B(FUNCTION) | B(OFFSET) | B(PID) | B(CONTAINER_PID), .needs = B(PATH) | B(OFFSET), .since_major = 6, .since_minor = 6 },
	[PROGRAM_TYPE_PERF_EVENT] = {
		.name = "perf_event", .sections = "perf_event",
		.bpf_type = BPF_PROG_TYPE_PERF_EVENT,
		.takes = B(NAME) | B(CPU) | B(PID) | B(FREQUENCY), .needs = B(NAME) | B(FREQUENCY), .since_major = 4, .since_minor = 9 },
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
