/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls of bpf(2) about the entries of maps and about what describes them. */
#include "broker/kernel.h"

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static int element_call(enum bpf_cmd command, int map_fd, const void *key, const void *value,
                        uint64_t flags)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)map_fd;
	attr.key = address(key);
	attr.value = address(value);
	attr.flags = flags;
	return kernel->bpf(command, &attr, sizeof(attr));
}

int kernel_map_next(int map_fd, const void *key, void *next)
{
	return element_call(BPF_MAP_GET_NEXT_KEY, map_fd, key, next, 0);
}

int kernel_map_set(int map_fd, const void *key, const void *value, uint64_t mode)
{
	return element_call(BPF_MAP_UPDATE_ELEM, map_fd, key, value, mode);
}

int kernel_map_delete(int map_fd, const void *key)
{
	return element_call(BPF_MAP_DELETE_ELEM, map_fd, key, NULL, 0);
}

int kernel_map_types(int map_fd, uint32_t *btf_id, uint32_t *key_type, uint32_t *value_type)
{
	struct bpf_map_info info = {};
	int result = kernel_info(map_fd, &info, sizeof(info));

	if (result < 0)
		return result;
	*btf_id = info.btf_id;
	*key_type = info.btf_key_type_id;
	*value_type = info.btf_value_type_id;
	return 0;
}

int kernel_btf_read(int btf_fd, void *bytes, uint32_t *size)
{
	struct bpf_btf_info info = { .btf = address(bytes), .btf_size = *size };
	int result = kernel_info(btf_fd, &info, sizeof(info));

	if (result < 0)
		return result;
	*size = info.btf_size;
	return 0;
}
