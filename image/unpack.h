/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of a layer with its one level of compression undone: gzip, zstd or none, as the content
 * says. */
#ifndef BPFD_IMAGE_UNPACK_H
#define BPFD_IMAGE_UNPACK_H

#include "common/error.h"
#include "proto/limits.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UNPACK_BLOCK_SIZE (64u << 10)
#define UNPACK_WINDOW_LOG_MAX \
	23 /* 8 MiB: the largest that zstd makes unless told --ultra or --long */

/* Where the packed bytes are: `bytes`, or a file, read by pread(). */
struct unpack_source {
	const unsigned char *bytes; /* NULL: `fd` */
	int fd;
	uint64_t offset;
	uint64_t size;
};

struct unpack;

/* `size_max` bounds what comes out. 0 and *unpack, or -errno with a sentence. */
int unpack_open(const struct unpack_source *source, uint64_t size_max, struct unpack **unpack,
                struct error *error);
void unpack_close(struct unpack *unpack);

/*
 * The next block, full but for the last one, and valid until the next call: its size; 0 at the end.
 * -EBADMSG (BAD_OBJECT: damaged), -EFBIG (LIMIT), -ENOMEM, -errno, with a sentence.
 */
ssize_t unpack_read(struct unpack *unpack, const unsigned char **block, struct error *error);

/* SHA-256 of all that came out, once that was everything. 0 or -ENOMEM. */
int unpack_digest(struct unpack *unpack, uint8_t digest[DIGEST_SIZE]);

#endif
