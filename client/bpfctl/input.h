/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_BPFCTL_INPUT_H
#define BPFD_BPFCTL_INPUT_H

#include <stddef.h>
#include <sys/types.h>

/* Reads until the end or until `limit` bytes are there; returns how many, or -errno. Room for one
 * byte more than there may be shows that it is too much. */
ssize_t input_read(int fd, void *bytes, size_t limit);

#endif
