/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/xdp_dispatcher.h"
#include "bpf/xdp_dispatcher_tables.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <stdbool.h>
#include <string.h>

#define TABLES (&xdp_dispatcher_tables)
#define INSNS_MAX 256

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

int dispatcher_btf_load(struct error *error)
{
	union bpf_attr attr = {};
	int fd;

	attr.btf = address(TABLES->btf);
	attr.btf_size = (uint32_t)TABLES->btf_size_bytes;
	fd = kernel->bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return error_set(
			error, fd, ERROR_KERNEL,
			"the kernel refuses the type information of bpfd's XDP dispatcher: %s",
			strerror(-fd));
	return fd;
}

static int config_map_create(int btf_fd, const struct xdp_dispatcher_config *config)
{
	union bpf_attr attr = {};
	uint32_t key = 0;
	int result;

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(key);
	attr.value_size = sizeof(*config);
	attr.max_entries = 1;
	attr.map_flags = BPF_F_RDONLY_PROG;
	attr.btf_fd = (uint32_t)btf_fd;
	attr.btf_value_type_id = TABLES->config_btf_id;
	memcpy(attr.map_name, "xdp_disp.rodata", sizeof("xdp_disp.rodata"));
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

static void attr_functions(union bpf_attr *attr, const struct bpf_func_info *functions,
                           size_t count, int btf_fd)
{
	attr->prog_btf_fd = (uint32_t)btf_fd;
	attr->func_info = address(functions);
	attr->func_info_cnt = (uint32_t)count;
	attr->func_info_rec_size = sizeof(*functions);
	attr->license = address(TABLES->license);
}

static int program_load(int btf_fd, int map_fd, bool frags)
{
	struct bpf_insn insns[INSNS_MAX];
	union bpf_attr attr = {};

	if (TABLES->insn_count > INSNS_MAX)
		return -E2BIG;
	memcpy(insns, TABLES->insns, TABLES->insn_count * sizeof(*insns));
	for (size_t i = 0; i < TABLES->config_reference_count; i++)
		insns[TABLES->config_references[i]].imm = map_fd;
	attr.prog_type = BPF_PROG_TYPE_XDP;
	/* what libbpf says for SEC("xdp"): components that libxdp loaded are bound to the attach
	 * type of their first dispatcher */
	attr.expected_attach_type = BPF_XDP;
	attr.insns = address(insns);
	attr.insn_cnt = (uint32_t)TABLES->insn_count;
	attr.prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0;
	memcpy(attr.prog_name, XDP_DISPATCHER_NAME, sizeof(XDP_DISPATCHER_NAME));
	attr_functions(&attr, TABLES->functions, TABLES->function_count, btf_fd);
	return kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

int dispatcher_load(int btf_fd, const struct xdp_dispatcher_config *config, int *program_fd,
                    int *map_fd, struct error *error)
{
	_cleanup_close_ int map = config_map_create(btf_fd, config);
	int program;

	if (map < 0)
		return error_set(error, map, ERROR_KERNEL,
		                 "cannot make the XDP dispatcher's map: %s", strerror(-map));
	program = program_load(btf_fd, map, config->is_xdp_frags);
	if (program < 0)
		return error_set(error, program, ERROR_KERNEL,
		                 "the kernel refuses bpfd's XDP dispatcher: %s",
		                 strerror(-program));
	*program_fd = program;
	*map_fd = steal_fd(&map);
	return 0;
}

uint32_t dispatcher_target(size_t count, size_t slot)
{
	return count == 1 ? TABLES->main_btf_id : TABLES->slot_btf_ids[slot];
}

int dispatcher_extension_try(int btf_fd, int program_fd)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct bpf_func_info function = { .type_id = TABLES->slot_btf_ids[0] };
	union bpf_attr attr = {};

	attr.prog_type = BPF_PROG_TYPE_EXT;
	attr.insns = address(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(*insns);
	attr.attach_prog_fd = (uint32_t)program_fd;
	attr.attach_btf_id = TABLES->slot_btf_ids[0];
	memcpy(attr.prog_name, "bpfd_probe", sizeof("bpfd_probe"));
	attr_functions(&attr, &function, 1, btf_fd);
	_cleanup_close_ int probe = kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));

	if (probe < 0)
		return probe;
	/* some machines load extension programs and cannot link them */
	_cleanup_close_ int link =
		kernel_link_extension(probe, program_fd, TABLES->slot_btf_ids[0]);

	return link < 0 ? link : 0;
}
