/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Channels between bpfd's own processes: SOCK_SEQPACKET pairs that carry one fixed-size structure
 * per message, and with it exactly as many descriptors as the message's row says. Most structures
 * have room for more than there is: zeros at the end of one are not sent, and are there again when
 * it is received. Each channel is described by one X-macro list in proto/; the rows below are made
 * from it. Whatever does not match its row is refused before anybody looks at it.
 */
#ifndef BPFD_COMMON_CHANNEL_H
#define BPFD_COMMON_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_MESSAGE_MAX 65536
#define CHANNEL_DESCRIPTORS_MAX 4
#define CHANNEL_PACKET_MAX 8192
#define CHANNEL_PACKET_DESCRIPTORS_MAX 16

/* What travels first in every message. `length` counts the bytes that follow the header: no more
 * than the row's size. */
struct channel_header {
	uint16_t type;
	uint16_t flags; /* zero; reserved */
	uint32_t length;
	uint64_t id; /* an answer carries the id of its question; 0 where nothing is asked */
};

/* The body of a message that has none. */
struct channel_nothing {
};

/* The two ends: a row says which of them may send the message. */
enum channel_end { CHANNEL_UPPER = 1, CHANNEL_LOWER = 2 };

/*
 * One message of a channel. `states` is a mask of the receiver's states in which the message is
 * allowed; the meaning of each bit belongs to the channel.
 */
struct channel_row {
	const char *name;
	uint16_t type;
	uint8_t sender; /* enum channel_end */
	uint8_t descriptors;
	uint32_t size; /* of the structure */
	uint32_t states;
};

/*
 * Rows are written X(NAME, type, SENDER, struct, descriptors, states): see
 * proto/channel_frontend.h. A list's rows are in ascending order of type, without gaps, from 1.
 */
#define CHANNEL_ENUM_ROW(prefix, name, type) prefix##name = (type),
#define CHANNEL_TABLE_ROW(name_, type_, sender_, structure, descriptors_, states_) \
	{                                                                          \
		.name = #name_,                                                    \
		.type = (type_),                                                   \
		.sender = CHANNEL_##sender_,                                       \
		.descriptors = (descriptors_),                                     \
		.size = (uint32_t)sizeof(structure),                               \
		.states = (states_),                                               \
	},

struct channel_list {
	const char *name;
	const struct channel_row *rows;
	size_t count;
};

struct channel {
	int fd;
	enum channel_end self;
	const struct channel_list *list;
};

/* A received message: a view into the caller's buffer; descriptors belong to the caller (see
 * channel_message_close). */
struct channel_message {
	const struct channel_row *row;
	uint64_t id;
	const void *body; /* row->size bytes, aligned for any type */
	int descriptors[CHANNEL_DESCRIPTORS_MAX];
};

/* Room for the longest message, aligned. All zero before its first use. */
struct channel_buffer {
	_Alignas(16) unsigned char bytes[CHANNEL_MESSAGE_MAX];
	size_t written; /* behind so many bytes there are zeros */
};

/* Messages that go out as one packet, one after the other. All zero: none. */
struct channel_outbox {
	size_t length;
	size_t descriptor_count;
	int descriptors[CHANNEL_PACKET_DESCRIPTORS_MAX]; /* the caller's */
	unsigned char bytes[CHANNEL_PACKET_MAX];
};

/* A packet that came in, and the message of it that was handed out last. All zero: none. */
struct channel_inbox {
	size_t at;
	size_t length;
	size_t descriptor_at;
	size_t descriptor_count;
	int descriptors[CHANNEL_PACKET_DESCRIPTORS_MAX];
	struct channel_buffer message;
	unsigned char bytes[CHANNEL_MESSAGE_MAX];
};

/* Makes a connected pair, both ends CLOEXEC and blocking. 0 or -errno. */
int channel_pair(int fds[2]);

/*
 * Sends one message; `body` has the size of the row `type` (NULL for a row of size 0),
 * `descriptors` as many as the row says (they stay the caller's). Waits while the socket is full,
 * unless it is non-blocking. 0; -EINVAL for a type that this end may not send (a defect); -EPIPE or
 * -ECONNRESET when the other end is gone; -EAGAIN.
 */
int channel_send(const struct channel *channel, uint16_t type, uint64_t id, const void *body,
                 const int *descriptors);

/*
 * Receives one message allowed in `state` (one bit). 0, and `message` is filled; -EPIPE at the end
 * of the stream; -EAGAIN; -EPROTO for a message that does not match its row (wrong sender, size,
 * descriptor count, state, flags, cut short): its descriptors are closed, and the caller must treat
 * the other end as broken.
 */
int channel_receive(const struct channel *channel, uint32_t state, struct channel_buffer *buffer,
                    struct channel_message *message);

/* Closes the descriptors that are still in the message and sets them to -1. */
void channel_message_close(struct channel_message *message);

/*
 * Checks the first `length` bytes of the buffer against the list as channel_receive does, without a
 * socket, and puts back the zeros that were not sent: the pure part, for tests and fuzzing.
 * `descriptors` is how many came along. 0 or -EPROTO.
 */
int channel_decode(const struct channel *channel, uint32_t state, struct channel_buffer *buffer,
                   size_t length, size_t descriptors, struct channel_message *message);

/*
 * Where several messages follow each other, and nobody answers in between, they are sent as one
 * packet: each packet may wake the receiver, and let the two change places on a processor. The
 * receiver takes them out one by one, each as strictly as channel_receive() does, in the state that
 * the one before it left.
 *
 * channel_queue() takes a message as channel_send() does; it goes out at channel_flush(), or before
 * when the packet is full. The descriptors must stay open until then. What fails breaks the
 * channel: the rest of the packet is dropped.
 */
int channel_queue(const struct channel *channel, struct channel_outbox *outbox, uint16_t type,
                  uint64_t id, const void *body, const int *descriptors);
int channel_flush(const struct channel *channel, struct channel_outbox *outbox);

/*
 * Receives a packet, and drops what was left of the one before it. 0; -EPIPE, -EAGAIN or -EPROTO as
 * channel_receive().
 */
int channel_inbox_fill(const struct channel *channel, struct channel_inbox *inbox);

/*
 * The next message of the packet, valid until the one after it. 0; -EAGAIN when none is left;
 * -EPROTO for one that does not match its row, or when descriptors are left over at the end: the
 * rest is dropped, and the caller must treat the other end as broken. Needs no socket.
 */
int channel_inbox_next(const struct channel *channel, uint32_t state, struct channel_inbox *inbox,
                       struct channel_message *message);

/* Is there more in the packet? */
_Bool channel_inbox_more(const struct channel_inbox *inbox);

/* Drops what is left of the packet. */
void channel_inbox_drop(struct channel_inbox *inbox);

/* True if `text`, an array of `size` bytes, is a terminated string whose bytes after the terminator
 * are all zero. */
_Bool channel_text_ok(const char *text, size_t size);

#endif
