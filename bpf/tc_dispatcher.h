/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration of bpfd's TC dispatcher: its .rodata holds exactly this. Shared by the
 * dispatcher and the broker.
 */
#ifndef BPFD_BPF_TC_DISPATCHER_H
#define BPFD_BPF_TC_DISPATCHER_H

#include <linux/types.h>

#define TC_DISPATCHER_NAME "tc_dispatcher"
#define TC_DISPATCHER_MAGIC 237
#define TC_DISPATCHER_VERSION 1
#define TC_DISPATCHER_SLOTS 10
#define TC_DISPATCHER_RETVAL \
	30 /* what an empty slot returns; its bit, 31, is set in every chain mask */

struct tc_dispatcher_config {
	__u8 magic;
	__u8 dispatcher_version;
	__u8 num_progs_enabled;
	__u8 reserved;
	/* bit n + 1: go on when the slot returns n, since TC_ACT_UNSPEC is -1 */
	__u32 chain_call_actions[TC_DISPATCHER_SLOTS];
	__u32 run_prios[TC_DISPATCHER_SLOTS];
};

_Static_assert(sizeof(struct tc_dispatcher_config) == 84, "no padding");

#endif
