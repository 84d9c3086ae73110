/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One program, map or link of the kernel's, whoever loaded it: what bpfd's iterators
 * (bpf/iterators.bpf.c) and the opener write, and the frontend reads. Records of one kind follow
 * each other without gaps, in ascending order of id. Shared with eBPF programs: no other types than
 * those of linux/types.h.
 */
#ifndef BPFD_PROTO_KERNEL_RECORDS_H
#define BPFD_PROTO_KERNEL_RECORDS_H

#include <linux/types.h>

#define KERNEL_NAME_SIZE 16        /* BPF_OBJ_NAME_LEN */
#define KERNEL_PROGRAM_MAPS_MAX 64 /* MAX_USED_MAPS: the kernel allows a program no more */
#define KERNEL_UNKNOWN 0xffffffffu

enum kernel_kind {
	KERNEL_KIND_PROGRAM = 0,
	KERNEL_KIND_MAP = 1,
	KERNEL_KIND_LINK = 2,
	KERNEL_KIND_COUNT
};

struct kernel_program {
	__u32 id;
	__u32 type;         /* enum bpf_prog_type */
	__u32 attach_type;  /* that it was loaded for, enum bpf_attach_type; KERNEL_UNKNOWN */
	__u32 owner_uid;    /* who loaded it; KERNEL_UNKNOWN */
	__u64 loaded_at_ns; /* of CLOCK_BOOTTIME */
	__u64 run_time_ns;  /* counted while statistics are on */
	__u64 run_count;
	__u32 bytes_xlated;
	__u32 bytes_jited;
	__u32 verified_insns; /* 0: this kernel does not say */
	__u32 btf_id;
	__u32 gpl_compatible;
	__u32 map_count; /* at most KERNEL_PROGRAM_MAPS_MAX */
	char name[KERNEL_NAME_SIZE];
	__u8 tag[8];
	__u32 map_ids[KERNEL_PROGRAM_MAPS_MAX];
};

struct kernel_map {
	__u32 id;
	__u32 type; /* enum bpf_map_type */
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags; /* BPF_F_* of its creation */
	__u32 btf_id;
	__u32 reserved;
	char name[KERNEL_NAME_SIZE];
};

struct kernel_link {
	__u32 id;
	__u32 type;       /* enum bpf_link_type */
	__u32 program_id; /* 0: it has none (struct_ops) */
	__u32 ifindex;    /* of an XDP, TCX or netkit link; 0: another, or its interface is gone */
};

#endif
