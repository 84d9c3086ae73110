/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program or shared library that a user means: its path, and the file. */
#ifndef BPFD_CLIENT_BINARY_H
#define BPFD_CLIENT_BINARY_H

#include "bpfd/bpfd.h"

/*
 * The absolute path of what the query names, as the container sees it if there is one; for
 * free(3). A name without '/' is looked up among the files that the process maps; without a process
 * in ld.so.cache. 0, or -errno with `error`: -ENOENT, -ENOTUNIQ, -EACCES, ...
 */
int binary_path_find(const struct bpfd_symbol_query *query, char **path, struct bpfd_error **error);

/*
 * Opens the regular file at this path to be read: in the root directory of the process
 * `container_pid`, if that is not 0, and nowhere outside of it. A descriptor, or -errno with
 * `error`.
 */
int binary_open(const char *path, uint32_t container_pid, struct bpfd_error **error);

#endif
