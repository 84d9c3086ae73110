/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What runs at one place, and what shall: pure functions. */
#include "broker/tc_state.h"
#include "common/program_type.h"

#include <errno.h>
#include <string.h>

void tc_config_encode(const struct tc_chain *chain, struct tc_dispatcher_config *config)
{
	*config = (struct tc_dispatcher_config){
		.magic = TC_DISPATCHER_MAGIC,
		.dispatcher_version = TC_DISPATCHER_VERSION,
		.num_progs_enabled = (__u8)chain->count,
	};
	for (size_t i = 0; i < chain->count; i++) {
		config->chain_call_actions[i] = chain->slots[i].proceed_on;
		config->run_prios[i] = chain->slots[i].priority;
	}
}

int tc_config_decode(const struct tc_dispatcher_config *config, struct tc_chain *chain)
{
	if (config->magic != TC_DISPATCHER_MAGIC ||
	    config->dispatcher_version != TC_DISPATCHER_VERSION ||
	    config->num_progs_enabled > TC_PROGRAMS_MAX)
		return -EINVAL;
	chain->count = config->num_progs_enabled;
	for (size_t i = 0; i < chain->count; i++)
		chain->slots[i] = (struct chain_slot){ .own = true,
			                               .priority = config->run_prios[i],
			                               .proceed_on = config->chain_call_actions[i],
			                               .fd = -1 };
	return 0;
}

static struct chain_slot slot_of_member(const struct tc_chain *now,
                                        const struct chain_member *member)
{
	const struct chain_slot *running = chain_find(now->slots, now->count, member->kernel_id);
	struct chain_slot slot = {
		.link_id = member->link_id,
		.own = true,
		.kernel_id = member->kernel_id,
		.priority = member->priority,
		.proceed_on = member->proceed_on | CHAIN_ALWAYS,
		.fd = member->program_fd,
	};

	if (running)
		memcpy(slot.name, running->name, sizeof(slot.name));
	return slot;
}

int tc_chain_merge(const struct tc_chain *now, const struct tc_request *request,
                   struct tc_chain *next)
{
	struct tc_chain merged = *now;

	merged.count = 0;
	for (size_t i = 0; i < request->count; i++) {
		struct chain_slot slot = slot_of_member(now, &request->members[i]);
		int result = chain_insert(merged.slots, &merged.count, &slot);

		if (result < 0)
			return result;
	}
	*next = merged;
	return 0;
}

void tc_chain_record(const struct tc_chain *chain, struct record_chain *record)
{
	*record = (struct record_chain){
		.ifindex = chain->place.ifindex,
		.netns = chain->place.netns,
		.direction = chain->place.direction,
		.type = PROGRAM_TYPE_TC,
		.dispatcher_id = chain->dispatcher_id,
		.dispatcher_version = chain->dispatcher_id ? TC_DISPATCHER_VERSION : 0,
	};
	memcpy(record->interface, chain->interface, sizeof(record->interface));
	for (size_t i = 0; i < chain->count; i++) {
		const struct chain_slot *slot = &chain->slots[i];
		struct record_chain_entry *entry = &record->entries[record->count];

		if (!slot->kernel_id)
			continue; /* somebody removed its link: nothing runs there */
		entry->link_id = slot->link_id;
		entry->kernel_id = slot->kernel_id;
		entry->priority = slot->priority;
		entry->proceed_on = slot->proceed_on;
		memcpy(entry->kernel_name, slot->name, sizeof(slot->name));
		record->count++;
	}
}

bool tc_place_equal(const struct tc_place *a, const struct tc_place *b)
{
	return a->netns == b->netns && a->ifindex == b->ifindex && a->direction == b->direction;
}
