/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/codec.h"
#include "broker/store_private.h"

#include <errno.h>
#include <string.h>

void store_put(struct store *store, enum store_database database, MDB_val key, MDB_val value)
{
	if (!store->failure)
		store->failure =
			mdb_put(store->transaction, store->databases[database], &key, &value, 0);
}

void store_delete(struct store *store, enum store_database database, MDB_val key)
{
	if (store->failure)
		return;

	int result = mdb_del(store->transaction, store->databases[database], &key, NULL);

	if (result != MDB_NOTFOUND)
		store->failure = result;
}

/* The change in progress, else a read transaction that the caller ends. */
static int reader_begin(struct store *store, MDB_txn **transaction)
{
	if (store->transaction) {
		*transaction = store->transaction;
		return 0;
	}
	return mdb_txn_begin(store->env, NULL, MDB_RDONLY, transaction);
}

static void reader_end(struct store *store, MDB_txn *transaction)
{
	if (transaction != store->transaction)
		mdb_txn_abort(transaction);
}

static void value_copy(MDB_val value, void *out, size_t room, size_t *size)
{
	memcpy(out, value.mv_data, value.mv_size < room ? value.mv_size : room);
	*size = value.mv_size;
}

int store_read(struct store *store, enum store_database database, MDB_val key, void *out,
               size_t room, size_t *size)
{
	MDB_txn *transaction;
	MDB_val value;
	int result = reader_begin(store, &transaction);

	if (result)
		return result;
	result = mdb_get(transaction, store->databases[database], &key, &value);
	if (!result)
		value_copy(value, out, room, size);
	reader_end(store, transaction);
	return result;
}

static int cursor_read_next(MDB_cursor *cursor, uint64_t after, uint64_t *key, void *out,
                            size_t room, size_t *size)
{
	uint64_t wanted = after + 1;
	MDB_val found = store_value(&wanted, sizeof(wanted));
	MDB_val value;
	int result = mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE);

	if (result)
		return result;
	memcpy(key, found.mv_data, sizeof(*key)); /* LMDB has integer keys of one size only */
	value_copy(value, out, room, size);
	return 0;
}

int store_read_next(struct store *store, enum store_database database, uint64_t after,
                    uint64_t *key, void *out, size_t room, size_t *size)
{
	MDB_txn *transaction;
	MDB_cursor *cursor;
	int result = reader_begin(store, &transaction);

	if (result)
		return result;
	result = mdb_cursor_open(transaction, store->databases[database], &cursor);
	if (!result) {
		result = cursor_read_next(cursor, after, key, out, room, size);
		mdb_cursor_close(cursor);
	}
	reader_end(store, transaction);
	return result;
}

static MDB_val id_key(const uint64_t *id)
{
	return store_value(id, sizeof(*id));
}

void store_program_put(struct store *store, const struct record_program *program)
{
	unsigned char bytes[sizeof(*program)];
	size_t size = codec_program_encode(program, bytes);

	store_ids_raise(store, program->id + 1, 0);
	store_put(store, STORE_PROGRAMS, id_key(&program->id), store_value(bytes, size));
}

void store_program_delete(struct store *store, uint64_t id)
{
	store_delete(store, STORE_PROGRAMS, id_key(&id));
	store_delete(store, STORE_GLOBALS, id_key(&id));
}

void store_globals_put(struct store *store, uint64_t program_id,
                       const struct record_globals *globals)
{
	unsigned char bytes[sizeof(*globals)];
	size_t size = codec_globals_encode(globals, bytes);

	store_put(store, STORE_GLOBALS, id_key(&program_id), store_value(bytes, size));
}

void store_link_put(struct store *store, const struct record_link *link)
{
	unsigned char bytes[sizeof(*link)];
	size_t size = codec_link_encode(link, bytes);

	store_ids_raise(store, 0, link->id + 1);
	store_put(store, STORE_LINKS, id_key(&link->id), store_value(bytes, size));
}

void store_link_delete(struct store *store, uint64_t id)
{
	store_delete(store, STORE_LINKS, id_key(&id));
}

static int read_error(struct store *store, int result, struct error *error)
{
	if (result == MDB_NOTFOUND)
		return -ENOENT;
	return store_error(store, result, "cannot read", error);
}

static int damaged(struct store *store, const char *kind, uint64_t id, struct error *error)
{
	return error_set(error, -EBADMSG, ERROR_STORE,
	                 "the store %s is damaged: its record of %s %llu cannot be read; %s",
	                 store->file, kind, (unsigned long long)id, store->remedy);
}

int store_program_get(struct store *store, uint64_t id, struct record_program *program,
                      struct error *error)
{
	unsigned char bytes[sizeof(*program)];
	size_t size = 0;
	int result = store_read(store, STORE_PROGRAMS, id_key(&id), bytes, sizeof(bytes), &size);

	if (result)
		return read_error(store, result, error);
	if (size > sizeof(bytes) || codec_program_decode(bytes, size, id, program) < 0)
		return damaged(store, "program", id, error);
	return 0;
}

int store_globals_get(struct store *store, uint64_t program_id, struct record_globals *globals,
                      struct error *error)
{
	unsigned char bytes[sizeof(*globals)];
	size_t size = 0;
	int result =
		store_read(store, STORE_GLOBALS, id_key(&program_id), bytes, sizeof(bytes), &size);

	if (result)
		return read_error(store, result, error);
	if (size > sizeof(bytes) || codec_globals_decode(bytes, size, globals) < 0)
		return damaged(store, "the globals of program", program_id, error);
	return 0;
}

int store_link_get(struct store *store, uint64_t id, struct record_link *link, struct error *error)
{
	unsigned char bytes[sizeof(*link)];
	size_t size = 0;
	int result = store_read(store, STORE_LINKS, id_key(&id), bytes, sizeof(bytes), &size);

	if (result)
		return read_error(store, result, error);
	if (size > sizeof(bytes) || codec_link_decode(bytes, size, id, link) < 0)
		return damaged(store, "link", id, error);
	return 0;
}

int store_program_next(struct store *store, uint64_t after, struct record_program *program,
                       struct error *error)
{
	unsigned char bytes[sizeof(*program)];
	uint64_t id = 0;
	size_t size = 0;
	int result =
		store_read_next(store, STORE_PROGRAMS, after, &id, bytes, sizeof(bytes), &size);

	if (result)
		return read_error(store, result, error);
	if (size > sizeof(bytes) || codec_program_decode(bytes, size, id, program) < 0)
		return damaged(store, "program", id, error);
	return 0;
}

int store_link_next(struct store *store, uint64_t after, struct record_link *link,
                    struct error *error)
{
	unsigned char bytes[sizeof(*link)];
	uint64_t id = 0;
	size_t size = 0;
	int result = store_read_next(store, STORE_LINKS, after, &id, bytes, sizeof(bytes), &size);

	if (result)
		return read_error(store, result, error);
	if (size > sizeof(bytes) || codec_link_decode(bytes, size, id, link) < 0)
		return damaged(store, "link", id, error);
	return 0;
}
