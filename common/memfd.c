/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/memfd.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MEMFD_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

int memfd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, MEMFD_SEALS | F_SEAL_SEAL) < 0 ? -errno : 0;
}

static int bytes_write(int fd, const unsigned char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

int memfd_open(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? -errno : fd;
}

int memfd_reserve(int fd, size_t size)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) < 0 ? -errno : 0;
}

int memfd_fill(int fd, const void *bytes, size_t size)
{
	int result = bytes_write(fd, bytes, size);

	return result < 0 ? result : memfd_seal(fd);
}

int memfd_from_bytes(const char *name, const void *bytes, size_t size)
{
	_cleanup_close_ int fd = memfd_open(name);
	int result = fd < 0 ? fd : memfd_fill(fd, bytes, size);

	return result < 0 ? result : steal_fd(&fd);
}

int memfd_check(int fd, size_t *size)
{
	struct stat status;
	/* only memfds have seals: whatever else was sent (a pipe, a file of some other file system)
	 * fails here */
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & MEMFD_SEALS) != MEMFD_SEALS)
		return -EPROTO;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size < 0)
		return -EPROTO;
	*size = (size_t)status.st_size;
	return 0;
}

int memfd_read(int fd, void *bytes, size_t size)
{
	unsigned char *next = bytes;

	for (size_t done = 0; done < size;) {
		ssize_t got = pread(fd, next + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EPROTO;
		done += (size_t)got;
	}
	return 0;
}
