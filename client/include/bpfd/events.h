/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpfd: what happens, as it happens. <bpfd/bpfd.h> includes this, and says how errors and texts
 * are to be read.
 */
#ifndef BPFD_EVENTS_H
#define BPFD_EVENTS_H

#include <bpfd/words.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFD_EVENTS_SOCKET_PATH "/run/bpfd/events.sock"

struct bpfd_error;

/* 1 to 99 are bpfd's own (bpfd.v1.EventKind), from 100 on the library's. */
enum bpfd_event_kind {
	BPFD_EVENT_LOAD = 1,
	BPFD_EVENT_UNLOAD = 2,
	BPFD_EVENT_ATTACH = 3,
	BPFD_EVENT_UPDATE = 4,
	BPFD_EVENT_DETACH = 5,
	BPFD_EVENT_REFUSED = 6,        /* somebody asked in vain */
	BPFD_EVENT_LINK_STATE = 7,     /* a link has another state, and nobody asked for that */
	BPFD_EVENT_PROGRAM_STATE = 8,  /* a program has */
	BPFD_EVENT_FOREIGN_ATTACH = 9, /* somebody else put a program where bpfd has links */
	BPFD_EVENT_FOREIGN_DETACH = 10,
	BPFD_EVENT_IMAGE_PROGRESS = 11, /* an image is being fetched: a few times in a second */
	BPFD_EVENT_IMAGE_PULL = 12,     /* one was fetched */
	BPFD_EVENT_IMAGE_REMOVE = 13,
	BPFD_EVENT_MISSED = 100,       /* `missed` events did not come; 0: nobody knows how many */
	BPFD_EVENT_DISCONNECTED = 101, /* bpfd is gone; the connection comes back by itself */
	BPFD_EVENT_CONNECTED = 102     /* the first event; later: bpfd is back */
};

/* What does not apply is 0, false or "". */
struct bpfd_event {
	enum bpfd_event_kind kind;
	uint64_t sequence;
	uint64_t missed;
	uint64_t started_at; /* when the bpfd started that counts the sequence */
	uint64_t time_us;    /* Unix time in microseconds */
	uint64_t program_id;
	uint64_t link_id;
	uint32_t kernel_program_id;
	uint32_t ifindex;
	const char *program_name;
	const char *where;
	const char *reason;          /* why the state is that */
	enum bpfd_program_type type; /* NONE where there is none */
	uint32_t link_state;         /* enum bpfd_link_state, or 0 */
	uint32_t program_state;      /* enum bpfd_program_state, or 0 */
	bool asked;                  /* somebody did: `uid`, `gid`, `pid` say who */
	uint32_t uid, gid, pid;
	bool request_id_set;
	uint8_t request_id[BPFD_REQUEST_ID_SIZE];
	const char *operation;     /* REFUSED: "load", "attach", ..., "watch" */
	uint32_t error_code;       /* REFUSED: enum bpfd_error_code */
	const char *error_message; /* REFUSED */
	const char *image_reference;
	const char *stage;    /* IMAGE_PROGRESS: "resolve", "layer", "signatures", "check" */
	uint64_t done_bytes;  /* IMAGE_PROGRESS: of the stage */
	uint64_t total_bytes; /* IMAGE_PROGRESS; 0: not known */
};

struct bpfd_watch;

/*
 * Connects to the socket of events (NULL: BPFD_EVENTS_SOCKET_PATH) and waits until it is connected:
 * every event from then on comes. `timeout_ms` is for that wait.
 */
int bpfd_watch_open(const char *socket_path, uint32_t timeout_ms, struct bpfd_watch **watch,
                    struct bpfd_error **error);

/*
 * The next event, in order. `timeout_ms` 0 does not wait, a negative one waits for ever. Besides
 * the errors above: -EAGAIN when none came in time, -EINTR when a signal was handled meanwhile;
 * these two set no `error`. One thread at a time.
 */
int bpfd_watch_next(struct bpfd_watch *watch, int timeout_ms, struct bpfd_event **event,
                    struct bpfd_error **error);
void bpfd_event_free(struct bpfd_event *event);

/* Readable (poll(2), epoll(7)) when bpfd_watch_next may have something. The watch's own: only to be
 * waited on. */
int bpfd_watch_fd(const struct bpfd_watch *watch);
void bpfd_watch_close(struct bpfd_watch *watch);

/* "load", "foreign-attach", ...; NULL for a number that has none. */
const char *bpfd_event_kind_name(enum bpfd_event_kind kind);

#ifdef __cplusplus
}
#endif

#endif
