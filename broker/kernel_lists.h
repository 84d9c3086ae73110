/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the kernel has, whoever loaded it, for the frontend to show: through BPF iterators, of which
 * the frontend gets a fresh descriptor for each reading, or, where the kernel refuses them, in
 * slices through the opener. The iterators are bpfd's own object, loaded like any other (gate and
 * loader) when somebody first asks.
 */
#ifndef BPFD_BROKER_KERNEL_LISTS_H
#define BPFD_BROKER_KERNEL_LISTS_H

#include "proto/channel_frontend.h"

#include <stdbool.h>
#include <stddef.h>

#define KERNEL_LIST_WAITERS_MAX 64

enum kernel_iterator_state {
	KERNEL_ITERATOR_UNTRIED,
	KERNEL_ITERATOR_LOADING,
	KERNEL_ITERATOR_LOADED,
	KERNEL_ITERATOR_REFUSED
};

struct kernel_iterator {
	enum kernel_iterator_state state;
	int link_fd; /* once loaded */
};

/* A question that waits for its iterator to be loaded. */
struct kernel_list_waiter {
	uint64_t message_id;
	struct frontend_kernel_list question;
};

struct kernel_lists {
	struct kernel_iterator iterators[KERNEL_KIND_COUNT];
	struct error refusal; /* why the last iterator was not loaded */
	size_t waiter_count;
	struct kernel_list_waiter waiters[KERNEL_LIST_WAITERS_MAX];
	int enabled_fd;               /* /proc/sys/kernel/bpf_stats_enabled, or -1 */
	int statistics_fd;            /* runs are counted while it is open, or -1 */
	uint64_t statistics_until_ms; /* of CLOCK_MONOTONIC */
};

struct broker;
struct channel_message;
struct session_result;

/* Opens what the sandbox forbids later. */
void kernel_lists_open(struct kernel_lists *lists);
void kernel_lists_close(struct kernel_lists *lists);

/* Answers the frontend, now or once the iterator is there. 0, or -EPROTO for what cannot be. */
int kernel_list_request(struct broker *broker, struct channel_message *message);

/* How the load of an iterator ended. */
void kernel_iterator_loaded(struct broker *broker, uint32_t kind,
                            const struct session_result *result);
void kernel_iterator_refused(struct broker *broker, uint32_t kind, const struct error *error);

/* Lets statistics go that nobody has asked for lately; returns the milliseconds until then, or -1.
 */
int kernel_lists_tick(struct broker *broker);

/* Does the administrator let the kernel count runs all the time? */
bool kernel_statistics_always(const struct kernel_lists *lists);

#endif
