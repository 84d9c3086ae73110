/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps of the kinds that are read and changed by key, with keys and values of many types; and a
 * ring buffer that gets a record for each sched_yield(). */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum verdict { VERDICT_PASS = 1, VERDICT_DROP = 7 };

struct flow {
	__u32 source;
	__u16 port;
	__u8 protocol;
	char name[5];
};

struct counts {
	__u64 packets;
	__s32 balance;
	enum verdict verdict;
	__u32 low : 3, high : 29;
	_Bool seen;
	union {
		__u32 mark;
		__u8 parts[4];
	};
};

struct address {
	__u32 length;
	__u8 bytes[4];
};

#define MAP(name, kind, key_type, value_type, entries, map_flag) \
	struct {                                                 \
		__uint(type, kind);                              \
		__uint(max_entries, entries);                    \
		__uint(map_flags, map_flag);                     \
		__type(key, key_type);                           \
		__type(value, value_type);                       \
	} name SEC(".maps")

MAP(flows, BPF_MAP_TYPE_HASH, struct flow, struct counts, 4, 0);
MAP(numbers, BPF_MAP_TYPE_ARRAY, __u32, __s64, 3, 0);
MAP(each, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u32, 2, 0);
MAP(each_hash, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 8, 0);
MAP(recent, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 64, 0);
MAP(routes, BPF_MAP_TYPE_LPM_TRIE, struct address, __u32, 16, BPF_F_NO_PREALLOC);
MAP(many, BPF_MAP_TYPE_HASH, __u32, __u32, 20000, BPF_F_NO_PREALLOC);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__uint(value_size, 4);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 3);
	__uint(value_size, 5);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} calls SEC(".maps");

const volatile __u32 limit = 3;
const volatile struct flow wanted;
__s16 level = -2;

SEC("tracepoint/syscalls/sys_enter_sched_yield")
int map_kinds(void *context)
{
	__u32 zero = 0, *each_value = bpf_map_lookup_elem(&each, &zero);
	struct flow flow = wanted;
	__u32 value = limit;

	if (each_value)
		*each_value += 1;
	(void)bpf_map_lookup_elem(&flows, &flow);
	(void)bpf_map_lookup_elem(&numbers, &zero);
	(void)bpf_map_lookup_elem(&each_hash, &zero);
	(void)bpf_map_lookup_elem(&recent, &zero);
	(void)bpf_map_lookup_elem(&many, &zero);
	(void)bpf_map_lookup_elem(&routes, &(struct address){ .length = 8 });
	(void)bpf_map_lookup_elem(&untyped, &flow);
	(void)bpf_map_peek_elem(&queue, &zero);
	(void)bpf_ringbuf_output(&records, &value, sizeof(value), 0);
	if (level == 12345)
		bpf_tail_call(context, &calls, 1);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
