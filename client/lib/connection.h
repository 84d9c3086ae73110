/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One connection to bpfd at a time: a byte stream of nng's, with SP's request/reply framing spoken
 * here. nng's own request socket would hand an answer through four threads; a stream whose one
 * operation has no callback wakes whoever waits for it straight from nng's poll thread.
 *
 * Nothing happens between calls, and no thread but the caller's touches the structure.
 *
 * What takes a `deadline_ms` (of clock_ms()) gives 0, -ETIMEDOUT, -ENOMEM, or -ECONNRESET: there is
 * no connection, it has ended, or the other side does not speak the protocol. After any of them
 * the connection is of no more use and is to be closed.
 */
#ifndef BPFD_CLIENT_CONNECTION_H
#define BPFD_CLIENT_CONNECTION_H

#include "common/sp.h"

#include <nng/nng.h>

#define CONNECTION_RECEIVE_SIZE 16384 /* most answers come in one piece of less */
#define CONNECTION_ID_SIZE 4          /* of a request, before its bytes */

struct connection {
	nng_stream_dialer *dialer;
	nng_aio *aio;       /* the one operation under way */
	nng_stream *stream; /* NULL: there is no connection */
	struct sp_reader reader;
	size_t held_at; /* what is received and not looked at yet begins here */
	size_t held_end;
	uint8_t held[CONNECTION_RECEIVE_SIZE];
};

/* A request on its way, and how much of it has gone out on the present connection. */
struct connection_request {
	uint8_t head[SP_HEAD_SIZE + CONNECTION_ID_SIZE];
	uint8_t *bytes;
	size_t size_bytes;
	size_t sent_bytes; /* with the head */
};

/* An answer's bytes. `memory` is the caller's to free. */
struct connection_answer {
	uint8_t *memory;
	const uint8_t *bytes;
	size_t size_bytes;
};

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t clock_ms(void);

/* Prepares to dial the path; the structure was zero. 0, or an error of nng's: then it is as it was.
 */
int connection_init(struct connection *connection, const char *path);
void connection_fini(struct connection *connection);

/* Connects and sends the greeting, without waiting for the other one. */
int connection_dial(struct connection *connection, uint64_t deadline_ms);
/* There need not be one. */
void connection_close(struct connection *connection);

/* `id` has bit 31 set. The bytes are not copied. */
void connection_request_init(struct connection_request *request, uint32_t id, uint8_t *bytes,
                             size_t size_bytes);

/* Sends the request, once the other side has greeted. */
int connection_send(struct connection *connection, struct connection_request *request,
                    uint64_t deadline_ms);

/* Waits for an answer to the request `id` of at most `size_max` bytes; those to others are thrown
 * away. */
int connection_receive(struct connection *connection, uint32_t id, size_t size_max,
                       uint64_t deadline_ms, struct connection_answer *answer);

#endif
