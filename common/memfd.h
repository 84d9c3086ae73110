/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes too long for a message travel as memfds that nobody can change any more. Whoever takes one
 * from another process checks its seals before anything else, and copies what it will decide by.
 */
#ifndef BPFD_COMMON_MEMFD_H
#define BPFD_COMMON_MEMFD_H

#include <stddef.h>
#include <stdint.h>

/* Forbids every change of a memfd made with MFD_ALLOW_SEALING; there must be no writable mapping of
 * it. 0 or -errno. */
int memfd_seal(int fd);

/* An empty memfd that can be sealed: its descriptor, or -errno. */
int memfd_open(const char *name);

/* Finds room for so many bytes now, which remains empty and unseen: to find it takes most of a
 * write's time. 0 or -errno. */
int memfd_reserve(int fd, size_t size);

/* Writes the bytes into it and seals it. 0 or -errno. */
int memfd_fill(int fd, const void *bytes, size_t size);

/* Both: a sealed memfd with these bytes. */
int memfd_from_bytes(const char *name, const void *bytes, size_t size);

/*
 * 0 if `fd` is a memfd sealed against writing, shrinking and growing, and `size` is how many bytes
 * it has; -EPROTO for anything else. Reading from what passes cannot block, fault or change.
 */
int memfd_check(int fd, size_t *size);

/* Reads exactly `size` bytes from the start of a memfd that passed memfd_check(). 0 or -errno
 * (-EPROTO: it has fewer). */
int memfd_read(int fd, void *bytes, size_t size);

#endif
