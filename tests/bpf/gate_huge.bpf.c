/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map that is larger than one load may have. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << 20);
	__type(key, __u32);
	__type(value, __u64[128]);
} huge SEC(".maps");

SEC("xdp")
int huge_map(struct xdp_md *context)
{
	__u32 key = 0;

	(void)context;
	return bpf_map_lookup_elem(&huge, &key) != 0;
}

char _license[] SEC("license") = "GPL";
