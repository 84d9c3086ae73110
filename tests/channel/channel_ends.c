/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/channel/channel_ends.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

/* clang-format off */
static const struct channel_row rows[] = {
	CHANNEL_TABLE_ROW(ASK, 1, UPPER, struct ask, 0, STATE_ONE)
	CHANNEL_TABLE_ROW(ANSWER, 2, LOWER, struct ask, 1, STATE_ONE | STATE_TWO)
	CHANNEL_TABLE_ROW(NOTHING, 3, LOWER, struct channel_nothing, 0, STATE_TWO)
	CHANNEL_TABLE_ROW(WITH_TWO, 4, LOWER, struct channel_nothing, 2, STATE_TWO)
	CHANNEL_TABLE_ROW(LARGE, 5, LOWER, struct large, 0, STATE_TWO)
};
/* clang-format on */

static const struct channel_list list = { "test", rows, sizeof(rows) / sizeof(rows[0]) };

size_t descriptors_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count;
}

void stale_fill(struct channel_buffer *buffer)
{
	memset(buffer->bytes, 0xa5, sizeof(buffer->bytes));
	buffer->written = sizeof(buffer->bytes);
}

int ends_open(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	int fds[2];

	assert_non_null(ends);
	ends->descriptors = descriptors_count();
	assert_int_equal(channel_pair(fds), 0);
	ends->upper = (struct channel){ fds[0], CHANNEL_UPPER, &list };
	ends->lower = (struct channel){ fds[1], CHANNEL_LOWER, &list };
	*state = ends;
	return 0;
}

int ends_close(void **state)
{
	struct ends *ends = *state;
	size_t before = ends->descriptors;

	if (ends->upper.fd >= 0)
		(void)close(ends->upper.fd);
	if (ends->lower.fd >= 0)
		(void)close(ends->lower.fd);
	free(ends);
	return descriptors_count() == before ? 0 : -1;
}

void raw_send(int fd, const void *bytes, size_t length, int descriptor, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE((CHANNEL_PACKET_DESCRIPTORS_MAX + 1) * sizeof(int))];
	} control = {};
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &descriptor,
			       sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)length);
}

bool same_file(int one, int other)
{
	struct stat a, b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

const struct bad_row bad_rows[BAD_ROWS] = {
	{ "one byte", { .type = NOTHING }, 0, sizeof(struct channel_header) - 1, 0 },
	{ "half a header", { .type = NOTHING }, 0, 8, 0 },
	{ "a header but a byte", { .type = NOTHING }, 0, 1, 0 },
	{ "type 0", { .type = 0 }, 0, 0, 0 },
	{ "a type beyond the list", { .type = 6 }, 0, 0, 0 },
	{ "the largest type", { .type = UINT16_MAX }, 0, 0, 0 },
	{ "one's own message", { .type = ASK, .length = ASK_SIZE }, ASK_SIZE, 0, 0 },
	{ "flags", { .type = NOTHING, .flags = 1 }, 0, 0, 0 },
	{ "a byte too many", { .type = NOTHING, .length = 1 }, 1, 0, 0 },
	{ "a byte more than the length says", { .type = NOTHING }, 1, 0, 0 },
	{ "a length without its bytes", { .type = ANSWER, .length = ASK_SIZE }, 0, 0, 1 },
	{ "a byte too few", { .type = ANSWER, .length = ASK_SIZE }, ASK_SIZE, 1, 1 },
	{ "a longer length", { .type = ANSWER, .length = ASK_SIZE + 1 }, ASK_SIZE + 1, 0, 1 },
	{ "the largest length", { .type = ANSWER, .length = UINT32_MAX }, ASK_SIZE, 0, 1 },
	{ "a descriptor too many", { .type = NOTHING }, 0, 0, 1 },
	{ "a descriptor too few", { .type = WITH_TWO }, 0, 0, 1 },
	{ "none of two descriptors", { .type = WITH_TWO }, 0, 0, 0 },
	{ "three of two descriptors", { .type = WITH_TWO }, 0, 0, 3 },
	{ "more descriptors than any message has", { .type = WITH_TWO }, 0, 0, 5 },
	{ "sixteen descriptors", { .type = WITH_TWO }, 0, 0, 16 },
};
