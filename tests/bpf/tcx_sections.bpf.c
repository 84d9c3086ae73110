/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sections that libbpf 1.1.2 does not know: bpfd's own rows say what they are. And the programs of
 * tc_sequence.bpf.c, going on to the next program as tcx has it.
 */
#include <linux/pkt_cls.h>

#define NEXT (-1)
#undef TC_ACT_PIPE
#define TC_ACT_PIPE NEXT
#include "tests/bpf/tc_sequence.bpf.c"

SEC("tcx/ingress")
int comes_in(struct __sk_buff *ctx)
{
	(void)ctx;
	return NEXT;
}

SEC("tcx/egress")
int goes_out(struct __sk_buff *ctx)
{
	(void)ctx;
	return NEXT;
}

SEC("netkit/primary")
int leaves_the_primary(struct __sk_buff *ctx)
{
	(void)ctx;
	return NEXT;
}

SEC("netkit/peer")
int leaves_the_peer(struct __sk_buff *ctx)
{
	(void)ctx;
	return NEXT;
}
