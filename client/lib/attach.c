/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

/* The messages of one attach request, together because the outer one points to the inner ones. */
struct attach_messages {
	Bpfd__V1__Request request;
	Bpfd__V1__AttachRequest attach;
	Bpfd__V1__Target target;
	Bpfd__V1__Place places[BPFD_PLACES_MAX - 1];
	Bpfd__V1__Place *pointers[BPFD_PLACES_MAX - 1];
};

static void target_encode(const struct bpfd_target *target, Bpfd__V1__Target *message)
{
	bpfd__v1__target__init(message);
	message->interface = text_encode(target->interface);
	message->netns = text_encode(target->netns);
	message->follow = target->follow;
	message->direction = (Bpfd__V1__Direction)target->direction;
	if (target->priority_set) {
		message->priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
		message->priority = target->priority;
	}
	message->n_proceed_on = target->proceed_on_count;
	message->proceed_on = (int32_t *)(uintptr_t)target->proceed_on;
	message->mode = (Bpfd__V1__XdpMode)target->mode;
	message->exclusive = target->exclusive;
	message->group = text_encode(target->group);
	message->name = text_encode(target->name);
	message->path = text_encode(target->path);
	message->function = text_encode(target->function);
	message->offset = target->offset;
	message->pid = target->pid;
	message->container_pid = target->container_pid;
	if (target->cpu_set) {
		message->cpu_option_case = BPFD__V1__TARGET__CPU_OPTION_CPU;
		message->cpu = target->cpu;
	}
	message->frequency = target->frequency;
	message->family = (Bpfd__V1__NetfilterFamily)target->family;
	message->hook = (Bpfd__V1__NetfilterHook)target->hook;
}

static int places_encode(const struct bpfd_target *target, struct attach_messages *messages,
                         struct bpfd_error **error)
{
	if (target->place_count >= BPFD_PLACES_MAX)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "%zu places are named: at most %d are allowed",
		                  target->place_count + 1, BPFD_PLACES_MAX);
	for (size_t i = 0; i < target->place_count; i++) {
		bpfd__v1__place__init(&messages->places[i]);
		messages->places[i].function = text_encode(target->places[i].function);
		messages->places[i].offset = target->places[i].offset;
		messages->pointers[i] = &messages->places[i];
	}
	messages->target.n_places = target->place_count;
	messages->target.places = messages->pointers;
	return 0;
}

static int attach_encode(struct arena *arena, const struct bpfd_attach_request *request,
                         struct attach_messages *messages, struct bpfd_error **error)
{
	bpfd__v1__request__init(&messages->request);
	bpfd__v1__attach_request__init(&messages->attach);
	messages->request.operation_case = BPFD__V1__REQUEST__OPERATION_ATTACH;
	messages->request.attach = &messages->attach;
	messages->attach.program_id = request->program_id;
	messages->attach.n_metadata = request->metadata_count;
	messages->attach.metadata =
		metadata_encode(arena, request->metadata, request->metadata_count);
	if (!messages->attach.metadata)
		return error_memory(error);
	messages->attach.type = (Bpfd__V1__ProgramType)request->type;
	target_encode(&request->target, &messages->target);
	messages->attach.target = &messages->target;
	return places_encode(&request->target, messages, error);
}

int bpfd_attach(struct bpfd_client *client, const struct bpfd_attach_request *request,
                struct bpfd_link **link, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	const Bpfd__V1__Response *response;
	struct attach_messages messages;
	int result;

	if (!arena)
		return -ENOMEM;
	if (request->type == BPFD_PROGRAM_NONE)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "no program type is named: say as what it was loaded");
	result = attach_encode(arena, request, &messages, error);
	if (result < 0)
		return result;
	result = client_change(client, &messages.request, request->request_id,
	                       BPFD__V1__RESPONSE__RESULT_ATTACH, arena, &response, error);
	if (result < 0)
		return result;
	return link_give(&arena, response->attach->link, link, error);
}
