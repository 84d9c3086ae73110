/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Hooks of an interface that hold programs in an order of the kernel's own: tcx (Linux 6.6) and
 * netkit (6.7). The kernel knows no priorities: bpfd finds the place of a program by its own beside
 * it, and says with which order in mind it asks, so that nobody else's change comes between.
 */
#ifndef BPFD_BROKER_TCX_H
#define BPFD_BROKER_TCX_H

#include "broker/chain.h"
#include "proto/limits.h"

#include <stddef.h>

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
	size_t count;
	struct tcx_entry entries[CHAIN_PROGRAMS_MAX];
};

/* Where a new program goes. */
struct tcx_anchor {
	uint32_t flags;       /* BPF_F_BEFORE or BPF_F_AFTER, and what `relative_id` is */
	uint32_t relative_id; /* of the link, or program, that it goes beside; 0: nothing */
};

/* 0; -EINVAL where the kernel has no such hook; -ENODEV; -errno. */
int tcx_query(const struct tcx_hook *hook, struct tcx_order *out);

/*
 * The place of `own` among the members, all of them bpfd's: in order of priority, ties by link id.
 * Right behind the one before it, else right before the one after it, else at the end, behind what
 * others have there. Members that do not run are passed over. Pure.
 */
struct tcx_anchor tcx_place(const struct tcx_order *order, const struct chain_member *members,
                            size_t count, const struct chain_member *own);

/* Is the anchor, or, without one, the order's end, behind the program? False where that does not
 * run. Pure. */
bool tcx_anchor_behind(const struct tcx_order *order, const struct tcx_anchor *anchor,
                       uint32_t program_id);

/*
 * The member whose place in the order is not what the priorities say once the program `kernel_id`,
 * which runs there, counts as `own`; or NULL when all are right. Pure.
 */
const struct chain_member *tcx_misplaced(const struct tcx_order *order, uint32_t kernel_id,
                                         const struct chain_member *members, size_t count,
                                         const struct chain_member *own);

/* Does the program run there? The index, or -1. Pure. */
int tcx_find(const struct tcx_order *order, uint32_t program_id);

/*
 * Links the program there. The link's descriptor, or -errno: -ESTALE when the order is another by
 * now, -EEXIST when the program is there already, -ERANGE when no more fit, -ENXIO or -EACCES when
 * the interface is not one of netkit's, or its wrong end.
 */
int tcx_link_create(const struct tcx_hook *hook, int program_fd, const struct tcx_anchor *anchor,
                    uint64_t revision);

#endif
