/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/changes.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "frontend/frontend.h"
#include "frontend/map_answer.h"
#include "frontend/operations.h"
#include "frontend/rows.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

#define SLOT_BITS 16

int changes_init(struct frontend *frontend)
{
	struct changes *changes = &frontend->changes;

	changes->slot_count = frontend->connections.slot_count;
	changes->slots = calloc(changes->slot_count, sizeof(*changes->slots));
	if (!changes->slots)
		return -ENOMEM;
	changes->free_first = CONNECTION_NONE;
	changes->waiting_first = CONNECTION_NONE;
	changes->waiting_last = CONNECTION_NONE;
	return 0;
}

static int message_send(struct frontend *frontend, const struct change *change, const void *body,
                        int object_fd)
{
	return channel_send(&frontend->broker, change->type, change->id, body,
	                    object_fd >= 0 ? &object_fd : NULL);
}

static void waiting_free(struct change *change)
{
	free(change->waiting.body);
	if (change->waiting.fd >= 0)
		(void)close(change->waiting.fd);
	change->waiting = (struct change_waiting){ .body = NULL, .fd = -1 };
}

/* The channel is full: the message is kept until epoll says that it is not. */
static int waiting_add(struct frontend *frontend, int slot, const void *body, int *object_fd)
{
	struct changes *changes = &frontend->changes;
	struct change *change = &changes->slots[slot];
	size_t size = channel_frontend.rows[change->type - 1].size;

	change->waiting.body = malloc(size);
	if (!change->waiting.body)
		return -ENOMEM;
	memcpy(change->waiting.body, body, size);
	change->waiting.fd = steal_fd(object_fd);
	change->next = CONNECTION_NONE;
	if (changes->waiting_last == CONNECTION_NONE)
		changes->waiting_first = slot;
	else
		changes->slots[changes->waiting_last].next = slot;
	changes->waiting_last = slot;
	return frontend_watch(frontend, frontend->broker.fd, false, EPOLLIN | EPOLLOUT,
	                      frontend_tag(FRONTEND_SOURCE_BROKER, 0, 0));
}

void changes_flush(struct frontend *frontend)
{
	struct changes *changes = &frontend->changes;

	while (changes->waiting_first != CONNECTION_NONE) {
		struct change *change = &changes->slots[changes->waiting_first];
		int r = message_send(frontend, change, change->waiting.body, change->waiting.fd);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			frontend_fail(frontend, "the broker's channel: %s", strerror(-r));
			return;
		}
		waiting_free(change);
		changes->waiting_first = change->next;
	}
	changes->waiting_last = CONNECTION_NONE;

	int r = frontend_watch(frontend, frontend->broker.fd, false, EPOLLIN,
	                       frontend_tag(FRONTEND_SOURCE_BROKER, 0, 0));
	if (r < 0)
		frontend_fail(frontend, "epoll: %s", strerror(-r));
}

static void change_free(struct frontend *frontend, struct change *change)
{
	struct changes *changes = &frontend->changes;

	waiting_free(change);
	change->account->changes--;
	account_refund(&frontend->accounts, change->account, change->bytes);
	account_unref(&frontend->accounts, change->account);
	*change = (struct change){ .next = changes->free_first,
		                   .connection = CONNECTION_NONE,
		                   .waiting = { .fd = -1 } };
	changes->free_first = (int)(change - changes->slots);
	changes->count--;
}

