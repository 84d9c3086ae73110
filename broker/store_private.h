/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of the store share, and nobody else includes. Results named so are LMDB's: 0,
 * positive errno or MDB_*. */
#ifndef BPFD_BROKER_STORE_PRIVATE_H
#define BPFD_BROKER_STORE_PRIVATE_H

#include "broker/store.h"

#include <lmdb.h>

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
	bool dirty;
	int lock_fd;
	uint64_t next_program;
	uint64_t next_link;
	uint64_t next_request;
	char directory[128];
};

MDB_val store_value(const void *data, size_t size);
/* Fills `error` with "<what> <directory>: <reason>" and returns the negative errno for LMDB's
 * `result`. */
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
