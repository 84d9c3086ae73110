/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A map's type is how many elements the array has that its definition's member "type" points to:
 * libbpf's __uint(). */
#include "image/object_maps.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#define MODIFIERS_MAX 32 /* a stranger's types may lead in circles */

static const struct btf_type *type_resolve(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int i = 0; i < MODIFIERS_MAX && type; i++) {
		if (!btf_is_mod(type) && !btf_is_typedef(type))
			return type;
		type = btf__type_by_id(btf, type->type);
	}
	return NULL;
}

static const char *type_name(const struct btf *btf, const struct btf_type *definition)
{
	const struct btf_member *member = btf_members(definition);

	for (uint32_t i = 0; i < btf_vlen(definition); i++, member++) {
		const char *name = btf__name_by_offset(btf, member->name_off);
		const struct btf_type *type;

		if (!name || strcmp(name, "type") != 0)
			continue;
		type = type_resolve(btf, member->type);
		if (!type || !btf_is_ptr(type))
			return NULL;
		type = type_resolve(btf, type->type);
		if (!type || !btf_is_array(type))
			return NULL;
		return libbpf_bpf_map_type_str((enum bpf_map_type)btf_array(type)->nelems);
	}
	return NULL;
}

static int variable_tell(const struct btf *btf, const struct btf_type *variable,
                         const struct object_visitor *visitor, void *context)
{
	const char *name = btf__name_by_offset(btf, variable->name_off);
	const struct btf_type *definition = type_resolve(btf, variable->type);
	const char *type;

	if (!name || !definition || !btf_is_struct(definition))
		return 0;
	type = type_name(btf, definition);
	return type ? visitor->map_type(context, name, type) : 0;
}

static int variables_tell(const struct btf *btf, const struct btf_type *section,
                          const struct object_visitor *visitor, void *context)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < btf_vlen(section); i++) {
		const struct btf_type *variable =
			btf__type_by_id(btf, btf_var_secinfos(section)[i].type);

		if (variable && btf_is_var(variable))
			result = variable_tell(btf, variable, visitor, context);
	}
	return result;
}

/* libbpf would print what it does not like: a stranger would write to this process's standard
 * error.
 */
static struct btf *btf_read(const void *bytes, size_t size)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct btf *btf = btf__new(bytes, (uint32_t)size);

	(void)libbpf_set_print(print);
	return btf;
}

int object_map_types(const void *bytes, size_t size, const struct object_visitor *visitor,
                     void *context, struct error *error)
{
	struct btf *btf = btf_read(bytes, size);
	const struct btf_type *section;
	int id;
	int result = 0;

	if (!btf)
		return 0;
	id = btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC);
	section = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	if (section)
		result = variables_tell(btf, section, visitor, context);
	btf__free(btf);
	return result < 0 ? error_set(error, -EINVAL, ERROR_BAD_OBJECT,
	                              "the object's types of maps cannot be used: build it again")
	                  : 0;
}
