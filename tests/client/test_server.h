/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A server for the client's tests: it speaks nng's request/reply protocol on a Unix socket with
 * nothing but system calls, and answers whatever a test wants, also what no honest server would.
 */
#ifndef BPFD_TESTS_CLIENT_TEST_SERVER_H
#define BPFD_TESTS_CLIENT_TEST_SERVER_H

#include "bpfd.pb-c.h"

#include <stddef.h>
#include <stdint.h>

enum reply_kind {
	REPLY_MESSAGE,    /* the bytes, as an answer to this request */
	REPLY_SILENCE,    /* nothing */
	REPLY_CLOSE,      /* the connection is closed */
	REPLY_HALF,       /* half of the bytes, then the connection is closed */
	REPLY_OVERSIZED,  /* a header that announces 1 TiB */
	REPLY_FOREIGN_ID, /* the bytes, as an answer to another request */
	REPLY_NO_ID,      /* a message without any request id */
	REPLY_GARBAGE,    /* the bytes, and nothing before them */
	REPLY_SLICED,     /* as REPLY_MESSAGE, each byte by itself */
	REPLY_LAST,       /* as REPLY_MESSAGE, then the connection is closed */
	REPLY_STRAY,      /* in one piece an answer to another request, and the right one */
	REPLY_FLOOD,      /* answers to other requests, without end */
};

struct reply {
	enum reply_kind kind;
	unsigned delay_ms;
	uint8_t *bytes; /* malloc'd; freed by the server */
	size_t size;
};

/* Packs the response as the reply's bytes. */
void reply_pack(struct reply *reply, const Bpfd__V1__Response *response);
/* Takes these bytes. */
void reply_bytes(struct reply *reply, const void *bytes, size_t size);

/*
 * Called in the server's threads with each request. `count` is the number of requests before it. A
 * reply that it leaves alone is an empty message.
 */
typedef void (*reply_function)(void *context, const Bpfd__V1__Request *request, unsigned count,
                               struct reply *reply);

struct test_server;

/* A handshake: the right one, after which the server reads nothing. */
extern const uint8_t test_server_deaf[8];

/* Listens in a directory of its own. `handshake` NULL: the right one; else these eight bytes. */
struct test_server *test_server_start(reply_function function, void *context,
                                      const uint8_t *handshake);
/* What the function left behind for the last answer is the caller's to read after this, until he
 * calls it again before the next request. */
void test_server_settle(struct test_server *server);
/* Closes all connections and stops listening; the socket's path goes, too. */
void test_server_stop(struct test_server *server);
/* Listens again at the same path. */
void test_server_restart(struct test_server *server);
void test_server_free(struct test_server *server);

const char *test_server_path(const struct test_server *server);
unsigned test_server_requests(const struct test_server *server);

#endif
