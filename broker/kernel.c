/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/kernel.h"
#include "common/kernel_uapi.h"
#include "common/cleanup.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define LOAD_TRIES 5 /* what libbpf does when the kernel was interrupted while it verified */

static int bpf_real(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	for (int try = 0;; try++) {
		long result = syscall(SYS_bpf, command, attr, size);

		if (result >= 0)
			return (int)result;
		if (command != BPF_PROG_LOAD || errno != EAGAIN || try == LOAD_TRIES)
			return -errno;
	}
}

static int ioctl_real(int fd, unsigned long request, unsigned long argument)
{
	int result = ioctl(fd, request, argument);

	return result < 0 ? -errno : result;
}

const struct kernel_operations kernel_real = { .bpf = bpf_real, .ioctl = ioctl_real };
const struct kernel_operations *kernel = &kernel_real;

/* bpf(2) takes pointers as numbers. */
static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

int kernel_pin(int fd, const char *path)
{
	union bpf_attr attr = {};

	attr.bpf_fd = (uint32_t)fd;
	attr.pathname = address(path);
	return kernel->bpf(BPF_OBJ_PIN, &attr, sizeof(attr));
}

int kernel_pin_open(const char *path)
{
	union bpf_attr attr = {};

	attr.pathname = address(path);
	return kernel->bpf(BPF_OBJ_GET, &attr, sizeof(attr));
}

int kernel_info(int fd, void *info, uint32_t size_bytes)
{
	union bpf_attr attr = {};

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = size_bytes;
	attr.info.info = address(info);
	return kernel->bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

int kernel_program_info(int fd, struct record_program *program)
{
	struct bpf_prog_info info = {};
	int result = kernel_info(fd, &info, sizeof(info));

	if (result < 0)
		return result;
	program->kernel_id = info.id;
	program->kernel_type = info.type;
	program->bytes_xlated = info.xlated_prog_len;
	program->bytes_jited = info.jited_prog_len;
	program->verified_insns = info.verified_insns;
	program->btf_id = info.btf_id;
	program->gpl_compatible = info.gpl_compatible;
	_Static_assert(sizeof(program->kernel_name) == sizeof(info.name) &&
	                       sizeof(program->tag) == sizeof(info.tag),
	               "as the kernel has them");
	memcpy(program->kernel_name, info.name, sizeof(info.name));
	memcpy(program->tag, info.tag, sizeof(info.tag));
	return 0;
}

int kernel_program_map_ids(int fd, uint32_t *ids, size_t *count)
{
	struct bpf_prog_info info = { .nr_map_ids = LOAD_MAPS_MAX };
	int result;

	info.map_ids = address(ids);
	result = kernel_info(fd, &info, sizeof(info));
	if (result < 0)
		return result;
	/* the kernel says how many there are, even where fewer fit */
	*count = info.nr_map_ids < LOAD_MAPS_MAX ? info.nr_map_ids : LOAD_MAPS_MAX;
	return 0;
}

int kernel_map_info(int fd, struct record_map *map)
{
	struct bpf_map_info info = {};
	int result = kernel_info(fd, &info, sizeof(info));

	if (result < 0)
		return result;
	map->kernel_id = info.id;
	map->type = info.type;
	map->key_size = info.key_size;
	map->value_size = info.value_size;
	map->max_entries = info.max_entries;
	return 0;
}

int kernel_map_lookup(int map_fd, const void *key, void *value)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)map_fd;
	attr.key = address(key);
	attr.value = address(value);
	return kernel->bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
}

int kernel_link_extension(int program_fd, int target_fd, uint32_t btf_id)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = (uint32_t)program_fd;
	attr.link_create.target_fd = (uint32_t)target_fd;
	attr.link_create.target_btf_id = btf_id;
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_link_update(int link_fd, int program_fd)
{
	union bpf_attr attr = {};

	attr.link_update.link_fd = (uint32_t)link_fd;
	attr.link_update.new_prog_fd = (uint32_t)program_fd;
	return kernel->bpf(BPF_LINK_UPDATE, &attr, sizeof(attr));
}

