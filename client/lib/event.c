/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/event.h"
#include "client/lib/check.h"
#include "client/lib/client.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <string.h>
#include <time.h>

void bpfd_event_free(struct bpfd_event *event)
{
	result_free(event);
}

static void refusal_describe(const Bpfd__V1__Event *message, struct bpfd_event *event)
{
	event->operation = message->operation;
	event->error_message = "";
	if (!message->error)
		return;
	event->error_code = (uint32_t)message->error->code;
	event->error_message = message->error->message;
}

static void event_describe(const Bpfd__V1__Event *message, struct bpfd_event *event)
{
	*event = (struct bpfd_event){
		.kind = (enum bpfd_event_kind)message->kind,
		.sequence = message->sequence,
		.started_at = message->started_at,
		.time_us = message->time,
		.program_id = message->program_id,
		.link_id = message->link_id,
		.kernel_program_id = message->kernel_program_id,
		.ifindex = message->ifindex,
		.program_name = message->program_name,
		.where = message->where,
		.reason = message->reason,
		.type = (enum bpfd_program_type)message->type,
		.link_state = (uint32_t)message->link_state,
		.program_state = (uint32_t)message->program_state,
		.image_reference = message->image_reference,
		.stage = message->stage,
		.done_bytes = message->done_bytes,
		.total_bytes = message->total_bytes,
		.asked = message->peer != NULL,
		.request_id_set = message->request_id.len == BPFD_REQUEST_ID_SIZE,
	};
	if (event->asked) {
		event->uid = message->peer->uid;
		event->gid = message->peer->gid;
		event->pid = message->peer->pid;
	}
	if (event->request_id_set)
		memcpy(event->request_id, message->request_id.data, BPFD_REQUEST_ID_SIZE);
	refusal_describe(message, event);
}

int event_decode(const char *body, size_t size, struct bpfd_event **event,
                 struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	const char *blank = memchr(body, ' ', size);
	struct bpfd_event *made;
	Bpfd__V1__Event *message;

	if (!arena)
		return -ENOMEM;
	if (!blank)
		return error_answer(error, "an event without a topic");
	message = bpfd__v1__event__unpack(arena_allocator(arena), size - (size_t)(blank + 1 - body),
	                                  (const uint8_t *)blank + 1);
	if (!message || message_check(&message->base) || !message->kind || !message->sequence)
		return error_answer(error, "an event that cannot be decoded");
	made = result_new(arena, sizeof(*made));
	if (!made)
		return error_memory(error);
	event_describe(message, made);
	(void)steal_ptr(&arena);
	*event = made;
	return 0;
}

int event_make(enum bpfd_event_kind kind, uint64_t missed, struct bpfd_event **event,
               struct bpfd_error **error)
{
	struct arena *arena = client_arena(error);
	struct bpfd_event *made = arena ? result_new(arena, sizeof(*made)) : NULL;
	struct timespec now;

	if (!made) {
		arena_free(arena);
		return error_memory(error);
	}
	(void)clock_gettime(CLOCK_REALTIME, &now);
	*made = (struct bpfd_event){
		.kind = kind,
		.missed = missed,
		.time_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
		.program_name = "",
		.where = "",
		.reason = "",
		.operation = "",
		.error_message = "",
		.image_reference = "",
		.stage = "",
	};
	*event = made;
	return 0;
}
