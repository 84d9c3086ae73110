/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The program types that bpfd manages: one row each. The numbers travel in channels and lie in the
 * store: never renumber. What a type does when it is attached is in broker/attach_<type>.c and its
 * row in broker/attach.c.
 */
#ifndef BPFD_COMMON_PROGRAM_TYPE_H
#define BPFD_COMMON_PROGRAM_TYPE_H

#include <stdint.h>

enum program_type {
	PROGRAM_TYPE_NONE = 0,
	PROGRAM_TYPE_XDP = 1,
	PROGRAM_TYPE_TRACEPOINT = 2,
	PROGRAM_TYPE_END
};

struct program_type_row {
	const char *name;  /* as users write it */
	uint32_t bpf_type; /* enum bpf_prog_type that libbpf loads it as */
};

/* The row of a type, or NULL for a number that is none. */
const struct program_type_row *program_type_row(uint32_t type);

/* The type of that name, or PROGRAM_TYPE_NONE. */
enum program_type program_type_by_name(const char *name);

#endif
