/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/grace.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <string.h>

static int map_make(enum bpf_map_type type, int inner_fd)
{
	union bpf_attr attr = {};

	attr.map_type = type;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = sizeof(uint32_t);
	attr.max_entries = 1;
	attr.inner_map_fd = (uint32_t)(inner_fd < 0 ? 0 : inner_fd);
	memcpy(attr.map_name, "bpfd_grace", sizeof("bpfd_grace"));
	return kernel->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

int grace_open(struct grace *out)
{
	_cleanup_close_ int inner_fd = map_make(BPF_MAP_TYPE_ARRAY, -1);
	int outer_fd;

	if (inner_fd < 0)
		return inner_fd;
	outer_fd = map_make(BPF_MAP_TYPE_ARRAY_OF_MAPS, inner_fd);
	if (outer_fd < 0)
		return outer_fd;
	*out = (struct grace){ outer_fd, steal_fd(&inner_fd) };
	return 0;
}

void grace_close(struct grace *grace)
{
	close_cleanup(&grace->outer_fd);
	close_cleanup(&grace->inner_fd);
	*grace = (struct grace){ -1, -1 };
}

int grace_wait(const struct grace *grace)
{
	const uint32_t key = 0;
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)grace->outer_fd;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&grace->inner_fd;
	return kernel->bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}
