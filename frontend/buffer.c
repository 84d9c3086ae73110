/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROWTH_LEAST 65536

/* A short one may have had a registry's password in it; an object is long, and no secret. */
static void bytes_free(uint8_t *bytes, size_t capacity)
{
	if (bytes && capacity <= GROWTH_LEAST)
		explicit_bzero(bytes, capacity);
	free(bytes);
}

static uint8_t *bytes_resize(const struct buffer *buffer, size_t capacity)
{
	size_t kept = buffer->used < capacity ? buffer->used : capacity;
	uint8_t *bytes;

	if (buffer->capacity > GROWTH_LEAST)
		return realloc(buffer->bytes, capacity);
	bytes = malloc(capacity);
	if (!bytes)
		return NULL;
	if (kept)
		memcpy(bytes, buffer->bytes, kept);
	bytes_free(buffer->bytes, buffer->capacity);
	return bytes;
}

int buffer_reserve(const struct payer *payer, struct buffer *buffer, size_t capacity)
{
	if (capacity <= buffer->capacity)
		return 0;

	size_t more = capacity - buffer->capacity;
	int r = account_charge(payer->accounts, payer->account, more);

	if (r < 0)
		return r;

	uint8_t *bytes = bytes_resize(buffer, capacity);

	if (!bytes) {
		account_refund(payer->accounts, payer->account, more);
		return -ENOMEM;
	}
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return 0;
}

int buffer_grow(const struct payer *payer, struct buffer *buffer, size_t most)
{
	size_t more = buffer->used > GROWTH_LEAST ? buffer->used : GROWTH_LEAST;

	if (buffer->used < buffer->capacity)
		return 0;
	if (buffer->used >= most)
		return -EDQUOT;
	if (more > most - buffer->used)
		more = most - buffer->used;
	return buffer_reserve(payer, buffer, buffer->used + more);
}

int buffer_append(const struct payer *payer, struct buffer *buffer, const uint8_t *bytes,
                  size_t size)
{
	int r;

	if (size == 0)
		return 0;
	r = buffer_reserve(payer, buffer, buffer->used + size);
	if (r < 0)
		return r;
	memcpy(buffer->bytes + buffer->used, bytes, size);
	buffer->used += size;
	return 0;
}

void buffer_consume(const struct payer *payer, struct buffer *buffer, size_t size)
{
	if (size == buffer->used) {
		buffer_free(payer, buffer);
		return;
	}
	memmove(buffer->bytes, buffer->bytes + size, buffer->used - size);
	buffer->used -= size;
}

void buffer_shrink(const struct payer *payer, struct buffer *buffer, size_t most)
{
	if (buffer->capacity <= most)
		return;

	uint8_t *bytes = bytes_resize(buffer, most);

	if (!bytes)
		return; /* it stays as large as it was */
	account_refund(payer->accounts, payer->account, buffer->capacity - most);
	buffer->bytes = bytes;
	buffer->capacity = most;
	if (buffer->used > most)
		buffer->used = most;
}

void buffer_free(const struct payer *payer, struct buffer *buffer)
{
	account_refund(payer->accounts, payer->account, buffer->capacity);
	bytes_free(buffer->bytes, buffer->capacity);
	*buffer = (struct buffer){ .bytes = NULL };
}
