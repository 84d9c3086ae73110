/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/kernel_view.h"

#include <errno.h>
#include <string.h>

/* Every record starts with its id. */
static const struct {
	size_t size;
	size_t name; /* offset of its name; 0: it has none */
} kinds[KERNEL_KIND_COUNT] = {
	[KERNEL_KIND_PROGRAM] = { sizeof(struct kernel_program),
	                          offsetof(struct kernel_program, name) },
	[KERNEL_KIND_MAP] = { sizeof(struct kernel_map), offsetof(struct kernel_map, name) },
	[KERNEL_KIND_LINK] = { sizeof(struct kernel_link), 0 },
};

size_t kernel_record_size(uint32_t kind)
{
	return kinds[kind].size;
}

static uint32_t record_id(uint32_t kind, const void *bytes, size_t index)
{
	uint32_t id;

	memcpy(&id, (const uint8_t *)bytes + index * kinds[kind].size, sizeof(id));
	return id;
}

uint32_t kernel_last_id(uint32_t kind, const void *bytes, size_t size)
{
	return size ? record_id(kind, bytes, size / kinds[kind].size - 1) : 0;
}

static void name_clean(char name[KERNEL_NAME_SIZE])
{
	name[KERNEL_NAME_SIZE - 1] = '\0';
	for (char *at = name; *at; at++) {
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	}
}

static bool record_ok(uint32_t kind, const void *record)
{
	const struct kernel_program *program = record;

	return kind != KERNEL_KIND_PROGRAM || program->map_count <= KERNEL_PROGRAM_MAPS_MAX;
}

int kernel_table_take(uint32_t kind, void *bytes, size_t size, struct kernel_table *table)
{
	size_t count = size / kinds[kind].size;
	uint32_t last = 0;

	if (size % kinds[kind].size)
		return -EPROTO;
	for (size_t i = 0; i < count; i++) {
		uint8_t *record = (uint8_t *)bytes + i * kinds[kind].size;
		uint32_t id = record_id(kind, bytes, i);

		if (id <= last || !record_ok(kind, record))
			return -EPROTO;
		last = id;
		if (kinds[kind].name)
			name_clean((char *)record + kinds[kind].name);
	}
	*table = (struct kernel_table){ .records = bytes, .count = count };
	return 0;
}

static const void *record_find(const struct kernel_view *view, uint32_t kind, uint32_t id)
{
	const struct kernel_table *table = &view->tables[kind];
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t found = record_id(kind, table->records, middle);

		if (found == id)
			return (const uint8_t *)table->records + middle * kinds[kind].size;
		if (found < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct kernel_program *kernel_view_program(const struct kernel_view *view, uint32_t id)
{
	return record_find(view, KERNEL_KIND_PROGRAM, id);
}

const struct kernel_map *kernel_view_map(const struct kernel_view *view, uint32_t id)
{
	return record_find(view, KERNEL_KIND_MAP, id);
}
