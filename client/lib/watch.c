/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A subscriber: one nng sub0 socket, and one epoll descriptor for what it receives and for the
 * coming and going of its connection.
 */
#include "client/lib/error.h"
#include "client/lib/event.h"
#include "client/lib/transport.h"
#include "common/cleanup.h"

#include <errno.h>
#include <nng/protocol/pubsub0/sub.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define RECONNECT_MIN_MS 100
#define RECONNECT_MAX_MS 1000
#define EVENT_SIZE_MAX 65536
#define QUEUE_EVENTS 1024 /* that nng keeps until they are asked for */

struct bpfd_watch {
	nng_socket socket;
	int epoll_fd;
	int wake_fd;            /* an eventfd: something happened to the connection */
	atomic_uint beginnings; /* of connections */
	atomic_uint ends;
	unsigned beginnings_told;
	unsigned ends_told;
	uint64_t sequence; /* of the last event; 0: none yet */
	uint64_t started_at;
	struct bpfd_event *held; /* comes after what was missed before it */
	struct sockaddr_un address;
};

/* nng calls this from a thread of its own. */
static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct bpfd_watch *watch = argument;

	(void)pipe;
	atomic_fetch_add(event == NNG_PIPE_EV_ADD_POST ? &watch->beginnings : &watch->ends, 1);
	(void)eventfd_write(watch->wake_fd, 1);
}

static int error_nng(int result, struct bpfd_error **error)
{
	if (result == NNG_ENOMEM)
		return error_memory(error);
	return error_make(error, -EIO, BPFD_ERROR_NOT_REACHABLE, "cannot watch bpfd: %s",
	                  nng_strerror(result));
}

static int socket_prepare(struct bpfd_watch *watch)
{
	nng_socket socket = watch->socket;
	char url[sizeof(watch->address.sun_path) + sizeof("ipc://")];
	int result = nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, "", 0);

	(void)snprintf(url, sizeof(url), "ipc://%s", watch->address.sun_path);
	if (result == 0)
		result = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, EVENT_SIZE_MAX);
	if (result == 0)
		result = nng_socket_set_int(socket, NNG_OPT_RECVBUF, QUEUE_EVENTS);
	if (result == 0)
		result = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
	if (result == 0)
		result = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
	if (result == 0)
		result = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, pipe_changed, watch);
	if (result == 0)
		result = nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, pipe_changed, watch);
	if (result == 0)
		result = nng_dial(socket, url, NULL, NNG_FLAG_NONBLOCK);
	return result;
}

