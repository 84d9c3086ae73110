/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One map of each ordinary kind; maps in maps and a program array with contents that libbpf fills
 * in. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PLAIN(name, kind, key_type, value_type, entries, map_flag) \
	struct {                                                   \
		__uint(type, kind);                                \
		__uint(max_entries, entries);                      \
		__uint(map_flags, map_flag);                       \
		__type(key, key_type);                             \
		__type(value, value_type);                         \
	} name SEC(".maps")

PLAIN(plain_hash, BPF_MAP_TYPE_HASH, __u32, __u64, 16, 0);
PLAIN(lazy_hash, BPF_MAP_TYPE_HASH, __u32, __u64, 16, BPF_F_NO_PREALLOC);
PLAIN(plain_array, BPF_MAP_TYPE_ARRAY, __u32, __u64, 16, 0);
PLAIN(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 16, 0);
PLAIN(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 16, 0);
PLAIN(lru_hash, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 16, 0);
PLAIN(lru_percpu_hash, BPF_MAP_TYPE_LRU_PERCPU_HASH, __u32, __u64, 16, 0);
PLAIN(trie, BPF_MAP_TYPE_LPM_TRIE, __u64, __u64, 16, BPF_F_NO_PREALLOC);
PLAIN(devices, BPF_MAP_TYPE_DEVMAP, __u32, __u32, 4, 0);
PLAIN(device_hash, BPF_MAP_TYPE_DEVMAP_HASH, __u32, __u32, 4, 0);
PLAIN(cpus, BPF_MAP_TYPE_CPUMAP, __u32, __u32, 2, 0);
PLAIN(sockets, BPF_MAP_TYPE_XSKMAP, __u32, __u32, 4, 0);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__uint(value_size, 8);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shared_by_name SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} inner_first SEC(".maps"), inner_second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer_array SEC(".maps") = { .values = { &inner_first, &inner_second } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer_hash SEC(".maps") = { .values = { [1] = &inner_second } };

int maps_target(struct xdp_md *context);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} calls SEC(".maps") = { .values = { [1] = (void *)&maps_target } };

static __attribute__((noinline)) __u32 *inner_value(void *outer, __u32 key)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(outer, &key);

	return inner ? bpf_map_lookup_elem(inner, &zero) : 0;
}

/* Writes through the array of maps, goes on by a tail call. */
SEC("xdp")
int maps_main(struct xdp_md *context)
{
	__u32 *value = inner_value(&outer_array, 1);
	__u32 key = 3;
	__u64 one = 1;

	if (value)
		*value = 41;
	(void)bpf_map_update_elem(&plain_hash, &key, &one, BPF_ANY);
	bpf_tail_call(context, &calls, 1);
	return XDP_ABORTED;
}

/* Reads through the hash of maps what maps_main wrote. */
SEC("xdp")
int maps_target(struct xdp_md *context)
{
	__u32 *value = inner_value(&outer_hash, 1);

	(void)context;
	return value && *value == 41 ? 42 : 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
