/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The order of a hook of tcx or netkit. The kernel knows no priorities: bpfd finds the place of a
 * program by its own beside it, and says with which order in mind it asks, so that nobody else's
 * change comes between.
 */
#ifndef BPFD_BROKER_TCX_H
#define BPFD_BROKER_TCX_H

#include "broker/chain.h"
#include "common/tcx_hook.h"

#include <stddef.h>

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
