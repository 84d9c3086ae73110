/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/tcx_relay.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

#define GO_ON (-1) /* TCX_NEXT, NETKIT_NEXT */
#define OPEN 0     /* the turn, at first, too */
#define TAKEN 1

#define MOVE(to, from)                                                                  \
	{                                                                               \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) \
	}
#define SET(to, number)                                                               \
	{                                                                             \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (number) \
	}
#define ADD(to, number)                                                               \
	{                                                                             \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (number) \
	}
#define STORE(base, offset, number)                                                   \
	{                                                                             \
		.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = (base), .off = (offset), \
		.imm = (number)                                                       \
	}
#define LOAD(to, base, offset)                                                         \
	{                                                                              \
		.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = (base), \
		.off = (offset)                                                        \
	}
#define MAP(to, fd)                          \
	{ .code = BPF_LD | BPF_DW | BPF_IMM, \
	  .dst_reg = (to),                   \
	  .src_reg = BPF_PSEUDO_MAP_FD,      \
	  .imm = (fd) },                     \
	{                                    \
		.code = 0                    \
	}
#define CALL(function)                                        \
	{                                                     \
		.code = BPF_JMP | BPF_CALL, .imm = (function) \
	}
#define JUMP_IF(condition, reg, number, count)                                           \
	{                                                                                \
		.code = BPF_JMP | (condition) | BPF_K, .dst_reg = (reg), .off = (count), \
		.imm = (number)                                                          \
	}
#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* r6 = the packet, r0 = this processor's turn, or on with the packet: `rest` instructions on. */
#define BEGIN(turns_fd, rest)                                                                 \
	MOVE(BPF_REG_6, BPF_REG_1), STORE(BPF_REG_10, -4, 0), MOVE(BPF_REG_2, BPF_REG_10),    \
		ADD(BPF_REG_2, -4), MAP(BPF_REG_1, turns_fd), CALL(BPF_FUNC_map_lookup_elem), \
		JUMP_IF(BPF_JEQ, BPF_REG_0, 0, rest)
/*
 * The slot's number is read (0, behind the turn) and added, so that the verifier does not know it:
 * for a known one the kernel would patch the running relay's code at each change of the slot, which
 * an emulated machine does not survive under load.
 */
#define TAIL_CALL(programs_fd, base, slot)                                                 \
	MOVE(BPF_REG_1, BPF_REG_6), MAP(BPF_REG_2, programs_fd), LOAD(BPF_REG_3, base, 4), \
		ADD(BPF_REG_3, slot), CALL(BPF_FUNC_tail_call)

static int map_make(enum bpf_map_type type, uint32_t entries, uint32_t value_size)
{
	union bpf_attr attr = {};

	attr.map_type = type;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = value_size;
	attr.max_entries = entries;
	memcpy(attr.map_name, "bpfd_move", sizeof("bpfd_move"));
	return kernel->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int relay_load(const struct bpf_insn *insns, size_t count)
{
	static const char license[] = "Dual MIT/GPL";
	union bpf_attr attr = {};

	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uint64_t)(uintptr_t)license;
	memcpy(attr.prog_name, "bpfd_move", sizeof("bpfd_move"));
	return kernel->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int first_load(int turns_fd, int programs_fd)
{
	const struct bpf_insn insns[] = {
		BEGIN(turns_fd, 9),
		MOVE(BPF_REG_7, BPF_REG_0),
		STORE(BPF_REG_7, 0, TAKEN),
		TAIL_CALL(programs_fd, BPF_REG_7, TCX_FIRST),
		STORE(BPF_REG_7, 0, OPEN),
		SET(BPF_REG_0, GO_ON),
		EXIT,
	};

	return relay_load(insns, sizeof(insns) / sizeof(insns[0]));
}

static int second_load(int turns_fd, int programs_fd)
{
	const struct bpf_insn insns[] = {
		BEGIN(turns_fd, 8),
		LOAD(BPF_REG_1, BPF_REG_0, 0),
		JUMP_IF(BPF_JNE, BPF_REG_1, OPEN, 6),
		TAIL_CALL(programs_fd, BPF_REG_0, TCX_SECOND),
		SET(BPF_REG_0, GO_ON),
		EXIT,
	};

	return relay_load(insns, sizeof(insns) / sizeof(insns[0]));
}

int tcx_relays_load(struct tcx_relays *out)
{
	_cleanup_close_ int turns_fd = map_make(BPF_MAP_TYPE_PERCPU_ARRAY, 1, 8);
	_cleanup_close_ int programs_fd = -1, first_fd = -1;
	int second_fd;

	if (turns_fd < 0)
		return turns_fd;
	programs_fd = map_make(BPF_MAP_TYPE_PROG_ARRAY, TCX_SIDES, 4);
	if (programs_fd < 0)
		return programs_fd;
	first_fd = first_load(turns_fd, programs_fd);
	if (first_fd < 0)
		return first_fd;
	second_fd = second_load(turns_fd, programs_fd);
	if (second_fd < 0)
		return second_fd;
	*out = (struct tcx_relays){ steal_fd(&programs_fd), { steal_fd(&first_fd), second_fd } };
	return 0;
}

void tcx_relays_close(struct tcx_relays *relays)
{
	close_cleanup(&relays->programs_fd);
	for (size_t i = 0; i < TCX_SIDES; i++)
		close_cleanup(&relays->relay_fds[i]);
}

int tcx_relay_set(int programs_fd, enum tcx_side side, int program_fd)
{
	const uint32_t key = side, value = (uint32_t)program_fd;

	return kernel_map_set(programs_fd, &key, &value, BPF_ANY);
}

int tcx_relay_clear(int programs_fd, enum tcx_side side)
{
	const uint32_t key = side;
	int result = kernel_map_delete(programs_fd, &key);

	return result == -ENOENT ? 0 : result;
}
