/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A listening socket in the loop: accepts, and rests for a moment when the process or the host has
 * no descriptors left. */
#ifndef BPFD_FRONTEND_LISTENER_H
#define BPFD_FRONTEND_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct frontend;

struct listener {
	int fd;
	uint64_t tag;
	uint64_t paused_ms; /* until when nothing is accepted; 0: not paused */
	uint64_t logged_ms; /* when the log was last told; 0: never */
	/* Takes an accepted connection, whose descriptor becomes its own. */
	void (*take)(struct frontend *frontend, int fd);
};

/* Begins to listen. 0 or -errno. */
int listener_start(struct frontend *frontend, struct listener *listener);

/* Accepts what waits. */
void listener_accept(struct frontend *frontend, struct listener *listener);

/* Accepts again once the pause is over. */
void listener_resume(struct frontend *frontend, struct listener *listener, uint64_t now_ms);

/* Accepts no more. */
void listener_stop(struct frontend *frontend, struct listener *listener);

/* True once in a while: whoever causes a line must not be able to fill the log. `logged_ms` is when
 * that was, and 0 before. */
bool log_due(uint64_t *logged_ms);

#endif