/* Takes a slot and charges what the change holds. The slot, or -errno with `error`. */
static int change_new(struct frontend *frontend, struct connection *connection, uint16_t type,
                      uint64_t object_size, struct error *error)
{
	struct changes *changes = &frontend->changes;
	bool reused = changes->free_first != CONNECTION_NONE;
	int slot = reused ? changes->free_first : (int)changes->touched;

	if (slot == (int)changes->slot_count ||
	    connection->payer.account->changes >= frontend->settings.connections_per_uid_max)
		return error_set(error, -EBUSY, ERROR_LIMIT,
		                 "too many changes are under way: try again when they are done");
	if (account_charge(&frontend->accounts, connection->payer.account, object_size) < 0)
		return error_set(error, -EDQUOT, ERROR_LIMIT,
		                 "the objects that are being loaded take too much memory together: "
		                 "try again when they are done");

	struct change *change = &changes->slots[slot];

	if (reused)
		changes->free_first = change->next;
	else
		changes->touched++;
	*change = (struct change){
		.id = ++changes->sequence << SLOT_BITS | (uint64_t)slot,
		.type = type,
		.connection = connection->slot,
		.next = CONNECTION_NONE,
		.account = connection->payer.account,
		.bytes = object_size,
		.waiting = { .fd = -1 },
	};
	change->account->references++;
	change->account->changes++;
	changes->count++;
	return slot;
}

/* What a change is called, and whether it names a program rather than a link; the others are
 * questions, of which nobody is told. */
static const struct change_kind {
	const char *operation;
	bool of_program;
} change_kinds[] = {
	[FRONTEND_LOAD] = { "load", false },
	[FRONTEND_ATTACH] = { "attach", true },
	[FRONTEND_UPDATE] = { "update", false },
	[FRONTEND_DETACH] = { "detach", false },
	[FRONTEND_UNLOAD] = { "unload", true },
	[FRONTEND_MAP_SET] = { "map_set", true },
	[FRONTEND_MAP_SET_LONG] = { "map_set", true },
	[FRONTEND_MAP_DELETE] = { "map_delete", true },
	[FRONTEND_MAP_DATA] = { NULL, false }, /* the last message */
};

#define SAME_HEAD(structure, id)                                                       \
	(sizeof(struct record_peer) == offsetof(struct frontend_remove, request_id) && \
	 offsetof(structure, id) == offsetof(struct frontend_remove, target_id))

_Static_assert(SAME_HEAD(struct frontend_load, program_count) &&
                       SAME_HEAD(struct frontend_attach, program_id) &&
                       SAME_HEAD(struct frontend_update, link_id) &&
                       SAME_HEAD(struct frontend_map_set, entry.program_id) &&
                       SAME_HEAD(struct frontend_map_entry, program_id),
               "every change begins with the same fields");

/* Keeps who asks, and for what. */
static void change_describe(struct change *change, const void *body)
{
	struct frontend_remove asked;

	if (!change_kinds[change->type].operation)
		return;
	memcpy(&asked, body, sizeof(asked));
	change->origin.peer = asked.peer;
	memcpy(change->origin.request_id, asked.request_id, sizeof(asked.request_id));
	change->origin.request_id_size = sizeof(asked.request_id);
	change->target_id = change->type == FRONTEND_LOAD ? 0 : asked.target_id;
}

const struct event_origin *change_origin(const struct frontend *frontend, uint16_t type,
                                         uint64_t target_id)
{
	const struct changes *changes = &frontend->changes;
	const struct change *first = NULL;

	for (size_t i = 0; i < changes->touched; i++) {
		const struct change *change = &changes->slots[i];

		if (change->id && change->type == type && change->target_id == target_id &&
		    (!first || change->id < first->id))
			first = change;
	}
	return first ? &first->origin : NULL;
}

int change_ask(struct frontend *frontend, struct connection *connection, uint16_t type,
               const void *body, int object_fd, uint64_t object_size, struct error *error)
{
	_cleanup_close_ int fd = object_fd;
	int slot = change_new(frontend, connection, type, object_size, error);

	if (slot < 0)
		return slot;

	struct changes *changes = &frontend->changes;
	struct change *change = &changes->slots[slot];
	int r = -EAGAIN;

	change_describe(change, body);
	if (changes->waiting_first == CONNECTION_NONE)
		r = message_send(frontend, change, body, fd);
	if (r == -EAGAIN)
		r = waiting_add(frontend, slot, body, &fd);
	if (r == -ENOMEM) {
		change_free(frontend, change);
		return error_set(error, r, ERROR_LIMIT, "bpfd has no memory left: try again");
	}
	if (r < 0)
		frontend_fail(frontend, "the broker's channel: %s", strerror(-r));
	connection->change = slot;
	return 0;
}

