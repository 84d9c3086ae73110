/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sorting without help. glibc's qsort() asks sysinfo(2) how much memory the machine has as soon as
 * the array is larger than 1 KiB, which no role's seccomp policy allows, and may allocate.
 */
#ifndef BPFD_COMMON_SORT_H
#define BPFD_COMMON_SORT_H

#include <stddef.h>

/* As qsort(3): ascending by `compare`, not stable, in place. At most n log n steps, whatever the
 * order was before. */
void sort_items(void *items, size_t count, size_t size,
                int (*compare)(const void *left, const void *right));

#endif
