/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/listener.h"

#include "common/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 1024

static int fail(struct error *error, const char *what, const char *path)
{
	int code = errno;

	return error_set(error, -code, ERROR_KERNEL, "cannot %s the socket %s: %s", what, path,
	                 strerror(code));
}

static int stale_remove(const char *path, struct error *error)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : fail(error, "examine", path);
	if (!S_ISSOCK(status.st_mode))
		return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
		                 "%s exists and is not a socket: remove it", path);
	return unlink(path) < 0 ? fail(error, "remove", path) : 0;
}

int listener_open(const char *path, gid_t gid, mode_t mode, int *out, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = stale_remove(path, error);

	if (result < 0)
		return result;
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(
			error, -ENAMETOOLONG, ERROR_INVALID_ARGUMENT,
			"%s is too long for the name of a socket: set a shorter runtime-directory",
			path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0)
		return fail(error, "make", path);
	/* born as root:root with the final mode, so that it never admits more than it will */
	mode_t umask_before = umask(~mode & 0777);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof(address));

	(void)umask(umask_before);
	if (bound < 0)
		return fail(error, "bind", path);
	if (lchown(path, 0, gid) < 0)
		return fail(error, "change the group of", path);
	if (listen(fd, BACKLOG) < 0)
		return fail(error, "listen on", path);
	*out = steal_fd(&fd);
	return 0;
}
