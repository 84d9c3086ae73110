/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An image on its way from the confined process to the one that writes it down: in a file in
 * memory, a head and then for each piece a record and its bytes. Whoever reads it believes no
 * number that does not fit the file.
 */
#ifndef BPFD_BUILDER_PIECES_H
#define BPFD_BUILDER_PIECES_H

#include "image/build.h"

#define PIECES_MAX (3 * BUILD_OBJECTS_MAX + 1)

struct pieces_head {
	uint32_t count;
	uint32_t uploaded; /* blobs that the registry had not got */
	uint64_t reserved;
};

struct piece_record {
	uint32_t kind; /* enum build_kind */
	uint32_t reserved;
	uint64_t size; /* of the bytes that follow, filled up to a multiple of 8 */
	uint8_t digest[DIGEST_SIZE];
};

struct pieces_writer {
	int fd;
	uint64_t size; /* bytes in the file */
	uint32_t count;
};

/* One piece, as it is read; it lives as long as the mapping. */
struct piece {
	enum build_kind kind;
	uint8_t digest[DIGEST_SIZE];
	uint64_t size;
	const void *bytes;
};

struct pieces {
	struct pieces_head head;
	const void *map;
	size_t map_size;
	struct piece items[PIECES_MAX]; /* the last one is the image's root */
};

/* 0, or -errno with a sentence: for build_image(), with a struct pieces_writer. */
int pieces_take(void *context, const struct build_piece *piece, struct error *error);

/* The head comes last: without it there is no image. */
int pieces_finish(const struct pieces_writer *writer, uint32_t uploaded, struct error *error);

/* Maps the file and looks at all of it. 0; -EPROTO (INTERNAL) for a file that is none; -errno.
 * pieces_close() afterwards in all cases. */
int pieces_read(int fd, struct pieces *pieces, struct error *error);
void pieces_close(struct pieces *pieces);

/* The media type of a manifest or an index. */
const char *piece_media_type(const struct piece *piece);

#endif
