/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Broker (upper end) and opener (lower end): one question, one answer. The opener opens one thing,
 * makes one link in another network namespace, or removes pins of a dispatcher that no longer runs;
 * it keeps nothing.
 */
#ifndef BPFD_PROTO_CHANNEL_OPENER_H
#define BPFD_PROTO_CHANNEL_OPENER_H

#include "common/channel.h"
#include "common/error.h"
#include "common/tcx_hook.h"
#include "proto/kernel_records.h"
#include "proto/limits.h"

enum opener_state { OPENER_STATE_READY = 1 };

#define OPENER_PATH_SIZE 256 /* of a file to be probed */

/* What is attached to this interface, if it is this program. */
struct opener_dispatcher {
	uint32_t ifindex;
	uint32_t program_id;
	char netns[OPENER_PATH_SIZE]; /* where the interface is: target_path_ok; empty: here */
};

/* A component's pins in dispatch-<ifindex>-<dispatcher id>/progN-*. */
struct opener_component {
	uint32_t ifindex;
	uint32_t dispatcher_id;
	uint32_t slot;
	uint32_t reserved;
	char netns[OPENER_PATH_SIZE]; /* as above */
};

struct opener_tracepoint {
	char group[TRACEPOINT_SIZE];
	char name[TRACEPOINT_SIZE];
};

/* A function of the kernel (kernel_function_ok). */
struct opener_kprobe {
	char function[FUNCTION_NAME_SIZE];
	uint64_t offset;  /* bytes into it; 0 where it returns */
	uint32_t returns; /* 1: where the function returns */
	uint32_t reserved;
};

/* A file, as it lies on the host or, with `container_pid`, as that process sees it. */
struct opener_file {
	char path[OPENER_PATH_SIZE]; /* target_path_ok */
	uint32_t container_pid;      /* 0: the host */
	uint32_t reserved;
};

/* An instruction of such a file. */
struct opener_uprobe {
	struct opener_file file;
	uint64_t offset;            /* in the file, in bytes; not 0, where no instruction is */
	uint32_t reference_counter; /* offset in the file of the USDT semaphore; 0: none */
	uint32_t pid;               /* 0: every process */
	uint32_t returns;           /* 1: where the function that starts there returns */
	uint32_t reserved;
};

/* A sampled event (sampled_event_by_number). */
struct opener_sample {
	uint32_t type;         /* PERF_TYPE_SOFTWARE or PERF_TYPE_HARDWARE */
	uint32_t by_frequency; /* 1: `rate` is in Hz, 1 to SAMPLE_FREQUENCY_MAX; 0: in events */
	uint64_t config;
	uint64_t rate; /* a sample for so many events, or so many samples each second */
	int32_t cpu;   /* -1: whichever `pid` runs on */
	uint32_t pid;  /* 0: every process */
};

/* A network namespace's file. */
struct opener_netns {
	char path[OPENER_PATH_SIZE]; /* target_path_ok */
};

/* A hook of tcx or netkit on an interface of another network namespace, which must still be the one
 * with this inode number. */
struct opener_tcx_hook {
	char netns[OPENER_PATH_SIZE]; /* target_path_ok */
	uint64_t netns_id;
	struct tcx_hook hook;
};

/* + 1 descriptor: the program. */
struct opener_tcx_link {
	struct opener_tcx_hook at;
	struct tcx_anchor anchor;
	uint64_t revision; /* of the order that it is for; 0: of any */
};

/* A BTF object by its id. */
struct opener_btf {
	uint32_t id;
	uint32_t reserved;
};

/* What the kernel has of one kind, in ascending order of id. */
struct opener_list {
	uint32_t kind;     /* enum kernel_kind */
	uint32_t after_id; /* what has a higher id than this */
};

#define OPENER_LIST_MAX 256 /* records in one answer, so that nobody waits long for it */

/* + 1 descriptor: a sealed memfd with `count` records of proto/kernel_records.h. */
struct opener_listed {
	uint32_t count; /* at most OPENER_LIST_MAX */
	uint32_t more;  /* 1: there may be more, after the last one's id */
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_OPENER(X)                                                                    \
	X(DISPATCHER, 1, UPPER, struct opener_dispatcher, 0, OPENER_STATE_READY)             \
	X(COMPONENT, 2, UPPER, struct opener_component, 0, OPENER_STATE_READY)               \
	X(PINS_REMOVE, 3, UPPER, struct opener_dispatcher, 0, OPENER_STATE_READY)            \
	X(TRACEPOINT, 4, UPPER, struct opener_tracepoint, 0, OPENER_STATE_READY)             \
	/* DISPATCHER of a dispatcher: the program and its configuration map */              \
	X(OPENED_DISPATCHER, 5, LOWER, struct channel_nothing, 2, OPENER_STATE_READY)        \
	/* DISPATCHER of a program that has not exactly one map; COMPONENT; FILE (O_PATH: no \
	 * right to read it); NETNS; BTF; TCX_LINK; the others: a perf event */              \
	X(OPENED, 6, LOWER, struct channel_nothing, 1, OPENER_STATE_READY)                   \
	X(REMOVED, 7, LOWER, struct channel_nothing, 0, OPENER_STATE_READY)                  \
	X(REFUSED, 8, LOWER, struct opener_refused, 0, OPENER_STATE_READY)                   \
	X(KPROBE, 9, UPPER, struct opener_kprobe, 0, OPENER_STATE_READY)                     \
	X(UPROBE, 10, UPPER, struct opener_uprobe, 0, OPENER_STATE_READY)                    \
	X(SAMPLE, 11, UPPER, struct opener_sample, 0, OPENER_STATE_READY)                    \
	X(FILE, 12, UPPER, struct opener_file, 0, OPENER_STATE_READY)                        \
	X(NETNS, 13, UPPER, struct opener_netns, 0, OPENER_STATE_READY)                      \
	X(LIST, 14, UPPER, struct opener_list, 0, OPENER_STATE_READY)                        \
	X(LISTED, 15, LOWER, struct opener_listed, 1, OPENER_STATE_READY)                    \
	/* run counts are kept while the descriptor is open: OPENED */                       \
	X(STATISTICS, 16, UPPER, struct channel_nothing, 0, OPENER_STATE_READY)              \
	X(BTF, 17, UPPER, struct opener_btf, 0, OPENER_STATE_READY)                          \
	/* NETNS, and a routing socket that was made inside */                               \
	X(NETNS_SOCKET, 18, UPPER, struct opener_netns, 0, OPENER_STATE_READY)               \
	X(OPENED_NETNS, 19, LOWER, struct channel_nothing, 2, OPENER_STATE_READY)            \
	X(TCX_QUERY, 20, UPPER, struct opener_tcx_hook, 0, OPENER_STATE_READY)               \
	X(TCX_ORDER, 21, LOWER, struct tcx_order, 0, OPENER_STATE_READY)                     \
	X(TCX_LINK, 22, UPPER, struct opener_tcx_link, 1, OPENER_STATE_READY)

struct opener_refused {
	int32_t errno_value; /* positive errno */
	uint32_t reserved;
	struct error error;
};

enum opener_message {
#define X(name, type, ...) CHANNEL_ENUM_ROW(OPENER_, name, type)
	CHANNEL_OPENER(X)
#undef X
};

extern const struct channel_list channel_opener;

#endif
