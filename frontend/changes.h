/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Changes under way at the broker: what was asked, for whom, and what waits to be sent because the
 * broker's channel is full. A change outlives its client; its answer is then dropped.
 */
#ifndef BPFD_FRONTEND_CHANGES_H
#define BPFD_FRONTEND_CHANGES_H

#include "common/channel.h"
#include "common/error.h"
#include "frontend/account.h"
#include "frontend/events.h"
#include "proto/channel_frontend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frontend;
struct connection;
struct fetch;

/* A message that the broker's channel has not taken yet. */
struct change_waiting {
	void *body;
	int descriptors[2]; /* the object, the evidence; or -1 */
};

#define CHANGE_WAITING_NONE                \
	((struct change_waiting){          \
		.descriptors = { -1, -1 }, \
	})

#define CHANGE_SLOT_BITS 16 /* of a change's id: its slot */

struct change {
	uint64_t id;    /* 0: the slot is free */
	uint16_t type;  /* enum frontend_message: LOAD, ATTACH, UPDATE, DETACH, UNLOAD, ... */
	int connection; /* slot, or CONNECTION_NONE when the client is gone */
	int next;       /* in the free list, or in the queue of those that wait */
	struct event_origin origin;
	uint64_t target_id; /* the program of ATTACH and UNLOAD, the link of UPDATE and DETACH; 0 */
	struct account *account;
	uint64_t bytes;      /* of the object, charged until the answer */
	struct fetch *fetch; /* that the image came by; NULL */
	struct change_waiting waiting;
};

struct changes {
	struct change *slots;
	size_t slot_count;
	size_t touched; /* slots from here on have never been used */
	size_t count;   /* under way */
	uint64_t sequence;
	int free_first;
	int waiting_first;
	int waiting_last;
};

/* Makes the table. 0 or -ENOMEM. */
int changes_init(struct frontend *frontend);

/*
 * Asks the broker for a change on behalf of a connection. `object_fd` is the sealed object of a
 * LOAD (it becomes this function's), else -1; `object_size` is charged to the client. 0, or a
 * negative errno with `error` for the client.
 */
int change_ask(struct frontend *frontend, struct connection *connection, uint16_t type,
               const void *body, int object_fd, uint64_t object_size, struct error *error);

/* Tells the broker that a load is likely to follow: processors wake up meanwhile. */
void changes_announce(const struct frontend *frontend);

/*
 * The same for LOAD_IMAGE and VERIFY_IMAGE: the connection, the object and the evidence are the
 * fetch's, which becomes the change's unless this fails.
 */
int change_ask_image(struct frontend *frontend, struct fetch *fetch, uint16_t type,
                     const void *body, struct error *error);

/* Gives a change's slot and all it holds back. */
void change_free(struct frontend *frontend, struct change *change);

/* Whether those who watch are told what came of it; and whether it loads something. */
bool change_is_told(uint16_t type);
bool change_is_load(uint16_t type);

/* Who asked first for a change that is under way; NULL: nobody. `target_id` is 0 for LOAD. */
const struct event_origin *change_origin(const struct frontend *frontend, uint16_t type,
                                         uint64_t target_id);

/* Sends what waits, as far as the channel takes it. */
void changes_flush(struct frontend *frontend);

/* Forgets a change's client. */
void change_forget_client(struct frontend *frontend, int slot);

/* Takes one message of the broker: a row for the view or the answer to a change. */
void broker_message(struct frontend *frontend, struct channel_message *message);

#endif
