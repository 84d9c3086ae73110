/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of the store share, and nobody else includes. Results named so are LMDB's: 0,
 * positive errno or MDB_*. */
#ifndef BPFD_BROKER_STORE_PRIVATE_H
#define BPFD_BROKER_STORE_PRIVATE_H

#include "broker/store.h"

#include <lmdb.h>
#include <sys/types.h>

enum store_database {
	STORE_META,
	STORE_PROGRAMS,
	STORE_GLOBALS,
	STORE_LINKS,
	STORE_REQUESTS,      /* request id and uid -> sequence number and answer */
	STORE_REQUEST_ORDER, /* sequence number -> request id and uid */
	STORE_DATABASES
};

struct store {
	MDB_env *env;
	MDB_dbi databases[STORE_DATABASES];
	MDB_txn *transaction; /* the change in progress */
	int failure;          /* of the change in progress: its first */
	bool dirty;           /* the copy may be behind */
	bool marked;          /* the copy is marked as the last one */
	int lock_fd;
	int durable_fd; /* the copy's directory */
	uint64_t next_program;
	uint64_t next_link;
	uint64_t next_request;
	uint64_t copied_program; /* the copy's next_program and next_link, 0 if unknown */
	uint64_t copied_link;
	char directory[128];
	char durable[128];
	char file[160]; /* what messages name: the live file, or the copy while it is looked at */
	const char *remedy; /* what to do when it is damaged */
};

#define STORE_FILE "data.mdb"
#define STORE_COPY_FILE "store.mdb"

/* store.c: opens `path` and reads its head record; only where `make` is true may it be empty, and
 * otherwise a page that it lacks is an error. */
int store_contents_open(struct store *store, const char *path, size_t map_size, bool make,
                        struct error *error);

/* store_copy.c. Opens the copy's directory, and makes the live file from the copy if there is
 * none. */
int store_durable_open(struct store *store, size_t map_size, struct error *error);
/* Takes the mark away; false if there was none. */
bool store_mark_take(struct store *store);
/* Where the last page ends that the store knows. */
off_t store_size(const struct store *store);

MDB_val store_value(const void *data, size_t size);
/* Fills `error` with "<what> the store <file>: <reason>" and returns the negative errno for LMDB's
 * `result`. */
int store_lmdb_errno(int result);
int store_error(const struct store *store, int result, const char *what, struct error *error);

/* Within a change; a failure is remembered and makes the commit fail. */
void store_put(struct store *store, enum store_database database, MDB_val key, MDB_val value);
void store_delete(struct store *store, enum store_database database, MDB_val key);

/* Copies the value of `key`, at most `room` bytes of it, and says how long it is. Within a change
 * or outside. */
int store_read(struct store *store, enum store_database database, MDB_val key, void *out,
               size_t room, size_t *size);
/* The same for the first record whose key is an integer greater than `after`. */
int store_read_next(struct store *store, enum store_database database, uint64_t after,
                    uint64_t *key, void *out, size_t room, size_t *size);

#endif
