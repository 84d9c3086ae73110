/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Perf events that run programs for as long as their descriptor is open: what attachments are on
 * kernels that cannot link a program to one (before Linux 5.15). They end with the broker.
 */
#ifndef BPFD_BROKER_PERF_EVENTS_H
#define BPFD_BROKER_PERF_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_EVENTS_MAX 2048 /* each is an open file of the broker's */

struct perf_event_held {
	uint64_t link_id;
	uint32_t kernel_id; /* of the program that it runs */
	int fd;             /* owned */
	bool fresh;         /* made to take the place of the link's others */
};

struct perf_events {
	struct perf_event_held *held;
	size_t count, room;
};

/* Keeps a link's event, which is fresh, and takes its descriptor: 0; or -EDQUOT or -ENOMEM, and the
 * descriptor stays the caller's. */
int perf_events_add(struct perf_events *events, uint64_t link_id, uint32_t kernel_id, int fd);

/* The link's fresh events are its events: all others of its end. */
void perf_events_settle(struct perf_events *events, uint64_t link_id);

/* Ends the link's events, or only those that are fresh. */
void perf_events_end(struct perf_events *events, uint64_t link_id, bool fresh_only);

/* The kernel id of the program that the link's events run; 0: it has none. */
uint32_t perf_events_program(const struct perf_events *events, uint64_t link_id);

void perf_events_close(struct perf_events *events);

#endif
