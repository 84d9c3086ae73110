/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Layers for tests, good and bad, byte by byte: no tool makes most of them. */
#ifndef BPFD_TESTS_UNIT_IMAGE_MAKER_H
#define BPFD_TESTS_UNIT_IMAGE_MAKER_H

#include <stddef.h>
#include <stdint.h>

struct made_bytes {
	unsigned char *data; /* free() */
	size_t size;
	size_t room; /* of it, allocated; 0: not known */
};

void made_add(struct made_bytes *bytes, const void *data, size_t size);
void made_fill(struct made_bytes *bytes, unsigned char value, size_t size);
void made_free(struct made_bytes *bytes);

/* All of a file. */
struct made_bytes made_of_file(const char *path);

#define MADE_TAR_BLOCK 512

/* One member of a tar archive (ustar) with its data, filled up. `type` as in the header. */
void made_tar_member(struct made_bytes *archive, char type, const char *name, const void *data,
                     size_t size);
/* A header alone, that says anything about the size. */
void made_tar_header(struct made_bytes *archive, char type, const char *name, uint64_t size);
/* A pax header with one record. */
void made_tar_pax(struct made_bytes *archive, char type, const char *key, const char *value);
/* Makes a header's checksum right again. */
void made_tar_sum(unsigned char header[MADE_TAR_BLOCK]);
void made_tar_end(struct made_bytes *archive);

/* An archive with this one file. */
struct made_bytes made_tar_of(const char *name, const void *data, size_t size);

struct made_bytes made_gzip(const struct made_bytes *bytes);
/* `window_log` 0: zstd's own choice; otherwise as a stream, of a size that the frame does not tell.
 */
struct made_bytes made_zstd(const struct made_bytes *bytes, int window_log);

#endif
