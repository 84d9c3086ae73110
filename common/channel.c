/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union channel_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(CHANNEL_PACKET_DESCRIPTORS_MAX * sizeof(int))];
};

int channel_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	return 0;
}

static const struct channel_row *row_find(const struct channel *channel, uint16_t type)
{
	if (type == 0 || type > channel->list->count)
		return NULL;
	return &channel->list->rows[type - 1];
}

static bool all_zero(const unsigned char *bytes, size_t words)
{
	uint64_t any = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t word;

		memcpy(&word, bytes + i * sizeof(word), sizeof(word));
		any |= word;
	}
	return any == 0;
}

/* How many bytes are left without the zeros at the end, in steps of a word: most of a long
 * structure is zeros, and is looked at many words at a time. */
static uint32_t length_used(const unsigned char *body, uint32_t size)
{
	static const uint32_t steps[] = { 64, 1 };
	uint32_t length = size;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t step = steps[i] * (uint32_t)sizeof(uint64_t);

		while (length >= step && all_zero(body + length - step, steps[i]))
			length -= step;
	}
	return length;
}

/* The row of a message that this end may send, or NULL. */
static const struct channel_row *row_to_send(const struct channel *channel, uint16_t type,
                                             const void *body, const int *descriptors)
{
	const struct channel_row *row = row_find(channel, type);

	if (!row || row->sender != (uint8_t)channel->self || (row->size && !body) ||
	    (row->descriptors && !descriptors))
		return NULL;
	return row;
}

static int packet_send(int fd, struct iovec *parts, size_t part_count, const int *descriptors,
                       size_t descriptor_count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = part_count };
	union channel_control control;

	if (descriptor_count) {
		size_t bytes = descriptor_count * sizeof(int);

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(&control.header), descriptors, bytes);
	}
	for (;;) {
		if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int channel_send(const struct channel *channel, uint16_t type, uint64_t id, const void *body,
                 const int *descriptors)
{
	const struct channel_row *row = row_to_send(channel, type, body, descriptors);

	if (!row)
		return -EINVAL;

	struct channel_header header = { .type = type,
		                         .length = length_used(body, row->size),
		                         .id = id };
	struct iovec parts[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = header.length },
	};

	return packet_send(channel->fd, parts, header.length ? 2 : 1, descriptors,
	                   row->descriptors);
}

static bool outbox_fits(const struct channel_outbox *outbox, size_t length, size_t descriptors)
{
	return length <= sizeof(outbox->bytes) - outbox->length &&
	       descriptors <= CHANNEL_PACKET_DESCRIPTORS_MAX - outbox->descriptor_count;
}

int channel_queue(const struct channel *channel, struct channel_outbox *outbox, uint16_t type,
                  uint64_t id, const void *body, const int *descriptors)
{
	const struct channel_row *row = row_to_send(channel, type, body, descriptors);

	if (!row)
		return -EINVAL;

	struct channel_header header = { .type = type,
		                         .length = length_used(body, row->size),
		                         .id = id };
	size_t length = sizeof(header) + header.length;

	if (!outbox_fits(outbox, length, row->descriptors)) {
		int result = channel_flush(channel, outbox);

		if (result < 0)
			return result;
	}
	if (length > sizeof(outbox->bytes)) /* alone */
		return channel_send(channel, type, id, body, descriptors);
	memcpy(outbox->bytes + outbox->length, &header, sizeof(header));
	if (header.length)
		memcpy(outbox->bytes + outbox->length + sizeof(header), body, header.length);
	for (size_t i = 0; i < row->descriptors; i++)
		outbox->descriptors[outbox->descriptor_count++] = descriptors[i];
	outbox->length += length;
	return 0;
}

int channel_flush(const struct channel *channel, struct channel_outbox *outbox)
{
	struct iovec part = { .iov_base = outbox->bytes, .iov_len = outbox->length };
	size_t descriptors = outbox->descriptor_count;

	if (part.iov_len == 0)
		return 0;
	outbox->length = outbox->descriptor_count = 0;
	return packet_send(channel->fd, &part, 1, outbox->descriptors, descriptors);
}

/* The bytes from `length` to `end`, of which the last ones may never have been anything else. */
static void zeros_put(struct channel_buffer *buffer, size_t length, size_t end)
{
	if (buffer->written <= end)
		end = buffer->written;
	if (length < end)
		memset(buffer->bytes + length, 0, end - length);
	if (buffer->written == end)
		buffer->written = length;
}

int channel_decode(const struct channel *channel, uint32_t state, struct channel_buffer *buffer,
                   size_t length, size_t descriptors, struct channel_message *message)
{
	struct channel_header header;

	if (buffer->written < length)
		buffer->written = length;
	if (length < sizeof(header))
		return -EPROTO;
	memcpy(&header, buffer->bytes, sizeof(header));

	const struct channel_row *row = row_find(channel, header.type);

	if (!row || row->sender == (uint8_t)channel->self || header.flags ||
	    header.length > row->size || length - sizeof(header) != header.length ||
	    descriptors != row->descriptors || !(row->states & state))
		return -EPROTO;
	zeros_put(buffer, length, sizeof(header) + row->size);
	message->row = row;
	message->id = header.id;
	message->body = buffer->bytes + sizeof(header);
	return 0;
}

