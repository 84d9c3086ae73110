/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/object.h"

#include "bpfctl/input.h"
#include "common/cleanup.h"
#include "proto/limits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int object_error(int result, const char *path, const char *why, char *complaint,
                        size_t complaint_size)
{
	(void)snprintf(complaint, complaint_size, "cannot load \"%s\": %s", path, why);
	return result;
}

/* How much room to make: a regular file says its size, a pipe does not. One byte more shows that a
 * file is too large. */
static size_t room_for(const struct stat *status)
{
	if (S_ISREG(status->st_mode) && status->st_size >= 0 &&
	    status->st_size < (off_t)OBJECT_SIZE_MAX)
		return (size_t)status->st_size + 1;
	return (size_t)OBJECT_SIZE_MAX + 1;
}

int object_read(const char *path, unsigned char **bytes, size_t *size, char *complaint,
                size_t complaint_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ unsigned char *made = NULL;
	struct stat status;
	size_t room;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) < 0)
		return object_error(-errno, path, strerrordesc_np(errno), complaint,
		                    complaint_size);
	if (S_ISDIR(status.st_mode))
		return object_error(-EISDIR, path, "it is a directory, not an object file",
		                    complaint, complaint_size);
	room = room_for(&status);
	made = malloc(room);
	if (!made)
		return object_error(-ENOMEM, path, "out of memory", complaint, complaint_size);
	got = input_read(fd, made, room);
	if (got < 0)
		return object_error((int)got, path, strerrordesc_np((int)-got), complaint,
		                    complaint_size);
	if (got == 0)
		return object_error(-ENODATA, path, "the file is empty", complaint, complaint_size);
	if ((size_t)got > OBJECT_SIZE_MAX)
		return object_error(-EFBIG, path,
		                    "it is larger than 16 MiB, the most that bpfd takes", complaint,
		                    complaint_size);
	*bytes = steal_ptr(&made);
	*size = (size_t)got;
	return 0;
}
