/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verifier refuses: a packet read without a look at its end, after enough code to make a
 * long log. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u32 counters[256];

SEC("xdp")
int refused_read(struct xdp_md *context)
{
	const __u8 *data = (void *)(long)context->data;

#pragma clang loop unroll(full)
	for (int i = 0; i < 256; i++)
		counters[i] += bpf_get_prandom_u32();
	return data[1400];
}

char _license[] SEC("license") = "GPL";
