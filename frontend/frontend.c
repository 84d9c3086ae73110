/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/frontend.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "frontend/operations.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS_MAX 64
#define BROKER_PACKETS_MAX 64 /* before somebody else's turn */
#define LARGE_BYTES (128 * 1024)

void frontend_fail(struct frontend *frontend, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (frontend->ended)
		return; /* the first reason is the reason */
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_error("%s", text);
	frontend->ended = true;
	frontend->status = 1;
}

static void frontend_end(struct frontend *frontend)
{
	frontend->ended = true;
	frontend->status = 0;
}

uint64_t frontend_tag(enum frontend_source source, uint16_t slot, uint32_t generation)
{
	return (uint64_t)source << 48 | (uint64_t)slot << 32 | generation;
}

int frontend_watch(struct frontend *frontend, int fd, bool add, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag };

	if (epoll_ctl(frontend->epoll_fd, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
		return -errno;
	return 0;
}

uint64_t frontend_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock cannot fail */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void stop_begin(struct frontend *frontend)
{
	frontend->stopping = true;
	if (frontend->serving) {
		listener_stop(frontend, &frontend->clients);
		listener_stop(frontend, &frontend->watchers);
	}
}

static void launcher_event(struct frontend *frontend)
{
	static struct channel_buffer buffer;
	struct channel_message message;
	uint32_t state = frontend->serving ? LAUNCHER_STATE_RUNNING : LAUNCHER_STATE_STARTING;
	int r = channel_receive(&frontend->launcher, state, &buffer, &message);

	if (r == -EAGAIN)
		return;
	if (r == 0 && message.row->type == LAUNCHER_STOP)
		stop_begin(frontend);
	else if (r == 0 && message.row->type == LAUNCHER_PROCESS &&
	         view_take_process(&frontend->view, message.body) == 0)
		return;
	else if (r == 0 && message.row->type == LAUNCHER_WORKER_GONE)
		fetchers_gone(frontend, message.id, message.body);
	else if (r == 0)
		frontend_fail(frontend, "the launcher sends %s, which a frontend has no use for",
		              message.row->name);
	else
		frontend_fail(frontend, "the launcher's channel ends: %s", strerror(-r));
}

/* The view is complete: from here on clients are served. */
static void serve_begin(struct frontend *frontend)
{
	struct launcher_ready ready = { .landlock_abi = frontend->landlock_abi };
	int r = listener_start(frontend, &frontend->clients);

	if (r == 0)
		r = listener_start(frontend, &frontend->watchers);
	if (r == 0)
		r = channel_send(&frontend->launcher, LAUNCHER_READY, 0, &ready, NULL);
	if (r < 0)
		frontend_fail(frontend, "READY cannot be said: %s", strerror(-r));
	frontend->serving = true;
}

/* Both are told to stop, and the broker may be the faster one. */
static void broker_gone(struct frontend *frontend, int result)
{
	if (!frontend->stopping)
		launcher_event(frontend);
	if (frontend->stopping && !frontend->ended)
		frontend_end(frontend);
	else
		frontend_fail(frontend, "the broker's channel ends: %s", strerror(-result));
}

/* What a packet says. 0, or negative when the broker is broken. */
static int broker_packet(struct frontend *frontend, struct channel_inbox *inbox)
{
	struct channel_message message;

	while (channel_inbox_more(inbox) && !frontend->ended) {
		int r = channel_inbox_next(&frontend->broker, frontend->state, inbox, &message);

		if (r < 0)
			return r;
		broker_message(frontend, &message);
		channel_message_close(&message);
		if (frontend->state == FRONTEND_STATE_READY && !frontend->serving &&
		    !frontend->ended)
			serve_begin(frontend);
	}
	return 0;
}

static void broker_receive(struct frontend *frontend)
{
	static struct channel_inbox inbox;

	for (int i = 0; i < BROKER_PACKETS_MAX && !frontend->ended; i++) {
		int r = channel_inbox_fill(&frontend->broker, &inbox);

		if (r == -EAGAIN)
			return;
		if (r == 0)
			r = broker_packet(frontend, &inbox);
		if (r < 0) {
			broker_gone(frontend, r);
			return;
		}
	}
}

static void event_handle(struct frontend *frontend, const struct epoll_event *event)
{
	uint64_t tag = event->data.u64;

	switch (tag >> 48) {
	case FRONTEND_SOURCE_LAUNCHER:
		launcher_event(frontend);
		break;
	case FRONTEND_SOURCE_BROKER:
		if (event->events & EPOLLOUT)
			changes_flush(frontend);
		if (event->events & ~(uint32_t)EPOLLOUT)
			broker_receive(frontend);
		break;
	case FRONTEND_SOURCE_LISTENER:
		listener_accept(frontend, &frontend->clients);
		break;
	case FRONTEND_SOURCE_EVENTS:
		listener_accept(frontend, &frontend->watchers);
		break;
	case FRONTEND_SOURCE_FETCHER:
		fetchers_event(frontend, (uint16_t)(tag >> 32), (uint32_t)tag);
		break;
	case FRONTEND_SOURCE_SUBSCRIBER:
		subscriber_event(frontend, (uint16_t)(tag >> 32), (uint32_t)tag, event->events);
		break;
	default:
		connection_event(frontend, (uint16_t)(tag >> 32), (uint32_t)tag, event->events);
	}
}

uint64_t deadline_nearer(uint64_t one, uint64_t other)
{
	if (one == 0 || other == 0)
		return one ? one : other;
	return one < other ? one : other;
}

/* Milliseconds until the next deadline, 0 if it has passed, -1 if there is none: as epoll_wait
 * takes it. */
static int loop_timeout_ms(const struct frontend *frontend)
{
	uint64_t nearest = deadline_nearer(frontend->connections.deadline_ms,
	                                   frontend->subscribers.deadline_ms);

	nearest = deadline_nearer(nearest, frontend->clients.paused_ms);
	nearest = deadline_nearer(nearest, frontend->watchers.paused_ms);
	nearest = deadline_nearer(nearest, fetchers_deadline_ms(frontend));
	if (nearest == 0)
		return -1;

	uint64_t now_ms = frontend_now_ms();

	return nearest > now_ms ? (int)(nearest - now_ms) : 0;
}

static void loop_expire(struct frontend *frontend, uint64_t now_ms)
{
	connections_expire(frontend, now_ms);
	subscribers_expire(frontend, now_ms);
	fetchers_expire(frontend, now_ms);
	listener_resume(frontend, &frontend->clients, now_ms);
	listener_resume(frontend, &frontend->watchers, now_ms);
}

static void loop_turn(struct frontend *frontend)
{
	struct epoll_event events[EVENTS_MAX];

	if (frontend->changes.count == 0)
		operations_prepare(frontend);

	int timeout_ms = listings_reading(frontend) ? 0 : loop_timeout_ms(frontend);
	int count = epoll_wait(frontend->epoll_fd, events, EVENTS_MAX, timeout_ms);

	if (count < 0 && errno != EINTR) {
		frontend_fail(frontend, "epoll: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < count && !frontend->ended; i++)
		event_handle(frontend, &events[i]);
	listings_read(frontend);
	fetchers_serve(frontend);
	if (loop_timeout_ms(frontend) == 0)
		loop_expire(frontend, frontend_now_ms());
	if (frontend->stopping && !frontend->ended && !connections_writing(frontend))
		frontend_end(frontend);
}

static int nonblocking_set(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int settings_check(const struct launcher_settings *settings)
{
	if (settings->connections_max == 0 ||
	    settings->connections_max > FRONTEND_CONNECTIONS_LIMIT ||
	    settings->connections_per_uid_max == 0 || settings->send_timeout_ms == 0 ||
	    !channel_text_ok(settings->bpffs_directory, sizeof(settings->bpffs_directory))) {
		log_error("the launcher's settings cannot be: %u connections, %u for each user, %u "
		          "ms to "
		          "send",
		          settings->connections_max, settings->connections_per_uid_max,
		          settings->send_timeout_ms);
		return -EINVAL;
	}
	return 0;
}

static int frontend_open(struct frontend *frontend)
{
	int r = settings_check(&frontend->settings);

	if (r == 0)
		r = nonblocking_set(frontend->broker.fd);
	if (r == 0)
		r = nonblocking_set(frontend->clients.fd);
	if (r == 0)
		r = nonblocking_set(frontend->watchers.fd);
	if (r == 0)
		r = nonblocking_set(frontend->launcher.fd);
	if (r == 0)
		r = connections_init(frontend);
	if (r == 0)
		r = changes_init(frontend);
	if (r < 0)
		return r;
	frontend->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (frontend->epoll_fd < 0)
		return -errno;
	r = frontend_watch(frontend, frontend->launcher.fd, true, EPOLLIN,
	                   frontend_tag(FRONTEND_SOURCE_LAUNCHER, 0, 0));
	if (r == 0)
		r = frontend_watch(frontend, frontend->broker.fd, true, EPOLLIN,
		                   frontend_tag(FRONTEND_SOURCE_BROKER, 0, 0));
	return r;
}

int frontend_run(const struct launcher_settings *settings,
                 const struct frontend_descriptors *descriptors, uint32_t landlock_abi)
{
	static struct frontend frontend;
	int r;

	/* Large blocks go back to the system when they are freed, whatever was freed before. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	frontend.settings = *settings;
	frontend.launcher = (struct channel){ .fd = descriptors->launcher_fd,
		                              .self = CHANNEL_LOWER,
		                              .list = &channel_launcher };
	frontend.broker = (struct channel){ .fd = descriptors->broker_fd,
		                            .self = CHANNEL_UPPER,
		                            .list = &channel_frontend };
	frontend.clients = (struct listener){ .fd = descriptors->listen_fd,
		                              .tag = frontend_tag(FRONTEND_SOURCE_LISTENER, 0, 0),
		                              .take = connection_take };
	frontend.watchers = (struct listener){ .fd = descriptors->events_fd,
		                               .tag = frontend_tag(FRONTEND_SOURCE_EVENTS, 0, 0),
		                               .take = subscriber_take };
	frontend.epoll_fd = frontend.object_fd = -1;
	frontend.landlock_abi = landlock_abi;
	frontend.state = FRONTEND_STATE_STARTING;
	accounts_init(&frontend.accounts, FRONTEND_BUDGET_BYTES);
	arena_init(&frontend.arena, 0);
	fetchers_init(&frontend.fetchers);
	r = frontend_open(&frontend);
	if (r < 0)
		frontend_fail(&frontend, "the frontend cannot start: %s", strerror(-r));
	while (!frontend.ended)
		loop_turn(&frontend);
	return frontend.status;
}
