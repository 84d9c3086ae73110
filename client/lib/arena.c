/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 4096u
#define ALIGNMENT _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t size_bytes;
	size_t used_bytes;
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	ProtobufCAllocator allocator;
	struct chunk *chunks; /* the first is the one with room */
	size_t budget_bytes;
};

static void *allocator_alloc(void *arena, size_t size_bytes)
{
	return arena_alloc(arena, 1, size_bytes);
}

static void allocator_free(void *arena, void *pointer)
{
	(void)arena;
	(void)pointer;
}

struct arena *arena_new(size_t budget_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return NULL;
	arena->budget_bytes = budget_bytes;
	arena->allocator.alloc = allocator_alloc;
	arena->allocator.free = allocator_free;
	arena->allocator.allocator_data = arena;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->chunks) {
		struct chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	free(arena);
}

static struct chunk *chunk_add(struct arena *arena, size_t wanted_bytes)
{
	size_t size_bytes = wanted_bytes > CHUNK_BYTES ? wanted_bytes : CHUNK_BYTES;
	struct chunk *chunk;

	if (size_bytes > arena->budget_bytes)
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size_bytes);
	if (!chunk)
		return NULL;
	arena->budget_bytes -= size_bytes;
	chunk->size_bytes = size_bytes;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size_bytes)
{
	struct chunk *chunk = arena->chunks;
	size_t wanted_bytes;
	void *memory;

	if (__builtin_mul_overflow(count, size_bytes, &wanted_bytes) ||
	    wanted_bytes > arena->budget_bytes + CHUNK_BYTES)
		return NULL;
	wanted_bytes = (wanted_bytes + ALIGNMENT) & ~(ALIGNMENT - 1);
	if (!chunk || chunk->size_bytes - chunk->used_bytes < wanted_bytes) {
		chunk = chunk_add(arena, wanted_bytes);
		if (!chunk)
			return NULL;
	}
	memory = chunk->data + chunk->used_bytes;
	chunk->used_bytes += wanted_bytes;
	return memory;
}

ProtobufCAllocator *arena_allocator(struct arena *arena)
{
	return &arena->allocator;
}

/* What lies before a result. */
struct owner {
	_Alignas(max_align_t) struct arena *arena;
};

void *result_new(struct arena *arena, size_t size_bytes)
{
	struct owner *owner = arena_alloc(arena, 1, sizeof(*owner) + size_bytes);

	if (!owner)
		return NULL;
	owner->arena = arena;
	return owner + 1;
}

void result_free(const void *result)
{
	if (result)
		arena_free(((const struct owner *)result)[-1].arena);
}
