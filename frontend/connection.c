/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/connection.h"

#include "common/log.h"
#include "frontend/frontend.h"
#include "frontend/operations.h"
#include "frontend/request.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_SIZE 65536     /* the longest piece taken at a time */
#define READS_MAX 16           /* pieces taken from one client before the next client's turn */
#define LOAD_LIKELY_SIZE 1024  /* other requests are shorter, as a rule; no object is */
#define RATE_BYTES_PER_MS 1024 /* how slowly a long message may come or go */

static uint8_t receive_bytes[RECEIVE_SIZE];

static struct buffer steal_buffer(struct buffer *buffer)
{
	struct buffer taken = *buffer;

	*buffer = (struct buffer){ .bytes = NULL };
	return taken;
}

static bool connection_busy(const struct connection *connection)
{
	return connection->change != CONNECTION_NONE || connection->listing || connection->fetch ||
	       connection->out.bytes;
}

/* Tells epoll what the connection waits for, if it does not know. */
static void connection_watch(struct frontend *frontend, struct connection *connection)
{
	uint32_t events = connection_busy(connection) || frontend->stopping ? 0 : EPOLLIN;

	if (connection->out.bytes)
		events |= EPOLLOUT;
	if (events == connection->events)
		return;

	int r = frontend_watch(
		frontend, connection->fd, false, events,
		frontend_tag(FRONTEND_SOURCE_CONNECTION, connection->slot, connection->generation));
	if (r < 0)
		connection_drop(frontend, connection, "epoll refuses it");
	else
		connection->events = events;
}

static void deadline_set(struct frontend *frontend, struct connection *connection,
                         uint64_t size_bytes)
{
	uint64_t *nearest = &frontend->connections.deadline_ms;

	if (connection->started_ms == 0)
		connection->started_ms = frontend_now_ms();
	connection->deadline_ms = connection->started_ms + frontend->settings.send_timeout_ms +
	                          size_bytes / RATE_BYTES_PER_MS;
	if (*nearest == 0 || connection->deadline_ms < *nearest)
		*nearest = connection->deadline_ms;
}

static void deadline_clear(struct connection *connection)
{
	connection->started_ms = 0;
	connection->deadline_ms = 0;
}

void connection_drop(struct frontend *frontend, struct connection *connection, const char *why)
{
	struct connections *connections = &frontend->connections;

	log_debug("connection of uid %u, pid %u ends: %s", connection->peer.uid,
	          connection->peer.pid, why);
	if (connection->change != CONNECTION_NONE)
		change_forget_client(frontend, connection->change);
	listing_end(frontend, connection);
	if (connection->fetch)
		fetchers_forget_client(frontend, connection->fetch);
	buffer_free(&connection->payer, &connection->body);
	buffer_free(&connection->payer, &connection->held);
	buffer_free(&connection->payer, &connection->out);
	connection->payer.account->connections--;
	account_unref(&frontend->accounts, connection->payer.account);
	(void)close(connection->fd);
	connection->fd = -1;
	connection->next_free = connections->free_first;
	connections->free_first = connection->slot;
	connections->count--;
}

