/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/grace.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>

static int membarrier(int command)
{
	long result = syscall(SYS_membarrier, command, 0, 0);

	return result < 0 ? -errno : (int)result;
}

/* With one CPU the kernel returns at once. That is right where no process runs while a packet is
 * half through a program; where soft interrupts are threads (PREEMPT_RT) one may. */
static bool membarrier_serves(void)
{
	int commands = membarrier(MEMBARRIER_CMD_QUERY);

	return commands >= 0 && commands & MEMBARRIER_CMD_GLOBAL &&
	       sysconf(_SC_NPROCESSORS_CONF) > 1;
}

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

static int maps_error(struct error *error, int result)
{
	return error_set(error, result, ERROR_KERNEL,
	                 "cannot make the maps that tell when a dispatcher has ended: %s",
	                 strerror(-result));
}

int grace_open(struct grace *out, struct error *error)
{
	_cleanup_close_ int inner_fd = -1;
	int outer_fd;

	*out = (struct grace){ -1, -1 };
	if (membarrier_serves())
		return 0;
	inner_fd = map_make(BPF_MAP_TYPE_ARRAY, -1);
	if (inner_fd < 0)
		return maps_error(error, inner_fd);
	outer_fd = map_make(BPF_MAP_TYPE_ARRAY_OF_MAPS, inner_fd);
	if (outer_fd < 0)
		return maps_error(error, outer_fd);
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

	if (grace->outer_fd < 0)
		return membarrier(MEMBARRIER_CMD_GLOBAL);
	attr.map_fd = (uint32_t)grace->outer_fd;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&grace->inner_fd;
	return kernel->bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}
