/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/notify.h"

#include "common/cleanup.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A path, or '@' and a name in the abstract namespace. 0 if it is neither. */
static socklen_t address_make(const char *name, struct sockaddr_un *out)
{
	size_t length = strlen(name);
	size_t head = offsetof(struct sockaddr_un, sun_path);

	if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(out->sun_path))
		return 0;
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	memcpy(out->sun_path, name, length);
	if (name[0] == '/')
		return (socklen_t)(head + length + 1);
	out->sun_path[0] = '\0';
	return (socklen_t)(head + length);
}

int notify_open(int *out, struct error *error)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;

	if (!name) {
		*out = -1;
		return 0;
	}
	socklen_t length = address_make(name, &address);

	if (!length)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"NOTIFY_SOCKET is neither a path nor an abstract name that fits a socket");
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, length) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "cannot connect to NOTIFY_SOCKET %s: %s", name, strerror(errno));
	(void)unsetenv("NOTIFY_SOCKET");
	*out = steal_fd(&fd);
	return 0;
}

void notify_send(int fd, const char *text)
{
	if (fd >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}
