/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/store_private.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define STORE_MAGIC 0x6266706453746f72ULL /* "bfpdStor" */
#define STORE_SCHEMA 3u

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
		return "it has reached its largest size";
	case ENOSPC:
	case EDQUOT:
		return "its file system is full: free some space in it";
	case EIO:
		return "its file system is full or fails to write (input/output error)";
	default:
		return mdb_strerror(result);
	}
}

/* NULL unless the file itself is wrong. */
static const char *damage_kind(int result)
{
	switch (result) {
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return "no store of bpfd's";
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
		return "damaged";
	default:
		return NULL;
	}
}

int store_lmdb_errno(int result)
{
	if (result >= 0)
		return -result;
	if (result == MDB_MAP_FULL)
		return -ENOSPC;
	return result == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
}

int store_error(const struct store *store, int result, const char *what, struct error *error)
{
	const char *kind = damage_kind(result);

	if (kind)
		return error_set(error, store_lmdb_errno(result), ERROR_STORE,
		                 "%s the store %s: it is %s; %s", what, store->file, kind,
		                 store->remedy);
	return error_set(error, store_lmdb_errno(result), ERROR_STORE, "%s the store %s: %s", what,
	                 store->file, lmdb_reason(result));
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
			"runtime directory",
			store->directory);
	return 0;
}

/*
 * NOLOCK: one process, one thread, and no read is open during a write. NOMETASYNC: a commit flushes
 * its data, and the page that makes it current with the next one or with the next copy. On a tmpfs
 * both are nothing but a call; if the runtime directory is on a disk, they keep the file whole
 * there, and a crash of the machine may undo the last change. WRITEMAP would spare the writes, but
 * a full file system would then be a SIGBUS, and gates would inherit a view that they can write to.
 * A gate, being a fork, inherits the read-only view of the file, never its descriptors; nothing in
 * it is secret.
 */
static int environment_open(struct store *store, const char *path, size_t map_size)
{
	const unsigned int flags =
		MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOMETASYNC | MDB_NOTLS | MDB_NORDAHEAD;
	int result = mdb_env_create(&store->env);

	if (result)
		return result;
	result = mdb_env_set_maxdbs(store->env, STORE_DATABASES);
	if (!result)
		result = mdb_env_set_mapsize(store->env, map_size);
	if (!result)
		result = mdb_env_open(store->env, path, flags, 0600);
	return result;
}

off_t store_size(const struct store *store)
{
	MDB_envinfo information;
	MDB_stat status;

	(void)mdb_env_info(store->env, &information);
	(void)mdb_env_stat(store->env, &status);
	return (off_t)(information.me_last_pgno + 1) * (off_t)status.ms_psize;
}

/* A page that is not there would be a SIGBUS for who reads it. */
static int size_check(const struct store *store)
{
	struct stat status;
	int fd;
	int result = mdb_env_get_fd(store->env, &fd);

	if (result)
		return result;
	if (fstat(fd, &status) < 0)
		return errno;
	return status.st_size < store_size(store) ? MDB_CORRUPTED : 0;
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

static int meta_check(const struct store *store, const struct store_meta *meta, size_t size,
                      struct error *error)
{
	if (size != sizeof(*meta) || meta->magic != STORE_MAGIC || meta->schema == 0)
		return error_set(
			error, -EBADMSG, ERROR_STORE,
			"the store %s is damaged: its head record is not one of bpfd's; %s",
			store->file, store->remedy);
	if (meta->schema > STORE_SCHEMA)
		return error_set(error, -EBADMSG, ERROR_STORE,
		                 "the store %s was written by a newer bpfd (format %u, this one "
		                 "knows %u): install that version again",
		                 store->file, meta->schema, STORE_SCHEMA);
	if (meta->schema < STORE_SCHEMA)
		return error_set(error, -EBADMSG, ERROR_STORE,
		                 "the store %s was written by an older bpfd (format %u, this one "
		                 "reads %u): unload with that version what is loaded; %s",
		                 store->file, meta->schema, STORE_SCHEMA, store->remedy);
	return 0;
}

static int meta_read(struct store *store, bool make, struct error *error)
{
	struct store_meta meta;
	size_t size = 0;
	int result = store_read(store, STORE_META, store_value(&meta_key, sizeof(meta_key)), &meta,
	                        sizeof(meta), &size);

	if (result == MDB_NOTFOUND && make)
		return meta_create(store, error);
	if (result && result != MDB_NOTFOUND)
		return store_error(store, result, "cannot read", error);
	result = meta_check(store, &meta, size, error);
	if (result)
		return result;
	store->next_program = meta.next_program;
	store->next_link = meta.next_link;
	store->next_request = meta.next_request;
	return 0;
}

int store_contents_open(struct store *store, const char *path, size_t map_size, bool make,
                        struct error *error)
{
	int result = environment_open(store, path, map_size);

	if (!result && !make)
		result = size_check(store);
	if (!result)
		result = databases_open(store);
	if (result)
		return store_error(store, result, "cannot open", error);
	return meta_read(store, make, error);
}

static struct store *store_new(const char *directory, const char *durable)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->next_program = store->next_link = store->next_request = 1;
	store->lock_fd = store->durable_fd = -1;
	store->dirty = true;
	(void)snprintf(store->directory, sizeof(store->directory), "%s", directory);
	(void)snprintf(store->durable, sizeof(store->durable), "%s", durable);
	(void)snprintf(store->file, sizeof(store->file), "%s/" STORE_FILE, store->directory);
	store->remedy = "move it away to start with its copy in the state directory";
	return store;
}

int store_open(const char *directory, const char *durable, size_t map_size, struct store **out,
               struct error *error)
{
	struct store *store = store_new(directory, durable);

	if (!store)
		return error_set(error, -ENOMEM, ERROR_STORE, "no memory for the store");

	int result = lock_take(store, error);

	if (!result)
		result = store_durable_open(store, map_size, error);
	if (!result)
		result = store_contents_open(store, store->file, map_size, true, error);
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
	if (store->env)
		mdb_env_close(store->env);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	if (store->durable_fd >= 0)
		(void)close(store->durable_fd);
	free(store);
}

bool store_dirty(const struct store *store)
{
	return store->dirty;
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
	if (store->marked)
		(void)store_mark_take(store);
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
		return store_error(store, store->failure, "cannot write", error);
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
