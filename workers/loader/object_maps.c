/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/loader/loader.h"

#include <errno.h>
#include <string.h>

const char *object_map_name(const struct object *object, const struct bpf_map *map)
{
	static const char *const sections[] = { ".rodata", ".data", ".bss", ".kconfig" };

	/* libbpf names these after the object and the section: for the kernel, cut to 15 bytes */
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (bpf_object__find_map_by_name(object->bpf, sections[i]) == map)
			return sections[i];
	}
	return bpf_map__name(map);
}

static int map_check(const struct object *object, const struct bpf_map *map, struct error *error)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
	const char *name = object_map_name(object, map);

	if (!name || !name[0] || strlen(name) >= MAP_NAME_SIZE)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the name of map \"%.80s\" is too long: bpfd takes up to %d bytes",
		                 name ?: "", MAP_NAME_SIZE - 1);
	if (name[strspn(name, allowed)])
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the map name \"%s\" has characters that the kernel does not "
		                 "take: use letters, digits and '_'",
		                 name);
	if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
		return error_set(error, -EINVAL, ERROR_UNSUPPORTED,
		                 "map \"%s\" is a struct_ops map, which bpfd does not load", name);
	return 0;
}

int object_prepare_maps(struct object *object, struct error *error)
{
	struct bpf_map *map;
	size_t count = 0;
	int result;

	bpf_object__for_each_map(map, object->bpf)
	{
		result = map_check(object, map, error);
		if (result < 0)
			return result;
		if (count == LOAD_MAPS_MAX)
			return error_set(error, -E2BIG, ERROR_LIMIT,
			                 "the object has more than %d maps, which is the most that "
			                 "bpfd loads",
			                 LOAD_MAPS_MAX);
		/* maps are pinned by the broker, in its own place */
		object->maps[count++] = (struct object_map){
			.by_name = bpf_map__pin_path(map) && !strchr(bpf_map__name(map), '.'),
		};
		(void)bpf_map__set_pin_path(map, NULL);
	}
	return 0;
}

static int map_share(const struct bpf_map *map, struct object_map *own, struct error *error)
{
	struct loader_map_share share = {
		.by_name = own->by_name ? 1 : 0,
		.type = bpf_map__type(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.max_entries = bpf_map__max_entries(map),
		.flags = bpf_map__map_flags(map),
		.extra = bpf_map__map_extra(map),
	};
	int result;

	(void)snprintf(share.name, sizeof(share.name), "%s", bpf_map__name(map));
	result = forward_map_share(&share);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "map \"%s\" cannot be shared: %s",
		                 share.name, strerror(-result));
	own->shared = (uint32_t)result;
	return 0;
}

int object_share_maps(struct object *object, struct error *error)
{
	struct object_map *own = object->maps;
	struct bpf_map *map;
	int result;

	bpf_object__for_each_map(map, object->bpf)
	{
		if (!bpf_map__is_internal(map) && (own->by_name || object->job->map_sharing)) {
			result = map_share(map, own, error);
			if (result < 0)
				return result;
		}
		own++;
	}
	return 0;
}

struct object_map *object_map_made_now(struct object *object, const union bpf_attr *attr)
{
	struct object_map *own = object->maps;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object->bpf)
	{
		if (!own->made && bpf_map__type(map) == attr->map_type &&
		    bpf_map__key_size(map) == attr->key_size &&
		    bpf_map__value_size(map) == attr->value_size &&
		    strncmp(bpf_map__name(map), attr->map_name, BPF_OBJ_NAME_LEN - 1) == 0)
			return own;
		own++;
	}
	return NULL;
}
