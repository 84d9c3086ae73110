/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/objects.h"

#include "common/cleanup.h"
#include "common/memfd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define OBJECTS "objects"
#define NEW "new" /* an object that is being written */
#define NAME_SIZE (2 * DIGEST_SIZE + 1)

static void closedir_cleanup(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

static void name_make(const uint8_t digest[DIGEST_SIZE], char name[NAME_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", digest[i]);
}

/* The digest that a file is named by; false for any other name. */
static bool name_read(const char *name, uint8_t digest[DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(name) != NAME_SIZE - 1 || strspn(name, digits) != NAME_SIZE - 1)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		size_t high = (size_t)(strchr(digits, name[2 * i]) - digits);
		size_t low = (size_t)(strchr(digits, name[2 * i + 1]) - digits);

		digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int objects_open(const char *state_directory, struct error *error)
{
	char path[192];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" OBJECTS, state_directory);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, -errno, ERROR_STORE, "cannot open the directory %s: %s",
		                 path, strerror(errno));
	return fd;
}

/* `size` bytes from the start of the one to the other, without a look at them. */
static int bytes_move(int from_fd, int to_fd, off_t size)
{
	off_t done = 0;

	while (done < size) {
		ssize_t count = sendfile(to_fd, from_fd, &done, (size_t)(size - done));

		if (count < 0)
			return -errno;
		if (count == 0)
			return -EIO; /* it has become shorter */
	}
	return 0;
}

/* Writes the file under another name, flushes it, and gives it its own. */
static int object_write(int directory_fd, const char *name, int object_fd, off_t size)
{
	int result;

	(void)unlinkat(directory_fd, NEW, 0);
	/* the flags are those that the broker's policy allows */
	_cleanup_close_ int fd = openat(directory_fd, NEW,
	                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	result = bytes_move(object_fd, fd, size);
	if (!result && (fsync(fd) < 0 || renameat(directory_fd, NEW, directory_fd, name) < 0 ||
	                fsync(directory_fd) < 0))
		result = -errno;
	if (result)
		(void)unlinkat(directory_fd, NEW, 0);
	return result;
}

int object_keep(int directory_fd, const uint8_t digest[DIGEST_SIZE], int object_fd,
                struct error *error)
{
	char name[NAME_SIZE];
	struct stat status;
	int result;

	name_make(digest, name);
	if (fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (fstat(object_fd, &status) < 0)
		return error_set(error, -errno, ERROR_INTERNAL, "cannot examine the object: %s",
		                 strerror(errno));
	result = object_write(directory_fd, name, object_fd, status.st_size);
	if (result)
		return error_set(error, result, ERROR_STORE,
		                 "cannot keep the object in the state directory, so that it could "
		                 "not be loaded again after a reboot: %s; nothing was loaded",
		                 strerror(-result));
	return 0;
}

static int object_read(int directory_fd, const char *name)
{
	_cleanup_close_ int file_fd =
		openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	int result;

	if (file_fd < 0 || fstat(file_fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size < 1 ||
	    status.st_size > (off_t)OBJECT_SIZE_MAX)
		return -EBADMSG;
	_cleanup_close_ int memfd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (memfd < 0)
		return -errno;
	result = bytes_move(file_fd, memfd, status.st_size);
	if (!result)
		result = memfd_seal(memfd);
	return result ? result : steal_fd(&memfd);
}

int object_open(int directory_fd, const uint8_t digest[DIGEST_SIZE], struct error *error)
{
	char name[NAME_SIZE];
	int fd;

	name_make(digest, name);
	fd = object_read(directory_fd, name);
	if (fd == -ENOENT)
		return error_set(
			error, fd, ERROR_STORE,
			"its object is not in the state directory any more: load it again");
	if (fd < 0)
		return error_set(error, fd, ERROR_STORE,
		                 "its object in the state directory cannot be read (%s): load it "
		                 "again",
		                 strerror(-fd));
	return fd;
}

void object_remove(int directory_fd, const uint8_t digest[DIGEST_SIZE])
{
	char name[NAME_SIZE];

	name_make(digest, name);
	(void)unlinkat(directory_fd, name, 0);
}

int objects_collect(const char *state_directory, int directory_fd,
                    bool (*used)(void *state, const uint8_t digest[DIGEST_SIZE]), void *state)
{
	const struct dirent *entry;
	uint8_t digest[DIGEST_SIZE];
	char path[192];

	(void)snprintf(path, sizeof(path), "%s/" OBJECTS, state_directory);
	_cleanup_(closedir) DIR *directory = opendir(path);

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		bool left_over = strcmp(entry->d_name, NEW) == 0;

		if (name_read(entry->d_name, digest))
			left_over = !used(state, digest);
		if (left_over)
			(void)unlinkat(directory_fd, entry->d_name, 0);
	}
	return 0;
}
