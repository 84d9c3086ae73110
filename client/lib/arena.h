/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory that is given back in one piece: an answer, its decoded message and the structures made
 * from it lie in one arena. It has a budget, because a few bytes from a lying server can ask for
 * much memory.
 */
#ifndef BPFD_CLIENT_ARENA_H
#define BPFD_CLIENT_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct arena;

/* NULL when out of memory. */
struct arena *arena_new(size_t budget_bytes);
void arena_free(struct arena *arena);

static inline void arena_cleanup(struct arena **arena)
{
	arena_free(*arena);
}

/* Zeroed memory, aligned for any type; NULL when the budget or the memory is used up. A count of 0
 * gives non-NULL. */
void *arena_alloc(struct arena *arena, size_t count, size_t size_bytes);

/* For protobuf-c: memory of the arena; freeing does nothing. It lives as long as the arena. */
ProtobufCAllocator *arena_allocator(struct arena *arena);

/*
 * An object that owns its arena: result_free() on it frees all that the arena holds. Several may be
 * made in one arena, only one of them may be freed.
 */
void *result_new(struct arena *arena, size_t size_bytes);
void result_free(const void *result);

#endif
