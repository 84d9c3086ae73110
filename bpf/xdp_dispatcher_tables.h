/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The dispatcher as constant tables, made from its object by bpf/embed.c when bpfd is built: the
 * broker parses no ELF.
 */
#ifndef BPFD_BPF_XDP_DISPATCHER_TABLES_H
#define BPFD_BPF_XDP_DISPATCHER_TABLES_H

#include "bpf/xdp_dispatcher.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct xdp_dispatcher_tables {
	const struct bpf_insn *insns;
	size_t insn_count;
	const uint16_t
		*config_references; /* indices of ld_imm64 whose imm takes the map's descriptor */
	size_t config_reference_count;
	const struct bpf_func_info *functions;
	size_t function_count;
	const void *btf;
	size_t btf_size_bytes;
	uint32_t config_btf_id;                      /* of the map's value: the section .rodata */
	uint32_t main_btf_id;                        /* of the function xdp_dispatcher */
	uint32_t slot_btf_ids[XDP_DISPATCHER_SLOTS]; /* of prog0 ... */
	const char *license;
};

extern const struct xdp_dispatcher_tables xdp_dispatcher_tables;

#endif