static int descriptor_add(const struct bpfd_watch *watch, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int descriptors_prepare(struct bpfd_watch *watch, struct bpfd_error **error)
{
	int received_fd;
	int result = nng_socket_get_int(watch->socket, NNG_OPT_RECVFD, &received_fd);

	if (result != 0)
		return error_nng(result, error);
	result = descriptor_add(watch, received_fd);
	if (result == 0)
		result = descriptor_add(watch, watch->wake_fd);
	if (result < 0)
		return error_make(error, result, BPFD_ERROR_NOT_REACHABLE, "cannot watch: %s",
		                  strerrordesc_np(-result));
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whatever was told through wake_fd is looked at next. */
static void wake_clear(const struct bpfd_watch *watch)
{
	eventfd_t count;

	(void)eventfd_read(watch->wake_fd, &count);
}

static int connection_wait(struct bpfd_watch *watch, uint32_t timeout_ms, struct bpfd_error **error)
{
	uint64_t deadline_ms = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd wait = { .fd = watch->wake_fd, .events = POLLIN };
		uint64_t now = now_ms();
		int result;

		if (atomic_load(&watch->beginnings) > 0)
			return 0;
		if (now >= deadline_ms)
			break;
		(void)poll(&wait, 1, (int)(deadline_ms - now));
		wake_clear(watch);
		result = socket_probe(&watch->address, error);
		if (result < 0)
			return result;
	}
	return error_make(error, -ETIMEDOUT, BPFD_ERROR_NO_ANSWER,
	                  "bpfd gave no connection within %u.%03u s: it has too many who watch, "
	                  "you may not, or what listens at \"%s\" is not bpfd",
	                  timeout_ms / 1000, timeout_ms % 1000, watch->address.sun_path);
}

static int watch_start(struct bpfd_watch *watch, uint32_t timeout_ms, struct bpfd_error **error)
{
	int result = socket_probe(&watch->address, error);

	if (result < 0)
		return result;
	if (watch->epoll_fd < 0 || watch->wake_fd < 0)
		return error_make(error, -EMFILE, BPFD_ERROR_NOT_REACHABLE,
		                  "no descriptors are left to watch with");
	result = nng_sub0_open(&watch->socket);
	if (result != 0)
		return error_nng(result, error);
	result = socket_prepare(watch);
	if (result != 0)
		return error_nng(result, error);
	result = descriptors_prepare(watch, error);
	if (result == 0)
		result = connection_wait(watch, timeout_ms, error);
	(void)eventfd_write(watch->wake_fd, 1); /* CONNECTED is the first event */
	return result;
}

int bpfd_watch_open(const char *socket_path, uint32_t timeout_ms, struct bpfd_watch **watch,
                    struct bpfd_error **error)
{
	const char *path = socket_path ? socket_path : BPFD_EVENTS_SOCKET_PATH;
	struct bpfd_watch *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	made->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = address_fill(path, &made->address, error);
	if (result == 0)
		result = watch_start(made, timeout_ms, error);
	if (result < 0) {
		bpfd_watch_close(made);
		return result;
	}
	*watch = made;
	return 0;
}

void bpfd_watch_close(struct bpfd_watch *watch)
{
	if (!watch)
		return;
	if (watch->socket.id)
		(void)nng_close(watch->socket); /* and its threads are done with the rest */
	close_cleanup(&watch->epoll_fd);
	close_cleanup(&watch->wake_fd);
	bpfd_event_free(watch->held);
	free(watch);
}

int bpfd_watch_fd(const struct bpfd_watch *watch)
{
	return watch->epoll_fd;
}

/* Gives the event out, or first says what is missing before it. */
static int event_give(struct bpfd_watch *watch, struct bpfd_event *got, struct bpfd_event **event,
                      struct bpfd_error **error)
{
	bool restarted = got->started_at != watch->started_at || got->sequence <= watch->sequence;
	bool gap = watch->sequence && (restarted || got->sequence != watch->sequence + 1);
	uint64_t missed = restarted ? 0 : got->sequence - watch->sequence - 1;
	int result;

	watch->sequence = got->sequence;
	watch->started_at = got->started_at;
	if (!gap) {
		*event = got;
		return 0;
	}
	result = event_make(BPFD_EVENT_MISSED, missed, event, error);
	if (result < 0)
		bpfd_event_free(got);
	else
		watch->held = got;
	return result;
}

/* What nng has received. -EAGAIN, without an error: nothing. */
static int received_take(struct bpfd_watch *watch, struct bpfd_event **event,
                         struct bpfd_error **error)
{
	struct bpfd_event *got = NULL;
	nng_msg *received = NULL;
	int result = nng_recvmsg(watch->socket, &received, NNG_FLAG_NONBLOCK);

	if (result == NNG_EAGAIN)
		return -EAGAIN;
	if (result != 0)
		return error_nng(result, error);
	result = event_decode(nng_msg_body(received), nng_msg_len(received), &got, error);
	nng_msg_free(received);
	return got ? event_give(watch, got, event, error) : result;
}

/* What happened to the connection, once everything that was received is told. */
static int connection_tell(struct bpfd_watch *watch, struct bpfd_event **event,
                           struct bpfd_error **error)
{
	unsigned beginnings = atomic_load(&watch->beginnings), ends = atomic_load(&watch->ends);

	if (ends != watch->ends_told) {
		watch->ends_told = ends;
		return event_make(BPFD_EVENT_DISCONNECTED, 0, event, error);
	}
	if (beginnings == watch->beginnings_told)
		return -EAGAIN;
	watch->beginnings_told = beginnings;
	return event_make(BPFD_EVENT_CONNECTED, 0, event, error);
}

/* What is there already. -EAGAIN, without an error: nothing. */
static int event_take(struct bpfd_watch *watch, struct bpfd_event **event,
                      struct bpfd_error **error)
{
	int result;

	if (watch->held) {
		*event = steal_ptr(&watch->held);
		return 0;
	}
	wake_clear(watch);
	result = received_take(watch, event, error);
	if (result == -EAGAIN)
		result = connection_tell(watch, event, error);
	if (result != -EAGAIN) /* there may be more, of which nng does not tell */
		(void)eventfd_write(watch->wake_fd, 1);
	return result;
}

int bpfd_watch_next(struct bpfd_watch *watch, int timeout_ms, struct bpfd_event **event,
                    struct bpfd_error **error)
{
	uint64_t deadline_ms = now_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);

	for (;;) {
		struct pollfd wait = { .fd = watch->epoll_fd, .events = POLLIN };
		int result = event_take(watch, event, error);
		uint64_t now = now_ms();
		int remaining_ms = timeout_ms < 0 ? -1 : (int)(deadline_ms - now);

		if (result != -EAGAIN)
			return result;
		if (timeout_ms >= 0 && now >= deadline_ms)
			return -EAGAIN;
		if (poll(&wait, 1, remaining_ms) < 0)
			return errno == EINTR ? -EINTR
			                      : error_make(error, -errno, BPFD_ERROR_NOT_REACHABLE,
			                                   "cannot wait for events: %s",
			                                   strerrordesc_np(errno));
	}
}
