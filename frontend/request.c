/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/request.h"

#include "common/log.h"
#include "frontend/image_request.h"
#include "frontend/map_request.h"
#include "frontend/question.h"
#include "frontend/readers.h"
#include "frontend/target.h"
#include "frontend/validate.h"
#include "frontend/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_VERSION 1
#define FIELD_SIZE 48 /* "load.metadata[31].value" */

bool request_is_change(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
	case BPFD__V1__REQUEST__OPERATION_UPDATE:
	case BPFD__V1__REQUEST__OPERATION_DETACH:
	case BPFD__V1__REQUEST__OPERATION_UNLOAD:
	case BPFD__V1__REQUEST__OPERATION_MAP_SET:
	case BPFD__V1__REQUEST__OPERATION_MAP_DELETE:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
	case BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE:
		return true;
	default:
		return false;
	}
}

const char *request_operation_name(const Bpfd__V1__Request *request)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&bpfd__v1__request__descriptor, (unsigned int)request->operation_case);

	return field ? field->name : "none";
}

static int request_head_check(const Bpfd__V1__Request *request, struct error *error)
{
	if (request->version != PROTOCOL_VERSION)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "version is %u: bpfd " BPFD_VERSION " speaks version %d of the "
		                 "protocol",
		                 request->version, PROTOCOL_VERSION);
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION__NOT_SET)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"the request has no operation: one of load, attach, update, "
			"detach, unload, "
			"list_programs, list_links, list_maps, get_program, get_link, map_dump, "
			"map_get, map_set, map_delete, map_types, image_pull, image_list, "
			"image_inspect, image_verify, image_remove, rules_read, status and "
			"version_info "
			"must be set");
	return request_id_check(request_is_change(request), request->request_id.data,
	                        request->request_id.len, error);
}

int request_decode(const uint8_t *bytes, size_t size, struct arena *arena, Bpfd__V1__Request **out,
                   struct error *error)
{
	size_t raw_bytes;
	int r = wire_check(&bpfd__v1__request__descriptor, bytes, size, &raw_bytes, error);

	if (r < 0)
		return r;
	arena_reset(arena, REQUEST_HEAP_MAX + raw_bytes);

	Bpfd__V1__Request *request = bpfd__v1__request__unpack(&arena->allocator, size, bytes);

	if (!request)
		return error_set(
			error, -ENOMEM, ERROR_LIMIT,
			"the request takes more than %u bytes of memory to unpack: nothing but "
			"the object may be that long",
			REQUEST_HEAP_MAX);
	r = request_head_check(request, error);
	if (r < 0) {
		image_credentials_wipe(request);
		return r;
	}
	*out = request;
	return 0;
}

/* "load.metadata[3].key" */
static const char *field_print(char field[FIELD_SIZE], const char *list, size_t index,
                               const char *member)
{
	(void)snprintf(field, FIELD_SIZE, "%s[%zu].%s", list, index, member);
	return field;
}

static int duplicate_refuse(const char *noun, const char *value, struct error *error)
{
	char shown[200];

	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "%s \"%s\" is given twice", noun,
	                 log_escape(value, shown, sizeof(shown)));
}

int metadata_take(const char *list, Bpfd__V1__Metadata *const *entries, size_t count,
                  struct record_metadata *out, struct error *error)
{
	char field[FIELD_SIZE];
	int r = count_check("metadata", count, 0, METADATA_MAX, error);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct record_metadata_entry *entry = &out->entries[i];

		r = text_take(TEXT_METADATA_KEY, field_print(field, list, i, "key"),
		              entries[i]->key, entry->key, sizeof(entry->key), error);
		if (r < 0)
			break;
		r = text_take(TEXT_METADATA_VALUE, field_print(field, list, i, "value"),
		              entries[i]->value, entry->value, sizeof(entry->value), error);
		for (size_t j = 0; r == 0 && j < i; j++) {
			if (strcmp(out->entries[j].key, entry->key) == 0)
				r = duplicate_refuse("metadata key", entry->key, error);
		}
	}
	out->count = (uint32_t)count;
	return r;
}

static int global_take(const Bpfd__V1__Global *global, size_t index, struct record_globals *out,
                       struct error *error)
{
	struct record_global *entry = &out->entries[index];
	char field[FIELD_SIZE];
	int r = text_take(TEXT_GLOBAL, field_print(field, "load.globals", index, "name"),
	                  global->name, entry->name, sizeof(entry->name), error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < index; i++) {
		if (strcmp(out->entries[i].name, entry->name) == 0)
			return duplicate_refuse("global", entry->name, error);
	}
	if (global->value.len == 0)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "global \"%s\" has an empty value: it must have as many bytes as "
		                 "the variable",
		                 entry->name);
	if (global->value.len > GLOBAL_DATA_MAX - out->data_size)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "global \"%s\" has %zu bytes: the values of one load may have %d "
		                 "bytes together",
		                 entry->name, global->value.len, GLOBAL_DATA_MAX);
	entry->offset = out->data_size;
	entry->size = (uint32_t)global->value.len;
	memcpy(out->data + out->data_size, global->value.data, global->value.len);
	out->data_size += entry->size;
	return 0;
}

static int globals_take(Bpfd__V1__Global *const *globals, size_t count, struct record_globals *out,
                        struct error *error)
{
	int r = count_check("globals", count, 0, LOAD_GLOBALS_MAX, error);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = global_take(globals[i], i, out, error);
	out->count = (uint32_t)count;
	return r;
}

