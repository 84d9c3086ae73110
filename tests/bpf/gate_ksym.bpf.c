/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A kernel symbol with its type. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct rq {
	int cpu;
} __attribute__((preserve_access_index));

extern const struct rq runqueues __ksym;

SEC("xdp")
int ksym_typed(struct xdp_md *context)
{
	(void)context;
	return bpf_per_cpu_ptr(&runqueues, 0) ? 8 : 9;
}

char _license[] SEC("license") = "GPL";
