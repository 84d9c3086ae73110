/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The store: what bpfd knows about its programs, links and answered requests, in an LMDB
 * environment that the broker alone opens. One change is one transaction: store_begin(), any number
 * of puts and deletes, store_commit(); a put that fails makes the commit fail, so that callers
 * check once. Reads happen between changes, never inside one.
 *
 * The live store lies in the runtime directory, a tmpfs: it lives as long as the programs and links
 * that it tells of, and nobody waits for a disk. What must outlive the boot, the ids above all, is
 * in its copy: one file in the state directory, written after the change.
 */
#ifndef BPFD_BROKER_STORE_H
#define BPFD_BROKER_STORE_H

#include "common/error.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>

/* Address space, not memory and not disk: the file grows as it is written. */
#define STORE_MAP_SIZE ((size_t)1 << 30)
#define STORE_REQUESTS_MAX \
	4096 /* answered requests that are remembered; the oldest is forgotten first */

/*
 * What the ids are raised by when the copy that is restored may be behind: more than are given
 * between two copies, for store_ids_uncopied() says when the next one is urgent.
 */
#define STORE_ID_GAP 1024

struct store;

enum store_operation {
	STORE_OPERATION_LOAD = 1,
	STORE_OPERATION_ATTACH = 2,
	STORE_OPERATION_DETACH = 3,
	STORE_OPERATION_UNLOAD = 4,
	STORE_OPERATION_UPDATE = 5,
	STORE_OPERATION_MAP_SET = 6,
	STORE_OPERATION_MAP_DELETE = 7,
	/* these two change nothing in the store: their answers are not kept */
	STORE_OPERATION_VERIFY = 8,
	STORE_OPERATION_RULES = 9
};

/* The answer that a request got, kept so that its repetition gets the same one. Refusals changed
 * nothing and are not kept. */
struct store_answer {
	uint32_t operation; /* enum store_operation */
	uint32_t count;
	uint64_t ids[LOAD_PROGRAMS_MAX];
};

/*
 * Opens the live store, `directory`/data.mdb. Where there is none it is made from the copy,
 * `durable`/store.mdb, its ids raised by STORE_ID_GAP unless the copy is marked as the last one;
 * where there is no copy either, a new one is made. Takes the mark and a temporary file that a
 * crash left away, and locks `directory` until the store is closed; that nobody else uses `durable`
 * is the launcher's business. -EBUSY when another process has the live store open; -EBADMSG when
 * what is there is no store of bpfd's, is damaged or was written by a newer bpfd; -errno otherwise;
 * `error` says which file and why.
 */
int store_open(const char *directory, const char *durable, size_t map_size, struct store **out,
               struct error *error);
void store_close(struct store *store);

/* True when the copy may lack a change, as it may after store_open(). */
bool store_dirty(const struct store *store);
/* How many ids of one kind the copy does not know to be given, as far as this process can tell. */
uint64_t store_ids_uncopied(const struct store *store);
/*
 * Writes the copy and waits until it is on the disk: 0, and then all that was committed outlives
 * the machine; or -errno with `error` (code STORE), and then the old copy is still there. Not
 * inside a change.
 */
int store_copy(struct store *store, struct error *error);
/* The same where the copy is behind, and marks it as the last one: no id was given after it. The
 * next change takes the mark away. */
int store_copy_last(struct store *store, struct error *error);

/* The ids that the next program and the next link get. Putting a record with an id raises them, for
 * good. */
uint64_t store_next_program(const struct store *store);
uint64_t store_next_link(const struct store *store);
/* Raises them without a record (an id was seen in a left-over pin). Inside a change. */
void store_ids_raise(struct store *store, uint64_t next_program, uint64_t next_link);

void store_begin(struct store *store);
void store_program_put(struct store *store, const struct record_program *program);
void store_program_delete(struct store *store, uint64_t id); /* its globals too */
void store_globals_put(struct store *store, uint64_t program_id,
                       const struct record_globals *globals);
void store_link_put(struct store *store, const struct record_link *link);
void store_link_delete(struct store *store, uint64_t id);
/* A request id of zeros is none: nothing is kept. */
void store_request_put(struct store *store, const uint8_t request_id[REQUEST_ID_SIZE], uint32_t uid,
                       const struct store_answer *answer);
/* Forgets the answer of a change that is taken back. */
void store_request_delete(struct store *store, const uint8_t request_id[REQUEST_ID_SIZE],
                          uint32_t uid);
/*
 * Makes the change, whole: no death of a process undoes it. 0, or -errno with `error` (code STORE),
 * and then nothing of the change happened. -ENOSPC: the file system or the map is full.
 */
int store_commit(struct store *store, struct error *error);
/* Gives the change up instead. */
void store_abort(struct store *store);
/* Writes to the memory that a change writes to, and changes nothing: see common/memory.h. */
void store_touch(struct store *store);

/* 0; -ENOENT; -EBADMSG for a damaged record, which `error` names. */
int store_program_get(struct store *store, uint64_t id, struct record_program *program,
                      struct error *error);
int store_globals_get(struct store *store, uint64_t program_id, struct record_globals *globals,
                      struct error *error);
int store_link_get(struct store *store, uint64_t id, struct record_link *link, struct error *error);
int store_request_get(struct store *store, const uint8_t request_id[REQUEST_ID_SIZE], uint32_t uid,
                      struct store_answer *answer, struct error *error);

/*
 * Walk in ascending order of id from `after` + 1: 0 and the next record, -ENOENT at the end,
 * -EBADMSG. Changes between two steps are allowed.
 */
int store_program_next(struct store *store, uint64_t after, struct record_program *program,
                       struct error *error);
int store_link_next(struct store *store, uint64_t after, struct record_link *link,
                    struct error *error);

#endif
