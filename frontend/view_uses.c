/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/view_uses.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

/* The first use that is not before this program's link with this id. */
static size_t use_place(const struct view_uses *uses, uint64_t program_id, uint64_t link_id)
{
	size_t low = 0, high = uses->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct view_use *use = &uses->items[middle];

		if (use->program_id < program_id ||
		    (use->program_id == program_id && use->link->id < link_id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int uses_reserve(struct view_uses *uses)
{
	size_t capacity = uses->capacity ? uses->capacity * 2 : FIRST_CAPACITY;

	if (uses->count < uses->capacity)
		return 0;

	struct view_use *items = reallocarray(uses->items, capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	uses->items = items;
	uses->capacity = capacity;
	return 0;
}

void uses_add(struct view_uses *uses, const struct view_link *link)
{
	uint64_t program_id = link->head->program_id;
	size_t place = use_place(uses, program_id, link->id);

	assert(uses->count < uses->capacity);
	memmove(uses->items + place + 1, uses->items + place,
	        (uses->count - place) * sizeof(*uses->items));
	uses->items[place] = (struct view_use){ .program_id = program_id, .link = link };
	uses->count++;
}

void uses_remove(struct view_uses *uses, const struct view_link *link)
{
	if (!link)
		return;

	size_t place = use_place(uses, link->head->program_id, link->id);

	assert(place < uses->count && uses->items[place].link == link);
	uses->count--;
	memmove(uses->items + place, uses->items + place + 1,
	        (uses->count - place) * sizeof(*uses->items));
}

void uses_clear(struct view_uses *uses)
{
	free(uses->items);
	*uses = (struct view_uses){ .items = NULL };
}

const struct view_use *view_program_uses(const struct view *view, uint64_t program_id,
                                         size_t *count)
{
	const struct view_uses *uses = &view->uses;
	size_t first = use_place(uses, program_id, 0);

	*count = 0;
	while (first + *count < uses->count && uses->items[first + *count].program_id == program_id)
		(*count)++;
	return *count ? &uses->items[first] : NULL;
}
