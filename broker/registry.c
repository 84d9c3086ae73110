/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/registry.h"

#include "common/program_type.h"
#include "common/target.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void registry_clear(struct registry *registry)
{
	for (size_t i = 0; i < registry->program_count; i++) {
		if (registry->programs[i].fd >= 0)
			(void)close(registry->programs[i].fd);
	}
	free(registry->programs);
	free(registry->links);
	free(registry->chains);
	memset(registry, 0, sizeof(*registry));
}

static int room_make(void **array, size_t *room, size_t needed, size_t size)
{
	size_t larger = needed + needed / 2 + 8;

	if (needed <= *room)
		return 0;

	void *moved = reallocarray(*array, larger, size);

	if (!moved)
		return -ENOMEM;
	*array = moved;
	*room = larger;
	return 0;
}

#define ROOM_MAKE(registry, kind, more)                                    \
	room_make((void **)&(registry)->kind##s, &(registry)->kind##_room, \
	          (registry)->kind##_count + (more), sizeof((registry)->kind##s[0]))

int registry_reserve(struct registry *registry, size_t programs, size_t links, size_t chains)
{
	int result = ROOM_MAKE(registry, program, programs);

	if (!result)
		result = ROOM_MAKE(registry, link, links);
	if (!result)
		result = ROOM_MAKE(registry, chain, chains);
	return result;
}

/* The first entry whose id (its first member) is not below `id`. */
static size_t position(const void *array, size_t count, size_t size, uint64_t id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t found;

		memcpy(&found, (const char *)array + middle * size, sizeof(found));
		if (found < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct program_entry *registry_program(const struct registry *registry, uint64_t id)
{
	size_t at = position(registry->programs, registry->program_count,
	                     sizeof(struct program_entry), id);

	if (at < registry->program_count && registry->programs[at].id == id)
		return &registry->programs[at];
	return NULL;
}

struct link_entry *registry_link(const struct registry *registry, uint64_t id)
{
	size_t at = position(registry->links, registry->link_count, sizeof(struct link_entry), id);

	if (at < registry->link_count && registry->links[at].id == id)
		return &registry->links[at];
	return NULL;
}

struct chain_entry *registry_chain(const struct registry *registry, uint32_t netns,
                                   uint32_t ifindex)
{
	for (size_t i = 0; i < registry->chain_count; i++) {
		if (registry->chains[i].netns == netns && registry->chains[i].ifindex == ifindex)
			return &registry->chains[i];
	}
	return NULL;
}

static struct program_entry program_entry_make(const struct record_program *program, int fd)
{
	bool shares = false, by_name = false;

	for (uint32_t i = 0; i < program->map_count; i++) {
		shares |= program->maps[i].origin != program->load_id;
		by_name |= (program->maps[i].flags & RECORD_MAP_BY_NAME) != 0;
	}
	return (struct program_entry){
		.id = program->id,
		.type = program->type,
		.kernel_id = program->kernel_id,
		.frags = program->xdp.frags,
		.persist = program->persist,
		.state = program->state,
		.load_id = program->load_id,
		.map_owner = program->map_owner,
		.shares = shares,
		.by_name = by_name,
		.fd = fd,
	};
}

void registry_program_add(struct registry *registry, const struct record_program *program, int fd)
{
	/* Ids only grow: the new one is the last. */
	assert(registry->program_count < registry->program_room);
	registry->programs[registry->program_count++] = program_entry_make(program, fd);
}

void registry_program_set(struct registry *registry, const struct record_program *program, int fd)
{
	struct program_entry *entry = registry_program(registry, program->id);

	if (entry->fd >= 0)
		(void)close(entry->fd);
	*entry = program_entry_make(program, fd);
}

void registry_link_put(struct registry *registry, const struct record_link *link)
{
	struct link_entry *entry = registry_link(registry, link->id);

	if (!entry) {
		assert(registry->link_count < registry->link_room);
		entry = &registry->links[registry->link_count++];
	}
	*entry = (struct link_entry){
		.id = link->id,
		.program_id = link->program_id,
		.type = link->type,
		.state = link->state,
		.target = link->target,
	};
}

void registry_chain_put(struct registry *registry, const struct record_chain *chain)
{
	struct chain_entry *entry = registry_chain(registry, chain->netns, chain->ifindex);

	if (!entry) {
		assert(registry->chain_count < registry->chain_room);
		entry = &registry->chains[registry->chain_count++];
	}
	entry->netns = chain->netns;
	entry->ifindex = chain->ifindex;
	entry->dispatcher_id = chain->dispatcher_id;
	memcpy(entry->interface, chain->interface, sizeof(entry->interface));
}

void registry_program_remove(struct registry *registry, uint64_t id)
{
	struct program_entry *entry = registry_program(registry, id);

	if (!entry)
		return;
	if (entry->fd >= 0)
		(void)close(entry->fd);
	registry->program_count--;
	memmove(entry, entry + 1,
	        (size_t)(registry->programs + registry->program_count - entry) * sizeof(*entry));
}

void registry_link_remove(struct registry *registry, uint64_t id)
{
	struct link_entry *entry = registry_link(registry, id);

	if (!entry)
		return;
	registry->link_count--;
	memmove(entry, entry + 1,
	        (size_t)(registry->links + registry->link_count - entry) * sizeof(*entry));
}

void registry_chain_remove(struct registry *registry, uint32_t netns, uint32_t ifindex)
{
	struct chain_entry *entry = registry_chain(registry, netns, ifindex);

	if (entry)
		*entry = registry->chains[--registry->chain_count];
}

bool registry_owns_kernel_id(const struct registry *registry, uint32_t kernel_id)
{
	for (size_t i = 0; i < registry->program_count; i++) {
		if (kernel_id && registry->programs[i].kernel_id == kernel_id)
			return true;
	}
	return false;
}

struct link_entry *registry_xdp_link(const struct registry *registry, uint32_t netns,
                                     uint32_t ifindex, uint32_t kernel_id, uint32_t states)
{
	for (size_t i = 0; i < registry->link_count; i++) {
		struct link_entry *link = &registry->links[i];

		if (!registry_link_at(link, netns, ifindex, DIRECTION_NONE) ||
		    !(states & 1u << link->state))
			continue;

		const struct program_entry *program = registry_program(registry, link->program_id);

		if (program && program->kernel_id == kernel_id)
			return link;
	}
	return NULL;
}

struct link_entry *registry_link_of_program(const struct registry *registry, uint64_t program_id,
                                            uint64_t after)
{
	size_t at = position(registry->links, registry->link_count, sizeof(struct link_entry),
	                     after + 1);

	for (; at < registry->link_count; at++) {
		if (registry->links[at].program_id == program_id)
			return &registry->links[at];
	}
	return NULL;
}

struct program_entry *registry_map_user(const struct registry *registry, uint64_t owner,
                                        uint64_t after)
{
	size_t at = position(registry->programs, registry->program_count,
	                     sizeof(struct program_entry), after + 1);

	for (; at < registry->program_count; at++) {
		if (registry->programs[at].map_owner == owner)
			return &registry->programs[at];
	}
	return NULL;
}

bool registry_link_at(const struct link_entry *link, uint32_t netns, uint32_t ifindex,
                      uint32_t direction)
{
	return link->type == (direction ? PROGRAM_TYPE_TC : PROGRAM_TYPE_XDP) &&
	       link->target.netns_id == netns && link->target.ifindex == ifindex &&
	       link->target.direction == direction;
}

bool registry_link_beside(const struct link_entry *link, uint32_t type,
                          const struct record_target *target)
{
	return link->type == type && link->target.ifindex == target->ifindex &&
	       link->target.direction == target->direction &&
	       link->target.netns_id == target->netns_id;
}

/* Puts it where it belongs; one too many goes off the end. Returns how many there are. */
static size_t member_insert(struct chain_member *members, size_t count, size_t most,
                            const struct chain_member *member)
{
	size_t at = count < most ? count++ : count;

	for (; at > 0 && chain_member_before(member, &members[at - 1]); at--) {
		if (at < most)
			members[at] = members[at - 1];
	}
	if (at < most)
		members[at] = *member;
	return count;
}

size_t registry_members(const struct registry *registry, const struct record_link *link,
                        struct chain_member *members, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < registry->link_count; i++) {
		const struct link_entry *entry = &registry->links[i];

		if (entry->id == link->id || entry->state != LINK_STATE_ATTACHED ||
		    !registry_link_beside(entry, link->type, &link->target))
			continue;

		const struct program_entry *program = registry_program(registry, entry->program_id);
		const struct chain_member member = {
			.link_id = entry->id,
			.kernel_id = program->kernel_id,
			.program_fd = program->fd,
			.priority = (uint32_t)entry->target.priority,
			.proceed_on = entry->target.proceed_on,
			.frags = program->frags,
		};

		count = member_insert(members, count, most, &member);
	}
	return count;
}

bool registry_interface_used(const struct registry *registry, uint32_t netns, uint32_t ifindex)
{
	for (size_t i = 0; i < registry->link_count; i++) {
		const struct link_entry *link = &registry->links[i];

		if (registry_link_at(link, netns, ifindex, link->target.direction) &&
		    link->state != LINK_STATE_GONE)
			return true;
	}
	return false;
}
