/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tcx and netkit: what their row in attach_type(), the move of a link and the monitor share. */
#ifndef BPFD_BROKER_ATTACH_TCX_H
#define BPFD_BROKER_ATTACH_TCX_H

#include "broker/attach.h"
#include "broker/tcx.h"
#include "broker/tcx_relay.h"
#include "proto/records.h"

/* The hook of a type (tcx or netkit) that a checked target names. */
struct tcx_hook tcx_hook_of(uint32_t type, const struct record_target *target);

/* What runs at the link's hook: 0 or -errno as of tcx_query(). */
int tcx_link_query(struct attach_context *context, const struct record_link *link,
                   struct tcx_order *out);

/* Where a link goes that shall be `own`, and what it is to run. */
struct tcx_newcomer {
	struct chain_member own;
	uint32_t leaves; /* kernel id of the program that it comes in place of; 0: of none */
	/* By the side of the place that it leaves on which its own is; without such a place, the
	 * first. */
	int program_fds[TCX_SIDES];
	enum tcx_side side; /* out: which of them */
};

/* Makes a link at the right place among bpfd's. Its descriptor, or -errno as of
 * tcx_link_create(). */
int tcx_link_place(struct attach_context *context, const struct record_link *link,
                   struct tcx_newcomer *newcomer);

/* Turns what tcx_link_place() and its likes returned into a message. */
int tcx_error(struct error *error, int result, const struct record_link *link);

/*
 * Moves the link, pinned and opened as `link_fd`, to where its priority says, and puts `program`
 * behind it, for each packet in one step. On failure it is as it was.
 */
int tcx_move(struct attach_context *context, const struct record_program *program, int program_fd,
             int link_fd, struct record_link *link, struct error *error);

/* Ends a move that a crash cut short: the link is whole then, at the place where it was, with
 * `program`, or where it was to go. Nothing to be ended is no error. */
int tcx_move_end(struct attach_context *context, int program_fd, const struct record_link *link,
                 struct error *error);

/* What runs there, as the broker reports it: programs that are no member's are foreign. */
void tcx_record(uint32_t type, const struct record_target *target, const struct tcx_order *order,
                const struct chain_member *members, size_t count, struct record_chain *record);

#endif
