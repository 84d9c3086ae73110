/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs up to ten TC programs in order on one direction of one interface. Each prog<N> is replaced
 * by a component (BPF_PROG_TYPE_EXT); the configuration is constant once loaded, so that the
 * verifier cuts away the slots that are not used.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "bpf/tc_dispatcher.h"

static const volatile struct tc_dispatcher_config config = {};

/*
 * A slot. The result is volatile, else the compiler would know it and never look at what a
 * component returns. The helper makes the kernel (6.12 and later) take components that change
 * packets; no packet ever meets it, since a dispatcher is attached with all its slots replaced.
 */
#define SLOT(number)                                                      \
	__attribute__((noinline)) int prog##number(struct __sk_buff *ctx) \
	{                                                                 \
		volatile int result = TC_DISPATCHER_RETVAL;               \
                                                                          \
		bpf_skb_pull_data(ctx, 0);                                \
		return result;                                            \
	}

SLOT(0)
SLOT(1)
SLOT(2)
SLOT(3)
SLOT(4)
SLOT(5)
SLOT(6)
SLOT(7)
SLOT(8)
SLOT(9)

/* A result that has no bit ends the chain: the kernel then does what it does with a stranger's
 * code. */
#define RUN(number)                                                                 \
	do {                                                                        \
		__u32 bit;                                                          \
                                                                                    \
		if (config.num_progs_enabled <= (number))                           \
			return TC_ACT_UNSPEC;                                       \
		result = prog##number(ctx);                                         \
		bit = (__u32)result + 1;                                            \
		if (bit > 31 || !((1U << bit) & config.chain_call_actions[number])) \
			return result;                                              \
	} while (0)

/*
 * A packet that no program ended goes on to the filters behind this one (TC_ACT_UNSPEC), and passes
 * where there are none.
 */
SEC("tc")
int tc_dispatcher(struct __sk_buff *ctx)
{
	int result;

	RUN(0);
	RUN(1);
	RUN(2);
	RUN(3);
	RUN(4);
	RUN(5);
	RUN(6);
	RUN(7);
	RUN(8);
	RUN(9);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
