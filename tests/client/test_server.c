/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/test_server.h"

#include <endian.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

/* The server's own expectations hold in release builds, too. */
#define require(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/*
 * The thread sanitizer asks for this. nng frees a dialer when the last of its streams is gone, in a
 * thread of its own, and counts them by atomics, which the sanitizer does not see in a library that
 * was built without it.
 */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:pthread_mutex_destroy\n";
}

struct test_server {
	reply_function function;
	void *context;
	uint8_t handshake[8];
	bool deaf;
	char directory[32];
	struct sockaddr_un address;
	int listener;
	pthread_t acceptor;
	pthread_mutex_t lock; /* over the function, and over connections */
	pthread_t threads[CONNECTIONS_MAX];
	int connections[CONNECTIONS_MAX];
	unsigned connection_count;
	atomic_uint requests;
};

const uint8_t test_server_deaf[8] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };

struct connection {
	struct test_server *server;
	int fd;
};

static bool read_all(int fd, void *bytes, size_t size)
{
	for (size_t used = 0; used < size;) {
		ssize_t got = read(fd, (uint8_t *)bytes + used, size - used);

		if (got <= 0)
			return false;
		used += (size_t)got;
	}
	return true;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
	for (size_t used = 0; used < size;) {
		ssize_t put = send(fd, (const uint8_t *)bytes + used, size - used, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		used += (size_t)put;
	}
	return true;
}

void reply_pack(struct reply *reply, const Bpfd__V1__Response *response)
{
	reply->size = bpfd__v1__response__get_packed_size(response);
	reply->bytes = malloc(reply->size + 1);
	require(reply->bytes);
	(void)bpfd__v1__response__pack(response, reply->bytes);
}

void reply_bytes(struct reply *reply, const void *bytes, size_t size)
{
	reply->size = size;
	reply->bytes = malloc(size + 1);
	require(reply->bytes);
	memcpy(reply->bytes, bytes, size);
}

/* One message: 0x01, big-endian length, request id, bytes. malloc'd. */
static uint8_t *reply_frame(const struct reply *reply, uint32_t id, size_t *size)
{
	size_t id_size = reply->kind == REPLY_NO_ID ? 0 : sizeof(id);
	uint64_t length = id_size + reply->size;
	uint8_t *frame = malloc(9 + length);

	require(frame);
	*size = 9 + length;
	if (reply->kind == REPLY_OVERSIZED)
		length = 1ull << 40;
	length = htobe64(length);
	id = htobe32(id);
	frame[0] = 1;
	memcpy(frame + 1, &length, sizeof(length));
	memcpy(frame + 9, &id, id_size);
	memcpy(frame + 9 + id_size, reply->bytes, reply->size);
	return frame;
}

/* A foreign answer and the right one, both at once. */
static bool stray_send(int fd, const uint8_t *frame, size_t size)
{
	uint8_t *both = malloc(2 * size);
	bool goes_on;

	require(both);
	memcpy(both, frame, size);
	memcpy(both + size, frame, size);
	both[12] ^= 0xff; /* the id's last byte */
	goes_on = write_all(fd, both, 2 * size);
	free(both);
	return goes_on;
}

static bool frame_send(int fd, const struct reply *reply, const uint8_t *frame, size_t size)
{
	bool goes_on = true;

	switch (reply->kind) {
	case REPLY_GARBAGE:
		return write_all(fd, reply->bytes, reply->size);
	case REPLY_HALF:
		(void)write_all(fd, frame, size - reply->size / 2 - 1);
		return false;
	case REPLY_LAST:
		(void)write_all(fd, frame, size);
		return false;
	case REPLY_STRAY:
		return stray_send(fd, frame, size);
	case REPLY_SLICED:
		for (size_t at = 0; at < size && goes_on; at++)
			goes_on = write_all(fd, frame + at, 1);
		return goes_on;
	case REPLY_FLOOD:
		while (write_all(fd, frame, size))
			;
		return false;
	default:
		return write_all(fd, frame, size);
	}
}

static bool reply_send(int fd, const struct reply *reply, uint32_t id)
{
	bool foreign = reply->kind == REPLY_FOREIGN_ID || reply->kind == REPLY_FLOOD;
	size_t size;
	uint8_t *frame = reply_frame(reply, foreign ? id ^ 0x00ffffff : id, &size);
	bool goes_on = frame_send(fd, reply, frame, size);

	free(frame);
	return goes_on;
}

static bool request_answer(struct test_server *server, int fd, const uint8_t *message, size_t size,
                           uint32_t id)
{
	Bpfd__V1__Request *request = bpfd__v1__request__unpack(NULL, size, message);
	struct reply reply = { .kind = REPLY_MESSAGE };
	bool goes_on = true;

	require(request);
	(void)pthread_mutex_lock(&server->lock);
	server->function(server->context, request, atomic_fetch_add(&server->requests, 1), &reply);
	(void)pthread_mutex_unlock(&server->lock);
	bpfd__v1__request__free_unpacked(request, NULL);
	if (reply.delay_ms)
		(void)usleep(reply.delay_ms * 1000);
	if (reply.kind == REPLY_CLOSE)
		goes_on = false;
	else if (reply.kind != REPLY_SILENCE)
		goes_on = reply_send(fd, &reply, id);
	free(reply.bytes);
	return goes_on;
}

static bool request_serve(struct test_server *server, int fd)
{
	uint8_t header[9], *message;
	uint64_t length;
	uint32_t id;
	bool goes_on;

	if (!read_all(fd, header, sizeof(header)))
		return false;
	memcpy(&length, header + 1, sizeof(length));
	length = be64toh(length);
	require(header[0] == 1 && length >= sizeof(id) && length < (64u << 20));
	message = malloc(length);
	require(message);
	if (!read_all(fd, message, length)) {
		free(message);
		return false;
	}
	memcpy(&id, message, sizeof(id));
	id = be32toh(id);
	require(id & 0x80000000);
	goes_on = request_answer(server, fd, message + sizeof(id), length - sizeof(id), id);
	free(message);
	return goes_on;
}

/* Until the client goes, or test_server_stop() comes. */
static void deaf_wait(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLRDHUP };

	(void)poll(&wait, 1, -1);
}

