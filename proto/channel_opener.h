/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Broker (upper end) and opener (lower end): one question, one answer. The opener opens one thing,
 * or removes pins of a dispatcher that no longer runs; it keeps nothing.
 */
#ifndef BPFD_PROTO_CHANNEL_OPENER_H
#define BPFD_PROTO_CHANNEL_OPENER_H

#include "common/channel.h"
#include "common/error.h"
#include "proto/limits.h"

enum opener_state { OPENER_STATE_READY = 1 };

/* What is attached to this interface, if it is this program. */
struct opener_dispatcher {
	uint32_t ifindex;
	uint32_t program_id;
};

/* A component's pins in dispatch-<ifindex>-<dispatcher id>/progN-*. */
struct opener_component {
	uint32_t ifindex;
	uint32_t dispatcher_id;
	uint32_t slot;
	uint32_t reserved;
};

struct opener_tracepoint {
	char group[TRACEPOINT_SIZE];
	char name[TRACEPOINT_SIZE];
};

/* X(NAME, type, sender, structure, descriptors, receiver's states) */
#define CHANNEL_OPENER(X)                                                                      \
	X(DISPATCHER, 1, UPPER, struct opener_dispatcher, 0, OPENER_STATE_READY)               \
	X(COMPONENT, 2, UPPER, struct opener_component, 0, OPENER_STATE_READY)                 \
	X(PINS_REMOVE, 3, UPPER, struct opener_dispatcher, 0, OPENER_STATE_READY)              \
	X(TRACEPOINT, 4, UPPER, struct opener_tracepoint, 0, OPENER_STATE_READY)               \
	/* DISPATCHER of a dispatcher: the program and its configuration map */                \
	X(OPENED_DISPATCHER, 5, LOWER, struct channel_nothing, 2, OPENER_STATE_READY)          \
	/* DISPATCHER of a program that has not exactly one map; COMPONENT; TRACEPOINT (a perf \
	 * event) */                                                                           \
	X(OPENED, 6, LOWER, struct channel_nothing, 1, OPENER_STATE_READY)                     \
	X(REMOVED, 7, LOWER, struct channel_nothing, 0, OPENER_STATE_READY)                    \
	X(REFUSED, 8, LOWER, struct opener_refused, 0, OPENER_STATE_READY)

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
