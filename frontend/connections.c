/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/connection.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "frontend/frontend.h"
#include "frontend/policy.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ACCEPTS_MAX 32      /* before somebody else's turn */
#define LOG_PAUSE_MS 60000  /* between two lines of the same kind */
#define ACCEPT_PAUSE_MS 100 /* when the process or the host is out of descriptors or memory */

int connections_init(struct frontend *frontend)
{
	struct connections *connections = &frontend->connections;
	size_t count = frontend->settings.connections_max + FRONTEND_ROOT_RESERVE;

	connections->slots = calloc(count, sizeof(*connections->slots));
	if (!connections->slots)
		return -ENOMEM;
	connections->slot_count = count;
	connections->free_first = CONNECTION_NONE;
	return 0;
}

static struct connection *slot_take(struct connections *connections)
{
	struct connection *connection;

	if (connections->free_first != CONNECTION_NONE) {
		connection = &connections->slots[connections->free_first];
		connections->free_first = connection->next_free;
	} else {
		connection = &connections->slots[connections->touched];
		connection->slot = (uint16_t)connections->touched++;
	}
	connections->count++;
	return connection;
}

/* Root keeps a few connections for itself, so that an administrator always gets in. */
static bool room_left(const struct frontend *frontend, const struct record_peer *peer,
                      const struct account *account)
{
	const struct connections *connections = &frontend->connections;

	if (connections->count == connections->slot_count ||
	    account->connections >= frontend->settings.connections_per_uid_max)
		return false;
	return peer->uid == 0 || connections->count < frontend->settings.connections_max;
}

/* True once in a while: whoever causes a line must not be able to fill the log. */
static bool log_now(uint64_t *logged_ms)
{
	uint64_t now_ms = frontend_now_ms();

	if (*logged_ms && now_ms - *logged_ms < LOG_PAUSE_MS)
		return false;
	*logged_ms = now_ms;
	return true;
}

static void limit_log(struct connections *connections, const struct record_peer *peer)
{
	if (log_now(&connections->limit_logged_ms))
		log_warning(
			"connections are refused: %zu are open; the last to ask was uid %u, pid %u",
			connections->count, peer->uid, peer->pid);
}

static void slot_fill(struct frontend *frontend, struct connection *connection, int fd,
                      struct account *account)
{
	connection->fd = fd;
	connection->generation = ++frontend->connections.generation;
	connection->events = EPOLLIN;
	connection->change = CONNECTION_NONE;
	connection->discard = DISCARD_NOTHING;
	connection->payer = (struct payer){ .accounts = &frontend->accounts, .account = account };
	connection->body = connection->held = connection->out = (struct buffer){ .bytes = NULL };
	connection->out_sent = 0;
	connection->started_ms = connection->deadline_ms = 0;
	sp_reader_init(&connection->reader);
}

/* Takes a slot for a client that may come in. The descriptor becomes the slot's. */
static void connection_add(struct frontend *frontend, int fd, const struct record_peer *peer,
                           bool allowed, struct account *account)
{
	struct connection *connection = slot_take(&frontend->connections);

	account->connections++;
	slot_fill(frontend, connection, fd, account);
	connection->peer = *peer;
	connection->allowed = allowed;
	if (frontend_watch(frontend, fd, true, EPOLLIN,
	                   frontend_tag(FRONTEND_SOURCE_CONNECTION, connection->slot,
	                                connection->generation)) < 0) {
		connection_drop(frontend, connection, "epoll refuses it");
		return;
	}
	connection_greet(frontend, connection);
}

static void client_take(struct frontend *frontend, int accepted_fd)
{
	_cleanup_close_ int fd = accepted_fd;
	struct record_peer peer;
	bool allowed;

	if (policy_peer(fd, frontend->settings.access_gid, &peer, &allowed) < 0)
		return;

	struct account *account = account_ref(&frontend->accounts, peer.uid);

	if (!account)
		return;
	if (room_left(frontend, &peer, account)) {
		connection_add(frontend, steal_fd(&fd), &peer, allowed, account);
		return;
	}
	limit_log(&frontend->connections, &peer);
	account_unref(&frontend->accounts, account);
}

/* Without descriptors the waiting client stays readable: the listener is left alone for a moment.
 */
static void accept_pause(struct frontend *frontend, int error)
{
	struct connections *connections = &frontend->connections;

	if (log_now(&connections->pause_logged_ms))
		log_warning("no connection can be accepted: %s", strerror(error));
	connections->accept_paused_ms = frontend_now_ms() + ACCEPT_PAUSE_MS;
	if (frontend_watch(frontend, frontend->listen_fd, false, 0,
	                   frontend_tag(FRONTEND_SOURCE_LISTENER, 0, 0)) < 0)
		frontend_fail(frontend, "epoll: %s", strerror(errno));
}

static void accept_resume(struct frontend *frontend)
{
	frontend->connections.accept_paused_ms = 0;
	if (!frontend->stopping && frontend_watch(frontend, frontend->listen_fd, false, EPOLLIN,
	                                          frontend_tag(FRONTEND_SOURCE_LISTENER, 0, 0)) < 0)
		frontend_fail(frontend, "epoll: %s", strerror(errno));
}

void connections_accept(struct frontend *frontend)
{
	for (int i = 0; i < ACCEPTS_MAX && !frontend->stopping; i++) {
		int fd = accept4(frontend->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_take(frontend, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
			frontend_fail(frontend, "the listening socket: %s", strerror(errno));
		else
			accept_pause(frontend, errno);
		return;
	}
}

static uint64_t nearer(uint64_t one, uint64_t other)
{
	if (one == 0 || other == 0)
		return one ? one : other;
	return one < other ? one : other;
}

void connections_expire(struct frontend *frontend, uint64_t now_ms)
{
	struct connections *connections = &frontend->connections;
	uint64_t nearest = 0;

	for (size_t i = 0; i < connections->touched; i++) {
		struct connection *connection = &connections->slots[i];

		if (connection->fd < 0 || connection->deadline_ms == 0)
			continue;
		if (connection->deadline_ms <= now_ms)
			connection_drop(frontend, connection, "it takes too long");
		else
			nearest = nearer(nearest, connection->deadline_ms);
	}
	connections->deadline_ms = nearest;
	if (connections->accept_paused_ms && connections->accept_paused_ms <= now_ms)
		accept_resume(frontend);
}

int connections_timeout_ms(const struct frontend *frontend)
{
	const struct connections *connections = &frontend->connections;
	uint64_t nearest = nearer(connections->deadline_ms, connections->accept_paused_ms);

	if (nearest == 0)
		return -1;

	uint64_t now_ms = frontend_now_ms();

	return nearest > now_ms ? (int)(nearest - now_ms) : 0;
}

bool connections_writing(const struct frontend *frontend)
{
	for (size_t i = 0; i < frontend->connections.touched; i++) {
		const struct connection *connection = &frontend->connections.slots[i];

		if (connection->fd >= 0 && connection->out.bytes)
			return true;
	}
	return false;
}
