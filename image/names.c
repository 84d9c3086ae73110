/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

static bool name_fits(const char *name, size_t size)
{
	size_t length = strnlen(name, size);

	return length > 0 && length < size;
}

static void type_copy(char out[IMAGE_TYPE_SIZE], const char *type)
{
	(void)snprintf(out, IMAGE_TYPE_SIZE, "%s", type);
}

int image_names_add_program(struct image_names *names, const char *name, const char *type)
{
	struct record_image_program *program = &names->programs[names->program_count];

	if (!name_fits(name, sizeof(program->name)))
		return -EINVAL;
	for (uint32_t i = 0; i < names->program_count; i++) {
		if (strcmp(names->programs[i].name, name) == 0)
			return -EINVAL;
	}
	if (names->program_count == LOAD_PROGRAMS_MAX) {
		names->programs_more++;
		return 0;
	}
	memset(program, 0, sizeof(*program));
	memcpy(program->name, name, strlen(name));
	type_copy(program->type, type);
	names->program_count++;
	return 0;
}

int image_names_add_map(struct image_names *names, const char *name, const char *type)
{
	struct record_image_map *map = &names->maps[names->map_count];

	if (!name_fits(name, sizeof(map->name)))
		return -EINVAL;
	for (uint32_t i = 0; i < names->map_count; i++) {
		if (strcmp(names->maps[i].name, name) == 0)
			return -EINVAL;
	}
	if (names->map_count == LOAD_MAPS_MAX) {
		names->maps_more++;
		return 0;
	}
	memset(map, 0, sizeof(*map));
	memcpy(map->name, name, strlen(name));
	type_copy(map->type, type);
	names->map_count++;
	return 0;
}
