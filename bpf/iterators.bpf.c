/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's programs, maps and links, one record each: what a reader without any capability gets
 * from a descriptor that the broker opened. The kernel's structures are written down as far as they
 * are used; libbpf finds the fields of the kernel that runs (CO-RE).
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "proto/kernel_records.h"

#define CPUS_MAX 1024 /* whose counts are summed */
#define LINK_TYPE_TCX 11
#define LINK_TYPE_NETKIT 13
#define RELOCATED __attribute__((preserve_access_index))

struct seq_file;

typedef struct {
	__u32 val;
} kuid_t;

struct user_struct {
	kuid_t uid;
} RELOCATED;

struct btf {
	__u32 id;
} RELOCATED;

struct bpf_map {
	__u32 id;
	enum bpf_map_type map_type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	struct btf *btf;
	char name[KERNEL_NAME_SIZE];
} RELOCATED;

struct bpf_prog_aux {
	__u32 id;
	__u32 used_map_cnt;
	__u32 verified_insns; /* from Linux 5.16 */
	struct bpf_map **used_maps;
	struct user_struct *user;
	struct btf *btf;
	__u64 load_time;
	char name[KERNEL_NAME_SIZE];
} RELOCATED;

struct bpf_prog_stats;

struct bpf_prog {
	__u32 len;
	__u32 jited_len;
	enum bpf_prog_type type;
	enum bpf_attach_type expected_attach_type;
	__u8 tag[8];
	__u16 gpl_compatible : 1;
	struct bpf_prog_stats *stats; /* for each CPU; from Linux 5.12 */
	struct bpf_prog_aux *aux;
} RELOCATED;

/* The counters are plain numbers up to Linux 5.15, and u64_stats_t since: a structure around one.
 */
struct bpf_prog_stats___numbers {
	__u64 cnt;
	__u64 nsecs;
} RELOCATED;

struct counter {
	__u64 value;
};

struct bpf_prog_stats___structures {
	struct counter cnt;
	struct counter nsecs;
} RELOCATED;

struct net_device {
	int ifindex;
} RELOCATED;

struct bpf_link {
	__u32 id;
	enum bpf_link_type type;
	struct bpf_prog *prog;
} RELOCATED;

/* Links to an interface. */
struct bpf_xdp_link {
	struct net_device *dev;
} RELOCATED;

struct tcx_link {
	struct net_device *dev;
} RELOCATED;

struct netkit_link {
	struct net_device *dev;
} RELOCATED;

struct bpf_iter_meta {
	struct seq_file *seq;
} RELOCATED;

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct bpf_iter__bpf_link {
	struct bpf_iter_meta *meta;
	struct bpf_link *link;
};

/* What each CPU adds to the address of a per-CPU variable. */
extern const unsigned long this_cpu_off __ksym __weak;

#define COUNTERS_READ(flavour, address, record)                                            \
	do {                                                                               \
		struct flavour *counters_ = (void *)(address);                             \
		__u64 count_ = 0, time_ = 0;                                               \
                                                                                           \
		bpf_probe_read_kernel(&count_, sizeof(count_),                             \
		                      __builtin_preserve_access_index(&counters_->cnt));   \
		bpf_probe_read_kernel(&time_, sizeof(time_),                               \
		                      __builtin_preserve_access_index(&counters_->nsecs)); \
		(record)->run_count += count_;                                             \
		(record)->run_time_ns += time_;                                            \
	} while (0)

static __always_inline void counters_sum(struct bpf_prog *program, struct kernel_program *record)
{
	unsigned long stats;

	if (!bpf_core_field_exists(program->stats) || !&this_cpu_off)
		return;
	stats = (unsigned long)BPF_CORE_READ(program, stats);
	if (!stats)
		return;
	for (__u32 cpu = 0; cpu < CPUS_MAX; cpu++) {
		const unsigned long *offset = bpf_per_cpu_ptr(&this_cpu_off, cpu);

		if (!offset)
			break;
		if (bpf_core_field_exists(struct bpf_prog_stats___numbers, cnt))
			COUNTERS_READ(bpf_prog_stats___numbers, stats + *offset, record);
		else
			COUNTERS_READ(bpf_prog_stats___structures, stats + *offset, record);
	}
}

