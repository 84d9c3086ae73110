/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/map_open.h"

#include "broker/kernel.h"
#include "broker/own_pins.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMES_SIZE 256

/* "a, b": as many names as fit. */
static const char *names_print(const struct record_program *program, char names[NAMES_SIZE])
{
	int used = 0;

	names[0] = '\0';
	for (uint32_t i = 0; i < program->map_count; i++) {
		int length = snprintf(names + used, NAMES_SIZE - (size_t)used, "%s%s",
		                      i ? ", " : "", program->maps[i].name);

		if (length < 0 || length >= NAMES_SIZE - used) {
			names[used] = '\0';
			break;
		}
		used += length;
	}
	return names;
}

static int map_find(const struct record_program *program, const char *name, struct record_map *map,
                    struct error *error)
{
	char names[NAMES_SIZE];

	for (uint32_t i = 0; i < program->map_count; i++) {
		if (strcmp(program->maps[i].name, name) == 0) {
			*map = program->maps[i];
			return 0;
		}
	}
	if (!program->map_count)
		return error_set(error, -ENOENT, ERROR_NOT_FOUND, "program %llu has no maps",
		                 (unsigned long long)program->id);
	return error_set(error, -ENOENT, ERROR_NOT_FOUND,
	                 "program %llu has no map \"%s\"; its maps are: %s",
	                 (unsigned long long)program->id, name, names_print(program, names));
}

int map_open(struct broker *broker, uint64_t program_id, const char *name, struct opened_map *map,
             struct error *error)
{
	static struct record_program program; /* one request at a time; long */
	_cleanup_close_ int fd = -1;
	struct record_map found = {}, now = {};
	int result = registry_program(&broker->registry, program_id)
	                     ? store_program_get(broker->store, program_id, &program, error)
	                     : -ENOENT;

	if (result == -ENOENT)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "there is no program %llu: see \"bpfctl list programs\"",
		                 (unsigned long long)program_id);
	if (!result && program.state != PROGRAM_STATE_LOADED)
		program.map_count = 0;
	if (!result)
		result = map_find(&program, name, &found, error);
	if (result)
		return result;
	fd = own_pins_map_open(&broker->settings, program_id, name);
	result = fd < 0 ? fd : kernel_map_info(fd, &now);
	if (!result && now.kernel_id != found.kernel_id)
		result = -ESTALE;
	if (result)
		return error_set(error, result, ERROR_KERNEL,
		                 "the pin of map \"%s\" of program %llu cannot be opened: %s", name,
		                 (unsigned long long)program_id,
		                 result == -ESTALE ? "it is of another map" : strerror(-result));
	memcpy(now.name, found.name, sizeof(now.name));
	map->record = now;
	map->program_btf_id = program.btf_id;
	map->fd = steal_fd(&fd);
	return 0;
}

int map_open_for(struct broker *broker, uint64_t program_id, const char *name, enum map_act act,
                 struct opened_map *map, struct error *error)
{
	int result = map_open(broker, program_id, name, map, error);

	if (result)
		return result;
	result = map_shape_make(&map->record, broker->map_cpus, &map->shape, error);
	if (!result)
		result = map_act_check(&map->shape, act, error);
	if (result) {
		close_cleanup(&map->fd);
		map->fd = -1;
	}
	return result;
}

int map_refusal(const struct map_shape *shape, const char *what, int result, struct error *error)
{
	switch (result) {
	case -ENOENT:
		return error_set(error, result, ERROR_NOT_FOUND, "map \"%s\" has no such entry",
		                 shape->name);
	case -EEXIST:
		return error_set(error, result, ERROR_ALREADY_EXISTS,
		                 "map \"%s\" has that entry already", shape->name);
	case -E2BIG:
		return error_set(
			error, result, ERROR_LIMIT,
			"map \"%s\" takes %u entries: it is full, or an array's index lies "
			"beyond its end",
			shape->name, shape->max_entries);
	case -EPERM:
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "map \"%s\" is read-only for everybody but programs: it was "
		                 "frozen, as constants (.rodata) are, or made so",
		                 shape->name);
	case -ENOMEM:
		return error_set(error, result, ERROR_UNAVAILABLE,
		                 "the kernel has no memory for map \"%s\": try again", shape->name);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "the kernel does not %s map \"%s\" so: %s", what, shape->name,
		                 strerror(-result));
	}
}