static int load_program_take(const Bpfd__V1__LoadProgram *program, size_t index,
                             struct frontend_load *out, struct error *error)
{
	struct frontend_load_program *entry = &out->programs[index];
	char field[FIELD_SIZE];
	int r = text_take(TEXT_FUNCTION, field_print(field, "load.programs", index, "function"),
	                  program->function, entry->function, sizeof(entry->function), error);

	if (r < 0)
		return r;
	r = text_take(TEXT_LOAD_TARGET, field_print(field, "load.programs", index, "target"),
	              program->target, entry->target, sizeof(entry->target), error);
	if (r < 0)
		return r;
	if (program->exclusive && program->type != BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" is no xdp program: only those can be exclusive",
		                 entry->function);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(out->programs[i].function, entry->function) == 0)
			return duplicate_refuse("program", entry->function, error);
	}
	entry->type = (uint32_t)program->type;
	entry->exclusive = program->exclusive ? 1 : 0;
	return 0;
}

int load_take(const Bpfd__V1__LoadRequest *request, struct frontend_load *out, struct error *error)
{
	int r = request->image ? 0 : object_size_check(request->object.len, error);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = count_check("programs", request->n_programs, request->image ? 0 : 1,
		                LOAD_PROGRAMS_MAX, error);
	for (size_t i = 0; r == 0 && i < request->n_programs; i++)
		r = load_program_take(request->programs[i], i, out, error);
	if (r == 0)
		r = globals_take(request->globals, request->n_globals, &out->globals, error);
	if (r == 0)
		r = metadata_take("load.metadata", request->metadata, request->n_metadata,
		                  &out->metadata, error);
	if (r == 0)
		r = readers_check(&out->metadata, error);
	if (r == 0)
		r = text_take(TEXT_APPLICATION, "load.application", request->application,
		              out->application, sizeof(out->application), error);
	if (r == 0)
		r = text_take(TEXT_SOURCE_NAME, "load.source_name", request->source_name,
		              out->source_name, sizeof(out->source_name), error);
	out->program_count = (uint32_t)request->n_programs;
	out->persist = request->persist ? 1 : 0;
	out->map_owner = request->map_owner;
	return r;
}

int attach_take(const Bpfd__V1__AttachRequest *request, struct frontend_attach *out,
                struct error *error)
{
	int r = id_check("attach.program_id", request->program_id, error);

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = target_take(request->target, (uint32_t)request->type, &out->target,
		                &out->places, error);
	if (r == 0)
		r = metadata_take("attach.metadata", request->metadata, request->n_metadata,
		                  &out->metadata, error);
	out->program_id = request->program_id;
	out->type = (uint32_t)request->type;
	return r;
}

int update_take(const Bpfd__V1__UpdateRequest *request, const struct record_link *link,
                struct frontend_update *out, struct error *error)
{
	bool priority =
		request->priority_option_case == BPFD__V1__UPDATE_REQUEST__PRIORITY_OPTION_PRIORITY;
	int r = id_check("update.link_id", request->link_id, error);

	memset(out, 0, sizeof(*out));
	if (r == 0 && !priority && !request->program_id && !request->n_proceed_on)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "there is nothing to change: give a priority, proceed_on or a "
		                 "program");
	if (r == 0 && link && request->n_proceed_on)
		r = proceed_on_take(link->type, request->proceed_on, request->n_proceed_on,
		                    &out->proceed_on, error);
	out->link_id = request->link_id;
	out->program_id = request->program_id;
	if (priority) {
		out->given |= TARGET_BIT(TARGET_PRIORITY);
		out->priority = request->priority;
	}
	if (request->n_proceed_on)
		out->given |= TARGET_BIT(TARGET_PROCEED_ON);
	return r;
}

/* Both structures are long: the union is kept off the stack. */
static int change_check(const Bpfd__V1__Request *request, struct error *error)
{
	union {
		struct frontend_load load;
		struct frontend_attach attach;
	} *body = malloc(sizeof(*body));

	if (!body)
		return error_set(error, -ENOMEM, ERROR_LIMIT, "bpfd has no memory left");

	int r = request->operation_case == BPFD__V1__REQUEST__OPERATION_LOAD
	                ? load_take(request->load, &body->load, error)
	                : attach_take(request->attach, &body->attach, error);

	free(body);
	return r;
}

static int image_check(const Bpfd__V1__Request *request, struct error *error)
{
	static struct fetcher_job job; /* one thread */
	int r = image_job_take(request, &job, error);

	explicit_bzero(&job, sizeof(job));
	if (r == 0 && request->operation_case == BPFD__V1__REQUEST__OPERATION_LOAD)
		r = change_check(request, error);
	return r;
}

int request_check(const Bpfd__V1__Request *request, struct error *error)
{
	if (image_request_is(request))
		return image_check(request, error);
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
		return change_check(request, error);
	case BPFD__V1__REQUEST__OPERATION_UPDATE:
		return update_take(request->update, NULL, &(struct frontend_update){}, error);
	case BPFD__V1__REQUEST__OPERATION_DETACH:
		return id_check("detach.link_id", request->detach->link_id, error);
	case BPFD__V1__REQUEST__OPERATION_UNLOAD:
		return id_check("unload.program_id", request->unload->program_id, error);
	case BPFD__V1__REQUEST__OPERATION_MAP_SET:
	case BPFD__V1__REQUEST__OPERATION_MAP_DELETE:
		return map_entry_take(request, &(struct frontend_map_entry){}, error);
	case BPFD__V1__REQUEST__OPERATION_MAP_DUMP:
	case BPFD__V1__REQUEST__OPERATION_MAP_GET:
	case BPFD__V1__REQUEST__OPERATION_MAP_TYPES:
		return map_read_take(request, &(struct frontend_map_read){}, error);
	default:
		return question_check(request, error);
	}
}
