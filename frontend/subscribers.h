/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Those who watch: connections of nng's publish/subscribe protocol, of which this is the publishing
 * side. A subscriber says nothing but its greeting and takes what it can: what does not fit its
 * buffer is dropped for it, whole events, which it sees by the gap in their numbers.
 */
#ifndef BPFD_FRONTEND_SUBSCRIBERS_H
#define BPFD_FRONTEND_SUBSCRIBERS_H

#include "frontend/buffer.h"
#include "common/sp.h"
#include "proto/records.h"

#include <stddef.h>
#include <stdint.h>

#define SUBSCRIBERS_MAX 128
#define SUBSCRIBERS_PER_UID_MAX 32
#define SUBSCRIBERS_ROOT_RESERVE 4         /* beyond the maximum, that root alone may take */
#define SUBSCRIBER_BUFFER_MAX (256u << 10) /* bytes that wait for one subscriber */

struct frontend;

struct subscriber {
	int fd; /* -1: the slot is free */
	uint32_t generation;
	uint32_t events; /* as epoll has them */
	struct record_peer peer;
	struct payer payer;
	struct sp_reader reader;
	struct buffer out; /* what it does not take yet */
	size_t out_sent;
	uint64_t deadline_ms; /* of its greeting; 0: it has come */
	uint64_t dropped;     /* events that did not fit */
};

struct subscribers {
	struct subscriber slots[SUBSCRIBERS_MAX + SUBSCRIBERS_ROOT_RESERVE];
	size_t touched; /* slots from here on have never been used */
	size_t count;
	uint32_t generation;
	uint64_t deadline_ms; /* the nearest of all, or earlier; 0: none */
	uint64_t limit_logged_ms;
	uint64_t slow_logged_ms;
	uint64_t denied_logged_ms;
	uid_t denied_uid; /* the last to be told no */
};

/* Takes a connection that was accepted, or closes it: the policy and the limits decide. From here
 * on it gets every event. */
void subscriber_take(struct frontend *frontend, int accepted_fd);

/* Handles an epoll event of a subscriber. */
void subscriber_event(struct frontend *frontend, uint16_t slot, uint32_t generation,
                      uint32_t events);

/* Sends a message, with its head, to everybody. */
void subscribers_send(struct frontend *frontend, const uint8_t *bytes, size_t size);

/* Drops those whose greeting is too late. */
void subscribers_expire(struct frontend *frontend, uint64_t now_ms);

#endif
