/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Cleanup attributes: what a function opens or allocates is given back on every way out of it. */
#ifndef BPFD_COMMON_CLEANUP_H
#define BPFD_COMMON_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function##_cleanup)))

static inline void free_cleanup(void *pointer)
{
	free(*(void **)pointer);
}

static inline void close_cleanup(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		(void)close(*fd);
		errno = saved;
	}
}

static inline void fclose_cleanup(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define _cleanup_free_ _cleanup_(free)
#define _cleanup_close_ _cleanup_(close)
#define _cleanup_fclose_ _cleanup_(fclose)

/* Hands a descriptor on: the variable no longer owns it. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#define steal_ptr(pointer)                          \
	({                                          \
		typeof(*(pointer)) *p_ = (pointer); \
		typeof(*(pointer)) taken_ = *p_;    \
		*p_ = NULL;                         \
		taken_;                             \
	})

#endif
