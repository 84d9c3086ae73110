/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Hooks of an interface that hold programs in an order of the kernel's own: tcx (Linux 6.6) and
 * netkit (6.7). What the kernel is asked about them, by the broker in its own network namespace and
 * by the opener in others: bpf(2) looks for the interface where its caller is.
 */
#ifndef BPFD_COMMON_TCX_HOOK_H
#define BPFD_COMMON_TCX_HOOK_H

#include "proto/limits.h"

#include <linux/bpf.h>
#include <stdint.h>

struct tcx_hook {
	uint32_t ifindex;
	uint32_t attach_type; /* KERNEL_TCX_INGRESS and so on */
};

struct tcx_entry {
	uint32_t program_id;
	uint32_t link_id; /* the kernel's; 0: attached without a link */
};

/* What runs at a hook, in order. */
struct tcx_order {
	uint64_t revision; /* changes with the order */
	uint32_t count;    /* at most CHAIN_PROGRAMS_MAX */
	uint32_t reserved;
	struct tcx_entry entries[CHAIN_PROGRAMS_MAX];
};

/* Where a new program goes. */
struct tcx_anchor {
	uint32_t flags;       /* BPF_F_BEFORE or BPF_F_AFTER, and what `relative_id` is */
	uint32_t relative_id; /* of the link, or program, that it goes beside; 0: nothing */
};

/* Room for the kernel's answer. */
struct tcx_ids {
	uint32_t programs[CHAIN_PROGRAMS_MAX], links[CHAIN_PROGRAMS_MAX];
};

/* BPF_PROG_QUERY; `ids` must live until its answer is read. */
void tcx_query_attr(const struct tcx_hook *hook, struct tcx_ids *ids, union bpf_attr *attr);
/* Reads the answer; `result` is what the call returned, 0 or -errno. Nothing was ever there: no
 * error. */
int tcx_query_answer(const union bpf_attr *attr, const struct tcx_ids *ids, int result,
                     struct tcx_order *out);
/* BPF_LINK_CREATE */
void tcx_link_attr(const struct tcx_hook *hook, int program_fd, const struct tcx_anchor *anchor,
                   uint64_t revision, union bpf_attr *attr);

#endif
