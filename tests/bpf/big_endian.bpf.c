/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Built for machines whose byte order is the other one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} elsewhere SEC(".maps");

SEC("tracepoint/sched/sched_switch")
int other_order(void *context)
{
	__u32 key = 0;

	(void)context;
	return bpf_map_lookup_elem(&elsewhere, &key) ? 1 : 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
