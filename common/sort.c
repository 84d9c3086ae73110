/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/sort.h"

struct heap {
	unsigned char *items;
	size_t size;
	int (*compare)(const void *left, const void *right);
};

static void *item_at(const struct heap *heap, size_t index)
{
	return heap->items + index * heap->size;
}

static void items_swap(const struct heap *heap, size_t one, size_t other)
{
	unsigned char *a = item_at(heap, one), *b = item_at(heap, other);

	for (size_t i = 0; i < heap->size; i++) {
		unsigned char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* Lets the item sink below every larger one, in a heap of `count`. */
static void item_sink(const struct heap *heap, size_t at, size_t count)
{
	for (size_t child = 2 * at + 1; child < count; at = child, child = 2 * at + 1) {
		if (child + 1 < count &&
		    heap->compare(item_at(heap, child), item_at(heap, child + 1)) < 0)
			child++;
		if (heap->compare(item_at(heap, at), item_at(heap, child)) >= 0)
			return;
		items_swap(heap, at, child);
	}
}

void sort_items(void *items, size_t count, size_t size,
                int (*compare)(const void *left, const void *right))
{
	const struct heap heap = { .items = items, .size = size, .compare = compare };

	for (size_t i = count / 2; i-- > 0;)
		item_sink(&heap, i, count);
	for (size_t end = count; end-- > 1;) {
		items_swap(&heap, 0, end);
		item_sink(&heap, 0, end);
	}
}
