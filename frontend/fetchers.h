/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The fetchers: processes that the launcher starts when it is asked to, each with a channel to
 * here. While images are asked for, one is kept warm; each serves one job and ends. What they may
 * take of time and number is bounded, and one that dies or breaks its protocol costs its client an
 * error, and nobody else anything.
 */
#ifndef BPFD_FRONTEND_FETCHERS_H
#define BPFD_FRONTEND_FETCHERS_H

#include "common/channel.h"
#include "proto/channel_fetcher.h"
#include "proto/channel_launcher.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FETCHER_SLOTS (IMAGE_FETCHES_MAX + 1)
/* The next one's start would take the processor from the work. */
#define FETCHER_SPARE_DELAY_MS 20
/* Who asks for images asks for more; who does not needs no fetcher in his memory. */
#define FETCHER_KEEP_MS (5 * 60 * 1000)

struct fetch;
struct frontend;

struct fetcher_slot {
	uint64_t id;            /* of its WORKER_START; 0: the slot is free */
	struct channel channel; /* fd -1: nothing more is expected of it but its end */
	enum fetcher_state state;
	struct fetch *fetch;  /* that it works on; NULL */
	uint64_t deadline_ms; /* for what is expected next; 0: none */
};

struct fetchers {
	struct fetcher_slot slots[FETCHER_SLOTS];
	uint64_t ids;
	struct fetch *first; /* that waits, oldest first */
	size_t waiting;
	uint64_t spare_at_ms; /* the next warm one is not started before then, unless somebody waits
	                       */
	uint64_t keep_until_ms; /* a warm one is kept until then, unless one is always ready */
	uint32_t deaths;        /* in a row, without a job */
};

void fetchers_init(struct fetchers *fetchers);

/* Takes a fetch that is to be worked on: it waits until fetchers_serve(). 0, or -EBUSY with
 * `error`: it is still the caller's. */
int fetchers_push(struct frontend *frontend, struct fetch *fetch, struct error *error);

/* The next fetch that may begin, or NULL; and it waits no longer. */
struct fetch *fetchers_next(const struct fetchers *fetchers);
void fetchers_withdraw(struct fetchers *fetchers, struct fetch *fetch);

/* Whether a warm one is wanted though nobody waits. */
bool fetchers_kept(const struct frontend *frontend, uint64_t now_ms);

/* When the next fetcher is to be started; 0: none is wanted. */
uint64_t fetchers_start_ms(const struct frontend *frontend);

/* A fetcher is ended; what it works on fails, or, if it has nothing, the next fetch that waits. */
void fetcher_fail(struct frontend *frontend, struct fetcher_slot *slot, const struct error *error);

/* The client is gone: what nobody wants any more is ended. */
void fetchers_forget_client(struct frontend *frontend, struct fetch *fetch);

/* Gives what waits to fetchers that are warm, and has as many started as are wanted. Once in a turn
 * of the loop. */
void fetchers_serve(struct frontend *frontend);

/* Ends those that have no job: they were told what is true no longer. */
void fetchers_renew(struct frontend *frontend);

/* Handles an epoll event of a fetcher's channel. */
void fetchers_event(struct frontend *frontend, uint16_t slot, uint32_t generation);

/* Takes the launcher's WORKER_GONE. */
void fetchers_gone(struct frontend *frontend, uint64_t id, const struct launcher_worker_gone *gone);

/* The nearest point of time at which something is to be done; 0: none. */
uint64_t fetchers_deadline_ms(const struct frontend *frontend);

/* Ends what is too late. */
void fetchers_expire(struct frontend *frontend, uint64_t now_ms);

#endif
