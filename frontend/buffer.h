/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bytes on the heap whose room is charged to a client's account. */
#ifndef BPFD_FRONTEND_BUFFER_H
#define BPFD_FRONTEND_BUFFER_H

#include "frontend/account.h"

#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *bytes; /* NULL: empty */
	size_t used;
	size_t capacity;
};

/* Who pays. */
struct payer {
	struct accounts *accounts;
	struct account *account;
};

/* Room for `capacity` bytes in all. 0; -EDQUOT over a budget; -ENOMEM. The buffer is as it was on
 * failure. */
int buffer_reserve(const struct payer *payer, struct buffer *buffer, size_t capacity);

/* More room than is used, growing with what is there, but never for more than `most` bytes in all.
 * As buffer_reserve. */
int buffer_grow(const struct payer *payer, struct buffer *buffer, size_t most);

/* Adds bytes at the end. As buffer_reserve. */
int buffer_append(const struct payer *payer, struct buffer *buffer, const uint8_t *bytes,
                  size_t size);

/* Removes `size` bytes at the front; an empty buffer has no room. */
void buffer_consume(const struct payer *payer, struct buffer *buffer, size_t size);

/* Keeps the first `most` bytes and gives the rest back. */
void buffer_shrink(const struct payer *payer, struct buffer *buffer, size_t most);

void buffer_free(const struct payer *payer, struct buffer *buffer);

#endif
