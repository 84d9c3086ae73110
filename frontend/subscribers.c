/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/subscribers.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "frontend/frontend.h"
#include "frontend/policy.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SLOTS (SUBSCRIBERS_MAX + SUBSCRIBERS_ROOT_RESERVE)

static void subscriber_drop(struct frontend *frontend, struct subscriber *subscriber,
                            const char *why)
{
	log_debug("subscriber of uid %u, pid %u ends: %s; %llu events did not fit its buffer",
	          subscriber->peer.uid, subscriber->peer.pid, why,
	          (unsigned long long)subscriber->dropped);
	buffer_free(&subscriber->payer, &subscriber->out);
	account_unref(&frontend->accounts, subscriber->payer.account);
	(void)close(subscriber->fd);
	subscriber->fd = -1;
	frontend->subscribers.count--;
}

static uint64_t subscriber_tag(const struct frontend *frontend, const struct subscriber *subscriber)
{
	return frontend_tag(FRONTEND_SOURCE_SUBSCRIBER,
	                    (uint16_t)(subscriber - frontend->subscribers.slots),
	                    subscriber->generation);
}

/* Tells epoll what the subscriber waits for. False when it has been dropped. */
static bool subscriber_watch(struct frontend *frontend, struct subscriber *subscriber)
{
	uint32_t events = EPOLLIN | (subscriber->out.bytes ? EPOLLOUT : 0);
	bool add = subscriber->events == 0;

	if (events == subscriber->events)
		return true;
	if (frontend_watch(frontend, subscriber->fd, add, events,
	                   subscriber_tag(frontend, subscriber)) < 0) {
		subscriber_drop(frontend, subscriber, "epoll refuses it");
		return false;
	}
	subscriber->events = events;
	return true;
}

/* How many bytes the socket takes, or -1 when the subscriber has been dropped. */
static ssize_t bytes_send(struct frontend *frontend, struct subscriber *subscriber,
                          const uint8_t *bytes, size_t size)
{
	ssize_t sent = send(subscriber->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent >= 0)
		return sent;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	subscriber_drop(frontend, subscriber, "it takes no events");
	return -1;
}

static void event_dropped(struct frontend *frontend, struct subscriber *subscriber)
{
	if (subscriber->dropped++ == 0 && log_due(&frontend->subscribers.slow_logged_ms))
		log_warning("uid %u, pid %u does not read its events: those that do not fit its "
		            "buffer are dropped",
		            subscriber->peer.uid, subscriber->peer.pid);
}

/* Keeps what the socket does not take: the rest of an event in any case, a whole one if it fits. */
static void event_keep(struct frontend *frontend, struct subscriber *subscriber,
                       const uint8_t *bytes, size_t size, bool whole)
{
	struct buffer *out = &subscriber->out;

	if (subscriber->out_sent) {
		buffer_consume(&subscriber->payer, out, subscriber->out_sent);
		subscriber->out_sent = 0;
	}
	if (out->used + size <= SUBSCRIBER_BUFFER_MAX &&
	    (out->capacity - out->used >= size ||
	     buffer_grow(&subscriber->payer, out, SUBSCRIBER_BUFFER_MAX) == 0) &&
	    buffer_append(&subscriber->payer, out, bytes, size) == 0)
		(void)subscriber_watch(frontend, subscriber);
	else if (whole)
		event_dropped(frontend, subscriber);
	else
		subscriber_drop(frontend, subscriber, "there is no memory for half an event");
}

static void event_send(struct frontend *frontend, struct subscriber *subscriber,
                       const uint8_t *bytes, size_t size)
{
	ssize_t sent = subscriber->out.bytes ? 0 : bytes_send(frontend, subscriber, bytes, size);

	if (sent >= 0 && (size_t)sent < size)
		event_keep(frontend, subscriber, bytes + sent, size - (size_t)sent, sent == 0);
}

void subscribers_send(struct frontend *frontend, const uint8_t *bytes, size_t size)
{
	struct subscribers *subscribers = &frontend->subscribers;

	for (size_t i = 0; i < subscribers->touched; i++) {
		if (subscribers->slots[i].fd >= 0)
			event_send(frontend, &subscribers->slots[i], bytes, size);
	}
}

static void out_flush(struct frontend *frontend, struct subscriber *subscriber)
{
	struct buffer *out = &subscriber->out;
	ssize_t sent = bytes_send(frontend, subscriber, out->bytes + subscriber->out_sent,
	                          out->used - subscriber->out_sent);

	if (sent < 0)
		return;
	subscriber->out_sent += (size_t)sent;
	if (subscriber->out_sent < out->used)
		return;
	buffer_free(&subscriber->payer, out);
	subscriber->out_sent = 0;
	(void)subscriber_watch(frontend, subscriber);
}

/* Its greeting, and nothing behind it. NULL, or why it must go. */
static const char *greeting_take(struct subscriber *subscriber, const uint8_t *bytes, size_t size)
{
	struct sp_step step;

	if (sp_reader_idle(&subscriber->reader))
		return "it sends something, which a subscriber never does";
	if (sp_reader_take(&subscriber->reader, bytes, size, &step) < 0)
		return "it does not speak the protocol of nng's subscribers";
	if (step.used < size)
		return "it sends something behind its greeting";
	if (step.event == SP_EVENT_GREETED)
		subscriber->deadline_ms = 0;
	return NULL;
}

