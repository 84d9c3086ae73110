/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/cleanup.h"
#include "common/program_type.h"
#include "image/build.h"
#include "image/json.h"
#include "image/object.h"

#include <errno.h>
#include <string.h>

struct labels {
	json_t *programs;
	json_t *maps;
};

/* bpfd's word for the type, which is the labels' for those that others know; the section's own
 * first part otherwise. */
static json_t *section_word(const char *section)
{
	const char *rest;
	enum program_type type = program_type_by_section(section, &rest);
	const struct program_type_row *row = program_type_row(type);

	return row ? json_string(row->name) : json_stringn(section, strcspn(section, "/"));
}

static int member_add(json_t *object, const char *name, json_t *value)
{
	if (json_object_get(object, name)) {
		json_decref(value);
		return -EINVAL;
	}
	return json_object_set_new(object, name, value) < 0 ? -EINVAL : 0;
}

static int labels_program(void *context, const char *name, const char *section)
{
	const struct labels *labels = context;

	if (!*name || strlen(name) >= FUNCTION_NAME_SIZE)
		return -EINVAL;
	return member_add(labels->programs, name, section_word(section));
}

static int labels_map(void *context, const char *name)
{
	const struct labels *labels = context;

	if (!*name || strlen(name) >= MAP_NAME_SIZE)
		return -EINVAL;
	return member_add(labels->maps, name, json_string("unknown"));
}

static int labels_map_type(void *context, const char *name, const char *type)
{
	const struct labels *labels = context;

	if (json_object_get(labels->maps, name))
		return json_object_set_new(labels->maps, name, json_string(type));
	return 0;
}

int build_labels(int fd, uint64_t size, char **programs, char **maps, struct error *error)
{
	static const struct object_visitor visitor = { labels_program, labels_map,
		                                       labels_map_type };
	_cleanup_json_ json_t *program_object = json_object();
	_cleanup_json_ json_t *map_object = json_object();
	_cleanup_free_ char *program_text = NULL;
	_cleanup_free_ char *map_text = NULL;
	struct labels labels = { program_object, map_object };
	int result;

	if (!program_object || !map_object)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to make labels");
	result = image_object_walk(fd, size, &visitor, &labels, error);
	if (result < 0)
		return result;
	program_text = json_dumps(program_object, JSON_COMPACT | JSON_SORT_KEYS);
	map_text = json_dumps(map_object, JSON_COMPACT | JSON_SORT_KEYS);
	if (!program_text || !map_text)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to make labels");
	*programs = steal_ptr(&program_text);
	*maps = steal_ptr(&map_text);
	return 0;
}
