/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/binary.h"

#include "client/lib/error.h"
#include "client/lib/library_cache.h"
#include "client/lib/library_maps.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CACHE_PATH "/etc/ld.so.cache"
#define CACHE_SIZE_MAX (16u << 20)

/* An O_PATH descriptor: nothing is read, and no device or FIFO feels it. */
static int path_open(const char *path, uint32_t container_pid)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	_cleanup_close_ int root_fd = -1;
	char root[32];
	long fd;

	if (!container_pid) {
		int plain_fd = open(path, O_PATH | O_CLOEXEC);

		return plain_fd < 0 ? -errno : plain_fd;
	}
	(void)snprintf(root, sizeof(root), "/proc/%u/root", container_pid);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int file_open(const char *path, uint32_t container_pid)
{
	_cleanup_close_ int path_fd = path_open(path, container_pid);
	struct stat status;
	char self[32];
	int fd;

	if (path_fd < 0)
		return path_fd;
	if (fstat(path_fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -ENODEV;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int error_open(struct bpfd_error **error, int result, const char *path, uint32_t pid)
{
	enum bpfd_error_code code = result == -ENOENT ? BPFD_ERROR_NOT_FOUND
	                            : result == -EACCES || result == -EPERM
	                                    ? BPFD_ERROR_PERMISSION_DENIED
	                                    : BPFD_ERROR_INVALID_ARGUMENT;

	if (pid && result == -ESRCH)
		return error_make(error, result, BPFD_ERROR_NOT_FOUND, "there is no process %u",
		                  pid);
	if (result == -ENODEV || result == -EISDIR)
		return error_make(error, result, code, "\"%s\" is not a regular file", path);
	if (code == BPFD_ERROR_PERMISSION_DENIED && pid)
		return error_make(error, result, code,
		                  "you may not look into process %u's files: ask its user or root, "
		                  "or give path and offset",
		                  pid);
	if (pid)
		return error_make(error, result, code,
		                  "cannot read \"%s\" in the container of process %u: %s", path,
		                  pid, strerror(-result));
	return error_make(error, result, code, "cannot read \"%s\": %s", path, strerror(-result));
}

int binary_open(const char *path, uint32_t container_pid, struct bpfd_error **error)
{
	int fd = file_open(path, container_pid);

	return fd < 0 ? error_open(error, fd, path, container_pid) : fd;
}

/* Whole, or -errno. */
static int cache_read(uint32_t container_pid, uint8_t **bytes, size_t *size)
{
	_cleanup_close_ int fd = file_open(CACHE_PATH, container_pid);
	_cleanup_free_ uint8_t *made = NULL;
	struct stat status;
	ssize_t got;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size > CACHE_SIZE_MAX)
		return -EFBIG;
	made = malloc((size_t)status.st_size + 1);
	if (!made)
		return -ENOMEM;
	got = pread(fd, made, (size_t)status.st_size, 0);
	if (got < 0)
		return -errno;
	*bytes = steal_ptr(&made);
	*size = (size_t)got;
	return 0;
}

static int error_library(struct bpfd_error **error, int result, const char *name, const char *path,
                         const char *other)
{
	switch (result) {
	case -ENOENT:
		return error_make(error, result, BPFD_ERROR_NOT_FOUND,
		                  "there is no library \"%s\" in " CACHE_PATH
		                  ": \"ldconfig -p\" lists those that are; give a path with a '/' "
		                  "for any other file",
		                  name);
	case -ENOTUNIQ:
		return error_make(error, result, BPFD_ERROR_INVALID_ARGUMENT,
		                  "\"%s\" means several libraries, %s and %s: name one of them",
		                  name, path, other);
	default:
		return error_make(error, result, BPFD_ERROR_INVALID_ARGUMENT,
		                  "library \"%s\" cannot be looked up, because " CACHE_PATH
		                  " cannot be used (%s): give its path",
		                  name, strerror(-result));
	}
}

static int cache_lookup(const struct bpfd_symbol_query *query, char **out,
                        struct bpfd_error **error)
{
	const char *path = "", *other = "";
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size = 0;
	int result = cache_read(query->container_pid, &bytes, &size);

	if (result < 0 && query->container_pid && result != -ENOENT)
		return error_open(error, result, CACHE_PATH, query->container_pid);
	if (result == -ENOENT)
		result = -EBADMSG; /* the library may well be there */
	if (result == 0)
		result = library_cache_find(bytes, size, query->binary, &path, &other);
	if (result < 0)
		return error_library(error, result, query->binary, path, other);
	*out = strdup(path);
	return *out ? 0 : error_memory(error);
}

int binary_path_find(const struct bpfd_symbol_query *query, char **path, struct bpfd_error **error)
{
	uint32_t pid = query->pid ? query->pid : query->container_pid;
	int result;

	if (!query->binary || !*query->binary)
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "no program or library is named");
	if (strchr(query->binary, '/')) {
		*path = query->binary[0] == '/' || query->container_pid
		                ? strdup(query->binary)
		                : realpath(query->binary, NULL);
		if (*path)
			return 0;
		return errno == ENOMEM ? error_memory(error)
		                       : error_open(error, -errno, query->binary, 0);
	}
	if (!pid)
		return cache_lookup(query, path, error);
	result = library_maps_find(query->binary, pid, query->container_pid, path, error);
	if (result == -ENOENT && !query->pid) {
		if (error)
			bpfd_error_free(*error);
		return cache_lookup(query, path, error);
	}
	return result;
}
