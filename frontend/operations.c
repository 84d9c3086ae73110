/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/operations.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/memfd.h"
#include "frontend/frontend.h"
#include "frontend/image_request.h"
#include "frontend/image_work.h"
#include "frontend/kernel_view.h"
#include "frontend/listing.h"
#include "frontend/map_request.h"
#include "frontend/policy.h"
#include "frontend/readers.h"
#include "frontend/request.h"
#include "frontend/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OBJECT_NAME "bpfd-object"
#define OBJECT_READY_BYTES ((size_t)32 * 1024) /* most objects have no more */
#define ANSWER_HEAP_MAX (64u << 20)            /* to compose one answer */

/* One request being worked on. */
struct work {
	struct frontend *frontend;
	struct connection *connection;
	const Bpfd__V1__Request *request;
	struct error error; /* filled by the operation that fails */
};

void operation_refuse(struct frontend *frontend, struct connection *connection,
                      const struct error *error)
{
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__Error storage;

	answer_error(error, NULL, 0, &storage, &response);
	connection_answer(frontend, connection, &response);
}

static void audit_denied(const struct record_peer *peer, const char *operation,
                         const Bpfd__V1__Request *request)
{
	char hex[2 * REQUEST_ID_SIZE + 1] = "-";

	for (size_t i = 0; request && i < request->request_id.len && i < REQUEST_ID_SIZE; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", request->request_id.data[i]);
	log_info("audit operation=%s result=denied uid=%u gid=%u pid=%u request=%s", operation,
	         peer->uid, peer->gid, peer->pid, hex);
}

/* The ids that a change names, as far as it was understood. */
static void request_describe(const Bpfd__V1__Request *request, struct event_request *out)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
		out->program_id = request->attach->program_id;
		break;
	case BPFD__V1__REQUEST__OPERATION_UPDATE:
		out->link_id = request->update->link_id;
		break;
	case BPFD__V1__REQUEST__OPERATION_DETACH:
		out->link_id = request->detach->link_id;
		break;
	case BPFD__V1__REQUEST__OPERATION_UNLOAD:
		out->program_id = request->unload->program_id;
		break;
	case BPFD__V1__REQUEST__OPERATION_MAP_SET:
		out->program_id = request->map_set->program_id;
		break;
	case BPFD__V1__REQUEST__OPERATION_MAP_DELETE:
		out->program_id = request->map_delete->program_id;
		break;
	default:
		break;
	}
}

/* A refusal to those who watch. `request` may be NULL: it was too long to be looked at. */
static void refusal_tell(struct frontend *frontend, const struct record_peer *peer,
                         const char *operation, const Bpfd__V1__Request *request,
                         const struct error *error)
{
	struct event_origin origin = { .peer = *peer };
	struct event_request asked = { .operation = operation };

	if (request) {
		asked.image_reference = image_reference_asked(request);
		request_describe(request, &asked);
		if (request->request_id.len == REQUEST_ID_SIZE) {
			memcpy(origin.request_id, request->request_id.data, REQUEST_ID_SIZE);
			origin.request_id_size = REQUEST_ID_SIZE;
		}
	}
	event_refused(frontend, &origin, &asked, error);
}

void operation_deny(struct frontend *frontend, struct connection *connection, const char *operation,
                    const Bpfd__V1__Request *request)
{
	struct error error;

	policy_refuse(frontend->settings.access_gid, &connection->peer, operation, &error);
	audit_denied(&connection->peer, operation, request);
	refusal_tell(frontend, &connection->peer, operation, request, &error);
	operation_refuse(frontend, connection, &error);
}

struct answer_source operation_source(struct frontend *frontend)
{
	arena_reset(&frontend->arena, ANSWER_HEAP_MAX);
	return (struct answer_source){
		.view = &frontend->view,
		.arena = &frontend->arena,
		.bpffs_directory = frontend->settings.bpffs_directory,
		.connections = frontend->connections.count,
	};
}

void operations_prepare(struct frontend *frontend)
{
	if (frontend->object_fd >= 0)
		return;
	frontend->object_fd = memfd_open(OBJECT_NAME);
	if (frontend->object_fd >= 0)
		(void)memfd_reserve(frontend->object_fd, OBJECT_READY_BYTES);
}

static int object_open(struct frontend *frontend)
{
	return frontend->object_fd < 0 ? memfd_open(OBJECT_NAME) : steal_fd(&frontend->object_fd);
}

static int load_run(struct work *work)
{
	static struct frontend_load body; /* one thread; too long for the stack */
	const Bpfd__V1__LoadRequest *load = work->request->load;
	int r = load_take(load, &body, &work->error);

	if (r < 0)
		return r;
	body.peer = work->connection->peer;
	memcpy(body.request_id, work->request->request_id.data, REQUEST_ID_SIZE);

	_cleanup_close_ int fd = object_open(work->frontend);

	r = fd < 0 ? fd : memfd_fill(fd, load->object.data, load->object.len);
	if (r < 0)
		return error_set(&work->error, r, ERROR_LIMIT,
		                 "the object cannot be handed on: %s: try again",
		                 strerrordesc_np(-r));
	return change_ask(work->frontend, work->connection, FRONTEND_LOAD, &body, steal_fd(&fd),
	                  load->object.len, &work->error);
}

