/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes tar archives (ustar) of regular files that are the same whoever writes them: owner 0, mode
 * 0644, no name of an owner, nothing behind the end. */
#ifndef BPFD_IMAGE_TAR_WRITE_H
#define BPFD_IMAGE_TAR_WRITE_H

#include <stddef.h>
#include <stdint.h>

/* 0 or -errno, which ends the archive. */
typedef int tar_take(void *context, const void *bytes, size_t size);

struct tar_writer;

/* NULL: no memory. */
struct tar_writer *tar_writer_new(tar_take *take, void *context);
void tar_writer_free(struct tar_writer *writer);

/* A file, whose `size` bytes are then written in as many parts as one likes. 0; -EINVAL where the
 * name (100 bytes, or 255 with directories) or the time (below 2^33 seconds) does not fit; what
 * `take` returned. */
int tar_file_begin(struct tar_writer *writer, const char *name, uint64_t size, int64_t modified_s);
int tar_file_write(struct tar_writer *writer, const void *bytes, size_t size);

/* The last file's end and the archive's. 0, or what `take` returned. */
int tar_finish(struct tar_writer *writer);

#endif
