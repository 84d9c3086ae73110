/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/memory.h"

#include <stdint.h>
#include <unistd.h>

__attribute__((noinline)) void memory_touch_stack(void)
{
	volatile unsigned char room[MEMORY_STACK_BYTES];

	for (size_t i = 0; i < sizeof(room); i += MEMORY_PAGE_BYTES)
		room[i] = 0;
}

void memory_touch_heap(void *start)
{
	uintptr_t end = (uintptr_t)sbrk(0), begin = (uintptr_t)start;

	if (end > begin)
		memory_touch(start,
		             end - begin < MEMORY_HEAP_BYTES ? end - begin : MEMORY_HEAP_BYTES);
}
