/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/listener.h"

#include "common/log.h"
#include "frontend/frontend.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ACCEPTS_MAX 32      /* before somebody else's turn */
#define LOG_PAUSE_MS 60000  /* between two lines of the same kind */
#define ACCEPT_PAUSE_MS 100 /* when the process or the host is out of descriptors or memory */

bool log_due(uint64_t *logged_ms)
{
	uint64_t now_ms = frontend_now_ms();

	if (*logged_ms && now_ms - *logged_ms < LOG_PAUSE_MS)
		return false;
	*logged_ms = now_ms;
	return true;
}

int listener_start(struct frontend *frontend, struct listener *listener)
{
	return frontend_watch(frontend, listener->fd, true, EPOLLIN, listener->tag);
}

void listener_stop(struct frontend *frontend, struct listener *listener)
{
	(void)frontend_watch(frontend, listener->fd, false, 0, listener->tag);
}

/* Without descriptors the waiting client stays readable: the listener is left alone for a moment.
 */
static void accept_pause(struct frontend *frontend, struct listener *listener, int error)
{
	if (log_due(&listener->logged_ms))
		log_warning("no connection can be accepted: %s", strerror(error));
	listener->paused_ms = frontend_now_ms() + ACCEPT_PAUSE_MS;
	if (frontend_watch(frontend, listener->fd, false, 0, listener->tag) < 0)
		frontend_fail(frontend, "epoll: %s", strerror(errno));
}

void listener_resume(struct frontend *frontend, struct listener *listener, uint64_t now_ms)
{
	if (listener->paused_ms == 0 || listener->paused_ms > now_ms)
		return;
	listener->paused_ms = 0;
	if (!frontend->stopping &&
	    frontend_watch(frontend, listener->fd, false, EPOLLIN, listener->tag) < 0)
		frontend_fail(frontend, "epoll: %s", strerror(errno));
}

void listener_accept(struct frontend *frontend, struct listener *listener)
{
	for (int i = 0; i < ACCEPTS_MAX && !frontend->stopping; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			listener->take(frontend, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
			frontend_fail(frontend, "the listening socket: %s", strerror(errno));
		else
			accept_pause(frontend, listener, errno);
		return;
	}
}
