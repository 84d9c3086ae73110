/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The dispatchers as constant tables, made from their objects by bpf/embed.c when bpfd is built:
 * the broker parses no ELF.
 */
#ifndef BPFD_BPF_DISPATCHER_TABLES_H
#define BPFD_BPF_DISPATCHER_TABLES_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#define DISPATCHER_SLOTS 10

struct dispatcher_tables {
	const char *name;         /* of the program, and of its main function */
	const char *map_name;     /* of the map that holds the configuration */
	const char *title;        /* for people: "XDP", "TC" */
	uint32_t program_type;    /* enum bpf_prog_type */
	uint32_t attach_type;     /* what libbpf says for the section: components that libxdp loaded
	                             are bound to that of their first dispatcher */
	size_t config_size_bytes; /* of the map's value */
	const struct bpf_insn *insns;
	size_t insn_count;
	const uint16_t
		*config_references; /* indices of ld_imm64 whose imm takes the map's descriptor */
	size_t config_reference_count;
	const struct bpf_func_info *functions;
	size_t function_count;
	const void *btf;
	size_t btf_size_bytes;
	uint32_t config_btf_id;                  /* of the map's value: the section .rodata */
	uint32_t main_btf_id;                    /* of the main function */
	uint32_t slot_btf_ids[DISPATCHER_SLOTS]; /* of prog0 ... */
	const char *license;
};

extern const struct dispatcher_tables xdp_dispatcher_tables, tc_dispatcher_tables;

#endif
