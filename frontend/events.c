/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/events.h"

#include "common/places.h"
#include "frontend/frontend.h"

#include <string.h>
#include <time.h>

#define EVENT_SIZE_MAX 4096 /* every text of an event is bounded: together they are shorter */
#define TOPIC_SIZE 32

/* clang-format off */
static const char *const kind_names[EVENT_KINDS] = {
	[BPFD__V1__EVENT_KIND__EVENT_KIND_LOAD] = "load",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_UNLOAD] = "unload",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_ATTACH] = "attach",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_UPDATE] = "update",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_DETACH] = "detach",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_REFUSED] = "refused",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_LINK_STATE] = "link-state",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_PROGRAM_STATE] = "program-state",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_FOREIGN_ATTACH] = "foreign-attach",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_FOREIGN_DETACH] = "foreign-detach",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_IMAGE_PROGRESS] = "image-progress",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_IMAGE_PULL] = "image-pull",
	[BPFD__V1__EVENT_KIND__EVENT_KIND_IMAGE_REMOVE] = "image-remove",
};
/* clang-format on */

const char *event_kind_name(uint32_t kind)
{
	return kind < EVENT_KINDS ? kind_names[kind] : NULL;
}

/* An event and what it points to. */
struct event {
	Bpfd__V1__Event message;
	Bpfd__V1__Peer peer;
	Bpfd__V1__Error error;
	char where[TARGET_TEXT_SIZE];
};

static void event_begin(struct event *event, Bpfd__V1__EventKind kind,
                        const struct event_origin *origin)
{
	bpfd__v1__event__init(&event->message);
	event->message.kind = kind;
	if (!origin)
		return;
	bpfd__v1__peer__init(&event->peer);
	event->peer.uid = origin->peer.uid;
	event->peer.gid = origin->peer.gid;
	event->peer.pid = origin->peer.pid;
	event->message.peer = &event->peer;
	event->message.request_id.data = (uint8_t *)(uintptr_t)origin->request_id;
	event->message.request_id.len = origin->request_id_size;
}

static void program_describe(struct event *event, const struct view_program *program)
{
	const struct record_program *head = program->head;

	event->message.program_id = program->id;
	event->message.program_name = text_const(head->name);
	event->message.type = (Bpfd__V1__ProgramType)head->type;
	event->message.kernel_program_id = head->kernel_id;
}

static void link_describe(struct event *event, const struct view *view,
                          const struct view_link *link)
{
	const struct record_link *head = link->head;
	const struct view_program *program = view_program(view, head->program_id);

	if (program)
		program_describe(event, program);
	places_describe(&head->target, &head->places, event->where);
	event->message.link_id = link->id;
	event->message.program_id = head->program_id;
	event->message.type = (Bpfd__V1__ProgramType)head->type;
	event->message.where =
		program && !event->where[0] ? text_const(program->head->target) : event->where;
	event->message.ifindex = head->target.ifindex;
	event->message.link_state = (Bpfd__V1__LinkState)head->state;
	event->message.reason = text_const(link->reason);
}

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* this clock cannot fail */
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Head, topic and message, as they travel. The size, or 0 for a message that is too long. */
static size_t event_pack(const Bpfd__V1__Event *message, uint8_t bytes[EVENT_SIZE_MAX])
{
	size_t packed_size = bpfd__v1__event__get_packed_size(message);
	size_t topic_size = strlen(kind_names[message->kind]) + 1;

	if (packed_size > EVENT_SIZE_MAX - SP_HEAD_SIZE - TOPIC_SIZE)
		return 0;
	sp_head_encode(topic_size + packed_size, bytes);
	bytes += SP_HEAD_SIZE;
	memcpy(bytes, kind_names[message->kind], topic_size - 1);
	bytes[topic_size - 1] = ' ';
	(void)bpfd__v1__event__pack(message, bytes + topic_size);
	return SP_HEAD_SIZE + topic_size + packed_size;
}

static void event_publish(struct frontend *frontend, struct event *event)
{
	static uint8_t bytes[EVENT_SIZE_MAX]; /* one thread */
	struct events *events = &frontend->events;
	Bpfd__V1__Event *message = &event->message;

	message->sequence = ++events->sequence;
	message->kind_sequence = ++events->kind_sequences[message->kind];
	if (frontend->subscribers.count == 0)
		return;
	message->started_at = frontend->view.status.started_at_s;
	message->time = now_us();

	size_t size = event_pack(message, bytes);

	if (size)
		subscribers_send(frontend, bytes, size);
}

static void program_publish(struct frontend *frontend, Bpfd__V1__EventKind kind,
                            const struct event_origin *origin, const struct view_program *program)
{
	struct event event;

	event_begin(&event, kind, origin);
	program_describe(&event, program);
	event.message.program_state = (Bpfd__V1__ProgramState)(program->head->state + 1);
	event.message.reason = text_const(program->reason);
	event_publish(frontend, &event);
}

