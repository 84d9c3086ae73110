/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another object with maps of the names that share.bpf.c has, and one that it has not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} more SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} by_name SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_sched_yield")
int share_second(void *context)
{
	__u32 zero = 0, one = 1;
	__u64 *value = bpf_map_lookup_elem(&hits, &one);

	(void)context;
	if (value)
		__sync_fetch_and_add(value, 1);
	value = bpf_map_lookup_elem(&more, &zero);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_sched_yield")
int share_second_by_name(void *context)
{
	__u32 key = 1;
	__u64 first = 1, *value = bpf_map_lookup_elem(&by_name, &key);

	(void)context;
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		(void)bpf_map_update_elem(&by_name, &key, &first, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
