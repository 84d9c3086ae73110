/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/dispatcher.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <stdio.h>
#include <string.h>

#define INSNS_MAX 256

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

int dispatcher_btf_load(const struct dispatcher_tables *tables, struct error *error)
{
	union bpf_attr attr = {};
	int fd;

	attr.btf = address(tables->btf);
	attr.btf_size = (uint32_t)tables->btf_size_bytes;
	fd = kernel->bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return error_set(
			error, fd, ERROR_KERNEL,
			"the kernel refuses the type information of bpfd's %s dispatcher: %s",
			tables->title, strerror(-fd));
	return fd;
}

static int config_map_create(const struct dispatcher_tables *tables, int btf_fd, const void *config)
{
	union bpf_attr attr = {};
	uint32_t key = 0;
	int result;

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(key);
	attr.value_size = (uint32_t)tables->config_size_bytes;
	attr.max_entries = 1;
	attr.map_flags = BPF_F_RDONLY_PROG;
	attr.btf_fd = (uint32_t)btf_fd;
	attr.btf_value_type_id = tables->config_btf_id;
	(void)snprintf(attr.map_name, sizeof(attr.map_name), "%s", tables->map_name);
	_cleanup_close_ int fd = kernel->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = address(&key);
	attr.value = address(config);
	result = kernel->bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
	if (result < 0)
		return result;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	result = kernel->bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
	return result < 0 ? result : steal_fd(&fd);
}

static void attr_functions(const struct dispatcher_tables *tables, union bpf_attr *attr,
                           const struct bpf_func_info *functions, size_t count, int btf_fd)
{
	attr->prog_btf_fd = (uint32_t)btf_fd;
	attr->func_info = address(functions);
	attr->func_info_cnt = (uint32_t)count;
	attr->func_info_rec_size = sizeof(*functions);
	attr->license = address(tables->license);
}

static int program_load(const struct dispatcher_tables *tables, int btf_fd, int map_fd,
                        uint32_t flags)
{
	struct bpf_insn insns[INSNS_MAX];
	union bpf_attr attr = {};

	if (tables->insn_count > INSNS_MAX)
		return -E2BIG;
	memcpy(insns, tables->insns, tables->insn_count * sizeof(*insns));
	for (size_t i = 0; i < tables->config_reference_count; i++)
		insns[tables->config_references[i]].imm = map_fd;
	attr.prog_type = tables->program_type;
	attr.expected_attach_type = tables->attach_type;
	attr.insns = address(insns);
	attr.insn_cnt = (uint32_t)tables->insn_count;
	attr.prog_flags = flags;
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", tables->name);
	attr_functions(tables, &attr, tables->functions, tables->function_count, btf_fd);
	return kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

int dispatcher_load(const struct dispatcher_tables *tables, int btf_fd, const void *config,
                    uint32_t flags, int *program_fd, int *map_fd, struct error *error)
{
	_cleanup_close_ int map = config_map_create(tables, btf_fd, config);
	int program;

	if (map < 0)
		return error_set(error, map, ERROR_KERNEL,
		                 "cannot make the %s dispatcher's map: %s", tables->title,
		                 strerror(-map));
	program = program_load(tables, btf_fd, map, flags);
	if (program < 0)
		return error_set(error, program, ERROR_KERNEL,
		                 "the kernel refuses bpfd's %s dispatcher: %s", tables->title,
		                 strerror(-program));
	*program_fd = program;
	*map_fd = steal_fd(&map);
	return 0;
}

int dispatcher_extension_try(const struct dispatcher_tables *tables, int btf_fd, int program_fd)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct bpf_func_info function = { .type_id = tables->slot_btf_ids[0] };
	union bpf_attr attr = {};

	attr.prog_type = BPF_PROG_TYPE_EXT;
	attr.insns = address(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(*insns);
	attr.attach_prog_fd = (uint32_t)program_fd;
	attr.attach_btf_id = tables->slot_btf_ids[0];
	memcpy(attr.prog_name, "bpfd_probe", sizeof("bpfd_probe"));
	attr_functions(tables, &attr, &function, 1, btf_fd);
	_cleanup_close_ int probe = kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));

	if (probe < 0)
		return probe;
	/* some machines load extension programs and cannot link them */
	_cleanup_close_ int link =
		kernel_link_extension(probe, program_fd, tables->slot_btf_ids[0]);

	return link < 0 ? link : 0;
}
