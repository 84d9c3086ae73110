/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The one file of a layer's tar archive, a stranger's, as libarchive reads it. For image/layer*.c
 * alone. */
#ifndef BPFD_IMAGE_LAYER_ARCHIVE_H
#define BPFD_IMAGE_LAYER_ARCHIVE_H

#include "common/error.h"
#include "image/layer.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What libarchive is given, over the whole archive, to find out about files and directories. It
 * keeps up to 20 times as much: GNU's maps of sparse files, which it reads before it says that a
 * file is one.
 */
#define LAYER_HEADERS_MAX (64u << 10)

struct layer_archive {
	void *context;
	/* The archive's next bytes, valid until the next call: how many; 0 at its end; -errno with
	 * a sentence. */
	ssize_t (*fill)(void *context, const unsigned char **bytes, struct error *error);
	/* The file is there, with this name; then its bytes. 0, or -errno with a sentence. */
	int (*begin)(void *context, const char *name, uint64_t size, struct error *error);
	int (*take)(void *context, const unsigned char *bytes, size_t size, struct error *error);
};

/* Reads everything. 0 where there was exactly one regular file, and perhaps directories; else with
 * a sentence: -EBADMSG (BAD_OBJECT), -EFBIG, -ENOMEM (LIMIT), or what a function returned. */
int layer_archive_read(const struct layer_archive *layer, struct error *error);

/* A name fit to be shown. */
void layer_name_copy(char out[LAYER_NAME_SIZE], const char *name);

#endif