static int attach_run(struct work *work)
{
	struct frontend_attach body;
	int r = attach_take(work->request->attach, &body, &work->error);

	if (r < 0)
		return r;
	body.peer = work->connection->peer;
	memcpy(body.request_id, work->request->request_id.data, REQUEST_ID_SIZE);
	return change_ask(work->frontend, work->connection, FRONTEND_ATTACH, &body, -1, 0,
	                  &work->error);
}

static int update_run(struct work *work)
{
	const Bpfd__V1__UpdateRequest *request = work->request->update;
	const struct view_link *link = view_link(&work->frontend->view, request->link_id);
	struct frontend_update body;
	/* A link that is gone may have been updated by this very request: the broker knows. */
	int r = update_take(request, link ? link->head : NULL, &body, &work->error);

	if (r < 0)
		return r;
	body.peer = work->connection->peer;
	memcpy(body.request_id, work->request->request_id.data, REQUEST_ID_SIZE);
	return change_ask(work->frontend, work->connection, FRONTEND_UPDATE, &body, -1, 0,
	                  &work->error);
}

static int remove_run(struct work *work, uint16_t type, const char *field, uint64_t id, bool force)
{
	struct frontend_remove body = { .peer = work->connection->peer,
		                        .target_id = id,
		                        .force = force ? 1 : 0 };
	int r = id_check(field, id, &work->error);

	if (r < 0)
		return r;
	memcpy(body.request_id, work->request->request_id.data, REQUEST_ID_SIZE);
	return change_ask(work->frontend, work->connection, type, &body, -1, 0, &work->error);
}

/* A value that is long goes on in a memfd. */
static int map_set_run(struct work *work, const struct frontend_map_entry *entry)
{
	const ProtobufCBinaryData *value = &work->request->map_set->value;
	struct frontend_map_set body = { .entry = *entry };

	if (value->len > sizeof(body.value)) {
		int fd = memfd_from_bytes("bpfd-value", value->data, value->len);

		if (fd < 0)
			return error_set(&work->error, fd, ERROR_LIMIT,
			                 "the value cannot be handed on: %s: try again",
			                 strerrordesc_np(-fd));
		return change_ask(work->frontend, work->connection, FRONTEND_MAP_SET_LONG, entry,
		                  fd, value->len, &work->error);
	}
	if (value->len)
		memcpy(body.value, value->data, value->len);
	return change_ask(work->frontend, work->connection, FRONTEND_MAP_SET, &body, -1, 0,
	                  &work->error);
}

static int map_change_run(struct work *work)
{
	struct frontend_map_entry entry;
	int r = map_entry_take(work->request, &entry, &work->error);

	if (r < 0)
		return r;
	entry.peer = work->connection->peer;
	memcpy(entry.request_id, work->request->request_id.data, REQUEST_ID_SIZE);
	if (work->request->operation_case == BPFD__V1__REQUEST__OPERATION_MAP_SET)
		return map_set_run(work, &entry);
	return change_ask(work->frontend, work->connection, FRONTEND_MAP_DELETE, &entry, -1, 0,
	                  &work->error);
}

/* A question, but one that the broker has to answer. */
static int map_read_run(struct work *work)
{
	struct frontend_map_read body;
	int r = map_read_take(work->request, &body, &work->error);

	if (r < 0)
		return r;
	body.peer = work->connection->peer;
	return change_ask(work->frontend, work->connection, FRONTEND_MAP_READ, &body, -1, 0,
	                  &work->error);
}

/* Another. */
static int rules_read_run(struct work *work)
{
	struct frontend_rules_read body = { .peer = work->connection->peer };

	return change_ask(work->frontend, work->connection, FRONTEND_RULES_READ, &body, -1, 0,
	                  &work->error);
}

static int change_run(struct work *work)
{
	const Bpfd__V1__Request *request = work->request;

	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		return load_run(work);
	case BPFD__V1__REQUEST__OPERATION_ATTACH:
		return attach_run(work);
	case BPFD__V1__REQUEST__OPERATION_UPDATE:
		return update_run(work);
	case BPFD__V1__REQUEST__OPERATION_DETACH:
		return remove_run(work, FRONTEND_DETACH, "detach.link_id", request->detach->link_id,
		                  false);
	default:
		return remove_run(work, FRONTEND_UNLOAD, "unload.program_id",
		                  request->unload->program_id, request->unload->force);
	}
}

