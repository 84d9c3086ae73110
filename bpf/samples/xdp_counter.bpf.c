/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts the packets that an interface receives and lets all of them pass. Read the counts from the
 *pinned map:
 *
 *	bpftool map dump pinned /sys/fs/bpf/bpfd/maps/<program id>/packets
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum { COUNT_PACKETS, COUNT_BYTES, COUNTS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

static void count_add(__u32 key, __u64 amount)
{
	__u64 *count = bpf_map_lookup_elem(&packets, &key);

	/* atomic: the array is shared by all CPUs */
	if (count)
		__sync_fetch_and_add(count, amount);
}

SEC("xdp")
int xdp_counter(struct xdp_md *ctx)
{
	count_add(COUNT_PACKETS, 1);
	count_add(COUNT_BYTES, ctx->data_end - ctx->data);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