static void input_take(struct frontend *frontend, struct subscriber *subscriber)
{
	uint8_t bytes[64]; /* more than it may ever send */
	ssize_t got = recv(subscriber->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	const char *why = NULL;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		why = got ? strerror(errno) : "it has been closed";
	else
		why = greeting_take(subscriber, bytes, (size_t)got);
	if (why)
		subscriber_drop(frontend, subscriber, why);
}

void subscriber_event(struct frontend *frontend, uint16_t slot, uint32_t generation,
                      uint32_t events)
{
	struct subscriber *subscriber = &frontend->subscribers.slots[slot];

	if (subscriber->fd < 0 || subscriber->generation != generation)
		return; /* dropped by an event before this one */
	if (events & ~(uint32_t)EPOLLOUT)
		input_take(frontend, subscriber);
	if (subscriber->fd >= 0 && subscriber->out.bytes)
		out_flush(frontend, subscriber);
}

/* Root keeps a few places for itself, as with requests. */
static bool room_left(const struct subscribers *subscribers, const struct record_peer *peer)
{
	size_t own = 0;

	for (size_t i = 0; i < subscribers->touched; i++) {
		const struct subscriber *other = &subscribers->slots[i];

		own += other->fd >= 0 && other->peer.uid == peer->uid;
	}
	return own < SUBSCRIBERS_PER_UID_MAX &&
	       subscribers->count < (peer->uid == 0 ? SLOTS : SUBSCRIBERS_MAX);
}

static struct subscriber *slot_take(struct subscribers *subscribers)
{
	size_t slot = 0;

	while (slot < subscribers->touched && subscribers->slots[slot].fd >= 0)
		slot++;
	if (slot == subscribers->touched)
		subscribers->touched++;
	subscribers->count++;
	return &subscribers->slots[slot];
}

static void subscriber_greet(struct frontend *frontend, struct subscriber *subscriber)
{
	uint8_t greeting[SP_GREETING_SIZE];

	sp_greeting_encode(SP_PUBLISH, greeting);

	ssize_t sent = bytes_send(frontend, subscriber, greeting, sizeof(greeting));

	/* a new socket has room for eight bytes */
	if (sent >= 0 && sent != (ssize_t)sizeof(greeting))
		subscriber_drop(frontend, subscriber, "it takes no greeting");
}

static void subscriber_add(struct frontend *frontend, int fd, const struct record_peer *peer,
                           struct account *account)
{
	struct subscribers *subscribers = &frontend->subscribers;
	struct subscriber *subscriber = slot_take(subscribers);

	*subscriber = (struct subscriber){
		.fd = fd,
		.generation = ++subscribers->generation,
		.peer = *peer,
		.payer = { .accounts = &frontend->accounts, .account = account },
		.deadline_ms = frontend_now_ms() + frontend->settings.send_timeout_ms,
	};
	sp_reader_init(&subscriber->reader, SP_SUBSCRIBE);
	subscribers->deadline_ms =
		deadline_nearer(subscribers->deadline_ms, subscriber->deadline_ms);
	if (subscriber_watch(frontend, subscriber))
		subscriber_greet(frontend, subscriber);
}

/* nng tries again and again: whoever is refused is told of once in a while, not each time. */
static void subscriber_deny(struct frontend *frontend, const struct record_peer *peer)
{
	static const struct event_request request = { .operation = "watch" };
	struct subscribers *subscribers = &frontend->subscribers;
	const struct event_origin origin = { .peer = *peer };
	struct error error;

	if (subscribers->denied_uid != peer->uid)
		subscribers->denied_logged_ms = 0;
	subscribers->denied_uid = peer->uid;
	if (!log_due(&subscribers->denied_logged_ms))
		return;
	log_info("audit operation=watch result=denied uid=%u gid=%u pid=%u request=-", peer->uid,
	         peer->gid, peer->pid);
	policy_refuse(frontend->settings.access_gid, peer, request.operation, &error);
	event_refused(frontend, &origin, &request, &error);
}

void subscriber_take(struct frontend *frontend, int accepted_fd)
{
	_cleanup_close_ int fd = accepted_fd;
	struct subscribers *subscribers = &frontend->subscribers;
	struct record_peer peer;
	bool allowed;

	if (policy_peer(fd, frontend->settings.access_gid, &peer, &allowed) < 0)
		return;
	if (!allowed) {
		subscriber_deny(frontend, &peer);
		return;
	}
	if (!room_left(subscribers, &peer)) {
		if (log_due(&subscribers->limit_logged_ms))
			log_warning("subscribers are refused: there are %zu; the last to ask was "
			            "uid %u, pid %u",
			            subscribers->count, peer.uid, peer.pid);
		return;
	}

	struct account *account = account_ref(&frontend->accounts, peer.uid);

	if (account)
		subscriber_add(frontend, steal_fd(&fd), &peer, account);
}

void subscribers_expire(struct frontend *frontend, uint64_t now_ms)
{
	struct subscribers *subscribers = &frontend->subscribers;
	uint64_t nearest = 0;

	for (size_t i = 0; i < subscribers->touched; i++) {
		struct subscriber *subscriber = &subscribers->slots[i];

		if (subscriber->fd < 0 || subscriber->deadline_ms == 0)
			continue;
		if (subscriber->deadline_ms <= now_ms)
			subscriber_drop(frontend, subscriber, "its greeting takes too long");
		else
			nearest = deadline_nearer(nearest, subscriber->deadline_ms);
	}
	subscribers->deadline_ms = nearest;
}
