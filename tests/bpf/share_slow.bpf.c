/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The map of share.bpf.c that is shared by name, in a program whose loop the verifier takes long to
 * walk through: other loads are done meanwhile. */
#include "tests/bpf/share.bpf.c"

SEC("tracepoint/syscalls/sys_enter_sched_yield")
int share_slow(void *context)
{
	__u64 sum = bpf_ktime_get_ns();

	(void)context;
	for (__u32 i = 0; i < 60000; i++) {
		sum = sum * 3 + i;
		asm volatile("" : "+r"(sum));
	}
	count(&by_name, 2 + (sum & 1));
	return 0;
}
