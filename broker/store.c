/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/store_private.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <fcntl.h>
#include <string.h>

#define STORE_MAGIC 0x6266706453746f72ULL /* "bfpdStor" */
#define STORE_SCHEMA 1u

/* The one record of the database "meta". */
struct store_meta {
	uint64_t magic;
	uint32_t schema;
	uint32_t reserved;
	uint64_t next_program;
	uint64_t next_link;
	uint64_t next_request;
};

static const uint64_t meta_key;

MDB_val store_value(const void *data, size_t size)
{
	return (MDB_val){ .mv_size = size, .mv_data = (void *)(uintptr_t)data };
}

static const char *lmdb_reason(int result)
{
	switch (result) {
	case MDB_MAP_FULL:
		return "the store has reached its largest size";
	case ENOSPC:
	case EDQUOT:
		return "the store's disk is full: free some space in it";
	case EIO:
		return "the store's disk is full or fails to write (input/output error)";
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return "the file data.mdb there is no store of bpfd's: move it away";
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
		return "the file data.mdb there is damaged: move it away to start with an empty "
		       "store";
	default:
		return mdb_strerror(result);
	}
}

static int lmdb_errno(int result)
{
	if (result > 0)
		return -result;
	if (result == MDB_MAP_FULL)
		return -ENOSPC;
	return result == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
}

int store_error(const struct store *store, int result, const char *what, struct error *error)
{
	return error_set(error, lmdb_errno(result), ERROR_STORE, "%s %s: %s", what,
	                 store->directory, lmdb_reason(result));
}

/*
 * A lock that a forked child does not inherit, unlike flock(2): a gate that outlives its broker by
 * a moment must not keep the next one out. It is on a file of its own because closing any
 * descriptor of a locked file would drop it.
 */
static int lock_take(struct store *store, struct error *error)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/lock", store->directory);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0) {
		int saved = errno;

		return error_set(error, -saved, ERROR_STORE, "cannot open %s: %s", path,
		                 strerror(saved));
	}
	if (fcntl(store->lock_fd, F_SETLK, &lock) < 0)
		return error_set(
			error, -EBUSY, ERROR_STORE,
			"another bpfd uses the store in %s: stop it first, or configure another "
			"state directory",
			store->directory);
	return 0;
}

/*
 * NOLOCK: one process, one thread, and no read is open during a write. NOMETASYNC: a commit flushes
 * its data, the page that makes it current is flushed with the next one or by store_sync(), which
 * the loop calls when it is idle: a crash of the machine (not of bpfd) may undo the last change of
 * that second, whole; everything in the kernel is then gone too. A gate, being a fork, inherits the
 * read-only view of the file, never its descriptors; nothing in it is secret.
 */
static int environment_open(struct store *store, size_t map_size)
{
	int result = mdb_env_create(&store->env);

	if (result)
		return result;
	result = mdb_env_set_maxdbs(store->env, STORE_DATABASES);
	if (!result)
		result = mdb_env_set_mapsize(store->env, map_size);
	if (!result)
		result =
			mdb_env_open(store->env, store->directory,
		                     MDB_NOLOCK | MDB_NOMETASYNC | MDB_NOTLS | MDB_NORDAHEAD, 0600);
	return result;
}

static int databases_open(struct store *store)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} rows[STORE_DATABASES] = {
		[STORE_META] = { "meta", MDB_INTEGERKEY },
		[STORE_PROGRAMS] = { "programs", MDB_INTEGERKEY },
		[STORE_GLOBALS] = { "globals", MDB_INTEGERKEY },
		[STORE_LINKS] = { "links", MDB_INTEGERKEY },
		[STORE_REQUESTS] = { "requests", 0 },
		[STORE_REQUEST_ORDER] = { "request_order", MDB_INTEGERKEY },
	};
	MDB_txn *transaction;
	int result = mdb_txn_begin(store->env, NULL, 0, &transaction);

	if (result)
		return result;
	for (size_t i = 0; i < STORE_DATABASES && !result; i++)
		result = mdb_dbi_open(transaction, rows[i].name, rows[i].flags | MDB_CREATE,
		                      &store->databases[i]);
	if (result) {
		mdb_txn_abort(transaction);
		return result;
	}
	return mdb_txn_commit(transaction);
}

