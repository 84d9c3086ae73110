/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The launcher's core: starts the roles, waits until all are ready, gives up what it no longer
 * needs, starts loaders on the broker's word, and ends everything when one role ends. One thread,
 * one epoll loop, only fixed-size messages.
 */
#ifndef BPFD_LAUNCHER_SUPERVISOR_H
#define BPFD_LAUNCHER_SUPERVISOR_H

#include "common/channel.h"
#include "launcher/process.h"
#include "launcher/users.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <stdint.h>

#define LOADERS_MAX 8   /* that are wanted at one time */
#define LOADER_SLOTS 24 /* with those that were killed and are not yet reaped */

enum role_index { ROLE_OPENER, ROLE_BROKER, ROLE_FRONTEND, ROLE_COUNT };

struct role {
	const char *name;
	pid_t pid; /* 0: does not run */
	bool ready;
	uint32_t landlock_abi;  /* as it said when it was ready */
	struct channel channel; /* the upper end; fd -1 once closed */
};

struct loader {
	pid_t pid;   /* 0: the slot is free */
	uint64_t id; /* of its WORKER_START */
	bool killed;
};

enum supervisor_state { SUPERVISOR_STARTING, SUPERVISOR_RUNNING, SUPERVISOR_STOPPING };

struct supervisor {
	const char *helpers;
	const char *declarations; /* the directory of programs.d; NULL: none */
	struct users users;
	struct launcher_settings settings;
	int listen_fd; /* handed to the frontend, then closed here */
	int events_fd; /* likewise */
	int notify_fd; /* or -1 */
	int null_fd;
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
	struct loader loaders[LOADER_SLOTS];
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

/* Starts the loader whose descriptor 3 is `fd`; one that cannot be started is answered as gone. 0
 * or -EPROTO. */
int loader_start(struct supervisor *supervisor, uint64_t id, int fd);
void loader_kill(struct supervisor *supervisor, uint64_t id);
/* Tells the broker if `pid` was a loader; false if it was none. */
bool loader_reaped(struct supervisor *supervisor, pid_t pid, int wait_status);
void loaders_kill(struct supervisor *supervisor);
bool loaders_run(const struct supervisor *supervisor);

#endif
