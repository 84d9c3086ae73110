/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Built without BTF. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int untyped(struct xdp_md *context)
{
	(void)context;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