static void *connection_serve(void *argument)
{
	struct connection connection = *(struct connection *)argument;
	uint8_t hello[8];

	free(argument);
	bool greeted = write_all(connection.fd, connection.server->handshake, sizeof(hello));

	if (greeted && connection.server->deaf)
		deaf_wait(connection.fd);
	else if (greeted && read_all(connection.fd, hello, sizeof(hello))) {
		while (request_serve(connection.server, connection.fd))
			;
	}
	(void)shutdown(connection.fd,
	               SHUT_RDWR); /* closed by test_server_stop(), which knows its number */
	return NULL;
}

static void *server_accept(void *argument)
{
	struct test_server *server = argument;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		struct connection *connection = malloc(sizeof(*connection));

		require(connection && server->connection_count < CONNECTIONS_MAX);
		*connection = (struct connection){ .server = server, .fd = fd };
		server->connections[server->connection_count] = fd;
		(void)pthread_create(&server->threads[server->connection_count], NULL,
		                     connection_serve, connection);
		server->connection_count++;
	}
	return NULL;
}

void test_server_restart(struct test_server *server)
{
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(server->listener >= 0);
	if (bind(server->listener, (const struct sockaddr *)&server->address,
	         sizeof(server->address)) != 0 ||
	    listen(server->listener, 64) != 0)
		abort();
	(void)pthread_create(&server->acceptor, NULL, server_accept, server);
}

struct test_server *test_server_start(reply_function function, void *context,
                                      const uint8_t *handshake)
{
	static const uint8_t right[8] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };
	struct test_server *server = calloc(1, sizeof(*server));

	require(server);
	server->function = function;
	server->context = context;
	memcpy(server->handshake, handshake ? handshake : right, sizeof(right));
	server->deaf = handshake == test_server_deaf;
	(void)strcpy(server->directory, "/tmp/bpfd-client-XXXXXX");
	if (!mkdtemp(server->directory))
		abort();
	server->address.sun_family = AF_UNIX;
	(void)snprintf(server->address.sun_path, sizeof(server->address.sun_path), "%s/bpfd.sock",
	               server->directory);
	(void)pthread_mutex_init(&server->lock, NULL);
	test_server_restart(server);
	return server;
}

void test_server_settle(struct test_server *server)
{
	(void)pthread_mutex_lock(&server->lock);
	(void)pthread_mutex_unlock(&server->lock);
}

void test_server_stop(struct test_server *server)
{
	(void)unlink(server->address.sun_path);
	(void)shutdown(server->listener, SHUT_RDWR);
	(void)pthread_join(server->acceptor, NULL);
	(void)close(server->listener);
	server->listener = -1;
	for (unsigned i = 0; i < server->connection_count; i++) {
		(void)shutdown(server->connections[i], SHUT_RDWR);
		(void)pthread_join(server->threads[i], NULL);
		(void)close(server->connections[i]);
	}
	server->connection_count = 0;
}

void test_server_free(struct test_server *server)
{
	if (server->listener >= 0)
		test_server_stop(server);
	(void)rmdir(server->directory);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}

const char *test_server_path(const struct test_server *server)
{
	return server->address.sun_path;
}

unsigned test_server_requests(const struct test_server *server)
{
	return atomic_load(&server->requests);
}
