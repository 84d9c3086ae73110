/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/tcx.h"

#include "broker/kernel.h"
#include "common/kernel_uapi.h"

#include <errno.h>
#include <string.h>

int tcx_query(const struct tcx_hook *hook, struct tcx_order *out)
{
	uint32_t programs[CHAIN_PROGRAMS_MAX] = {}, links[CHAIN_PROGRAMS_MAX] = {};
	struct kernel_prog_query query = {
		.target_ifindex = hook->ifindex,
		.attach_type = hook->attach_type,
		.prog_ids = (uint64_t)(uintptr_t)programs,
		.link_ids = (uint64_t)(uintptr_t)links,
		.count = CHAIN_PROGRAMS_MAX,
	};
	union bpf_attr attr = {};
	int result;

	memcpy(&attr, &query, sizeof(query));
	result = kernel->bpf(BPF_PROG_QUERY, &attr, sizeof(attr));
	memcpy(&query, &attr, sizeof(query));
	if (result == -ENOENT) { /* nothing was ever there */
		*out = (struct tcx_order){ .revision = 0 };
		return 0;
	}
	if (result < 0)
		return result;
	*out = (struct tcx_order){ .revision = query.revision, .count = query.count };
	if (out->count > CHAIN_PROGRAMS_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < out->count; i++)
		out->entries[i] = (struct tcx_entry){ programs[i], links[i] };
	return 0;
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
	const struct kernel_link_create_tcx create = {
		.prog_fd = (uint32_t)program_fd,
		.target_ifindex = hook->ifindex,
		.attach_type = hook->attach_type,
		.flags = anchor->flags,
		.relative_id = anchor->relative_id,
		.expected_revision = revision,
	};
	union bpf_attr attr = {};

	memcpy(&attr, &create, sizeof(create));
	return kernel->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}
