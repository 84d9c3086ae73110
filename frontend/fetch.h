/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One client's question for a fetcher: the job, what the fetcher said so far, and what is to become
 * of it. What a fetcher says is a stranger's word: each message is checked before it is kept.
 */
#ifndef BPFD_FRONTEND_FETCH_H
#define BPFD_FRONTEND_FETCH_H

#include "bpfd.pb-c.h"
#include "common/channel.h"
#include "common/error.h"
#include "frontend/account.h"
#include "frontend/events.h"
#include "proto/channel_fetcher.h"
#include "proto/channel_frontend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frontend;
struct connection;
struct fetch;

enum fetch_name { FETCH_LOAD, FETCH_PULL, FETCH_LIST, FETCH_INSPECT, FETCH_VERIFY, FETCH_REMOVE };

/* What a request does with images. */
struct fetch_kind {
	const char *operation; /* as people and events know it */
	/* The fetcher has said DONE and ended: the answer, or what is next. 0 and the fetch is
	 * gone; -errno with `error`. */
	int (*finish)(struct frontend *frontend, struct fetch *fetch, struct error *error);
	enum fetch_name name;
	uint32_t images_least; /* IMAGEs that the fetcher has to send */
	uint32_t images_most;
	bool fetches;  /* from a registry, perhaps */
	bool finishes; /* also when the client is gone */
	bool tells;    /* those who watch, of a refusal: it is no mere question */
};

struct fetch {
	struct fetch *next; /* that waits for a fetcher */
	const struct fetch_kind *kind;
	int connection; /* slot, or CONNECTION_NONE when the client is gone */
	struct event_origin origin;
	struct account *account;
	uint64_t bytes;                   /* charged */
	uint64_t deadline_ms;             /* to have a fetcher, and from then on to be done */
	struct frontend_load_image *load; /* of a load; NULL */
	struct record_image **images;     /* each only as long as what there is: see image_maps() */
	uint32_t image_count;
	uint32_t image_room;
	int object_fd;
	int evidence_fd;
	bool cached;    /* nothing was fetched */
	uint32_t stage; /* the last that was told of */
	uint64_t
		next_event_ms; /* before then no progress is told of, unless the stage is another */
	struct fetcher_job job; /* without the credentials once it was sent */
};

/*
 * A new one for the request, which was checked: `job` is copied. NULL with `error`: too many are
 * under way, or there is no memory.
 */
struct fetch *fetch_new(struct frontend *frontend, struct connection *connection,
                        const Bpfd__V1__Request *request, const struct fetcher_job *job,
                        struct error *error);
/* The connection is gone or busy with something else. */
void fetch_forget_client(struct frontend *frontend, struct fetch *fetch);

/* Wipes and frees it, and tells its connection, if it is still there, that it has none. */
void fetch_free(struct frontend *frontend, struct fetch *fetch);

/* Charges more bytes to the client. 0 or -EDQUOT with `error`. */
int fetch_charge(struct frontend *frontend, struct fetch *fetch, uint64_t bytes,
                 struct error *error);

/*
 * Takes one message of a fetcher that works on it. 0: there is more to come; 1: it is done;
 * -EPROTO: the fetcher lies, with a reason in `error`; another -errno: it failed, with `error` for
 * the client.
 */
int fetch_take(struct frontend *frontend, struct fetch *fetch, struct channel_message *message,
               struct error *error);

/* What a FAILED says. -EIO and `error`; -EPROTO: it lies. */
int fetch_error_take(const struct fetcher_failed *failed, struct error *error);

/* The client gets the error; those who watch are told. The fetch is freed. */
void fetch_fail(struct frontend *frontend, struct fetch *fetch, const struct error *error);

/* It is done: see struct fetch_kind. The fetch is freed, or goes on to the broker. */
void fetch_finish(struct frontend *frontend, struct fetch *fetch);

/* The maps of an image that was kept; its programs are at `programs`. */
const struct record_image_map *image_maps(const struct record_image *image);

/* image_work.c: what becomes of each operation's fetch. */
const struct fetch_kind *fetch_kind_of(const Bpfd__V1__Request *request);

#endif
