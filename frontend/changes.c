/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/changes.h"

#include "common/cleanup.h"
#include "frontend/frontend.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

int changes_init(struct frontend *frontend)
{
	struct changes *changes = &frontend->changes;

	changes->slot_count = frontend->connections.slot_count;
	changes->slots = calloc(changes->slot_count, sizeof(*changes->slots));
	if (!changes->slots)
		return -ENOMEM;
	changes->free_first = CONNECTION_NONE;
	changes->waiting_first = CONNECTION_NONE;
	changes->waiting_last = CONNECTION_NONE;
	return 0;
}

static int message_send(struct frontend *frontend, const struct change *change, const void *body,
                        const int descriptors[2])
{
	return channel_send(&frontend->broker, change->type, change->id, body,
	                    descriptors[0] >= 0 ? descriptors : NULL);
}

static void waiting_free(struct change *change)
{
	free(change->waiting.body);
	close_cleanup(&change->waiting.descriptors[0]);
	close_cleanup(&change->waiting.descriptors[1]);
	change->waiting = CHANGE_WAITING_NONE;
}

/* The channel is full: the message is kept until epoll says that it is not. */
static int waiting_add(struct frontend *frontend, int slot, const void *body, int descriptors[2])
{
	struct changes *changes = &frontend->changes;
	struct change *change = &changes->slots[slot];
	size_t size = channel_frontend.rows[change->type - 1].size;

	change->waiting.body = malloc(size);
	if (!change->waiting.body)
		return -ENOMEM;
	memcpy(change->waiting.body, body, size);
	change->waiting.descriptors[0] = steal_fd(&descriptors[0]);
	change->waiting.descriptors[1] = steal_fd(&descriptors[1]);
	change->next = CONNECTION_NONE;
	if (changes->waiting_last == CONNECTION_NONE)
		changes->waiting_first = slot;
	else
		changes->slots[changes->waiting_last].next = slot;
	changes->waiting_last = slot;
	return frontend_watch(frontend, frontend->broker.fd, false, EPOLLIN | EPOLLOUT,
	                      frontend_tag(FRONTEND_SOURCE_BROKER, 0, 0));
}

void changes_flush(struct frontend *frontend)
{
	struct changes *changes = &frontend->changes;

	while (changes->waiting_first != CONNECTION_NONE) {
		struct change *change = &changes->slots[changes->waiting_first];
		int r = message_send(frontend, change, change->waiting.body,
		                     change->waiting.descriptors);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			frontend_fail(frontend, "the broker's channel: %s", strerror(-r));
			return;
		}
		waiting_free(change);
		changes->waiting_first = change->next;
	}
	changes->waiting_last = CONNECTION_NONE;

	int r = frontend_watch(frontend, frontend->broker.fd, false, EPOLLIN,
	                       frontend_tag(FRONTEND_SOURCE_BROKER, 0, 0));
	if (r < 0)
		frontend_fail(frontend, "epoll: %s", strerror(-r));
}

void change_free(struct frontend *frontend, struct change *change)
{
	struct changes *changes = &frontend->changes;

	waiting_free(change);
	fetch_free(frontend, change->fetch);
	change->account->changes--;
	account_refund(&frontend->accounts, change->account, change->bytes);
	account_unref(&frontend->accounts, change->account);
	*change = (struct change){ .next = changes->free_first,
		                   .connection = CONNECTION_NONE,
		                   .waiting = CHANGE_WAITING_NONE };
	changes->free_first = (int)(change - changes->slots);
	changes->count--;
}

void changes_announce(const struct frontend *frontend)
{
	/* a broker that does not take it has enough to do; one that is gone is seen elsewhere */
	if (frontend->changes.waiting_first == CONNECTION_NONE)
		(void)channel_send(&frontend->broker, FRONTEND_LOAD_COMING, 0, NULL, NULL);
}

/* Takes a slot and charges what the change holds. The slot, or -errno with `error`. */
static int change_new(struct frontend *frontend, struct connection *connection, uint16_t type,
                      uint64_t object_size, struct error *error)
{
	struct changes *changes = &frontend->changes;
	bool reused = changes->free_first != CONNECTION_NONE;
	int slot = reused ? changes->free_first : (int)changes->touched;

	if (slot == (int)changes->slot_count ||
	    connection->payer.account->changes >= frontend->settings.connections_per_uid_max)
		return error_set(error, -EBUSY, ERROR_LIMIT,
		                 "too many changes are under way: try again when they are done");
	if (account_charge(&frontend->accounts, connection->payer.account, object_size) < 0)
		return error_set(error, -EDQUOT, ERROR_LIMIT,
		                 "the objects that are being loaded take too much memory together: "
		                 "try again when they are done");

	struct change *change = &changes->slots[slot];

	if (reused)
		changes->free_first = change->next;
	else
		changes->touched++;
	*change = (struct change){
		.id = ++changes->sequence << CHANGE_SLOT_BITS | (uint64_t)slot,
		.type = type,
		.connection = connection->slot,
		.next = CONNECTION_NONE,
		.account = connection->payer.account,
		.bytes = object_size,
		.waiting = CHANGE_WAITING_NONE,
	};
	change->account->references++;
	change->account->changes++;
	changes->count++;
	return slot;
}

