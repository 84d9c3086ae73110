/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGNMENT 16
#define ARENA_BLOCK_SIZE 65536

struct arena_block {
	struct arena_block *next;
	_Alignas(ARENA_ALIGNMENT) unsigned char bytes[];
};

static void *allocator_take(void *arena, size_t size);

/* protobuf-c gives its pieces back one by one; the arena does so for all at once. */
static void allocator_give([[maybe_unused]] void *arena, [[maybe_unused]] void *piece)
{
}

void arena_init(struct arena *arena, size_t budget_bytes)
{
	arena->allocator = (ProtobufCAllocator){
		.alloc = allocator_take,
		.free = allocator_give,
		.allocator_data = arena,
	};
	arena->blocks = NULL;
	arena_reset(arena, budget_bytes);
}

void arena_reset(struct arena *arena, size_t budget_bytes)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->budget = budget_bytes;
	arena->next = arena->first;
	arena->left = sizeof(arena->first);
}

/* Pieces that fill a block are given one of their own; the block in use stays in use. */
static void *block_take(struct arena *arena, size_t size)
{
	bool own = size > ARENA_BLOCK_SIZE / 4;
	size_t block_size = own ? size : ARENA_BLOCK_SIZE;
	struct arena_block *block = malloc(sizeof(*block) + block_size);

	if (!block)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	if (!own) {
		arena->next = block->bytes + size;
		arena->left = block_size - size;
	}
	return block->bytes;
}

static void *allocator_take(void *data, size_t size)
{
	struct arena *arena = data;
	size_t rounded;

	if (__builtin_add_overflow(size, ARENA_ALIGNMENT - 1, &rounded))
		return NULL;
	rounded &= ~(size_t)(ARENA_ALIGNMENT - 1);
	if (rounded == 0)
		rounded = ARENA_ALIGNMENT;
	if (rounded > arena->budget)
		return NULL;

	void *piece = arena->next;

	if (rounded <= arena->left) {
		arena->next += rounded;
		arena->left -= rounded;
	} else {
		piece = block_take(arena, rounded);
	}
	if (piece)
		arena->budget -= rounded;
	return piece;
}

void *arena_take(struct arena *arena, size_t size)
{
	void *piece = allocator_take(arena, size);

	if (piece)
		memset(piece, 0, size);
	return piece;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_take(arena, bytes);
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	if ((size_t)length >= sizeof(text))
		length = (int)sizeof(text) - 1;

	char *copy = allocator_take(arena, (size_t)length + 1);

	if (copy)
		memcpy(copy, text, (size_t)length + 1);
	return copy;
}
