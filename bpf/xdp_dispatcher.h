/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration of a dispatcher by libxdp's multi-program protocol, version 2: the dispatcher's
 * .rodata holds exactly this, and every user of the protocol reads and writes it. Shared by the
 * dispatcher and the broker.
 */
#ifndef BPFD_BPF_XDP_DISPATCHER_H
#define BPFD_BPF_XDP_DISPATCHER_H

#include <linux/types.h>

#define XDP_DISPATCHER_NAME "xdp_dispatcher"
#define XDP_DISPATCHER_MAGIC 236
#define XDP_DISPATCHER_VERSION 2
#define XDP_DISPATCHER_SLOTS 10
#define XDP_DISPATCHER_RETVAL \
	31 /* what an empty slot returns; its bit is set in every chain mask */

struct xdp_dispatcher_config {
	__u8 magic;
	__u8 dispatcher_version;
	__u8 num_progs_enabled;
	__u8 is_xdp_frags;
	__u32 chain_call_actions[XDP_DISPATCHER_SLOTS]; /* bit n: go on when the slot returns n */
	__u32 run_prios[XDP_DISPATCHER_SLOTS];
	__u32 program_flags[XDP_DISPATCHER_SLOTS]; /* BPF_F_XDP_HAS_FRAGS, as the component was
	                                              loaded */
};

_Static_assert(sizeof(struct xdp_dispatcher_config) == 124,
               "peers tell the version by this size too");

#endif
