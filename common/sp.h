/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * nng's wire protocol over stream sockets (ipc://), as far as bytes go: no sockets, no memory. The
 * frontend replies and publishes with it, libbpfd requests; no privileged process links it.
 *
 * Each side first sends an eight-byte greeting that names its protocol. A message is the byte 1,
 * the length of its body (big endian, 64 bits) and the body. A request's body starts with a
 * backtrace: big-endian 32-bit words, one for each hop, of which the last has bit 31 set. The
 * answer starts with the same words. What is published has no such words, and a subscriber sends
 * nothing but its greeting.
 */
#ifndef BPFD_COMMON_SP_H
#define BPFD_COMMON_SP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_GREETING_SIZE 8
#define SP_HEAD_SIZE 9 /* before each body */
#define SP_HOPS_MAX 8
#define SP_BACKTRACE_MAX ((size_t)SP_HOPS_MAX * 4)
#define SP_BODY_MIN 4 /* a request has at least one word of backtrace */

/* As the greeting names them. */
enum sp_protocol {
	SP_PUBLISH = 0x20,
	SP_SUBSCRIBE = 0x21,
	SP_REQUEST = 0x30,
	SP_REPLY = 0x31,
};

enum sp_phase { SP_PHASE_GREETING, SP_PHASE_HEAD, SP_PHASE_BODY };

/* Where in the stream one client is. */
struct sp_reader {
	enum sp_phase phase;
	uint8_t peer; /* enum sp_protocol that the greeting must name */
	uint8_t have; /* bytes of the greeting or head that have come */
	uint8_t head[SP_HEAD_SIZE];
	uint64_t body_size;
	uint64_t body_left;
};

enum sp_event {
	SP_EVENT_NONE,    /* everything is used up, nothing is complete */
	SP_EVENT_GREETED, /* the other side speaks the protocol */
	SP_EVENT_MESSAGE, /* a message of reader->body_size bytes begins */
	SP_EVENT_BODY /* bytes of the body; the message is complete when reader->body_left is 0 */
};

struct sp_step {
	enum sp_event event;
	size_t used;         /* bytes of the input that this step consumed */
	const uint8_t *body; /* SP_EVENT_BODY: inside the input */
	size_t body_size;
};

/* What this side says first. */
void sp_greeting_encode(enum sp_protocol own, uint8_t bytes[SP_GREETING_SIZE]);

/* For a client that must speak `peer`. */
void sp_reader_init(struct sp_reader *reader, enum sp_protocol peer);

/* Takes one step over `size` bytes. 0 and `step`; -EPROTO for a stream that is none: the reader is
 * then of no use. */
int sp_reader_take(struct sp_reader *reader, const uint8_t *bytes, size_t size,
                   struct sp_step *step);

/* Tells the reader that `size` bytes of the body, at most reader->body_left, went elsewhere. */
void sp_reader_skip(struct sp_reader *reader, size_t size);

/* True between messages: nothing of a greeting or of a message is outstanding. */
bool sp_reader_idle(const struct sp_reader *reader);

/* Length in bytes of the backtrace at the start of a body, or -EPROTO if it does not end within
 * SP_HOPS_MAX words. */
int sp_backtrace_size(const uint8_t *body, size_t size);

/* Writes what goes before a body of `body_size` bytes. */
void sp_head_encode(uint64_t body_size, uint8_t head[SP_HEAD_SIZE]);

#endif