/* Takes every descriptor out of the control data; more than `most` are closed and counted. */
static size_t descriptors_take(struct msghdr *received, int *descriptors, size_t most)
{
	size_t count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(received); part;
	     part = CMSG_NXTHDR(received, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < here; i++, count++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (count < most)
				descriptors[count] = fd;
			else
				(void)close(fd);
		}
	}
	return count;
}

static void descriptors_close(int *descriptors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (descriptors[i] >= 0)
			(void)close(descriptors[i]);
		descriptors[i] = -1;
	}
}

/*
 * Up to CHANNEL_MESSAGE_MAX bytes, and up to `most` descriptors; the others are -1. How many bytes,
 * or -errno, and then no descriptor is left open.
 */
static ssize_t packet_receive(int fd, unsigned char *bytes, int *descriptors, size_t most,
                              size_t *count)
{
	union channel_control control;
	struct iovec part = { .iov_base = bytes, .iov_len = CHANNEL_MESSAGE_MAX };
	struct msghdr received = { .msg_iov = &part,
		                   .msg_iovlen = 1,
		                   .msg_control = &control,
		                   .msg_controllen = sizeof(control) };
	ssize_t length;

	for (size_t i = 0; i < most; i++)
		descriptors[i] = -1;
	do {
		length = recvmsg(fd, &received, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (length == 0)
		return -EPIPE;
	*count = descriptors_take(&received, descriptors, most);
	if (*count <= most && !(received.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return length;
	descriptors_close(descriptors, most);
	return -EPROTO;
}

int channel_receive(const struct channel *channel, uint32_t state, struct channel_buffer *buffer,
                    struct channel_message *message)
{
	size_t count = 0;
	ssize_t length = packet_receive(channel->fd, buffer->bytes, message->descriptors,
	                                CHANNEL_DESCRIPTORS_MAX, &count);

	if (length == -EPROTO)
		buffer->written = CHANNEL_MESSAGE_MAX; /* whatever it was that came */
	if (length < 0)
		return (int)length;
	if (channel_decode(channel, state, buffer, (size_t)length, count, message) < 0) {
		channel_message_close(message);
		return -EPROTO;
	}
	return 0;
}

_Bool channel_inbox_more(const struct channel_inbox *inbox)
{
	return inbox->at < inbox->length;
}

void channel_inbox_drop(struct channel_inbox *inbox)
{
	descriptors_close(inbox->descriptors + inbox->descriptor_at,
	                  inbox->descriptor_count - inbox->descriptor_at);
	inbox->at = inbox->length = 0;
	inbox->descriptor_at = inbox->descriptor_count = 0;
}

int channel_inbox_fill(const struct channel *channel, struct channel_inbox *inbox)
{
	size_t count = 0;
	ssize_t length;

	channel_inbox_drop(inbox);
	length = packet_receive(channel->fd, inbox->bytes, inbox->descriptors,
	                        CHANNEL_PACKET_DESCRIPTORS_MAX, &count);
	if (length < 0)
		return (int)length;
	inbox->length = (size_t)length;
	inbox->descriptor_count = count;
	return 0;
}

/* Copies the next message out, because it may be followed by another one where its zeros belong.
 * How many bytes it has in the packet, or -EPROTO. */
static ssize_t inbox_decode(const struct channel *channel, uint32_t state,
                            struct channel_inbox *inbox, struct channel_message *message)
{
	size_t rest = inbox->length - inbox->at;
	size_t descriptors = inbox->descriptor_count - inbox->descriptor_at;
	struct channel_header header;

	if (rest < sizeof(header))
		return -EPROTO;
	memcpy(&header, inbox->bytes + inbox->at, sizeof(header));

	const struct channel_row *row = row_find(channel, header.type);
	bool last = header.length == rest - sizeof(header);

	if (!row || header.length > rest - sizeof(header) || row->descriptors > descriptors ||
	    (last && row->descriptors != descriptors))
		return -EPROTO;
	memcpy(inbox->message.bytes, inbox->bytes + inbox->at, sizeof(header) + header.length);
	if (channel_decode(channel, state, &inbox->message, sizeof(header) + header.length,
	                   row->descriptors, message) < 0)
		return -EPROTO;
	return (ssize_t)(sizeof(header) + header.length);
}

int channel_inbox_next(const struct channel *channel, uint32_t state, struct channel_inbox *inbox,
                       struct channel_message *message)
{
	ssize_t length;

	if (!channel_inbox_more(inbox)) {
		channel_inbox_drop(inbox);
		return -EAGAIN;
	}
	length = inbox_decode(channel, state, inbox, message);
	if (length < 0) {
		channel_inbox_drop(inbox);
		return -EPROTO;
	}
	inbox->at += (size_t)length;
	for (size_t i = 0; i < CHANNEL_DESCRIPTORS_MAX; i++) {
		bool own = i < message->row->descriptors;

		message->descriptors[i] = own ? inbox->descriptors[inbox->descriptor_at++] : -1;
	}
	return 0;
}

void channel_message_close(struct channel_message *message)
{
	descriptors_close(message->descriptors, CHANNEL_DESCRIPTORS_MAX);
}

_Bool channel_text_ok(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	if (length == size)
		return false;
	for (size_t i = length; i < size; i++) {
		if (text[i])
			return false;
	}
	return true;
}
