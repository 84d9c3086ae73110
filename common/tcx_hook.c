/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/tcx_hook.h"
#include "common/kernel_uapi.h"

#include <errno.h>
#include <string.h>

void tcx_query_attr(const struct tcx_hook *hook, struct tcx_ids *ids, union bpf_attr *attr)
{
	const struct kernel_prog_query query = {
		.target_ifindex = hook->ifindex,
		.attach_type = hook->attach_type,
		.prog_ids = (uint64_t)(uintptr_t)ids->programs,
		.link_ids = (uint64_t)(uintptr_t)ids->links,
		.count = CHAIN_PROGRAMS_MAX,
	};

	*ids = (struct tcx_ids){};
	memset(attr, 0, sizeof(*attr));
	memcpy(attr, &query, sizeof(query));
}

int tcx_query_answer(const union bpf_attr *attr, const struct tcx_ids *ids, int result,
                     struct tcx_order *out)
{
	struct kernel_prog_query query;

	memcpy(&query, attr, sizeof(query));
	if (result == -ENOENT) { /* nothing was ever there */
		*out = (struct tcx_order){ .revision = 0 };
		return 0;
	}
	if (result < 0)
		return result;
	if (query.count > CHAIN_PROGRAMS_MAX)
		return -ENOSPC;
	*out = (struct tcx_order){ .revision = query.revision, .count = query.count };
	for (size_t i = 0; i < out->count; i++)
		out->entries[i] = (struct tcx_entry){ ids->programs[i], ids->links[i] };
	return 0;
}

void tcx_link_attr(const struct tcx_hook *hook, int program_fd, const struct tcx_anchor *anchor,
                   uint64_t revision, union bpf_attr *attr)
{
	const struct kernel_link_create_tcx create = {
		.prog_fd = (uint32_t)program_fd,
		.target_ifindex = hook->ifindex,
		.attach_type = hook->attach_type,
		.flags = anchor->flags,
		.relative_id = anchor->relative_id,
		.expected_revision = revision,
	};

	memset(attr, 0, sizeof(*attr));
	memcpy(attr, &create, sizeof(create));
}
