/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/sandbox/simulator.h"

#include <stdint.h>
#include <string.h>

struct machine {
	uint32_t a;
	uint32_t x;
	uint32_t memory[BPF_MEMWORDS];
};

static uint32_t arithmetic(uint16_t operation, uint32_t left, uint32_t right)
{
	switch (operation) {
	case BPF_ADD:
		return left + right;
	case BPF_SUB:
		return left - right;
	case BPF_AND:
		return left & right;
	case BPF_OR:
		return left | right;
	case BPF_XOR:
		return left ^ right;
	case BPF_LSH:
		return right < 32 ? left << right : 0;
	case BPF_RSH:
		return right < 32 ? left >> right : 0;
	default:
		return SIMULATOR_BROKEN;
	}
}

static int jump_taken(uint16_t operation, uint32_t left, uint32_t right)
{
	switch (operation) {
	case BPF_JEQ:
		return left == right;
	case BPF_JGT:
		return left > right;
	case BPF_JGE:
		return left >= right;
	case BPF_JSET:
		return (left & right) != 0;
	default:
		return -1;
	}
}

/* Loads and arithmetic; 0, or -1 for what a seccomp filter may not do. */
static int step(struct machine *machine, const struct sock_filter *instruction,
                const struct seccomp_data *data)
{
	uint32_t operand = BPF_SRC(instruction->code) == BPF_X ? machine->x : instruction->k;

	switch (instruction->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (instruction->k % 4 || instruction->k > sizeof(*data) - 4)
			return -1;
		memcpy(&machine->a, (const unsigned char *)data + instruction->k, 4);
		return 0;
	case BPF_LD | BPF_IMM:
		machine->a = instruction->k;
		return 0;
	case BPF_LD | BPF_MEM:
	case BPF_ST:
		if (instruction->k >= BPF_MEMWORDS)
			return -1;
		if (instruction->code == BPF_ST)
			machine->memory[instruction->k] = machine->a;
		else
			machine->a = machine->memory[instruction->k];
		return 0;
	case BPF_MISC | BPF_TAX:
		machine->x = machine->a;
		return 0;
	case BPF_MISC | BPF_TXA:
		machine->a = machine->x;
		return 0;
	default:
		if (BPF_CLASS(instruction->code) != BPF_ALU)
			return -1;
		machine->a = arithmetic(BPF_OP(instruction->code), machine->a, operand);
		return 0;
	}
}

unsigned int simulator_run(const struct sock_filter *filter, size_t length,
                           const struct seccomp_data *data)
{
	struct machine machine = {};

	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *instruction = &filter[at];
		uint16_t class = BPF_CLASS(instruction->code);

		if (class == BPF_RET)
			return BPF_RVAL(instruction->code) == BPF_A ? machine.a : instruction->k;
		if (class == BPF_JMP && BPF_OP(instruction->code) == BPF_JA) {
			at += instruction->k;
		} else if (class == BPF_JMP) {
			uint32_t right =
				BPF_SRC(instruction->code) == BPF_X ? machine.x : instruction->k;
			int taken = jump_taken(BPF_OP(instruction->code), machine.a, right);

			if (taken < 0)
				return SIMULATOR_BROKEN;
			at += taken ? instruction->jt : instruction->jf;
		} else if (step(&machine, instruction, data) < 0) {
			return SIMULATOR_BROKEN;
		}
	}
	return SIMULATOR_BROKEN;
}
