/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records of what the kernel has: the first byte is their kind. What is taken is looked up again.
 */
#include "frontend/kernel_view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void name_check(const char *name)
{
	size_t length = strnlen(name, KERNEL_NAME_SIZE);

	if (length == KERNEL_NAME_SIZE)
		abort();
	for (size_t i = 0; i < length; i++) {
		if (name[i] < 0x20 || name[i] > 0x7e)
			abort();
	}
}

static void table_check(uint32_t kind, const struct kernel_table *table)
{
	struct kernel_view view = {};

	view.tables[kind] = *table;
	for (size_t i = 0; i < table->count; i++) {
		if (kind == KERNEL_KIND_PROGRAM) {
			const struct kernel_program *record =
				(const struct kernel_program *)table->records + i;

			name_check(record->name);
			if (kernel_view_program(&view, record->id) != record ||
			    record->map_count > KERNEL_PROGRAM_MAPS_MAX)
				abort();
		} else if (kind == KERNEL_KIND_MAP) {
			const struct kernel_map *record =
				(const struct kernel_map *)table->records + i;

			name_check(record->name);
			if (kernel_view_map(&view, record->id) != record)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct kernel_table table = {};
	uint8_t *records;
	uint32_t kind;

	if (size == 0)
		return 0;
	kind = bytes[0] % KERNEL_KIND_COUNT;
	records = malloc(size); /* one byte more than there is: never 0 */
	if (!records)
		abort();
	memcpy(records, bytes + 1, size - 1);
	if (kernel_table_take(kind, records, size - 1, &table) == 0)
		table_check(kind, &table);
	free(records);
	return 0;
}
