/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The components of a dispatcher, of any kind, in their order: pure functions. */
#ifndef BPFD_BROKER_CHAIN_H
#define BPFD_BROKER_CHAIN_H

#include "bpf/dispatcher_tables.h"

#include <stdbool.h>

#define CHAIN_ALWAYS                                                                 \
	(1u << 31) /* the bit of what an empty slot returns: set in every chain mask \
	            */

/* One component. */
struct chain_slot {
	uint64_t link_id; /* own ones */
	bool own;
	uint32_t kernel_id;
	uint32_t priority;
	uint32_t proceed_on; /* CHAIN_ALWAYS is always set */
	uint32_t flags;      /* BPF_F_XDP_HAS_FRAGS, as it was loaded */
	int fd; /* of the program, or -1; in a chain that was read it belongs to the chain */
	char name[16];
};

/* One of bpfd's own programs that shall run. */
struct chain_member {
	uint64_t link_id;
	uint32_t kernel_id;
	int program_fd;    /* stays the caller's */
	uint32_t priority; /* an int32_t where the type takes negative ones */
	uint32_t proceed_on;
	uint32_t frags; /* XDP: 1 if it was loaded for packets in fragments */
};

/* Does the one run before the other? Lower priority first, ties by link id. */
bool chain_member_before(const struct chain_member *one, const struct chain_member *other);

/*
 * Puts a component where it belongs: in order of priority; ties: own ones first by link id, then
 * foreign ones as they came. 0, or -E2BIG where all slots are taken.
 */
int chain_insert(struct chain_slot slots[DISPATCHER_SLOTS], size_t *count,
                 const struct chain_slot *slot);

/* The component with this kernel id, or NULL. */
const struct chain_slot *chain_find(const struct chain_slot *slots, size_t count,
                                    uint32_t kernel_id);

/* True if both are the same programs with the same configuration in the same order. */
bool chain_equal(const struct chain_slot *a, size_t a_count, const struct chain_slot *b,
                 size_t b_count);

#endif