#define SAME_HEAD(structure, id)                                                       \
	(sizeof(struct record_peer) == offsetof(struct frontend_remove, request_id) && \
	 offsetof(structure, id) == offsetof(struct frontend_remove, target_id))

_Static_assert(SAME_HEAD(struct frontend_load, program_count) &&
                       SAME_HEAD(struct frontend_load_image, load.program_count) &&
                       SAME_HEAD(struct frontend_attach, program_id) &&
                       SAME_HEAD(struct frontend_update, link_id) &&
                       SAME_HEAD(struct frontend_map_set, entry.program_id) &&
                       SAME_HEAD(struct frontend_map_entry, program_id),
               "every change begins with the same fields");

/* Keeps who asks, and for what. */
static void change_describe(struct change *change, const void *body)
{
	struct frontend_remove asked;

	if (!change_is_told(change->type))
		return;
	memcpy(&asked, body, sizeof(asked));
	change->origin.peer = asked.peer;
	memcpy(change->origin.request_id, asked.request_id, sizeof(asked.request_id));
	change->origin.request_id_size = sizeof(asked.request_id);
	change->target_id = change_is_load(change->type) ? 0 : asked.target_id;
}

/* A load is a load, whatever it is from. */
static bool same_kind(uint16_t type, uint16_t wanted)
{
	return type == wanted || (change_is_load(type) && change_is_load(wanted));
}

const struct event_origin *change_origin(const struct frontend *frontend, uint16_t type,
                                         uint64_t target_id)
{
	const struct changes *changes = &frontend->changes;
	const struct change *first = NULL;

	for (size_t i = 0; i < changes->touched; i++) {
		const struct change *change = &changes->slots[i];

		if (change->id && same_kind(change->type, type) && change->target_id == target_id &&
		    (!first || change->id < first->id))
			first = change;
	}
	return first ? &first->origin : NULL;
}

/* The descriptors become this function's, unless it fails. */
static int change_begin(struct frontend *frontend, struct connection *connection, uint16_t type,
                        const void *body, int descriptors[2], uint64_t size, struct error *error)
{
	int slot = change_new(frontend, connection, type, size, error);

	if (slot < 0)
		return slot;

	struct changes *changes = &frontend->changes;
	struct change *change = &changes->slots[slot];
	int r = -EAGAIN;

	change_describe(change, body);
	if (changes->waiting_first == CONNECTION_NONE)
		r = message_send(frontend, change, body, descriptors);
	if (r == -EAGAIN)
		r = waiting_add(frontend, slot, body, descriptors);
	if (r == -ENOMEM) {
		change_free(frontend, change);
		return error_set(error, r, ERROR_LIMIT, "bpfd has no memory left: try again");
	}
	if (r < 0)
		frontend_fail(frontend, "the broker's channel: %s", strerror(-r));
	connection->change = slot;
	return slot;
}

int change_ask(struct frontend *frontend, struct connection *connection, uint16_t type,
               const void *body, int object_fd, uint64_t object_size, struct error *error)
{
	int descriptors[2] = { object_fd, -1 };
	int r = change_begin(frontend, connection, type, body, descriptors, object_size, error);

	close_cleanup(&descriptors[0]); /* a copy of it is on its way */
	return r < 0 ? r : 0;
}

int change_ask_image(struct frontend *frontend, struct fetch *fetch, uint16_t type,
                     const void *body, struct error *error)
{
	struct connection *connection = &frontend->connections.slots[fetch->connection];
	int descriptors[2] = { fetch->object_fd, fetch->evidence_fd };
	int slot = change_begin(frontend, connection, type, body, descriptors, 0, error);

	if (slot < 0)
		return slot;
	/* what waits for the broker is the change's now; what was sent is needed no more */
	close_cleanup(&descriptors[0]);
	close_cleanup(&descriptors[1]);
	fetch->object_fd = fetch->evidence_fd = -1;
	fetch_forget_client(frontend, fetch);
	frontend->changes.slots[slot].fetch = fetch;
	frontend->changes.slots[slot].origin = fetch->origin;
	return 0;
}

void change_forget_client(struct frontend *frontend, int slot)
{
	frontend->changes.slots[slot].connection = CONNECTION_NONE;
}
