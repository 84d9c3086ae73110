/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The frontend's loop: one thread, one epoll set; clients' connections on one side, the broker's
 * channel on the other, the launcher's above. It holds no privilege and trusts no client.
 */
#ifndef BPFD_FRONTEND_FRONTEND_H
#define BPFD_FRONTEND_FRONTEND_H

#include "frontend/account.h"
#include "frontend/arena.h"
#include "frontend/changes.h"
#include "frontend/connection.h"
#include "frontend/events.h"
#include "frontend/fetch.h"
#include "frontend/fetchers.h"
#include "frontend/listener.h"
#include "frontend/subscribers.h"
#include "frontend/listing.h"
#include "frontend/view.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <stdint.h>

/* What clients' requests and answers may take of memory, beside what one request takes while it is
 * worked on. */
#define FRONTEND_BUDGET_BYTES (128ull << 20)
#define FRONTEND_CONNECTIONS_LIMIT 16384 /* settings may ask for no more */
#define FRONTEND_ROOT_RESERVE 8 /* connections beyond the maximum that root alone may take */

struct frontend {
	struct launcher_settings settings;
	struct channel launcher;
	struct channel broker;
	struct listener clients;
	struct listener watchers;
	int epoll_fd;
	uint32_t landlock_abi;
	enum frontend_state state;
	bool serving;  /* READY has been sent */
	bool stopping; /* STOP has come: nothing new is begun */
	bool ended;    /* the loop is to be left, with `status` */
	int status;
	struct view view;
	struct accounts accounts;
	struct connections connections;
	struct changes changes;
	struct events events;
	struct subscribers subscribers;
	struct fetchers fetchers;
	struct listing *listings; /* whose iterators are being read */
	struct arena arena;
	int object_fd; /* an empty memfd for the next object, or -1 */
};

/* Descriptors of the role; they stay the caller's. */
struct frontend_descriptors {
	int launcher_fd;
	int broker_fd;
	int listen_fd;
	int events_fd;
};

/*
 * Serves until the launcher says STOP, or until something breaks that cannot be lived without. Logs
 * why. Returns the exit status: 0 after STOP, else 1. The caller then ends with _exit. One call per
 * process: buffers are static.
 */
int frontend_run(const struct launcher_settings *settings,
                 const struct frontend_descriptors *descriptors, uint32_t landlock_abi);

/* Leaves the loop with exit status 1 after a log line. */
void frontend_fail(struct frontend *frontend, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What an epoll event belongs to: the kind, and for connections, subscribers and fetchers their
 * slot and generation. */
enum frontend_source {
	FRONTEND_SOURCE_LAUNCHER = 1,
	FRONTEND_SOURCE_BROKER = 2,
	FRONTEND_SOURCE_LISTENER = 3,
	FRONTEND_SOURCE_CONNECTION = 4,
	FRONTEND_SOURCE_EVENTS = 5,
	FRONTEND_SOURCE_SUBSCRIBER = 6,
	FRONTEND_SOURCE_FETCHER = 7
};

/* Adds, changes or removes (events 0 with `add` false keeps it registered and silent) a descriptor.
 * 0 or -errno. */
int frontend_watch(struct frontend *frontend, int fd, bool add, uint32_t events, uint64_t tag);

uint64_t frontend_tag(enum frontend_source source, uint16_t slot, uint32_t generation);

/* Milliseconds of a clock that only goes forward. */
uint64_t frontend_now_ms(void);

/* The nearer one of two points of time, of which 0 is none. */
uint64_t deadline_nearer(uint64_t one, uint64_t other);

#endif
