/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Answers by request id: kept in the transaction of the change itself, so that an answer is
 * remembered exactly if its change happened. The second database gives their order, so that the
 * oldest are dropped.
 */
#include "broker/store_private.h"

#include <errno.h>
#include <string.h>

struct request_key {
	uint8_t request_id[REQUEST_ID_SIZE];
	uint32_t uid;
};

struct request_value {
	uint64_t sequence;
	struct store_answer answer; /* cut to the ids that count */
};

static struct request_key key_make(const uint8_t request_id[REQUEST_ID_SIZE], uint32_t uid)
{
	struct request_key key = { .uid = uid };

	memcpy(key.request_id, request_id, REQUEST_ID_SIZE);
	return key;
}

static size_t value_size(uint32_t count)
{
	return offsetof(struct request_value, answer.ids) + count * sizeof(uint64_t);
}

static bool none(const uint8_t request_id[REQUEST_ID_SIZE])
{
	static const uint8_t zeros[REQUEST_ID_SIZE];

	return memcmp(request_id, zeros, REQUEST_ID_SIZE) == 0;
}

/* Forgets the answer whose sequence number has fallen out of the window. */
static void oldest_drop(struct store *store)
{
	struct request_key key;
	uint64_t sequence = 0;
	size_t size = 0;

	if (store->failure || store->next_request <= STORE_REQUESTS_MAX)
		return;

	int result =
		store_read_next(store, STORE_REQUEST_ORDER, 0, &sequence, &key, sizeof(key), &size);

	if (result || sequence + STORE_REQUESTS_MAX >= store->next_request)
		return;
	if (size == sizeof(key))
		store_delete(store, STORE_REQUESTS, store_value(&key, sizeof(key)));
	store_delete(store, STORE_REQUEST_ORDER, store_value(&sequence, sizeof(sequence)));
}

void store_request_put(struct store *store, const uint8_t request_id[REQUEST_ID_SIZE], uint32_t uid,
                       const struct store_answer *answer)
{
	struct request_key key = key_make(request_id, uid);
	struct request_value value = { .sequence = store->next_request, .answer = *answer };

	if (none(request_id))
		return;
	store->next_request++;
	store_put(store, STORE_REQUESTS, store_value(&key, sizeof(key)),
	          store_value(&value, value_size(answer->count)));
	store_put(store, STORE_REQUEST_ORDER, store_value(&value.sequence, sizeof(value.sequence)),
	          store_value(&key, sizeof(key)));
	oldest_drop(store);
}

void store_request_delete(struct store *store, const uint8_t request_id[REQUEST_ID_SIZE],
                          uint32_t uid)
{
	struct request_key key = key_make(request_id, uid);

	if (!none(request_id))
		store_delete(store, STORE_REQUESTS, store_value(&key, sizeof(key)));
}

int store_request_get(struct store *store, const uint8_t request_id[REQUEST_ID_SIZE], uint32_t uid,
                      struct store_answer *answer, struct error *error)
{
	struct request_key key = key_make(request_id, uid);
	struct request_value value = {};
	size_t size = 0;

	if (none(request_id))
		return -ENOENT;

	int result = store_read(store, STORE_REQUESTS, store_value(&key, sizeof(key)), &value,
	                        sizeof(value), &size);

	if (result == MDB_NOTFOUND)
		return -ENOENT;
	if (result)
		return store_error(store, result, "cannot read", error);
	if (size < value_size(0) || value.answer.count > LOAD_PROGRAMS_MAX ||
	    size != value_size(value.answer.count))
		return error_set(error, -EBADMSG, ERROR_STORE,
		                 "the store %s is damaged: its record of an answered request "
		                 "cannot be read",
		                 store->file);
	*answer = value.answer;
	return 0;
}
