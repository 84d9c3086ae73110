/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The list of shared libraries that ldconfig(8) writes, /etc/ld.so.cache, in the format
 * "glibc-ld.so.cache1.1", alone or behind the older list. It is read as a stranger's: no offset is
 * followed out of it.
 */
#ifndef BPFD_CLIENT_LIBRARY_CACHE_H
#define BPFD_CLIENT_LIBRARY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Is this file name meant by the name? "libc.so.6" means itself and what is longer by a ".N";
 * "libc" means any "libc.so" and "libc.so.N"; both mean "libc-2.31.so".
 */
bool library_name_fits(const char *name, const char *file);

/*
 * Looks the library up among those of this machine's architecture. `path` and, with -ENOTUNIQ,
 * `other` point into `bytes`. 0; -ENOENT; -ENOTUNIQ if libraries of two names fit, and none is
 * called just so; -EBADMSG if this is no such list.
 */
int library_cache_find(const uint8_t *bytes, size_t size, const char *name, const char **path,
                       const char **other);

#endif