/* Writes what the client takes. False when the connection has been dropped. */
static bool out_flush(struct frontend *frontend, struct connection *connection)
{
	struct buffer *out = &connection->out;

	while (connection->out_sent < out->used) {
		ssize_t sent = send(connection->fd, out->bytes + connection->out_sent,
		                    out->used - connection->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return true;
		if (sent < 0) {
			connection_drop(frontend, connection, "it takes no answer");
			return false;
		}
		connection->out_sent += (size_t)sent;
	}
	buffer_free(&connection->payer, out);
	deadline_clear(connection);
	return true;
}

/* Sends an answer that has been packed; the part that does not fit the socket is kept. */
static void answer_send(struct frontend *frontend, struct connection *connection,
                        const uint8_t *bytes, size_t size)
{
	ssize_t sent = send(connection->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		connection_drop(frontend, connection, "it takes no answer");
		return;
	}

	size_t done = sent < 0 ? 0 : (size_t)sent;

	if (done == size)
		return;
	if (buffer_append(&connection->payer, &connection->out, bytes + done, size - done) < 0) {
		connection_drop(frontend, connection, "its answers take too much memory");
		return;
	}
	connection->out_sent = 0;
	deadline_set(frontend, connection, size);
	connection_watch(frontend, connection);
}

/* Head, backtrace and message, as they travel. */
static void answer_pack(const struct connection *connection, const Bpfd__V1__Response *response,
                        size_t packed_size, uint8_t *bytes)
{
	sp_head_encode(connection->backtrace_size + packed_size, bytes);
	memcpy(bytes + SP_HEAD_SIZE, connection->backtrace, connection->backtrace_size);
	(void)bpfd__v1__response__pack(response, bytes + SP_HEAD_SIZE + connection->backtrace_size);
}

/* An answer longer than the usual: packed on the heap, which becomes the buffer of what is not sent
 * yet. */
static int answer_long(struct frontend *frontend, struct connection *connection,
                       const Bpfd__V1__Response *response, size_t packed_size)
{
	struct buffer *out = &connection->out;
	size_t size = SP_HEAD_SIZE + connection->backtrace_size + packed_size;
	int r = buffer_reserve(&connection->payer, out, size);

	if (r < 0)
		return r;
	answer_pack(connection, response, packed_size, out->bytes);
	out->used = size;
	connection->out_sent = 0;
	if (out_flush(frontend, connection) && out->bytes) {
		deadline_set(frontend, connection, size);
		connection_watch(frontend, connection);
	}
	return 0;
}

void connection_answer(struct frontend *frontend, struct connection *connection,
                       const Bpfd__V1__Response *response)
{
	static uint8_t bytes[RECEIVE_SIZE]; /* one thread */
	size_t packed_size = bpfd__v1__response__get_packed_size(response);
	size_t size = SP_HEAD_SIZE + connection->backtrace_size + packed_size;

	if (size <= sizeof(bytes)) {
		answer_pack(connection, response, packed_size, bytes);
		answer_send(frontend, connection, bytes, size);
		return;
	}
	if (answer_long(frontend, connection, response, packed_size) == 0)
		return;

	struct error error;

	(void)error_set(&error, 0, ERROR_LIMIT,
	                "the answer has %zu bytes, more than bpfd can hold for this user now: try "
	                "again, or ask for less",
	                packed_size);
	operation_refuse(frontend, connection, &error);
}

void connection_greet(struct frontend *frontend, struct connection *connection)
{
	uint8_t greeting[SP_GREETING_SIZE];

	sp_greeting_encode(SP_REPLY, greeting);

	ssize_t sent =
		send(connection->fd, greeting, sizeof(greeting), MSG_NOSIGNAL | MSG_DONTWAIT);

	/* a new socket has room for eight bytes */
	if (sent != (ssize_t)sizeof(greeting))
		connection_drop(frontend, connection, "it takes no greeting");
	else
		deadline_set(frontend, connection, 0);
}

static void discarded_answer(struct frontend *frontend, struct connection *connection)
{
	unsigned long long size = connection->reader.body_size;
	struct error error;

	switch (connection->discard) {
	case DISCARD_DENIED:
		operation_deny(frontend, connection, "load", NULL);
		return;
	case DISCARD_SIZE:
		(void)error_set(&error, 0, ERROR_LIMIT,
		                "the request has %llu bytes, at most %u are taken: an object may "
		                "have at most %u bytes",
		                size, REQUEST_SIZE_MAX, OBJECT_SIZE_MAX);
		break;
	default:
		(void)error_set(
			&error, 0, ERROR_LIMIT,
			"bpfd holds too many bytes of requests now to take this one of %llu "
			"bytes: try again",
			size);
	}
	operation_refuse(frontend, connection, &error);
}

/* A whole message. False when the connection has been dropped. */
static bool message_done(struct frontend *frontend, struct connection *connection,
                         const uint8_t *body, size_t size)
{
	int backtrace_size = sp_backtrace_size(body, size);

	deadline_clear(connection);
	if (backtrace_size < 0) {
		connection_drop(frontend, connection, "its message has no request id");
		return false;
	}
	connection->backtrace_size = (uint8_t)backtrace_size;
	memcpy(connection->backtrace, body, (size_t)backtrace_size);
	if (connection->discard)
		discarded_answer(frontend, connection);
	else
		operation_run(frontend, connection, body + backtrace_size,
		              size - (size_t)backtrace_size);
	return connection->fd >= 0;
}

static bool kept_done(struct frontend *frontend, struct connection *connection)
{
	bool there =
		message_done(frontend, connection, connection->body.bytes, connection->body.used);

	if (there)
		buffer_free(&connection->payer, &connection->body);
	return there;
}

/* Looks at the length that a message claims. False when the connection has been dropped. */
static bool message_begin(struct frontend *frontend, struct connection *connection)
{
	uint64_t size = connection->reader.body_size;

	connection->discard = DISCARD_NOTHING;
	if (size > CONNECTION_DISCARD_MAX) {
		connection_drop(frontend, connection, "it claims an absurd length");
		return false;
	}
	if (!connection->allowed && size > CONNECTION_DENIED_MAX)
		connection->discard = DISCARD_DENIED;
	else if (size > REQUEST_SIZE_MAX)
		connection->discard = DISCARD_SIZE;
	else if (connection->allowed && size >= LOAD_LIKELY_SIZE)
		changes_announce(frontend);
	return true;
}

/* What has been copied may be a registry's password. */
static void piece_wipe(const uint8_t *bytes, size_t size)
{
	explicit_bzero((void *)(uintptr_t)bytes, size);
}

/* Keeps a piece of a body: all of it, or, if it is thrown away, the backtrace. */
static void body_keep(struct connection *connection, const uint8_t *bytes, size_t size)
{
	struct buffer *body = &connection->body;

	if (!connection->discard && buffer_append(&connection->payer, body, bytes, size) == 0)
		return;
	if (!connection->discard)
		connection->discard = DISCARD_BUDGET;
	buffer_shrink(&connection->payer, body, SP_BACKTRACE_MAX);

	size_t room = SP_BACKTRACE_MAX - body->used;

	/* 32 bytes that are refused make the backtrace short, and the connection is dropped for it.
	 */
	(void)buffer_append(&connection->payer, body, bytes, size < room ? size : room);
}

static bool body_piece(struct frontend *frontend, struct connection *connection,
                       const struct sp_step *step)
{
	bool last = connection->reader.body_left == 0;

	if (last && !connection->discard && connection->body.used == 0)
		return message_done(frontend, connection, step->body, step->body_size);
	body_keep(connection, step->body, step->body_size);
	piece_wipe(step->body, step->body_size);
	return !last || kept_done(frontend, connection);
}

/* Works through bytes until they are used up or the connection is busy. False when it has been
 * dropped. */
static bool bytes_take(struct frontend *frontend, struct connection *connection,
                       const uint8_t *bytes, size_t size, size_t *used)
{
	size_t at = 0;

	while (at < size && !connection_busy(connection) && !frontend->stopping) {
		struct sp_step step;

		if (sp_reader_take(&connection->reader, bytes + at, size - at, &step) < 0) {
			connection_drop(frontend, connection, "it does not speak nng's protocol");
			return false;
		}
		at += step.used;
		if (step.event == SP_EVENT_GREETED)
			deadline_clear(connection);
		if (step.event == SP_EVENT_MESSAGE && !message_begin(frontend, connection))
			return false;
		if (step.event == SP_EVENT_BODY && !body_piece(frontend, connection, &step))
			return false;
	}
	*used = at;
	return true;
}

/* A message that has begun must end in time; one that has not may be waited for. */
static void message_time(struct frontend *frontend, struct connection *connection)
{
	const struct sp_reader *reader = &connection->reader;

	if (!connection_busy(connection) && !sp_reader_idle(reader))
		deadline_set(frontend, connection,
		             reader->phase == SP_PHASE_BODY ? reader->body_size : 0);
}

static bool received_take(struct frontend *frontend, struct connection *connection,
                          const uint8_t *bytes, size_t size)
{
	size_t used;

	if (!bytes_take(frontend, connection, bytes, size, &used))
		return false;
	if (used < size &&
	    buffer_append(&connection->payer, &connection->held, bytes + used, size - used) < 0) {
		connection_drop(frontend, connection, "its requests take too much memory");
		return false;
	}
	piece_wipe(bytes + used, size - used);
	message_time(frontend, connection);
	return true;
}

/* Works through what was held back; the connection may be dropped meanwhile, but not who pays for
 * the bytes. */
static void held_take(struct frontend *frontend, struct connection *connection)
{
	struct buffer held = steal_buffer(&connection->held);
	struct payer payer = connection->payer;
	size_t used;

	payer.account->references++;
	if (bytes_take(frontend, connection, held.bytes, held.used, &used)) {
		buffer_consume(&payer, &held, used);
		connection->held = held;
		message_time(frontend, connection);
	} else {
		buffer_free(&payer, &held);
	}
	account_unref(payer.accounts, payer.account);
}

void connection_resume(struct frontend *frontend, struct connection *connection)
{
	if (connection->fd >= 0 && !connection_busy(connection) && connection->held.used)
		held_take(frontend, connection);
	if (connection->fd >= 0)
		connection_watch(frontend, connection);
}

/* Where the next bytes go: a long body that is kept takes them directly. */
static size_t receive_place(struct connection *connection, uint8_t **place)
{
	const struct sp_reader *reader = &connection->reader;
	struct buffer *body = &connection->body;

	*place = receive_bytes;
	if (reader->phase != SP_PHASE_BODY || connection->discard || body->used == 0 ||
	    reader->body_left < RECEIVE_SIZE)
		return RECEIVE_SIZE;
	if (buffer_grow(&connection->payer, body, reader->body_size) < 0)
		return RECEIVE_SIZE; /* read as usual: body_keep sees that it is refused */
	*place = body->bytes + body->used;
	return body->capacity - body->used < reader->body_left ? body->capacity - body->used
	                                                       : (size_t)reader->body_left;
}

/* Reads once. Negative: nothing more now, or the connection has been dropped. */
static int receive_once(struct frontend *frontend, struct connection *connection)
{
	uint8_t *place;
	size_t room = receive_place(connection, &place);
	ssize_t got = recv(connection->fd, place, room, MSG_DONTWAIT);

	if (got < 0 && errno == EINTR)
		return 0;
	if (got < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (got <= 0) {
		connection_drop(frontend, connection, got ? strerror(errno) : "it has been closed");
		return -EPIPE;
	}
	if (place == receive_bytes)
		return received_take(frontend, connection, place, (size_t)got)
		               ? ((size_t)got < room ? -EAGAIN : 0)
		               : -EPIPE;
	connection->body.used += (size_t)got;
	sp_reader_skip(&connection->reader, (size_t)got);
	if (connection->reader.body_left == 0)
		return kept_done(frontend, connection) ? -EAGAIN : -EPIPE;
	message_time(frontend, connection);
	return 0;
}

void connection_event(struct frontend *frontend, uint16_t slot, uint32_t generation,
                      uint32_t events)
{
	struct connection *connection = &frontend->connections.slots[slot];
	int r = 0;

	if (connection->fd < 0 || connection->generation != generation)
		return; /* dropped by an event before this one */
	if (connection_busy(connection) || frontend->stopping) {
		if (events & (EPOLLHUP | EPOLLERR)) {
			connection_drop(frontend, connection, "it has been closed");
			return;
		}
		if (!(events & EPOLLOUT) || out_flush(frontend, connection))
			connection_resume(frontend, connection);
		return;
	}
	for (int i = 0; i < READS_MAX && r == 0 && !connection_busy(connection); i++)
		r = receive_once(frontend, connection);
}
