/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory that is written to ahead of time. After a fork, or before its first use, a page costs the
 * next write to it a fault; a process that has nothing to do takes these faults then, so that
 * nobody waits for them later.
 */
#ifndef BPFD_COMMON_MEMORY_H
#define BPFD_COMMON_MEMORY_H

#include <stddef.h>

#define MEMORY_PAGE_BYTES \
	4096u /* the least that any machine has: more writes than needed elsewhere */

/* Writes to every page of it, and leaves its contents alone. */
static inline void memory_touch(void *start, size_t size)
{
	volatile unsigned char *bytes = start;

	for (size_t i = 0; i < size; i += MEMORY_PAGE_BYTES) {
		unsigned char byte = bytes[i];

		bytes[i] = byte;
	}
	if (size) {
		unsigned char byte = bytes[size - 1];

		bytes[size - 1] = byte;
	}
}

/*
 * Writes to the pages of the stack that calls from here will use, `MEMORY_STACK_BYTES` deep, and to
 * those of the heap from `start` (what sbrk(0) was at the start of main) on, of which no more than
 * MEMORY_HEAP_BYTES.
 */
#define MEMORY_STACK_BYTES ((size_t)96 * 1024)
#define MEMORY_HEAP_BYTES ((size_t)1024 * 1024)
void memory_touch_stack(void);
void memory_touch_heap(void *start);

#endif