void change_forget_client(struct frontend *frontend, int slot)
{
	frontend->changes.slots[slot].connection = CONNECTION_NONE;
}

/* The change that the broker answers, or NULL: it answers something that was not asked. */
static struct change *change_find(struct frontend *frontend, uint64_t id)
{
	struct changes *changes = &frontend->changes;
	size_t slot = id & ((1u << SLOT_BITS) - 1);

	if (id == 0 || slot >= changes->touched || changes->slots[slot].id != id)
		return NULL;
	return &changes->slots[slot];
}

/* The answer's result, from the view as the broker's rows have left it. */
static int done_compose(const struct answer_source *source, uint16_t type,
                        const struct frontend_done *done, Bpfd__V1__Response *response)
{
	switch (type) {
	case FRONTEND_LOAD:
		return answer_load(source, done->ids, done->count, response);
	case FRONTEND_ATTACH:
		return answer_attach(source, done->ids[0], response);
	case FRONTEND_UPDATE:
		return answer_update(source, done->ids[0], response);
	case FRONTEND_DETACH:
		return answer_detach(source, done->ids[0], response);
	case FRONTEND_MAP_SET:
	case FRONTEND_MAP_SET_LONG:
		return answer_map_change(source, true, done->ids[0], response);
	case FRONTEND_MAP_DELETE:
		return answer_map_change(source, false, done->ids[0], response);
	default:
		return answer_unload(source, done->ids[0], response);
	}
}

static void done_answer(struct frontend *frontend, struct connection *connection, uint16_t type,
                        const struct frontend_done *done)
{
	struct answer_source source = operation_source(frontend);
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;

	if (done_compose(&source, type, done, &response) == 0) {
		connection_answer(frontend, connection, &response);
		return;
	}

	struct error error;

	(void)error_set(&error, 0, ERROR_LIMIT,
	                "the change is done, but bpfd has no memory left to describe it");
	operation_refuse(frontend, connection, &error);
}

/* The verifier's log, or NULL: there is none, or it does not fit the memory. */
static void *log_read(struct frontend *frontend, const struct frontend_refused *refused, int log_fd)
{
	if (log_fd < 0)
		return NULL;

	void *log = refused->log_size <= VERIFIER_LOG_MAX ? malloc(refused->log_size) : NULL;
	int r = log ? memfd_read(log_fd, log, refused->log_size) : 0;

	if (refused->log_size > VERIFIER_LOG_MAX || r < 0) {
		frontend_fail(frontend, "the broker sent a verifier log that is not as it says");
		free(log);
		return NULL;
	}
	return log;
}

static void refused_answer(struct frontend *frontend, struct connection *connection,
                           const struct frontend_refused *refused, int log_fd)
{
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__Error storage;
	_cleanup_free_ void *log = log_read(frontend, refused, log_fd);

	answer_error(&refused->error, log, refused->log_size, &storage, &response);
	connection_answer(frontend, connection, &response);
}

/* What came of the change, to those who watch. */
static void change_tell(struct frontend *frontend, const struct change *change,
                        const struct channel_message *message)
{
	const struct change_kind *kind = &change_kinds[change->type];
	struct event_request request = { .operation = kind->operation };
	const struct frontend_refused *refused = message->body;

	if (!kind->operation)
		return;
	if (message->row->type == FRONTEND_DONE) {
		event_done(frontend, &change->origin, change->type, message->body);
		return;
	}
	if (kind->of_program)
		request.program_id = change->target_id;
	else
		request.link_id = change->target_id;
	event_refused(frontend, &change->origin, &request, &refused->error);
}

