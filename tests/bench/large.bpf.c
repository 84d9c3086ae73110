/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A large object for the benchmark: 24,000 instructions, 300 KB of constants. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define TABLE_SIZE (300 * 1024)

/* not all zero, or it would need no room in the object */
const volatile unsigned char table[TABLE_SIZE] = { [0] = 1, [TABLE_SIZE - 1] = 2 };

SEC("xdp")
int large(struct xdp_md *ctx)
{
	unsigned long value = ctx->ingress_ifindex + table[TABLE_SIZE - 1];

	asm volatile(".rept 12000\n%0 += 7\n%0 ^= 0x55\n.endr" : "+r"(value));
	return value == 12345 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
