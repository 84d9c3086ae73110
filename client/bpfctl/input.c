/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/input.h"

#include <errno.h>
#include <unistd.h>

ssize_t input_read(int fd, void *bytes, size_t limit)
{
	char *next = bytes;
	size_t used = 0;

	while (used < limit) {
		ssize_t got = read(fd, next + used, limit - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}
