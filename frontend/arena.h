/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory for one request and its answer: taken piece by piece up to a budget, given back all at
 * once. The first block stays from request to request, so that a small request costs no allocation.
 */
#ifndef BPFD_FRONTEND_ARENA_H
#define BPFD_FRONTEND_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define ARENA_FIRST_SIZE 16384

struct arena_block;

struct arena {
	ProtobufCAllocator allocator; /* for protobuf-c; gives NULL beyond the budget */
	size_t budget;                /* bytes that may still be taken */
	struct arena_block *blocks;   /* beyond the first; the newest first */
	unsigned char *next;
	size_t left; /* bytes from `next` on */
	_Alignas(16) unsigned char first[ARENA_FIRST_SIZE];
};

/* Makes an empty arena with a budget of `budget_bytes`. An arena must not be moved. */
void arena_init(struct arena *arena, size_t budget_bytes);

/* Gives everything back and sets a new budget. */
void arena_reset(struct arena *arena, size_t budget_bytes);

/* `size` zeroed bytes, aligned for any type, or NULL when the budget or the memory is used up. */
void *arena_take(struct arena *arena, size_t size);

/* A zeroed array of `count` elements of `size` bytes. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);

/* A formatted text, or NULL. */
char *arena_print(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* protobuf-c's fields are not const, but packing does not write to them. */
static inline char *text_const(const char *text)
{
	return (char *)(uintptr_t)text;
}

#endif