static int question_compose(const struct answer_source *source, const Bpfd__V1__Request *request,
                            Bpfd__V1__Response *response)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS:
		return answer_list_programs(source, request->list_programs, response);
	case BPFD__V1__REQUEST__OPERATION_LIST_LINKS:
		return answer_list_links(source, request->list_links, response);
	case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
		return answer_list_maps(source, request->list_maps, response);
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
		if (request->get_program->kernel_id)
			return answer_get_kernel_program(source, request->get_program->kernel_id,
			                                 response);
		return answer_get_program(source, request->get_program->program_id, response);
	case BPFD__V1__REQUEST__OPERATION_GET_LINK:
		return answer_get_link(source, request->get_link->link_id, response);
	case BPFD__V1__REQUEST__OPERATION_STATUS:
		return answer_status(source, response);
	default:
		return answer_version(source, response);
	}
}

static int not_found(const Bpfd__V1__Request *request, struct error *error)
{
	uint64_t program_id;

	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_GET_LINK:
		return error_set(
			error, -ENOENT, ERROR_NOT_FOUND,
			"there is no link %llu: \"bpfctl list links\" shows those that are",
			(unsigned long long)request->get_link->link_id);
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
		program_id = request->get_program->program_id;
		if (request->get_program->kernel_id)
			return error_set(error, -ENOENT, ERROR_NOT_FOUND,
			                 "the kernel has no program %u: \"bpfctl list programs "
			                 "--all\" shows those that are",
			                 request->get_program->kernel_id);
		break;
	case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
		program_id = request->list_maps->program_id;
		break;
	default:
		program_id = request->list_links->program_id;
	}
	return error_set(error, -ENOENT, ERROR_NOT_FOUND,
	                 "there is no program %llu: \"bpfctl list programs\" shows those that are",
	                 (unsigned long long)program_id);
}

/* The request lies in the arena, so the answer is composed behind it. `kernel` may be NULL. */
static int question_answer(struct work *work, const struct kernel_view *kernel)
{
	struct frontend *frontend = work->frontend;
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	struct answer_source source = {
		.view = &frontend->view,
		.kernel = kernel,
		.arena = &frontend->arena,
		.bpffs_directory = frontend->settings.bpffs_directory,
		.connections = frontend->connections.count,
	};
	int r;

	frontend->arena.budget = ANSWER_HEAP_MAX;
	r = question_compose(&source, work->request, &response);
	if (r == -ENOENT)
		return not_found(work->request, &work->error);
	if (r < 0)
		return error_set(&work->error, r, ERROR_LIMIT,
		                 "the answer takes too much memory: ask for less with a filter");
	connection_answer(frontend, work->connection, &response);
	return 0;
}

static int question_run(struct work *work)
{
	int r = request_check(work->request, &work->error);

	if (r < 0)
		return r;
	if (listing_wanted(work->request))
		return listing_begin(work->frontend, work->connection, work->request, &work->error);
	return question_answer(work, NULL);
}

void operation_answer_kernel(struct frontend *frontend, struct connection *connection,
                             const struct buffer *packed, const struct kernel_view *kernel)
{
	struct work work = { .frontend = frontend, .connection = connection };
	Bpfd__V1__Request *request;
	int r = request_decode(packed->bytes, packed->used, &frontend->arena, &request,
	                       &work.error);

	if (r == 0) {
		work.request = request;
		r = question_answer(&work, kernel);
	}
	if (r < 0)
		operation_refuse(frontend, connection, &work.error);
	arena_reset(&frontend->arena, 0);
}

static int request_run(struct work *work)
{
	if (image_request_is(work->request))
		return image_run(work->frontend, work->connection, work->request, &work->error);
	if (map_request_is(work->request))
		return request_is_change(work->request) ? map_change_run(work) : map_read_run(work);
	if (work->request->operation_case == BPFD__V1__REQUEST__OPERATION_RULES_READ)
		return rules_read_run(work);
	if (request_is_change(work->request))
		return change_run(work);
	return question_run(work);
}

void operation_run(struct frontend *frontend, struct connection *connection, const uint8_t *bytes,
                   size_t size)
{
	struct work work = { .frontend = frontend, .connection = connection };
	Bpfd__V1__Request *request;
	int r = request_decode(bytes, size, &frontend->arena, &request, &work.error);

	/* What is unpacked is a copy: a long object shall not be held twice, nor a password. */
	if (r < 0 || image_request_is(request))
		explicit_bzero((void *)(uintptr_t)bytes, size);
	buffer_free(&connection->payer, &connection->body);
	if (r == 0 && !connection->allowed &&
	    !readers_allow(&frontend->view, request, connection->peer.uid)) {
		operation_deny(frontend, connection, request_operation_name(request), request);
	} else if (r == 0) {
		work.request = request;
		r = request_run(&work);
		if (r < 0 && request_is_change(request))
			refusal_tell(frontend, &connection->peer, request_operation_name(request),
			             request, &work.error);
		image_credentials_wipe(request);
	}
	if (r < 0)
		operation_refuse(frontend, connection, &work.error);
	arena_reset(&frontend->arena, 0);
}
