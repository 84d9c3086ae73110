/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The two forms of a layout, for layout.c. All: 0 or -errno. */
#ifndef BPFD_BUILDER_LAYOUT_FORM_H
#define BPFD_BUILDER_LAYOUT_FORM_H

#include "client/builder/layout.h"

/* Takes a layout's files, in the order in which they are to appear. */
struct layout_sink {
	int (*add)(void *context, const char *name, const void *bytes, size_t size);
	void *context;
};

int layout_fill(const struct layout_sink *sink, const struct pieces *pieces, const char *tag);

int layout_directory_write(const char *path, const struct pieces *pieces, const char *tag);
int layout_archive_write(const char *path, const struct pieces *pieces, const char *tag,
                         int64_t created_s);

/* Writes all of the bytes. */
int layout_bytes_write(int fd, const void *bytes, size_t size);

int layout_fail(struct error *error, int result, const char *path);

#endif
