/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Global variables of many types and sections; the result tells what they held. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u16 first;
	__u32 second;
};

const volatile __u32 constant = 1;
const volatile struct pair constant_pair = { 10, 20 };
__u64 variable = 100;
__u8 flag = 1;
__u32 zero[4];
const volatile __u32 far_constant SEC(".rodata.far") = 1000;
__u32 far_variable SEC(".data.far") = 10000;
const volatile __u8 large[100000] = { 7 };

static __attribute__((noinline)) __u32 sum_pair(__u32 more)
{
	return constant_pair.first + constant_pair.second + more;
}

__attribute__((noinline)) int sum_zero(__u32 more)
{
	return (int)(zero[0] + zero[3] + more);
}

SEC("xdp")
int data_sum(struct xdp_md *context)
{
	(void)context;
	variable++;
	return sum_zero(sum_pair(constant + (__u32)variable + flag + far_constant + far_variable +
	                         large[0]));
}

SEC("xdp.frags")
int data_frags(struct xdp_md *context)
{
	(void)context;
	return (int)constant;
}

SEC("tracepoint/sched/sched_switch")
int data_tracepoint(void *context)
{
	(void)context;
	zero[1]++;
	return 0;
}

SEC("odd")
int data_odd(struct xdp_md *context)
{
	(void)context;
	return 3;
}

char _license[] SEC("license") = "Dual BSD/GPL";
