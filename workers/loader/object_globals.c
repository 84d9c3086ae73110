/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Global variables, by the names and sizes that the object's BTF gives them. */
#include "workers/loader/loader.h"
#include "workers/loader/names.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/* Where a variable lies. */
struct variable {
	struct bpf_map *map;
	uint32_t offset;
	uint32_t size;
	unsigned int found; /* how many variables have the name */
};

static bool section_is_data(const char *name)
{
	return strcmp(name, ".rodata") == 0 || strcmp(name, ".data") == 0 ||
	       strcmp(name, ".bss") == 0 || strncmp(name, ".rodata.", 8) == 0 ||
	       strncmp(name, ".data.", 6) == 0;
}

/* Looks for `name` in one data section; every other name goes to `names`. */
static void section_search(const struct object *object, const struct btf_type *section,
                           struct bpf_map *map, const char *name, struct variable *variable,
                           struct names *names)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	const struct btf_var_secinfo *entry = btf_var_secinfos(section);

	for (unsigned int i = 0; i < btf_vlen(section); i++, entry++) {
		const struct btf_type *type = btf__type_by_id(btf, entry->type);
		const char *found = type ? btf__name_by_offset(btf, type->name_off) : NULL;

		if (!found)
			continue;
		if (strcmp(found, name) != 0) {
			names_add(names, found);
			continue;
		}
		variable->map = map;
		variable->offset = entry->offset;
		variable->size = entry->size;
		variable->found++;
	}
}

static void variable_search(const struct object *object, const char *name,
                            struct variable *variable, struct names *names)
{
	const struct btf *btf = bpf_object__btf(object->bpf);

	for (unsigned int id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *section;
		struct bpf_map *map;

		if (!btf_is_datasec(type))
			continue;
		section = btf__name_by_offset(btf, type->name_off);
		if (!section || !section_is_data(section))
			continue;
		map = bpf_object__find_map_by_name(object->bpf, section);
		if (map)
			section_search(object, type, map, name, variable, names);
	}
}

static int variable_write(const struct variable *variable, const char *name, const uint8_t *value,
                          uint32_t size, struct error *error)
{
	size_t section_size = 0;
	/* libbpf's own copy of the section, which is there to be written; later versions return it
	 * without the const */
	char *section = (char *)(uintptr_t)bpf_map__initial_value(variable->map, &section_size);

	if (size != variable->size)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "global \"%s\" has %u bytes in the object, but %u were given: "
		                 "give exactly %u",
		                 name, variable->size, size, variable->size);
	if (!section || variable->offset > section_size || size > section_size - variable->offset)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "global \"%s\" lies outside its section: the object's BTF is "
		                 "wrong, build it again",
		                 name);
	memcpy(section + variable->offset, value, size);
	return 0;
}

static int global_set(struct object *object, const struct record_global *global,
                      const uint8_t *value, struct error *error)
{
	struct variable variable = {};
	struct names names = {};

	variable_search(object, global->name, &variable, &names);
	if (variable.found == 0)
		return error_set(
			error, -ENOENT, ERROR_INVALID_ARGUMENT,
			"the object has no global variable \"%s\"; its global variables are: %s",
			global->name, names_text(&names));
	if (variable.found > 1)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the object has %u global variables \"%s\" (static ones of "
		                 "different functions or files): rename them",
		                 variable.found, global->name);
	return variable_write(&variable, global->name, value, global->size, error);
}

int object_set_globals(struct object *object, struct error *error)
{
	const struct record_globals *globals = object->globals;
	int result = 0;

	if (globals->count == 0)
		return 0;
	if (!bpf_object__btf(object->bpf))
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object has no BTF type information, by which global "
		                 "variables are found: compile it with -g");
	for (uint32_t i = 0; i < globals->count && result == 0; i++)
		result = global_set(object, &globals->entries[i],
		                    globals->data + globals->entries[i].offset, error);
	return result;
}
