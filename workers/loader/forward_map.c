/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Maps on their way to the gate. libbpf makes them, fills data sections and static slots, and
 * freezes what is constant. */
#include "workers/loader/forward.h"

#include "common/cleanup.h"
#include "common/memfd.h"

#include <string.h>

int forward_map_create(union bpf_attr *attr)
{
	struct loader_map_create map = {
		.type = attr->map_type,
		.key_size = attr->key_size,
		.value_size = attr->value_size,
		.max_entries = attr->max_entries,
		.flags = attr->map_flags,
		.numa_node = attr->numa_node,
		.extra = attr->map_extra,
		.btf_key_type_id = attr->btf_key_type_id,
		.btf_value_type_id = attr->btf_value_type_id,
	};
	struct object *object = forward_object();
	struct object_map *own = object ? object_map_made_now(object, attr) : NULL;
	int result;

	if (own && own->shared != LOADER_HANDLE_NONE) {
		own->made = true;
		return handle_open_shared(own->shared, attr->map_type, attr->value_size);
	}
	if (attr->map_ifindex || attr->btf_vmlinux_value_type_id)
		return -EPERM;
	if (attr->inner_map_fd)
		map.inner_map = handle_of((int)attr->inner_map_fd).handle;
	if (attr->btf_fd)
		map.btf = handle_of((int)attr->btf_fd).handle;
	memcpy(map.name, attr->map_name, strnlen(attr->map_name, sizeof(map.name) - 1));
	result = forward_make(LOADER_MAP_CREATE, &map, -1, (struct forward_log){});
	if (result < 0)
		return result;
	if (own)
		own->made = true;
	return handle_open((uint32_t)result, attr->map_type, attr->value_size);
}

int forward_map_share(const struct loader_map_share *share)
{
	return forward_try(LOADER_MAP_SHARE, share, (struct forward_log){});
}

static int map_update_long(const struct loader_map_update *update, const void *value)
{
	_cleanup_close_ int fd = memfd_from_bytes("value", value, update->value_size);

	if (fd < 0)
		return fd;
	return forward_do(LOADER_MAP_UPDATE_LONG, update, fd);
}

static int map_slot_set(uint32_t map, uint32_t key, const void *value)
{
	int fd;

	memcpy(&fd, value, sizeof(fd));

	struct loader_map_slot slot = { .map = map, .key = key, .value = handle_of(fd).handle };

	return forward_do(LOADER_MAP_SLOT, &slot, -1);
}

int forward_map_update(union bpf_attr *attr)
{
	static struct loader_map_update_short body;
	const void *value = (const void *)(uintptr_t)attr->value;
	struct handle map = handle_of((int)attr->map_fd);
	uint32_t key;

	if (map.handle == LOADER_HANDLE_NONE || attr->flags)
		return -EINVAL;
	/* what the object declares as first contents is for a new map: this one keeps its own */
	if (map.shared)
		return 0;
	memcpy(&key, (const void *)(uintptr_t)attr->key, sizeof(key));
	if (map.map_type == BPF_MAP_TYPE_PROG_ARRAY || map.map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    map.map_type == BPF_MAP_TYPE_HASH_OF_MAPS)
		return map_slot_set(map.handle, key, value);
	body.update = (struct loader_map_update){ .map = map.handle,
		                                  .key = key,
		                                  .value_size = map.value_size };
	if (body.update.value_size > LOADER_PAYLOAD_SHORT)
		return map_update_long(&body.update, value);
	memcpy(body.payload, value, body.update.value_size);
	return forward_do(LOADER_MAP_UPDATE, &body, -1);
}

int forward_map_freeze(union bpf_attr *attr)
{
	struct loader_map_freeze freeze = { .map = handle_of((int)attr->map_fd).handle };

	return forward_do(LOADER_MAP_FREEZE, &freeze, -1);
}
