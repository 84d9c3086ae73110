/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/perf_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int room_make(struct perf_events *events)
{
	size_t room = events->room ? events->room * 2 : 16;
	struct perf_event_held *moved;

	if (events->count == PERF_EVENTS_MAX)
		return -EDQUOT;
	if (events->count < events->room)
		return 0;
	moved = reallocarray(events->held, room, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	events->held = moved;
	events->room = room;
	return 0;
}

int perf_events_add(struct perf_events *events, uint64_t link_id, uint32_t kernel_id, int fd)
{
	int result = room_make(events);

	if (result < 0)
		return result;
	events->held[events->count++] = (struct perf_event_held){
		.link_id = link_id, .kernel_id = kernel_id, .fd = fd, .fresh = true
	};
	return 0;
}

/* Ends the link's events that are fresh, or those that are not. */
static void events_end(struct perf_events *events, uint64_t link_id, bool fresh)
{
	size_t kept = 0;

	for (size_t i = 0; i < events->count; i++) {
		struct perf_event_held *held = &events->held[i];

		if (held->link_id == link_id && held->fresh == fresh)
			(void)close(held->fd);
		else
			events->held[kept++] = *held;
	}
	events->count = kept;
}

void perf_events_settle(struct perf_events *events, uint64_t link_id)
{
	events_end(events, link_id, false);
	for (size_t i = 0; i < events->count; i++) {
		if (events->held[i].link_id == link_id)
			events->held[i].fresh = false;
	}
}

void perf_events_end(struct perf_events *events, uint64_t link_id, bool fresh_only)
{
	events_end(events, link_id, true);
	if (!fresh_only)
		events_end(events, link_id, false);
}

uint32_t perf_events_program(const struct perf_events *events, uint64_t link_id)
{
	for (size_t i = 0; i < events->count; i++) {
		if (events->held[i].link_id == link_id && !events->held[i].fresh)
			return events->held[i].kernel_id;
	}
	return 0;
}

void perf_events_close(struct perf_events *events)
{
	for (size_t i = 0; i < events->count; i++)
		(void)close(events->held[i].fd);
	free(events->held);
	memset(events, 0, sizeof(*events));
}
