/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/program_type.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

static const struct program_type_row program_types[PROGRAM_TYPE_END] = {
	[PROGRAM_TYPE_XDP] = { .name = "xdp", .bpf_type = BPF_PROG_TYPE_XDP },
	[PROGRAM_TYPE_TRACEPOINT] = { .name = "tracepoint", .bpf_type = BPF_PROG_TYPE_TRACEPOINT },
};

const struct program_type_row *program_type_row(uint32_t type)
{
	if (type >= PROGRAM_TYPE_END || !program_types[type].name)
		return NULL;
	return &program_types[type];
}

enum program_type program_type_by_name(const char *name)
{
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (strcmp(program_types[type].name, name) == 0)
			return (enum program_type)type;
	}
	return PROGRAM_TYPE_NONE;
}
