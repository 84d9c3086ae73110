/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* XDP programs with a run configuration of libxdp's. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>

struct {
	__uint(priority, 7);
	__uint(XDP_PASS, 1);
	__uint(XDP_DROP, 1);
} XDP_RUN_CONFIG(priority_seven);

SEC("xdp")
int priority_seven(struct xdp_md *context)
{
	(void)context;
	return XDP_PASS;
}

SEC("xdp")
int priority_none(struct xdp_md *context)
{
	(void)context;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