static void meta_put(struct store *store)
{
	struct store_meta meta = {
		.magic = STORE_MAGIC,
		.schema = STORE_SCHEMA,
		.next_program = store->next_program,
		.next_link = store->next_link,
		.next_request = store->next_request,
	};

	store_put(store, STORE_META, store_value(&meta_key, sizeof(meta_key)),
	          store_value(&meta, sizeof(meta)));
}

/* Marks a new store as bpfd's. */
static int meta_create(struct store *store, struct error *error)
{
	store_begin(store);
	return store_commit(store, error);
}

static int meta_read(struct store *store, struct error *error)
{
	struct store_meta meta;
	size_t size = 0;
	int result = store_read(store, STORE_META, store_value(&meta_key, sizeof(meta_key)), &meta,
	                        sizeof(meta), &size);

	if (result == MDB_NOTFOUND)
		return meta_create(store, error);
	if (result)
		return store_error(store, result, "cannot read the store in", error);
	if (size != sizeof(meta) || meta.magic != STORE_MAGIC || meta.schema == 0)
		return error_set(error, -EBADMSG, ERROR_STORE,
		                 "the store in %s is damaged: its head record is not one of "
		                 "bpfd's; move the "
		                 "directory's content away to start with an empty store",
		                 store->directory);
	if (meta.schema > STORE_SCHEMA)
		return error_set(error, -EBADMSG, ERROR_STORE,
		                 "the store in %s was written by a newer bpfd (format %u, this one "
		                 "knows %u): "
		                 "install that version again",
		                 store->directory, meta.schema, STORE_SCHEMA);
	store->next_program = meta.next_program;
	store->next_link = meta.next_link;
	store->next_request = meta.next_request;
	return 0;
}

static int contents_open(struct store *store, size_t map_size, struct error *error)
{
	int result = environment_open(store, map_size);

	if (!result)
		result = databases_open(store);
	if (result)
		return store_error(store, result, "cannot open the store in", error);
	return meta_read(store, error);
}

int store_open(const char *directory, size_t map_size, struct store **out, struct error *error)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return error_set(error, -ENOMEM, ERROR_STORE, "no memory for the store");
	store->next_program = store->next_link = store->next_request = 1;
	store->lock_fd = -1;
	(void)snprintf(store->directory, sizeof(store->directory), "%s", directory);

	int result = lock_take(store, error);

	if (!result)
		result = contents_open(store, map_size, error);
	if (result) {
		store_close(store);
		return result;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_abort(store);
	if (store->env) {
		(void)store_sync(store);
		mdb_env_close(store->env);
	}
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	free(store);
}

bool store_dirty(const struct store *store)
{
	return store->dirty;
}

int store_sync(struct store *store)
{
	if (!store->dirty)
		return 0;

	int result = mdb_env_sync(store->env, 1);

	if (result)
		return lmdb_errno(result);
	store->dirty = false;
	return 0;
}

uint64_t store_next_program(const struct store *store)
{
	return store->next_program;
}

uint64_t store_next_link(const struct store *store)
{
	return store->next_link;
}

void store_ids_raise(struct store *store, uint64_t next_program, uint64_t next_link)
{
	if (next_program > store->next_program)
		store->next_program = next_program;
	if (next_link > store->next_link)
		store->next_link = next_link;
}

void store_begin(struct store *store)
{
	store->failure = mdb_txn_begin(store->env, NULL, 0, &store->transaction);
}

int store_commit(struct store *store, struct error *error)
{
	meta_put(store);

	MDB_txn *transaction = steal_ptr(&store->transaction);

	if (!store->failure)
		store->failure = mdb_txn_commit(transaction);
	else if (transaction)
		mdb_txn_abort(transaction);
	if (store->failure)
		return store_error(store, store->failure, "cannot write the store in", error);
	store->dirty = true;
	return 0;
}

void store_abort(struct store *store)
{
	MDB_txn *transaction = steal_ptr(&store->transaction);

	if (transaction)
		mdb_txn_abort(transaction);
}

void store_touch(struct store *store)
{
	store_begin(store);
	if (!store->failure)
		meta_put(store);
	store_abort(store);
}
