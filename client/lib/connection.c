/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/connection.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

uint64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int connection_init(struct connection *connection, const char *path)
{
	char url[sizeof(((struct sockaddr_un *)NULL)->sun_path) + sizeof("ipc://")];
	int result = nng_aio_alloc(&connection->aio, NULL, NULL);

	if (result != 0)
		return result;
	(void)snprintf(url, sizeof(url), "ipc://%s", path);
	result = nng_stream_dialer_alloc(&connection->dialer, url);
	if (result != 0) {
		nng_aio_free(connection->aio);
		connection->aio = NULL;
	}
	return result;
}

void connection_close(struct connection *connection)
{
	nng_stream_free(connection->stream);
	connection->stream = NULL;
}

void connection_fini(struct connection *connection)
{
	nng_stream_dialer_free(connection->dialer);
	connection_close(connection);
	nng_aio_free(connection->aio);
}

/* nng tries before it looks at the time, so a peer that always has something to say would keep us
 * here for ever. */
static int operation_prepare(struct connection *connection, uint64_t deadline_ms)
{
	uint64_t now = clock_ms();

	if (now >= deadline_ms)
		return -ETIMEDOUT;
	nng_aio_set_timeout(connection->aio, (nng_duration)(deadline_ms - now));
	return 0;
}

static int operation_result(struct connection *connection)
{
	switch (nng_aio_result(connection->aio)) {
	case 0:
		return 0;
	case NNG_ETIMEDOUT:
		return -ETIMEDOUT;
	case NNG_ENOMEM:
		return -ENOMEM;
	default:
		return -ECONNRESET;
	}
}

static int operation_wait(struct connection *connection)
{
	nng_aio_wait(connection->aio);
	return operation_result(connection);
}

static void send_begin(struct connection *connection, const nng_iov parts[2], size_t sent)
{
	size_t skip = sent;
	nng_iov rest[2];

	for (int i = 0; i < 2; i++) {
		size_t here = skip < parts[i].iov_len ? skip : parts[i].iov_len;

		rest[i].iov_buf = (uint8_t *)parts[i].iov_buf + here;
		rest[i].iov_len = parts[i].iov_len - here;
		skip -= here;
	}
	(void)nng_aio_set_iov(connection->aio, 2, rest); /* can't fail: so few need no memory */
	nng_stream_send(connection->stream, connection->aio);
}

/*
 * What the socket takes at once, which is nearly always all of it. An operation with a time limit
 * would first wake nng's thread for those, and then compete with it for the processor: this one has
 * none, and is over when nng_stream_send() returns, or is called off.
 */
static int parts_try(struct connection *connection, const nng_iov parts[2], uint64_t deadline_ms,
                     size_t *sent)
{
	int result = operation_prepare(connection, deadline_ms);

	if (result < 0)
		return result;
	nng_aio_set_timeout(connection->aio, NNG_DURATION_INFINITE);
	send_begin(connection, parts, *sent);
	nng_aio_cancel(connection->aio);
	nng_aio_wait(connection->aio);
	if (nng_aio_result(connection->aio) == NNG_ECANCELED)
		return 0;
	result = operation_result(connection);
	if (result == 0)
		*sent += nng_aio_count(connection->aio);
	return result;
}

/* Once; `sent` grows by as much as went out. */
static int parts_send(struct connection *connection, const nng_iov parts[2], uint64_t deadline_ms,
                      size_t *sent)
{
	int result = operation_prepare(connection, deadline_ms);

	if (result < 0)
		return result;
	send_begin(connection, parts, *sent);
	result = operation_wait(connection);
	if (result == 0)
		*sent += nng_aio_count(connection->aio);
	return result;
}

static int parts_send_all(struct connection *connection, const nng_iov parts[2],
                          uint64_t deadline_ms, size_t *sent)
{
	int result = parts_try(connection, parts, deadline_ms, sent);

	while (result == 0 && *sent < parts[0].iov_len + parts[1].iov_len)
		result = parts_send(connection, parts, deadline_ms, sent);
	return result;
}

/* Once; at least one byte. */
static int bytes_receive(struct connection *connection, uint8_t *bytes, size_t size_bytes,
                         uint64_t deadline_ms, size_t *got)
{
	nng_iov place = { .iov_buf = bytes, .iov_len = size_bytes };
	int result = operation_prepare(connection, deadline_ms);

	if (result < 0)
		return result;
	(void)nng_aio_set_iov(connection->aio, 1, &place);
	nng_stream_recv(connection->stream, connection->aio);
	result = operation_wait(connection);
	if (result == 0)
		*got = nng_aio_count(connection->aio);
	return result;
}

