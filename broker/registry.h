/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The little of every program and link that the broker needs at hand: ids, states, targets and the
 * programs' descriptors. Everything else stays in the store. Entries are in ascending order of id.
 * Pointers to entries live until the next add.
 */
#ifndef BPFD_BROKER_REGISTRY_H
#define BPFD_BROKER_REGISTRY_H

#include "broker/attach.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>

struct program_entry {
	uint64_t id;
	uint32_t type; /* enum program_type */
	uint32_t kernel_id;
	uint32_t frags;
	uint32_t persist;
	uint32_t state; /* enum program_state */
	uint64_t load_id;
	uint64_t map_owner; /* whose maps it was loaded with; 0: nobody's */
	bool shares;        /* it has a map that another load made */
	bool by_name;       /* it has a map that is shared by name */
	int fd;             /* owned; -1 unless it is loaded */
};

struct link_entry {
	uint64_t id;
	uint64_t program_id;
	uint32_t type;  /* enum program_type */
	uint32_t state; /* enum link_state */
	struct record_target target;
	uint64_t revision; /* tcx and netkit elsewhere: of the order when it was last looked at */
};

/* What was last seen on an interface where bpfd has links. */
struct chain_entry {
	uint32_t netns; /* 0: bpfd's own */
	uint32_t ifindex;
	uint32_t dispatcher_id;
	char interface[INTERFACE_SIZE];
};

struct registry {
	struct program_entry *programs;
	size_t program_count, program_room;
	struct link_entry *links;
	size_t link_count, link_room;
	struct chain_entry *chains;
	size_t chain_count, chain_room;
};

void registry_clear(struct registry *registry);

/* Makes room, so that the adds that follow a commit cannot fail. 0 or -ENOMEM. */
int registry_reserve(struct registry *registry, size_t programs, size_t links, size_t chains);

/* What of the record is kept here, again: it was loaded or failed. Takes the descriptor. */
void registry_program_set(struct registry *registry, const struct record_program *program, int fd);
/* Adds (room must have been made) or, for links and chains, replaces the entry of the same id.
 * Takes the descriptor. */
void registry_program_add(struct registry *registry, const struct record_program *program, int fd);
void registry_link_put(struct registry *registry, const struct record_link *link);
void registry_chain_put(struct registry *registry, const struct record_chain *chain);

/* NULL when there is none. */
struct program_entry *registry_program(const struct registry *registry, uint64_t id);
struct link_entry *registry_link(const struct registry *registry, uint64_t id);
struct chain_entry *registry_chain(const struct registry *registry, uint32_t netns,
                                   uint32_t ifindex);

void registry_program_remove(struct registry *registry, uint64_t id); /* closes its descriptor */
void registry_link_remove(struct registry *registry, uint64_t id);
void registry_chain_remove(struct registry *registry, uint32_t netns, uint32_t ifindex);

bool registry_owns_kernel_id(const struct registry *registry, uint32_t kernel_id);
/* The running XDP link on the interface whose program has the kernel id (states in the mask 1 <<
 * state), or NULL. */
struct link_entry *registry_xdp_link(const struct registry *registry, uint32_t netns,
                                     uint32_t ifindex, uint32_t kernel_id, uint32_t states);
/* The first link of the program with an id above `after`, or NULL. */
struct link_entry *registry_link_of_program(const struct registry *registry, uint64_t program_id,
                                            uint64_t after);
/* The first program with an id above `after` that was loaded with the maps of `owner`, or NULL. */
struct program_entry *registry_map_user(const struct registry *registry, uint64_t owner,
                                        uint64_t after);
/* Is it a link of XDP (direction NONE) or of this direction of TC on the interface? `netns` is the
 * number of its network namespace, 0: bpfd's own. */
bool registry_link_at(const struct link_entry *link, uint32_t netns, uint32_t ifindex,
                      uint32_t direction);
/* Does it share its place and its order with a link of this type at this target? Places that have
 * no interface are told apart by their target's netns_id. */
bool registry_link_beside(const struct link_entry *link, uint32_t type,
                          const struct record_target *target);
/* See struct attach_context.members. */
size_t registry_members(const struct registry *registry, const struct record_link *link,
                        struct chain_member *members, size_t most);
/* Does any link of XDP or TC that is not gone lie on the interface? */
bool registry_interface_used(const struct registry *registry, uint32_t netns, uint32_t ifindex);

#endif
