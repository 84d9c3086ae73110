/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

static int load_check(const struct bpfd_load_request *request, struct bpfd_error **error)
{
	if (request->image && (request->object || request->object_size))
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "both an object and an image are given: one of them is loaded");
	if (request->image)
		return 0;
	if (!request->object || request->object_size == 0)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "the object is empty");
	if (request->object_size > BPFD_OBJECT_SIZE_MAX)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "the object has %zu bytes, bpfd takes at most %u (16 MiB)",
		                  request->object_size, BPFD_OBJECT_SIZE_MAX);
	if (request->program_count == 0)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "no program is named: say which function of the object to load");
	return 0;
}

static Bpfd__V1__LoadProgram **
programs_encode(struct arena *arena, const struct bpfd_load_program *programs, size_t count)
{
	Bpfd__V1__LoadProgram **list = arena_alloc(arena, count, sizeof(void *));
	Bpfd__V1__LoadProgram *messages = arena_alloc(arena, count, sizeof(*messages));

	if (!list || !messages)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		bpfd__v1__load_program__init(&messages[i]);
		messages[i].type = (Bpfd__V1__ProgramType)programs[i].type;
		messages[i].function = text_encode(programs[i].function);
		messages[i].exclusive = programs[i].exclusive;
		messages[i].target = text_encode(programs[i].target);
		list[i] = &messages[i];
	}
	return list;
}

static Bpfd__V1__Global **globals_encode(struct arena *arena, const struct bpfd_global *globals,
                                         size_t count)
{
	Bpfd__V1__Global **list = arena_alloc(arena, count, sizeof(void *));
	Bpfd__V1__Global *messages = arena_alloc(arena, count, sizeof(*messages));

	if (!list || !messages)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		bpfd__v1__global__init(&messages[i]);
		messages[i].name = text_encode(globals[i].name);
		messages[i].value = bytes_encode(globals[i].value, globals[i].size);
		list[i] = &messages[i];
	}
	return list;
}

static int load_encode(struct arena *arena, const struct bpfd_load_request *request,
                       Bpfd__V1__LoadRequest *message, struct bpfd_error **error)
{
	if (request->image) {
		message->image = arena_alloc(arena, 1, sizeof(*message->image));
		if (!message->image)
			return error_memory(error);
		if (image_source_encode(request->image, message->image, error) < 0)
			return -EINVAL;
	}
	message->object = bytes_encode(request->object, request->object_size);
	message->n_programs = request->program_count;
	message->programs = programs_encode(arena, request->programs, request->program_count);
	message->n_globals = request->global_count;
	message->globals = globals_encode(arena, request->globals, request->global_count);
	message->n_metadata = request->metadata_count;
	message->metadata = metadata_encode(arena, request->metadata, request->metadata_count);
	message->application = text_encode(request->application);
	message->source_name = text_encode(request->source_name);
	message->persist = request->persist;
	message->map_owner = request->map_owner;
	if (!message->programs || !message->globals || !message->metadata)
		return error_memory(error);
	return 0;
}

int bpfd_load(struct bpfd_client *client, const struct bpfd_load_request *request,
              struct bpfd_programs **programs, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__Request message = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	result = load_check(request, error);
	if (result == 0)
		result = load_encode(arena, request, &load, error);
	if (result < 0)
		return result;
	message.operation_case = BPFD__V1__REQUEST__OPERATION_LOAD;
	message.load = &load;
	result = client_change(client, &message, request->request_id,
	                       BPFD__V1__RESPONSE__RESULT_LOAD, arena, &response, error);
	if (result < 0)
		return result;
	/* an image names them itself, if nobody else does */
	if (request->program_count ? response->load->n_programs != request->program_count
	                           : response->load->n_programs == 0)
		return error_answer(error, "not as many programs as were to be loaded");
	return programs_give(&arena, response->load->programs, response->load->n_programs, programs,
	                     error);
}