int connection_dial(struct connection *connection, uint64_t deadline_ms)
{
	uint8_t greeting[SP_GREETING_SIZE];
	const nng_iov parts[2] = { { .iov_buf = greeting, .iov_len = sizeof(greeting) } };
	size_t sent = 0;
	int result = operation_prepare(connection, deadline_ms);

	if (result < 0)
		return result;
	nng_stream_dialer_dial(connection->dialer, connection->aio);
	result = operation_wait(connection);
	if (result < 0)
		return result;
	connection->stream = nng_aio_get_output(connection->aio, 0);
	connection->held_at = connection->held_end = 0;
	sp_reader_init(&connection->reader, SP_REPLY);
	sp_greeting_encode(SP_REQUEST, greeting);
	result = parts_send_all(connection, parts, deadline_ms, &sent);
	if (result < 0)
		connection_close(connection);
	return result;
}

/* What comes next, up to the end of the greeting or of a head. */
static int step_receive(struct connection *connection, uint64_t deadline_ms)
{
	struct sp_step step = { .event = SP_EVENT_NONE };

	while (step.event == SP_EVENT_NONE) {
		if (connection->held_at == connection->held_end) {
			size_t got;
			int result = bytes_receive(connection, connection->held,
			                           sizeof(connection->held), deadline_ms, &got);

			if (result < 0)
				return result;
			connection->held_at = 0;
			connection->held_end = got;
		}
		if (sp_reader_take(&connection->reader, connection->held + connection->held_at,
		                   connection->held_end - connection->held_at, &step) < 0)
			return -ECONNRESET;
		connection->held_at += step.used;
	}
	return 0;
}

/* The rest of a message whose head has come: what is held of it, then straight to its place. */
static int body_receive(struct connection *connection, uint8_t *body, size_t size_bytes,
                        uint64_t deadline_ms)
{
	size_t held = connection->held_end - connection->held_at;
	size_t got = held < size_bytes ? held : size_bytes;

	memcpy(body, connection->held + connection->held_at, got);
	connection->held_at += got;
	for (size_t at = got; at < size_bytes; at += got) {
		int result =
			bytes_receive(connection, body + at, size_bytes - at, deadline_ms, &got);

		if (result < 0)
			return result;
	}
	sp_reader_skip(&connection->reader, size_bytes);
	return 0;
}

void connection_request_init(struct connection_request *request, uint32_t id, uint8_t *bytes,
                             size_t size_bytes)
{
	id = htobe32(id);
	sp_head_encode(CONNECTION_ID_SIZE + (uint64_t)size_bytes, request->head);
	memcpy(request->head + SP_HEAD_SIZE, &id, sizeof(id));
	request->bytes = bytes;
	request->size_bytes = size_bytes;
	request->sent_bytes = 0;
}

int connection_send(struct connection *connection, struct connection_request *request,
                    uint64_t deadline_ms)
{
	const nng_iov parts[2] = {
		{ .iov_buf = request->head, .iov_len = sizeof(request->head) },
		{ .iov_buf = request->bytes, .iov_len = request->size_bytes },
	};

	request->sent_bytes = 0;
	if (connection->reader.phase == SP_PHASE_GREETING) {
		int result = step_receive(connection, deadline_ms);

		if (result < 0)
			return result;
	}
	return parts_send_all(connection, parts, deadline_ms, &request->sent_bytes);
}

/* The next message, whoever it is for. */
static int message_receive(struct connection *connection, size_t size_max, uint64_t deadline_ms,
                           struct connection_answer *message)
{
	int result = step_receive(connection, deadline_ms);
	size_t size_bytes;
	uint8_t *body;

	if (result < 0)
		return result;
	if (connection->reader.body_size > size_max)
		return -ECONNRESET;
	size_bytes = (size_t)connection->reader.body_size; /* SP_BODY_MIN, an id's, or more */
	body = malloc(size_bytes);
	if (!body)
		return -ENOMEM;
	result = body_receive(connection, body, size_bytes, deadline_ms);
	if (result < 0) {
		free(body);
		return result;
	}
	message->memory = body;
	message->bytes = body + CONNECTION_ID_SIZE;
	message->size_bytes = size_bytes - CONNECTION_ID_SIZE;
	return 0;
}

int connection_receive(struct connection *connection, uint32_t id, size_t size_max,
                       uint64_t deadline_ms, struct connection_answer *answer)
{
	const uint32_t wanted = htobe32(id);

	for (;;) {
		struct connection_answer message;
		int result = message_receive(connection, size_max, deadline_ms, &message);

		if (result < 0)
			return result;
		if (memcmp(message.memory, &wanted, sizeof(wanted)) == 0) {
			*answer = message;
			return 0;
		}
		free(message.memory);
	}
}
