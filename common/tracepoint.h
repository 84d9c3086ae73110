/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a tracepoint's group and name may look like: checked by the broker for the user, by the
 * opener for itself. */
#ifndef BPFD_COMMON_TRACEPOINT_H
#define BPFD_COMMON_TRACEPOINT_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * True if `text`, an array of `size` bytes, is a terminated, zero-filled name of letters, digits,
 * '_', '-', '.' and ':' that can stand as one part of a path: not empty, not "." and without "..".
 */
bool tracepoint_name_ok(const char *text, size_t size);

/*
 * Opens a perf event of the tracepoint for all processes; `group` and `name` are arrays of
 * TRACEPOINT_SIZE bytes. 0 and a descriptor, or -errno with `error`: -EINVAL (a name that is none),
 * -ENOENT (no such tracepoint), -EACCES or -EPERM. Needs to read <tracefs>/events, and CAP_PERFMON
 * up to kernel.perf_event_paranoid 2 or CAP_SYS_ADMIN above it.
 */
int tracepoint_open(const char *tracefs, const char *group, const char *name, int *perf_fd,
                    struct error *error);

#endif
