/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Base64 as RFC 4648 has it in its strictest reading: one text for each sequence of bytes. */
#ifndef BPFD_WORKERS_VERIFIER_BASE64_H
#define BPFD_WORKERS_VERIFIER_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that are the caller's to free(). */
struct bytes {
	uint8_t *data;
	size_t size;
};

static inline void bytes_free(struct bytes *bytes)
{
	__builtin_free(bytes->data);
	*bytes = (struct bytes){};
}
#define _cleanup_bytes_ __attribute__((cleanup(bytes_free)))

/*
 * The standard alphabet, padded, without white space, and no bits set that mean nothing. 0, and
 * `bytes` is new memory (never NULL, one byte more than `size`, which is zero); -EBADMSG for
 * anything else, -ENOMEM.
 */
int base64_decode(const char *text, size_t length, struct bytes *bytes);

/* The text of `size` bytes, with its terminating zero, in new memory; NULL: no memory. */
char *base64_encode(const void *data, size_t size);

#endif
