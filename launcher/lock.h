/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One bpfd per directory: flock(2), which ends with the launcher whatever ends it. */
#ifndef BPFD_LAUNCHER_LOCK_H
#define BPFD_LAUNCHER_LOCK_H

#include "common/error.h"

/*
 * Locks the directory itself (`file` NULL), or a file in it, which is made with mode 0600 where any
 * user can open the directory. `out` holds the lock until it is closed. 0; -EBUSY with `error`,
 * which names the other's pid where the kernel shows it.
 */
int lock_take(const char *directory, const char *file, int *out, struct error *error);

/* Who holds a lock on this inode according to /proc/locks (given as `path`), or 0. */
int lock_holder(const char *path, unsigned long inode, unsigned int major_number,
                unsigned int minor_number);

#endif
