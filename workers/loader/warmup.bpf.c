/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the loader loads before it has a job: small, and with one of everything that makes libbpf
 * ask the kernel what it can: data sections, BTF with functions, an attach type, a read of kernel
 * memory.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 warmup_constant = 1;
__u32 warmup_counter;
__u32 warmup_data = 2;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} warmup_array SEC(".maps");

__attribute__((noinline)) int warmup_function(__u32 value)
{
	return value > warmup_data ? 1 : 2;
}

SEC("xdp")
int warmup_xdp(struct xdp_md *context)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&warmup_array, &key);

	(void)context;
	if (value)
		*value += warmup_constant;
	warmup_counter++;
	return warmup_function(warmup_counter);
}

SEC("tracepoint/sched/sched_switch")
int warmup_tracepoint(void *context)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), context);
	return value == warmup_constant;
}

char _license[] SEC("license") = "Dual BSD/GPL";