/* A map's entries or types. They are in memory until the answer is packed. */
static void map_answer(struct frontend *frontend, struct connection *connection,
                       const struct frontend_map_data *data, int fd)
{
	struct answer_source source = operation_source(frontend);
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	_cleanup_free_ uint8_t *bytes = malloc(data->size + 1);
	int r = bytes ? memfd_read(fd, bytes, data->size) : -ENOMEM;
	struct error error;

	if (r == 0)
		r = answer_map_data(source.arena, data, bytes, &response);
	if (r == -EPROTO) {
		frontend_fail(frontend, "the broker sent a map's data that are not as it says");
	} else if (r < 0) {
		(void)error_set(&error, r, ERROR_LIMIT, "bpfd has no memory left: try again");
		operation_refuse(frontend, connection, &error);
	} else {
		connection_answer(frontend, connection, &response);
	}
}

/* A list is answered with records, a question about a map with data, a change with DONE; anything
 * may be refused. */
static bool answer_fits(uint16_t question, uint16_t answer)
{
	if (answer == FRONTEND_REFUSED || answer == FRONTEND_REFUSED_WITH_LOG)
		return true;
	if (question == FRONTEND_KERNEL_LIST)
		return answer == FRONTEND_KERNEL_RECORDS;
	return answer == (question == FRONTEND_MAP_READ ? FRONTEND_MAP_DATA : FRONTEND_DONE);
}

static void change_answered(struct frontend *frontend, struct channel_message *message)
{
	struct change *change = change_find(frontend, message->id);

	if (!change) {
		frontend_fail(frontend, "the broker answers %llx, which nobody asked",
		              (unsigned long long)message->id);
		return;
	}

	int client = change->connection;
	uint16_t type = change->type;

	if (!answer_fits(type, message->row->type)) {
		frontend_fail(frontend, "the broker answers %s to what was asked as message %u",
		              message->row->name, type);
		return;
	}
	change_tell(frontend, change, message);
	change_free(frontend, change);
	if (client == CONNECTION_NONE)
		return;

	struct connection *connection = &frontend->connections.slots[client];

	connection->change = CONNECTION_NONE;
	if (message->row->type == FRONTEND_KERNEL_RECORDS) {
		listing_records(frontend, connection, message);
	} else if (message->row->type == FRONTEND_DONE) {
		done_answer(frontend, connection, type, message->body);
	} else if (message->row->type == FRONTEND_MAP_DATA) {
		map_answer(frontend, connection, message->body, message->descriptors[0]);
	} else {
		listing_end(frontend, connection);
		refused_answer(frontend, connection, message->body, message->descriptors[0]);
	}
	connection_resume(frontend, connection);
}

static bool answer_ok(const struct channel_message *message)
{
	if (message->row->type == FRONTEND_KERNEL_RECORDS)
		return true; /* the listing looks at it */
	if (message->row->type == FRONTEND_DONE) {
		const struct frontend_done *done = message->body;

		return done->count >= 1 && done->count <= LOAD_PROGRAMS_MAX;
	}
	if (message->row->type == FRONTEND_MAP_DATA)
		return map_data_ok(message->body);

	const struct frontend_refused *refused = message->body;

	return strnlen(refused->error.message, sizeof(refused->error.message)) <
	       sizeof(refused->error.message);
}

void broker_message(struct frontend *frontend, struct channel_message *message)
{
	bool answer = message->row->type >= FRONTEND_DONE; /* the broker sends no UPDATE */

	if (answer && answer_ok(message)) {
		change_answered(frontend, message);
		return;
	}

	int r = answer ? -EPROTO : row_take(frontend, message);

	if (r < 0)
		frontend_fail(frontend, "the broker's %s cannot be taken: %s", message->row->name,
		              strerror(-r));
}
