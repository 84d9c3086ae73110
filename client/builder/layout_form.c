/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/layout_form.h"

#include "common/cleanup.h"
#include "image/tar_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct archive {
	int fd;
	int64_t created_s;
	struct tar_writer *writer;
};

static void tar_writer_cleanup(struct tar_writer **writer)
{
	tar_writer_free(*writer);
}

int layout_bytes_write(int fd, const void *bytes, size_t size)
{
	const unsigned char *next = bytes;

	while (size) {
		ssize_t written = write(fd, next, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

static int file_add(void *context, const char *name, const void *bytes, size_t size)
{
	const int *directory = context;
	_cleanup_close_ int fd = openat(*directory, name,
	                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : layout_bytes_write(fd, bytes, size);
}

int layout_directory_write(const char *path, const struct pieces *pieces, const char *tag)
{
	_cleanup_close_ int fd = -1;
	const struct layout_sink sink = { file_add, &fd };

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || mkdirat(fd, "blobs", 0777) < 0 || mkdirat(fd, "blobs/sha256", 0777) < 0)
		return -errno;
	return layout_fill(&sink, pieces, tag);
}

static int archive_write(void *context, const void *bytes, size_t size)
{
	const struct archive *archive = context;

	return layout_bytes_write(archive->fd, bytes, size);
}

static int member_add(void *context, const char *name, const void *bytes, size_t size)
{
	const struct archive *archive = context;
	int result = tar_file_begin(archive->writer, name, size, archive->created_s);

	return result < 0 ? result : tar_file_write(archive->writer, bytes, size);
}

static int archive_fill(struct archive *archive, const struct pieces *pieces, const char *tag)
{
	_cleanup_(tar_writer) struct tar_writer *writer = tar_writer_new(archive_write, archive);
	const struct layout_sink sink = { member_add, archive };
	mode_t mask = umask(0);
	int result;

	(void)umask(mask);
	if (!writer)
		return -ENOMEM;
	archive->writer = writer;
	result = layout_fill(&sink, pieces, tag);
	if (result == 0)
		result = tar_finish(writer);
	if (result == 0 && fchmod(archive->fd, 0666 & ~mask) < 0)
		result = -errno;
	return result;
}

int layout_archive_write(const char *path, const struct pieces *pieces, const char *tag,
                         int64_t created_s)
{
	char made[PATH_MAX];
	_cleanup_close_ int fd = -1;
	struct archive archive = { .created_s = created_s };
	int result;

	if (snprintf(made, sizeof(made), "%s.XXXXXX", path) >= (int)sizeof(made))
		return -ENAMETOOLONG;
	fd = mkostemp(made, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	archive.fd = fd;
	result = archive_fill(&archive, pieces, tag);
	if (result == 0 && rename(made, path) < 0)
		result = -errno;
	if (result < 0)
		(void)unlink(made);
	return result;
}