static void link_publish(struct frontend *frontend, Bpfd__V1__EventKind kind,
                         const struct event_origin *origin, const struct view_link *link)
{
	struct event event;

	event_begin(&event, kind, origin);
	link_describe(&event, &frontend->view, link);
	event_publish(frontend, &event);
}

static void load_publish(struct frontend *frontend, const struct event_origin *origin,
                         const struct frontend_done *done)
{
	for (uint32_t i = 0; i < done->count; i++) {
		const struct view_program *program = view_program(&frontend->view, done->ids[i]);

		if (program)
			program_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_LOAD, origin,
			                program);
	}
}

void event_done(struct frontend *frontend, const struct event_origin *origin, uint16_t type,
                const struct frontend_done *done)
{
	const struct view_link *link = view_link(&frontend->view, done->ids[0]);

	if (done->repeated)
		return; /* nothing has changed */
	if (change_is_load(type))
		load_publish(frontend, origin, done);
	else if (type == FRONTEND_ATTACH && link)
		link_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_ATTACH, origin, link);
	else if (type == FRONTEND_UPDATE && link)
		link_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_UPDATE, origin, link);
}

void event_refused(struct frontend *frontend, const struct event_origin *origin,
                   const struct event_request *request, const struct error *error)
{
	const struct view_program *program = view_program(&frontend->view, request->program_id);
	const struct view_link *link = view_link(&frontend->view, request->link_id);
	struct event event;

	event_begin(&event, BPFD__V1__EVENT_KIND__EVENT_KIND_REFUSED, origin);
	if (program)
		program_describe(&event, program);
	if (link)
		link_describe(&event, &frontend->view, link);
	if (request->program_id)
		event.message.program_id = request->program_id;
	if (request->link_id)
		event.message.link_id = request->link_id;
	bpfd__v1__error__init(&event.error);
	event.error.code = (Bpfd__V1__ErrorCode)error->code;
	event.error.message = text_const(error->message);
	event.message.error = &event.error;
	event.message.operation = text_const(request->operation);
	if (request->image_reference)
		event.message.image_reference = text_const(request->image_reference);
	event_publish(frontend, &event);
}

void event_link_gone(struct frontend *frontend, const struct event_origin *origin,
                     const struct view_link *link)
{
	link_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_DETACH, origin, link);
}

void event_program_gone(struct frontend *frontend, const struct event_origin *origin,
                        const struct view_program *program)
{
	program_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_UNLOAD, origin, program);
}

void event_link_new(struct frontend *frontend, const struct view_link *link)
{
	link_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_ATTACH, NULL, link);
}

void event_link_state(struct frontend *frontend, const struct view_link *link)
{
	link_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_LINK_STATE, NULL, link);
}

void event_program_new(struct frontend *frontend, const struct view_program *program)
{
	program_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_LOAD, NULL, program);
}

void event_program_state(struct frontend *frontend, const struct view_program *program)
{
	program_publish(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_PROGRAM_STATE, NULL, program);
}

void event_image(struct frontend *frontend, Bpfd__V1__EventKind kind,
                 const struct event_origin *origin, const char *reference)
{
	struct event event;

	event_begin(&event, kind, origin);
	event.message.image_reference = text_const(reference);
	event_publish(frontend, &event);
}

void event_image_progress(struct frontend *frontend, const struct event_origin *origin,
                          const char *reference, const struct fetcher_progress *progress)
{
	static const char *const stages[] = { [FETCHER_STAGE_RESOLVE] = "resolve",
		                              [FETCHER_STAGE_LAYER] = "layer",
		                              [FETCHER_STAGE_SIGNATURES] = "signatures",
		                              [FETCHER_STAGE_CHECK] = "check" };
	struct event event;

	event_begin(&event, BPFD__V1__EVENT_KIND__EVENT_KIND_IMAGE_PROGRESS, origin);
	event.message.image_reference = text_const(reference);
	event.message.stage = text_const(stages[progress->stage]);
	event.message.done_bytes = progress->done_bytes;
	event.message.total_bytes = progress->total_bytes;
	event_publish(frontend, &event);
}

void event_foreign(struct frontend *frontend, bool attached, const struct record_chain *chain,
                   const struct record_chain_entry *entry)
{
	struct record_target target = { .ifindex = chain->ifindex, .direction = chain->direction };
	struct event event;

	event_begin(&event,
	            attached ? BPFD__V1__EVENT_KIND__EVENT_KIND_FOREIGN_ATTACH
	                     : BPFD__V1__EVENT_KIND__EVENT_KIND_FOREIGN_DETACH,
	            NULL);
	memcpy(target.interface, chain->interface, sizeof(target.interface));
	target_describe(&target, event.where);
	event.message.where = event.where;
	event.message.ifindex = chain->ifindex;
	event.message.type = (Bpfd__V1__ProgramType)chain->type;
	event.message.kernel_program_id = entry->kernel_id;
	event.message.program_name = text_const(entry->kernel_name);
	event_publish(frontend, &event);
}
