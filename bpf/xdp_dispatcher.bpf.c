/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs up to ten XDP programs in order on one interface. Each prog<N> is replaced by a component
 * (BPF_PROG_TYPE_EXT); the configuration is constant once loaded, so that the verifier cuts away
 * the slots that are not used. Names, and what .rodata holds (the configuration and nothing else),
 * belong to libxdp's protocol: see bpf/README.md.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/xdp_dispatcher.h"

static const volatile struct xdp_dispatcher_config config = {};

/*
 * A slot. The result is volatile, else the compiler would know it and never look at what a
 * component returns. Resizing by nothing makes the kernel (6.12 and later) take components that
 * resize packets.
 */
#define SLOT(number)                                                   \
	__attribute__((noinline)) int prog##number(struct xdp_md *ctx) \
	{                                                              \
		volatile int result = XDP_DISPATCHER_RETVAL;           \
                                                                       \
		bpf_xdp_adjust_tail(ctx, 0);                           \
		return result;                                         \
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

#define RUN(number)                                                        \
	do {                                                               \
		if (config.num_progs_enabled <= (number))                  \
			return XDP_PASS;                                   \
		result = prog##number(ctx);                                \
		if (!((1U << result) & config.chain_call_actions[number])) \
			return result;                                     \
	} while (0)

SEC("xdp")
int xdp_dispatcher(struct xdp_md *ctx)
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
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
