/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What subscribers are told: each change, each refusal, and what others did to what bpfd manages,
 * as one bpfd.v1.Event. Events are numbered whether somebody watches or not, so that a subscriber
 * that comes back knows how many it missed; nothing else is kept.
 */
#ifndef BPFD_FRONTEND_EVENTS_H
#define BPFD_FRONTEND_EVENTS_H

#include "bpfd.pb-c.h"
#include "common/error.h"
#include "frontend/view.h"
#include "proto/channel_fetcher.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENT_KINDS 14 /* numbers of enum bpfd.v1.EventKind, 0 included */

struct frontend;

struct events {
	uint64_t sequence; /* of the last event */
	uint64_t kind_sequences[EVENT_KINDS];
};

/* Who asked for a change, and with which request. */
struct event_origin {
	struct record_peer peer;
	uint8_t request_id[REQUEST_ID_SIZE];
	size_t request_id_size; /* 0: none was given */
};

/* What somebody asked for: whichever of the two ids the request names; the other is 0. */
struct event_request {
	const char *operation; /* "load", "list_programs", ... */
	uint64_t program_id;
	uint64_t link_id;
	const char *image_reference; /* NULL: none */
};

/* The word that an event's kind is known by, and its topic begins with; NULL for a number that is
 * none. */
const char *event_kind_name(uint32_t kind);

/* What somebody asked for, done: `type` is the FRONTEND_ message that asked, LOAD, ATTACH or
 * UPDATE; others are told when their row comes. */
void event_done(struct frontend *frontend, const struct event_origin *origin, uint16_t type,
                const struct frontend_done *done);

/* Somebody asked in vain. */
void event_refused(struct frontend *frontend, const struct event_origin *origin,
                   const struct event_request *request, const struct error *error);

/* What is about to leave the view. `origin` is NULL where nobody asked. */
void event_link_gone(struct frontend *frontend, const struct event_origin *origin,
                     const struct view_link *link);
void event_program_gone(struct frontend *frontend, const struct event_origin *origin,
                        const struct view_program *program);

/* What nobody asked for: new, or in another state. */
void event_link_new(struct frontend *frontend, const struct view_link *link);
void event_link_state(struct frontend *frontend, const struct view_link *link);
void event_program_new(struct frontend *frontend, const struct view_program *program);
void event_program_state(struct frontend *frontend, const struct view_program *program);

/* An image was fetched, or removed from the cache: IMAGE_PULL, IMAGE_REMOVE. */
void event_image(struct frontend *frontend, Bpfd__V1__EventKind kind,
                 const struct event_origin *origin, const char *reference);

/* One is being fetched. */
void event_image_progress(struct frontend *frontend, const struct event_origin *origin,
                          const char *reference, const struct fetcher_progress *progress);

/* Somebody else's program came to, or left, the place of a chain. */
void event_foreign(struct frontend *frontend, bool attached, const struct record_chain *chain,
                   const struct record_chain_entry *entry);

#endif
