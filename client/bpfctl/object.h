/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BPFCTL_OBJECT_H
#define BPFD_BPFCTL_OBJECT_H

#include <stddef.h>

/*
 * Reads an object file whole. 0, and the bytes are the caller's to free; or -errno, with a sentence
 * in `complaint` (of `complaint_size` bytes) that says what is wrong with the file: missing, a
 * directory, empty, larger than bpfd takes.
 */
int object_read(const char *path, unsigned char **bytes, size_t *size, char *complaint,
                size_t complaint_size);

/* What bpfd keeps of a file's name: the end of it, where it is too long. */
const char *source_name(const char *path);

#endif
