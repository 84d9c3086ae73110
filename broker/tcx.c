/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/tcx.h"

#include "broker/kernel.h"
#include "common/kernel_uapi.h"

#include <stddef.h>

int tcx_query(const struct tcx_hook *hook, struct tcx_order *out)
{
	struct tcx_ids ids;
	union bpf_attr attr;

	tcx_query_attr(hook, &ids, &attr);
	return tcx_query_answer(&attr, &ids, kernel->bpf(BPF_PROG_QUERY, &attr, sizeof(attr)), out);
}

int tcx_find(const struct tcx_order *order, uint32_t program_id)
{
	for (size_t i = 0; i < order->count; i++) {
		if (order->entries[i].program_id == program_id)
			return (int)i;
	}
	return -1;
}

static struct tcx_anchor anchor_at(const struct tcx_entry *entry, uint32_t side)
{
	if (entry->link_id)
		return (struct tcx_anchor){ side | KERNEL_F_ID | KERNEL_F_LINK, entry->link_id };
	return (struct tcx_anchor){ side | KERNEL_F_ID, entry->program_id };
}

struct tcx_anchor tcx_place(const struct tcx_order *order, const struct chain_member *members,
                            size_t count, const struct chain_member *own)
{
	int before = -1, after = (int)order->count; /* its neighbours' indices */

	for (size_t i = 0; i < count; i++) {
		int at = tcx_find(order, members[i].kernel_id);

		if (at < 0)
			continue;
		if (chain_member_before(&members[i], own))
			before = at > before ? at : before;
		else
			after = at < after ? at : after;
	}
	if (before >= 0)
		return anchor_at(&order->entries[before], KERNEL_F_AFTER);
	if (after < (int)order->count)
		return anchor_at(&order->entries[after], KERNEL_F_BEFORE);
	return (struct tcx_anchor){ .flags = KERNEL_F_AFTER };
}

bool tcx_anchor_behind(const struct tcx_order *order, const struct tcx_anchor *anchor,
                       uint32_t program_id)
{
	for (size_t i = 0; i < order->count; i++) {
		const struct tcx_entry *entry = &order->entries[i];

		if (entry->program_id == program_id)
			return true; /* it has come before the anchor */
		if (anchor->relative_id &&
		    anchor->relative_id ==
		            (anchor->flags & KERNEL_F_LINK ? entry->link_id : entry->program_id))
			return false;
	}
	return false;
}

const struct chain_member *tcx_misplaced(const struct tcx_order *order, uint32_t kernel_id,
                                         const struct chain_member *members, size_t count,
                                         const struct chain_member *own)
{
	int place = tcx_find(order, kernel_id);

	for (size_t i = 0; i < count; i++) {
		int at = tcx_find(order, members[i].kernel_id);

		if (at >= 0 && place >= 0 && (at < place) != chain_member_before(&members[i], own))
			return &members[i];
	}
	return NULL;
}

int tcx_link_create(const struct tcx_hook *hook, int program_fd, const struct tcx_anchor *anchor,
                    uint64_t revision)
{
	union bpf_attr attr;

	tcx_link_attr(hook, program_fd, anchor, revision, &attr);
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}
