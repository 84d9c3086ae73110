/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The program types that bpfd manages: one row each. The numbers travel in channels and in
 * bpfd.proto and lie in the store: never renumber. What a type does when it is attached is in
 * broker/attach_<type>.c and its row in broker/attach.c.
 */
#ifndef BPFD_COMMON_PROGRAM_TYPE_H
#define BPFD_COMMON_PROGRAM_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum program_type {
	PROGRAM_TYPE_NONE = 0,
	PROGRAM_TYPE_XDP = 1,
	PROGRAM_TYPE_TRACEPOINT = 2,
	PROGRAM_TYPE_RAW_TRACEPOINT = 3,
	PROGRAM_TYPE_TP_BTF = 4,
	PROGRAM_TYPE_FENTRY = 5,
	PROGRAM_TYPE_FEXIT = 6,
	PROGRAM_TYPE_FMOD_RET = 7,
	PROGRAM_TYPE_LSM = 8,
	PROGRAM_TYPE_TC = 9,
	PROGRAM_TYPE_TCX = 10,
	PROGRAM_TYPE_NETKIT = 11,
	PROGRAM_TYPE_KPROBE = 20,
	PROGRAM_TYPE_KRETPROBE = 21,
	PROGRAM_TYPE_KPROBE_MULTI = 22,
	PROGRAM_TYPE_KRETPROBE_MULTI = 23,
	PROGRAM_TYPE_UPROBE = 24,
	PROGRAM_TYPE_URETPROBE = 25,
	PROGRAM_TYPE_UPROBE_MULTI = 26,
	PROGRAM_TYPE_URETPROBE_MULTI = 27,
	PROGRAM_TYPE_PERF_EVENT = 28,
	PROGRAM_TYPE_NETFILTER = 30,
	PROGRAM_TYPE_SK_LOOKUP = 31,
	PROGRAM_TYPE_FLOW_DISSECTOR = 32,
	PROGRAM_TYPE_ITER = 33,
	PROGRAM_TYPE_CGROUP_SKB_INGRESS = 40,
	PROGRAM_TYPE_CGROUP_SKB_EGRESS = 41,
	PROGRAM_TYPE_CGROUP_SOCK_CREATE = 42,
	PROGRAM_TYPE_CGROUP_SOCK_RELEASE = 43,
	PROGRAM_TYPE_CGROUP_POST_BIND4 = 44,
	PROGRAM_TYPE_CGROUP_POST_BIND6 = 45,
	PROGRAM_TYPE_CGROUP_BIND4 = 46,
	PROGRAM_TYPE_CGROUP_BIND6 = 47,
	PROGRAM_TYPE_CGROUP_CONNECT4 = 48,
	PROGRAM_TYPE_CGROUP_CONNECT6 = 49,
	PROGRAM_TYPE_CGROUP_SENDMSG4 = 50,
	PROGRAM_TYPE_CGROUP_SENDMSG6 = 51,
	PROGRAM_TYPE_CGROUP_RECVMSG4 = 52,
	PROGRAM_TYPE_CGROUP_RECVMSG6 = 53,
	PROGRAM_TYPE_CGROUP_GETPEERNAME4 = 54,
	PROGRAM_TYPE_CGROUP_GETPEERNAME6 = 55,
	PROGRAM_TYPE_CGROUP_GETSOCKNAME4 = 56,
	PROGRAM_TYPE_CGROUP_GETSOCKNAME6 = 57,
	PROGRAM_TYPE_CGROUP_GETSOCKOPT = 58,
	PROGRAM_TYPE_CGROUP_SETSOCKOPT = 59,
	PROGRAM_TYPE_CGROUP_SYSCTL = 60,
	PROGRAM_TYPE_CGROUP_DEV = 61,
	PROGRAM_TYPE_SOCKOPS = 62,
	PROGRAM_TYPE_END
};

/* Return values after which a chain may go on to its next program. */
struct action_row {
	const char *name;
	int32_t code;
};

struct action_table {
	const struct action_row *rows;
	size_t count;
	int32_t bias; /* bit `code + bias` of a proceed_on stands for a code */
};

/* All bits that stand for a code of the table. */
uint32_t actions_mask(const struct action_table *actions);
/* The row of a code, or NULL. */
const struct action_row *action_by_code(const struct action_table *actions, int32_t code);

struct program_type_row {
	const char *name;       /* as users write it */
	const char *sections;   /* sections of this type begin with one of these words */
	uint32_t bpf_type;      /* enum bpf_prog_type that libbpf loads it as */
	uint32_t attach_type;   /* enum bpf_attach_type that it is loaded for */
	uint32_t flags;         /* of BPF_PROG_LOAD that an object may ask for */
	bool many;              /* one link of it has up to PLACES_MAX places */
	bool dispatched;        /* shares its place through a dispatcher: loaded as an extension */
	const char *loaded_for; /* what in the kernel it is loaded for, found by BTF: "function",
	                           "hook"; or NULL */
	uint32_t takes;         /* 1 << enum target_field */
	uint32_t needs;
	const struct action_table *actions; /* what proceed_on may name; NULL: there is no chain */
	uint16_t since_major, since_minor;  /* Linux that has it */
};

/* The row of a type, or NULL for a number that is none. */
const struct program_type_row *program_type_row(uint32_t type);

/* The type of that name, or PROGRAM_TYPE_NONE. */
enum program_type program_type_by_name(const char *name);

/* The type whose sections the name belongs to, or PROGRAM_TYPE_NONE; `rest` is what follows, as
 * "sched_switch" in "tp_btf/sched_switch", or empty. */
enum program_type program_type_by_section(const char *section, const char **rest);

/* "fentry, fexit, ...", for errors; terminated, cut at `size`. */
const char *program_type_names(char *out, size_t size);

#endif
