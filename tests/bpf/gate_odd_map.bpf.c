/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map with a flag that maps of its kind have not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_STACK_BUILD_ID);
	__type(key, __u32);
	__type(value, __u64);
} odd SEC(".maps");

SEC("xdp")
int odd_map(struct xdp_md *context)
{
	__u32 key = 0;

	(void)context;
	return bpf_map_lookup_elem(&odd, &key) != 0;
}

char _license[] SEC("license") = "GPL";
