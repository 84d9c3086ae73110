/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A bloom filter, which kernels before 5.16 do not have. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u32);
} seen SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_sched_yield")
int map_bloom(void *context)
{
	__u32 value = 7;

	(void)context;
	return (int)bpf_map_push_elem(&seen, &value, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
