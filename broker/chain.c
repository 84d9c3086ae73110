/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/chain.h"

#include <errno.h>

static bool slot_before(const struct chain_slot *a, const struct chain_slot *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->own != b->own)
		return a->own;
	return a->own && a->link_id < b->link_id;
}

bool chain_member_before(const struct chain_member *one, const struct chain_member *other)
{
	int32_t priority = (int32_t)one->priority, other_priority = (int32_t)other->priority;

	return priority != other_priority ? priority < other_priority
	                                  : one->link_id < other->link_id;
}

int chain_insert(struct chain_slot slots[DISPATCHER_SLOTS], size_t *count,
                 const struct chain_slot *slot)
{
	size_t at = *count;

	if (at == DISPATCHER_SLOTS)
		return -E2BIG;
	for (; at > 0 && slot_before(slot, &slots[at - 1]); at--)
		slots[at] = slots[at - 1];
	slots[at] = *slot;
	++*count;
	return 0;
}

const struct chain_slot *chain_find(const struct chain_slot *slots, size_t count,
                                    uint32_t kernel_id)
{
	for (size_t i = 0; i < count; i++) {
		if (slots[i].kernel_id == kernel_id)
			return &slots[i];
	}
	return NULL;
}

bool chain_equal(const struct chain_slot *a, size_t a_count, const struct chain_slot *b,
                 size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (a[i].kernel_id != b[i].kernel_id || a[i].priority != b[i].priority ||
		    (a[i].proceed_on | CHAIN_ALWAYS) != (b[i].proceed_on | CHAIN_ALWAYS) ||
		    a[i].flags != b[i].flags)
			return false;
	}
	return true;
}
