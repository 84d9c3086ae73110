/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/connection.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "frontend/frontend.h"
#include "frontend/policy.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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

static void limit_log(struct connections *connections, const struct record_peer *peer)
{
	if (log_due(&connections->limit_logged_ms))
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
	connection->fetch = NULL;
	connection->discard = DISCARD_NOTHING;
	connection->payer = (struct payer){ .accounts = &frontend->accounts, .account = account };
	connection->body = connection->held = connection->out = (struct buffer){ .bytes = NULL };
	connection->out_sent = 0;
	connection->started_ms = connection->deadline_ms = 0;
	sp_reader_init(&connection->reader, SP_REQUEST);
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

void connection_take(struct frontend *frontend, int accepted_fd)
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
			nearest = deadline_nearer(nearest, connection->deadline_ms);
	}
	connections->deadline_ms = nearest;
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
