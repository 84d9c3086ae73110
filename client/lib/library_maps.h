/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_CLIENT_LIBRARY_MAPS_H
#define BPFD_CLIENT_LIBRARY_MAPS_H

#include "bpfd/bpfd.h"

/*
 * The path of the library of this name (library_name_fits()) that process `pid` maps, for free(3):
 * as the container of process `container_pid` sees it, or if that is 0 as the caller does. 0, or
 * with `error` -ENOENT if it maps none, -ENOTUNIQ if several, -ESRCH without such a process,
 * -EACCES if it is another user's, -EXDEV if the caller sees another file there, -ESTALE if it was
 * deleted.
 */
int library_maps_find(const char *name, uint32_t pid, uint32_t container_pid, char **path,
                      struct bpfd_error **error);

#endif
