/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A kernel symbol without a type, whose address only root may know. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const void jiffies __ksym __weak;

SEC("xdp")
int symbol_address(struct xdp_md *context)
{
	(void)context;
	return &jiffies == 0;
}

char _license[] SEC("license") = "GPL";