static __always_inline void map_ids_read(struct bpf_prog_aux *aux, struct kernel_program *record)
{
	struct bpf_map **maps = BPF_CORE_READ(aux, used_maps);
	__u32 count = BPF_CORE_READ(aux, used_map_cnt);

	for (__u32 i = 0; i < KERNEL_PROGRAM_MAPS_MAX; i++) {
		struct bpf_map *map = NULL;

		if (i >= count)
			break;
		bpf_probe_read_kernel(&map, sizeof(map), &maps[i]);
		record->map_ids[i] = BPF_CORE_READ(map, id);
		record->map_count = i + 1;
	}
}

SEC("iter/bpf_prog")
int kernel_programs(struct bpf_iter__bpf_prog *context)
{
	struct bpf_prog *program = context->prog;
	struct kernel_program record = {};
	struct bpf_prog_aux *aux;

	if (!program)
		return 0;
	aux = BPF_CORE_READ(program, aux);
	record.id = BPF_CORE_READ(aux, id);
	record.type = BPF_CORE_READ(program, type);
	record.attach_type = BPF_CORE_READ(program, expected_attach_type);
	record.owner_uid = BPF_CORE_READ(aux, user, uid.val);
	record.loaded_at_ns = BPF_CORE_READ(aux, load_time);
	record.bytes_xlated = BPF_CORE_READ(program, len) * sizeof(struct bpf_insn);
	record.bytes_jited = BPF_CORE_READ(program, jited_len);
	if (bpf_core_field_exists(aux->verified_insns))
		record.verified_insns = BPF_CORE_READ(aux, verified_insns);
	record.btf_id = BPF_CORE_READ(aux, btf, id);
	record.gpl_compatible = (__u32)BPF_CORE_READ_BITFIELD_PROBED(program, gpl_compatible);
	BPF_CORE_READ_INTO(&record.name, aux, name);
	BPF_CORE_READ_INTO(&record.tag, program, tag);
	counters_sum(program, &record);
	map_ids_read(aux, &record);
	bpf_seq_write(context->meta->seq, &record, sizeof(record));
	return 0;
}

SEC("iter/bpf_map")
int kernel_maps(struct bpf_iter__bpf_map *context)
{
	struct bpf_map *map = context->map;
	struct kernel_map record = {};

	if (!map)
		return 0;
	record.id = BPF_CORE_READ(map, id);
	record.type = BPF_CORE_READ(map, map_type);
	record.key_size = BPF_CORE_READ(map, key_size);
	record.value_size = BPF_CORE_READ(map, value_size);
	record.max_entries = BPF_CORE_READ(map, max_entries);
	record.flags = BPF_CORE_READ(map, map_flags);
	record.btf_id = BPF_CORE_READ(map, btf, id);
	BPF_CORE_READ_INTO(&record.name, map, name);
	bpf_seq_write(context->meta->seq, &record, sizeof(record));
	return 0;
}

/* Only where this kernel has such links at all. */
#define IFINDEX_READ(structure, link)                                      \
	(bpf_core_type_exists(struct structure)                            \
	         ? BPF_CORE_READ((struct structure *)(link), dev, ifindex) \
	         : 0)

SEC("iter/bpf_link")
int kernel_links(struct bpf_iter__bpf_link *context)
{
	struct bpf_link *link = context->link;
	struct kernel_link record = {};

	if (!link)
		return 0;
	record.id = BPF_CORE_READ(link, id);
	if (!record.id) /* it is being made: nobody could open it yet */
		return 0;
	record.type = BPF_CORE_READ(link, type);
	record.program_id = BPF_CORE_READ(link, prog, aux, id);
	if (record.type == BPF_LINK_TYPE_XDP)
		record.ifindex = (__u32)IFINDEX_READ(bpf_xdp_link, link);
	else if (record.type == LINK_TYPE_TCX)
		record.ifindex = (__u32)IFINDEX_READ(tcx_link, link);
	else if (record.type == LINK_TYPE_NETKIT)
		record.ifindex = (__u32)IFINDEX_READ(netkit_link, link);
	bpf_seq_write(context->meta->seq, &record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