int kernel_link_detach(int link_fd)
{
	union bpf_attr attr = {};

	attr.link_detach.link_fd = (uint32_t)link_fd;
	return kernel->bpf(BPF_LINK_DETACH, &attr, sizeof(attr));
}

int kernel_link_create(int program_fd, int target_fd, uint32_t attach_type)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = (uint32_t)program_fd;
	attr.link_create.target_fd = (uint32_t)target_fd;
	attr.link_create.attach_type = attach_type;
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_link_cgroup_before(int program_fd, int cgroup_fd, uint32_t attach_type, int next_fd)
{
	const struct kernel_link_create_cgroup create = {
		.prog_fd = (uint32_t)program_fd,
		.target_fd = (uint32_t)cgroup_fd,
		.attach_type = attach_type,
		.flags = KERNEL_F_BEFORE | KERNEL_F_LINK,
		.relative_fd = (uint32_t)next_fd,
	};
	union bpf_attr attr = {};

	memcpy(&attr, &create, sizeof(create));
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_link_netfilter(int program_fd, uint32_t family, uint32_t hook, int32_t priority)
{
	const struct kernel_link_create_netfilter create = {
		.prog_fd = (uint32_t)program_fd,
		.attach_type = KERNEL_NETFILTER,
		.family = family,
		.hook = hook,
		.priority = priority,
	};
	union bpf_attr attr = {};

	memcpy(&attr, &create, sizeof(create));
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_link_perf_event(int program_fd, int perf_fd)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = (uint32_t)program_fd;
	attr.link_create.target_fd = (uint32_t)perf_fd;
	attr.link_create.attach_type = BPF_PERF_EVENT;
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_perf_links(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {};

	attr.prog_type = BPF_PROG_TYPE_TRACEPOINT;
	attr.insns = address(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = address("Dual MIT/GPL");
	memcpy(attr.prog_name, "bpfd_probe", sizeof("bpfd_probe"));
	_cleanup_close_ int program = kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));

	if (program < 0)
		return program;
	/* a kernel that can looks for the event, which there is not; one that cannot does not */
	return kernel_link_perf_event(program, -1) != -EINVAL;
}

int kernel_perf_event_run(int program_fd, int perf_fd)
{
	return kernel->ioctl(perf_fd, PERF_EVENT_IOC_SET_BPF, (unsigned long)program_fd);
}

int kernel_raw_tracepoint_open(int program_fd, const char *name)
{
	union bpf_attr attr = {};

	attr.raw_tracepoint.prog_fd = (uint32_t)program_fd;
	attr.raw_tracepoint.name = address(name);
	return kernel->bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

int kernel_link_kprobe_multi(int program_fd, const char *const *functions, uint32_t count,
                             bool returns)
{
	union bpf_attr attr = {};

	attr.link_create.prog_fd = (uint32_t)program_fd;
	attr.link_create.attach_type = BPF_TRACE_KPROBE_MULTI;
	attr.link_create.kprobe_multi.flags = returns ? BPF_F_KPROBE_MULTI_RETURN : 0;
	attr.link_create.kprobe_multi.cnt = count;
	attr.link_create.kprobe_multi.syms = address(functions);
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_link_uprobe_multi(int program_fd, const char *path, const uint64_t *offsets,
                             uint32_t count, uint32_t pid, bool returns)
{
	const struct kernel_link_create_uprobe_multi create = {
		.prog_fd = (uint32_t)program_fd,
		.attach_type = KERNEL_TRACE_UPROBE_MULTI,
		.path = address(path),
		.offsets = address(offsets),
		.cnt = count,
		.multi_flags = returns ? KERNEL_UPROBE_MULTI_RETURN : 0,
		.pid = pid,
	};
	union bpf_attr attr = {};

	memcpy(&attr, &create, sizeof(create));
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int kernel_iterator_create(int link_fd)
{
	union bpf_attr attr = {};

	attr.iter_create.link_fd = (uint32_t)link_fd;
	return kernel->bpf(BPF_ITER_CREATE, &attr, sizeof(attr));
}
