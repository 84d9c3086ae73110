/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Clients' connections. Each works on one request at a time: the next is read when the answer is on
 * its way, so answers come in the order of the requests. Buffers grow with what has really come,
 * are charged to the client's account, and what takes too long is dropped.
 */
#ifndef BPFD_FRONTEND_CONNECTION_H
#define BPFD_FRONTEND_CONNECTION_H

#include "bpfd.pb-c.h"
#include "frontend/buffer.h"
#include "common/sp.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONNECTION_DISCARD_MAX (64ull << 20) /* a longer message ends the connection unanswered */
#define CONNECTION_DENIED_MAX 65536 /* of a message by a client whom the policy allows nothing */
#define CONNECTION_NONE (-1)

struct fetch;
struct frontend;
struct listing;

/* Why a message's body is read and thrown away. */
enum discard { DISCARD_NOTHING, DISCARD_SIZE, DISCARD_BUDGET, DISCARD_DENIED };

struct connection {
	int fd; /* -1: the slot is free */
	uint32_t generation;
	uint16_t slot;
	bool allowed;            /* by the policy */
	uint32_t events;         /* as epoll has them */
	int change;              /* slot in the table of changes, or CONNECTION_NONE */
	struct listing *listing; /* what the kernel has is being read for it; NULL: no */
	struct fetch *fetch;     /* a fetcher works for it, or will; NULL: no */
	int next_free;           /* slot, or CONNECTION_NONE */
	enum discard discard;
	struct record_peer peer;
	struct payer payer;
	struct sp_reader reader;
	struct buffer body; /* the message that is coming, as far as it is kept */
	struct buffer held; /* came behind a request that is still being worked on */
	struct buffer out;  /* the rest of an answer that the client does not take yet */
	size_t out_sent;
	uint64_t started_ms;  /* when the message that is coming, or the answer that is going, was
	                         begun; 0: none */
	uint64_t deadline_ms; /* 0: none */
	uint8_t backtrace_size;
	uint8_t backtrace[SP_BACKTRACE_MAX]; /* of the request that is being worked on */
};

struct connections {
	struct connection *slots;
	size_t slot_count;
	size_t touched; /* slots from here on have never been used: their memory is not there yet */
	size_t count;
	int free_first;
	uint32_t generation;
	uint64_t deadline_ms;     /* the nearest of all, or earlier; 0: none */
	uint64_t limit_logged_ms; /* when the log was last told; 0: never */
};

/* Makes the table. 0 or -ENOMEM. */
int connections_init(struct frontend *frontend);

/* Takes a connection that was accepted, or closes it: the policy and the limits decide. */
void connection_take(struct frontend *frontend, int accepted_fd);

/* Drops what is too late; called when the nearest deadline may have passed. */
void connections_expire(struct frontend *frontend, uint64_t now_ms);

/* True while an answer is still being written to some client. */
bool connections_writing(const struct frontend *frontend);

/* Says hello, and expects the same in time. */
void connection_greet(struct frontend *frontend, struct connection *connection);

/* Handles an epoll event of a connection. */
void connection_event(struct frontend *frontend, uint16_t slot, uint32_t generation,
                      uint32_t events);

/*
 * Sends the answer to the request that the connection works on. What the client does not take at
 * once is kept; a client whose answer is beyond the budget gets an error in its place.
 */
void connection_answer(struct frontend *frontend, struct connection *connection,
                       const Bpfd__V1__Response *response);

/* Goes on with what came behind a request that is now answered. */
void connection_resume(struct frontend *frontend, struct connection *connection);

/* Closes a connection and frees what it holds. Its change, if any, goes on without it. */
void connection_drop(struct frontend *frontend, struct connection *connection, const char *why);

#endif
