/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The headers and files of a tar archive (ustar, pax, GNU's long names), a stranger's, one after
 * the other. Needs a few hundred bytes and the one header that is being read, whatever the archive
 * holds: sparse files, whose maps cost memory as the archive pleases, are told apart and not read.
 */
#ifndef BPFD_IMAGE_TAR_H
#define BPFD_IMAGE_TAR_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAR_BLOCK_SIZE 512
#define TAR_NAME_SIZE 4096            /* longer names are refused */
#define TAR_EXTENSION_MAX (64u << 10) /* bytes of one pax header */

/* The archive's next bytes, valid until the next call: how many; 0 at its end; -errno with a
 * sentence. */
typedef ssize_t tar_fill(void *context, const unsigned char **bytes, struct error *error);

struct tar_entry {
	char type; /* as in the header: '0' a regular file, '5' a directory, ... */
	bool is_sparse;
	uint64_t size;            /* bytes of its data */
	char name[TAR_NAME_SIZE]; /* not empty; holds any bytes */
};

struct tar_reader {
	tar_fill *fill;
	void *context;
	const unsigned char *bytes; /* that were filled and not read yet */
	size_t left;
	uint64_t data_left; /* of the entry's data, and what fills it up to a block */
	uint64_t padding;
	bool has_size; /* a pax header's, for the next entry; so is the name */
	bool is_sparse;
	uint64_t size;
	char name[TAR_NAME_SIZE];
};

/* `reader` otherwise zero. What is left of the last entry's data is passed over. 1: an entry; 0:
 * the archive's end, behind which there was nothing but zeroes; -EBADMSG (BAD_OBJECT) and what the
 * filling function returns, with a sentence. */
int tar_next(struct tar_reader *reader, struct tar_entry *entry, struct error *error);

/* The next bytes of the entry's data, valid until the next call: how many; 0 at its end; errors as
 * above. */
ssize_t tar_read(struct tar_reader *reader, const unsigned char **bytes, struct error *error);

/* A header of a regular file for `build`: ustar, owner 0, mode 0644. 0; -EINVAL where something
 * does not fit. */
int tar_header_make(const char *name, uint64_t size, int64_t modified_s,
                    unsigned char header[TAR_BLOCK_SIZE]);

#endif
