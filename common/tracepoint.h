/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a tracepoint's group and name may look like: checked by the broker for the user, by the
 * opener for itself. */
#ifndef BPFD_COMMON_TRACEPOINT_H
#define BPFD_COMMON_TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if `text`, an array of `size` bytes, is a terminated, zero-filled name of letters, digits,
 * '_', '-', '.' and ':' that can stand as one part of a path: not empty, not "." and without "..".
 */
bool tracepoint_name_ok(const char *text, size_t size);

#endif
