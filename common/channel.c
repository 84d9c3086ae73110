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
	char space[CMSG_SPACE(CHANNEL_DESCRIPTORS_MAX * sizeof(int))];
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

/* How many bytes are left without the zeros at the end, in steps of a word. */
static uint32_t length_used(const unsigned char *body, uint32_t size)
{
	uint32_t length = size;

	for (uint64_t word; length >= sizeof(word); length -= (uint32_t)sizeof(word)) {
		memcpy(&word, body + length - sizeof(word), sizeof(word));
		if (word)
			break;
	}
	return length;
}

int channel_send(const struct channel *channel, uint16_t type, uint64_t id, const void *body,
                 const int *descriptors)
{
	const struct channel_row *row = row_find(channel, type);
	union channel_control control;

	if (!row || row->sender != (uint8_t)channel->self || (row->size && !body) ||
	    (row->descriptors && !descriptors))
		return -EINVAL;

	struct channel_header header = { .type = type,
		                         .length = length_used(body, row->size),
		                         .id = id };
	struct iovec parts[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = header.length },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = header.length ? 2 : 1 };

	if (row->descriptors) {
		size_t bytes = row->descriptors * sizeof(int);

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(&control.header), descriptors, bytes);
	}
	for (;;) {
		if (sendmsg(channel->fd, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int channel_decode(const struct channel *channel, uint32_t state, struct channel_buffer *buffer,
                   size_t length, size_t descriptors, struct channel_message *message)
{
	struct channel_header header;

	if (length < sizeof(header))
		return -EPROTO;
	memcpy(&header, buffer->bytes, sizeof(header));

	const struct channel_row *row = row_find(channel, header.type);

	if (!row || row->sender == (uint8_t)channel->self || header.flags ||
	    header.length > row->size || length - sizeof(header) != header.length ||
	    descriptors != row->descriptors || !(row->states & state))
		return -EPROTO;
	memset(buffer->bytes + length, 0, row->size - header.length);
	message->row = row;
	message->id = header.id;
	message->body = buffer->bytes + sizeof(header);
	return 0;
}

/* Takes every descriptor out of the control data; more than fit are closed and counted. */
static size_t descriptors_take(struct msghdr *received, int descriptors[CHANNEL_DESCRIPTORS_MAX])
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
			if (count < CHANNEL_DESCRIPTORS_MAX)
				descriptors[count] = fd;
			else
				(void)close(fd);
		}
	}
	return count;
}

int channel_receive(const struct channel *channel, uint32_t state, struct channel_buffer *buffer,
                    struct channel_message *message)
{
	union channel_control control;
	struct iovec part = { .iov_base = buffer->bytes, .iov_len = sizeof(buffer->bytes) };
	struct msghdr received = { .msg_iov = &part,
		                   .msg_iovlen = 1,
		                   .msg_control = &control,
		                   .msg_controllen = sizeof(control) };
	ssize_t length;

	for (size_t i = 0; i < CHANNEL_DESCRIPTORS_MAX; i++)
		message->descriptors[i] = -1;
	do {
		length = recvmsg(channel->fd, &received, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (length == 0)
		return -EPIPE;

	size_t count = descriptors_take(&received, message->descriptors);
	bool cut = received.msg_flags & (MSG_TRUNC | MSG_CTRUNC);

	if (cut || channel_decode(channel, state, buffer, (size_t)length, count, message) < 0) {
		channel_message_close(message);
		return -EPROTO;
	}
	return 0;
}

void channel_message_close(struct channel_message *message)
{
	for (size_t i = 0; i < CHANNEL_DESCRIPTORS_MAX; i++) {
		if (message->descriptors[i] >= 0)
			(void)close(message->descriptors[i]);
		message->descriptors[i] = -1;
	}
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
