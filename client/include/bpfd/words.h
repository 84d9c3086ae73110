/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpfd: numbers that have names, and the names, which are those that bpfctl prints and takes.
 * <bpfd/bpfd.h> includes this.
 */
#ifndef BPFD_WORDS_H
#define BPFD_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFD_REQUEST_ID_SIZE 16

enum bpfd_program_type {
	BPFD_PROGRAM_NONE = 0,
	BPFD_PROGRAM_XDP = 1,
	BPFD_PROGRAM_TRACEPOINT = 2,
	BPFD_PROGRAM_RAW_TRACEPOINT = 3,
	BPFD_PROGRAM_TP_BTF = 4,
	BPFD_PROGRAM_FENTRY = 5,
	BPFD_PROGRAM_FEXIT = 6,
	BPFD_PROGRAM_FMOD_RET = 7,
	BPFD_PROGRAM_LSM = 8,
	BPFD_PROGRAM_TC = 9,
	BPFD_PROGRAM_TCX = 10,
	BPFD_PROGRAM_NETKIT = 11,
	BPFD_PROGRAM_KPROBE = 20,
	BPFD_PROGRAM_KRETPROBE = 21,
	BPFD_PROGRAM_KPROBE_MULTI = 22,
	BPFD_PROGRAM_KRETPROBE_MULTI = 23,
	BPFD_PROGRAM_UPROBE = 24,
	BPFD_PROGRAM_URETPROBE = 25,
	BPFD_PROGRAM_UPROBE_MULTI = 26,
	BPFD_PROGRAM_URETPROBE_MULTI = 27,
	BPFD_PROGRAM_PERF_EVENT = 28,
	BPFD_PROGRAM_NETFILTER = 30,
	BPFD_PROGRAM_SK_LOOKUP = 31,
	BPFD_PROGRAM_FLOW_DISSECTOR = 32,
	BPFD_PROGRAM_ITER = 33,
	BPFD_PROGRAM_CGROUP_SKB_INGRESS = 40,
	BPFD_PROGRAM_CGROUP_SKB_EGRESS = 41,
	BPFD_PROGRAM_CGROUP_SOCK_CREATE = 42,
	BPFD_PROGRAM_CGROUP_SOCK_RELEASE = 43,
	BPFD_PROGRAM_CGROUP_POST_BIND4 = 44,
	BPFD_PROGRAM_CGROUP_POST_BIND6 = 45,
	BPFD_PROGRAM_CGROUP_BIND4 = 46,
	BPFD_PROGRAM_CGROUP_BIND6 = 47,
	BPFD_PROGRAM_CGROUP_CONNECT4 = 48,
	BPFD_PROGRAM_CGROUP_CONNECT6 = 49,
	BPFD_PROGRAM_CGROUP_SENDMSG4 = 50,
	BPFD_PROGRAM_CGROUP_SENDMSG6 = 51,
	BPFD_PROGRAM_CGROUP_RECVMSG4 = 52,
	BPFD_PROGRAM_CGROUP_RECVMSG6 = 53,
	BPFD_PROGRAM_CGROUP_GETPEERNAME4 = 54,
	BPFD_PROGRAM_CGROUP_GETPEERNAME6 = 55,
	BPFD_PROGRAM_CGROUP_GETSOCKNAME4 = 56,
	BPFD_PROGRAM_CGROUP_GETSOCKNAME6 = 57,
	BPFD_PROGRAM_CGROUP_GETSOCKOPT = 58,
	BPFD_PROGRAM_CGROUP_SETSOCKOPT = 59,
	BPFD_PROGRAM_CGROUP_SYSCTL = 60,
	BPFD_PROGRAM_CGROUP_DEV = 61,
	BPFD_PROGRAM_SOCKOPS = 62,
};

enum bpfd_direction {
	BPFD_DIRECTION_NONE = 0,
	BPFD_DIRECTION_INGRESS = 1,
	BPFD_DIRECTION_EGRESS = 2
};

enum bpfd_netfilter_family {
	BPFD_NETFILTER_FAMILY_NONE = 0,
	BPFD_NETFILTER_IPV4 = 1,
	BPFD_NETFILTER_IPV6 = 2
};

enum bpfd_netfilter_hook {
	BPFD_NETFILTER_HOOK_NONE = 0,
	BPFD_NETFILTER_PREROUTING = 1,
	BPFD_NETFILTER_INPUT = 2,
	BPFD_NETFILTER_FORWARD = 3,
	BPFD_NETFILTER_OUTPUT = 4,
	BPFD_NETFILTER_POSTROUTING = 5
};

enum bpfd_xdp_mode {
	BPFD_XDP_MODE_DEFAULT = 0, /* native where the driver can, else generic */
	BPFD_XDP_MODE_NATIVE = 1,
	BPFD_XDP_MODE_GENERIC = 2
};

enum bpfd_link_state {
	BPFD_LINK_ATTACHING = 1,
	BPFD_LINK_ATTACHED = 2,
	BPFD_LINK_DETACHING = 3,
	BPFD_LINK_REMOVED = 4, /* somebody else took it off */
	BPFD_LINK_GONE = 5,    /* its interface, control group or namespace is gone */
	BPFD_LINK_UPDATING = 6,
	BPFD_LINK_WAITING = 7, /* to be attached again, once its interface is there */
	BPFD_LINK_FAILED = 8   /* it could not be attached again */
};

enum bpfd_program_state {
	BPFD_PROGRAM_LOADED = 1,
	BPFD_PROGRAM_RESTORING = 2, /* persistent, and about to be loaded again */
	BPFD_PROGRAM_FAILED = 3     /* it could not be loaded again */
};

/* The words that bpfctl uses; NULL for a number that has none. */
const char *bpfd_program_type_name(enum bpfd_program_type type);
const char *bpfd_xdp_mode_name(enum bpfd_xdp_mode mode);
const char *bpfd_link_state_name(enum bpfd_link_state state);
const char *bpfd_program_state_name(enum bpfd_program_state state);
const char *bpfd_direction_name(enum bpfd_direction direction);
const char *bpfd_netfilter_family_name(enum bpfd_netfilter_family family);
const char *bpfd_netfilter_hook_name(enum bpfd_netfilter_hook hook);
/* The return value of a program in a chain: of xdp 0 "aborted" to 4 "redirect", 31
 * "dispatcher_return". */
const char *bpfd_action_name(enum bpfd_program_type type, int32_t action);

/* And back: true, and the number is set; false for an unknown word. */
bool bpfd_program_type_parse(const char *name, enum bpfd_program_type *type);
bool bpfd_xdp_mode_parse(const char *name, enum bpfd_xdp_mode *mode);
bool bpfd_direction_parse(const char *name, enum bpfd_direction *direction);
bool bpfd_netfilter_family_parse(const char *name, enum bpfd_netfilter_family *family);
bool bpfd_netfilter_hook_parse(const char *name, enum bpfd_netfilter_hook *hook);
bool bpfd_action_parse(enum bpfd_program_type type, const char *name, int32_t *action);

#ifdef __cplusplus
}
#endif

#endif
