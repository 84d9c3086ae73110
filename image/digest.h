/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SHA-256 of bytes and its text "sha256:" + 64 lower-case hexadecimal digits: bpfd knows no other
 * algorithm. */
#ifndef BPFD_IMAGE_DIGEST_H
#define BPFD_IMAGE_DIGEST_H

#include "common/error.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)
#define DIGEST_TEXT_SIZE (7 + DIGEST_HEX_SIZE) /* with "sha256:" */

/* 0; -EINVAL where the text is anything but "sha256:" and 64 digits of 0-9a-f. */
int digest_parse(const char *text, uint8_t digest[DIGEST_SIZE]);

/* "sha256:..." */
void digest_format(const uint8_t digest[DIGEST_SIZE], char text[DIGEST_TEXT_SIZE]);
/* The digits alone. */
void digest_hex(const uint8_t digest[DIGEST_SIZE], char text[DIGEST_HEX_SIZE]);

bool digest_equal(const uint8_t one[DIGEST_SIZE], const uint8_t other[DIGEST_SIZE]);

/* Looks SHA-256 up for all that follows. 0 or -errno. */
int digest_warm(void);

/* 0; -ENOMEM where OpenSSL cannot. */
int digest_of_bytes(const void *bytes, size_t size, uint8_t digest[DIGEST_SIZE]);

/* Of `size` bytes of a file from `offset` on, read by pread(): its pages are not mapped. 0 or
 * -errno; -EPROTO: the file has fewer. */
int digest_of_fd(int fd, uint64_t offset, uint64_t size, uint8_t digest[DIGEST_SIZE]);

/* Of bytes as they come by. */
struct digest_stream;
struct digest_stream *digest_stream_new(void); /* NULL: no memory */
void digest_stream_free(struct digest_stream *stream);
int digest_stream_update(struct digest_stream *stream, const void *bytes, size_t size);
/* What it was; the stream starts anew. */
int digest_stream_finish(struct digest_stream *stream, uint8_t digest[DIGEST_SIZE]);

/* 0 where they are equal. Otherwise -EBADMSG and REGISTRY: "<what> has the digest sha256:..., not
 * sha256:...". */
int digest_expect(const char *what, const uint8_t got[DIGEST_SIZE],
                  const uint8_t wanted[DIGEST_SIZE], struct error *error);

#endif
