/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The launcher's core: starts the roles, waits until all are ready, gives up what it no longer
 * needs, starts workers on the broker's and the frontend's word, and ends everything when one role
 * ends. One thread, one epoll loop, only fixed-size messages.
 */
#ifndef BPFD_LAUNCHER_SUPERVISOR_H
#define BPFD_LAUNCHER_SUPERVISOR_H

#include "common/channel.h"
#include "launcher/process.h"
#include "launcher/users.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKER_SLOTS 72 /* of all kinds, with those that were killed and are not yet reaped */

enum role_index { ROLE_OPENER, ROLE_BROKER, ROLE_FRONTEND, ROLE_COUNT };

struct role {
	const char *name;
	pid_t pid; /* 0: does not run */
	bool ready;
	uint32_t landlock_abi;  /* as it said when it was ready */
	struct channel channel; /* the upper end; fd -1 once closed */
};

struct worker {
	pid_t pid;     /* 0: the slot is free */
	uint32_t kind; /* enum worker_kind */
	uint64_t id;   /* of its WORKER_START; each role that asks has ids of its own */
	bool killed;
};

enum supervisor_state { SUPERVISOR_STARTING, SUPERVISOR_RUNNING, SUPERVISOR_STOPPING };

struct supervisor {
	const char *helpers;
	const char *declarations; /* the directory of programs.d; NULL: none */
	const char *policy;       /* the directory of policy.d; NULL: images are switched off */
	const char *trusted_root; /* a file; empty: none */
	struct users users;
	struct launcher_settings settings;
	int listen_fd;  /* handed to the frontend, then closed here */
	int events_fd;  /* likewise */
	int latency_fd; /* handed to the broker, then closed here; or -1 */
	int notify_fd;  /* or -1 */
	int null_fd;
	int worker_settings[WORKER_KIND_END]; /* the sealed memfds for kinds that have one; -1:
	                                         this kind is not started */
	uint32_t start_timeout_ms;
	uint32_t stop_timeout_ms;
	/* Gives up privileges once all roles are ready. 0 or -errno with `error`. */
	int (*confine)(const struct supervisor *supervisor, struct error *error);

	/* the supervisor's own */
	enum supervisor_state state;
	int exit_status;
	int epoll_fd;
	int signal_fd;
	uint64_t deadline_ms;        /* CLOCK_MONOTONIC, of starting and of stopping; 0: none */
	uint64_t closed_deadline_ms; /* of roles that closed their channel but run; 0: none */
	struct role roles[ROLE_COUNT];
	struct worker workers[WORKER_SLOTS];
	pid_t declare_pid; /* 0: does not run */
};

/*
 * Runs until everything has ended; reads signals through a descriptor, so they are blocked
 * meanwhile. Returns the exit status: 0 after SIGTERM or SIGINT, 1 after a failure, which is in the
 * log.
 */
int supervisor_run(struct supervisor *supervisor);

/* The pieces of supervisor_run(), each in a file of its own. */

/* Makes the channels and starts every role. 0 or -errno with `error`. */
int roles_start(struct supervisor *supervisor, struct error *error);

/* Asks every role to end; `exit_status` is that of the first call. */
void supervisor_stop(struct supervisor *supervisor, int exit_status);

/* Takes one message from the role, as far as one is there. 0; -EPIPE when its end is closed;
 * -EPROTO. */
int role_receive(struct supervisor *supervisor, struct role *role);

/*
 * Starts the worker whose descriptor 3 is `fd`; one that cannot be started is answered as gone. 0,
 * or -EPROTO where this role has no business with this kind, or uses an id twice.
 */
int worker_start(struct supervisor *supervisor, enum role_index asker, uint64_t id, uint32_t kind,
                 int fd);
/* Ends one that this role had started. */
void worker_kill(struct supervisor *supervisor, enum role_index asker, uint64_t id);
/* Tells who asked for it if `pid` was a worker; false if it was none. */
bool worker_reaped(struct supervisor *supervisor, pid_t pid, int wait_status);
void workers_kill(struct supervisor *supervisor);

/* Reads policy.d again, for verifiers that are started from now on. Where that fails the rules stay
 * as they were. */
void rules_read_again(struct supervisor *supervisor, struct launcher_rules *out);
bool workers_run(const struct supervisor *supervisor);

#endif
