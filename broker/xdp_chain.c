/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/xdp_chain.h"
#include "common/cleanup.h"
#include "common/program_type.h"

#include <linux/bpf.h>
#include <string.h>

#define CONFIG_SIZE_1 84 /* bytes of the configuration before it had a magic number */
#define CONFIG_SIZE_3 128

void xdp_chain_clear(struct xdp_chain *chain)
{
	*chain = (struct xdp_chain){ .program_fd = -1 };
	for (size_t i = 0; i < XDP_DISPATCHER_SLOTS; i++)
		chain->slots[i].fd = -1;
}

void xdp_chain_cleanup(struct xdp_chain *chain)
{
	for (size_t i = 0; i < XDP_DISPATCHER_SLOTS; i++)
		close_cleanup(&chain->slots[i].fd);
	close_cleanup(&chain->program_fd);
}

uint32_t xdp_config_version(const void *bytes, size_t size_bytes)
{
	const struct xdp_dispatcher_config *config = bytes;

	if (size_bytes == CONFIG_SIZE_1)
		return 1;
	if (size_bytes < sizeof(*config) || config->magic != XDP_DISPATCHER_MAGIC)
		return 0;
	if (config->dispatcher_version == XDP_DISPATCHER_VERSION && size_bytes == sizeof(*config))
		return XDP_DISPATCHER_VERSION;
	if (config->dispatcher_version == 3 && size_bytes == CONFIG_SIZE_3)
		return 3;
	return 0;
}

int xdp_config_decode(const struct xdp_dispatcher_config *config, struct xdp_chain *chain)
{
	if (config->num_progs_enabled > XDP_DISPATCHER_SLOTS)
		return -EINVAL;
	chain->count = config->num_progs_enabled;
	for (size_t i = 0; i < chain->count; i++) {
		chain->slots[i].priority = config->run_prios[i];
		chain->slots[i].proceed_on = config->chain_call_actions[i];
		chain->slots[i].flags = config->program_flags[i];
	}
	return 0;
}

void xdp_config_encode(const struct chain_slot *slots, size_t count,
                       struct xdp_dispatcher_config *config)
{
	*config = (struct xdp_dispatcher_config){
		.magic = XDP_DISPATCHER_MAGIC,
		.dispatcher_version = XDP_DISPATCHER_VERSION,
		.num_progs_enabled = (__u8)count,
		.is_xdp_frags = count > 0,
	};
	for (size_t i = 0; i < count; i++) {
		config->chain_call_actions[i] = slots[i].proceed_on;
		config->run_prios[i] = slots[i].priority;
		config->program_flags[i] = slots[i].flags;
		if (!(slots[i].flags & BPF_F_XDP_HAS_FRAGS))
			config->is_xdp_frags = 0;
	}
}

static struct chain_slot slot_of_member(const struct xdp_chain *now,
                                        const struct chain_member *member)
{
	const struct chain_slot *running = chain_find(now->slots, now->count, member->kernel_id);
	struct chain_slot slot = {
		.link_id = member->link_id,
		.own = true,
		.kernel_id = member->kernel_id,
		.priority = member->priority,
		.proceed_on = member->proceed_on | CHAIN_ALWAYS,
		.flags = member->frags ? BPF_F_XDP_HAS_FRAGS : 0,
		.fd = member->program_fd,
	};

	if (running)
		memcpy(slot.name, running->name, sizeof(slot.name));
	return slot;
}

int xdp_chain_merge(const struct xdp_chain *now, const struct xdp_request *request,
                    struct xdp_chain *next)
{
	struct xdp_chain merged = *now;
	int result = 0;

	merged.count = 0;
	for (size_t i = 0; i < request->count && result == 0; i++) {
		struct chain_slot slot = slot_of_member(now, &request->members[i]);

		result = chain_insert(merged.slots, &merged.count, &slot);
	}
	for (size_t i = 0; i < now->count && result == 0; i++) {
		const struct chain_slot *slot = &now->slots[i];

		if (slot->own || chain_find(merged.slots, merged.count, slot->kernel_id) ||
		    (request->own && request->own(request->state, slot->kernel_id)))
			continue;
		result = chain_insert(merged.slots, &merged.count, slot);
	}
	if (result == 0)
		*next = merged;
	return result;
}

bool xdp_chain_equal(const struct xdp_chain *a, const struct xdp_chain *b)
{
	return chain_equal(a->slots, a->count, b->slots, b->count);
}

bool xdp_chain_runs(const struct xdp_chain *chain, uint32_t kernel_id)
{
	return chain_find(chain->slots, chain->count, kernel_id) ||
	       (chain->version == 0 && chain->program_id == kernel_id);
}

/* A program that is attached by itself stands in the record as the only entry. */
static void plain_record(const struct xdp_chain *chain, struct record_chain *record)
{
	record->count = 1;
	record->entries[0].kernel_id = chain->program_id;
	memcpy(record->entries[0].kernel_name, chain->program_name, sizeof(chain->program_name));
}

void xdp_chain_record(const struct xdp_chain *chain, xdp_link_of *link_of, void *state,
                      struct record_chain *record)
{
	struct record_chain filled = {
		.ifindex = chain->place.ifindex,
		.netns = chain->place.netns,
		.type = PROGRAM_TYPE_XDP,
		.dispatcher_id = chain->program_id,
		.dispatcher_version = chain->version,
		.mode = chain->mode,
		.foreign_dispatcher = chain->version && !chain->own,
		.count = (uint32_t)chain->count,
	};

	memcpy(filled.interface, chain->interface, sizeof(filled.interface));
	for (size_t i = 0; i < chain->count; i++) {
		const struct chain_slot *slot = &chain->slots[i];

		filled.entries[i].kernel_id = slot->kernel_id;
		filled.entries[i].priority = slot->priority;
		filled.entries[i].proceed_on = slot->proceed_on;
		filled.entries[i].link_id = slot->link_id;
		memcpy(filled.entries[i].kernel_name, slot->name, sizeof(slot->name));
	}
	if (chain->version == 0 && chain->program_id)
		plain_record(chain, &filled);
	for (size_t i = 0; link_of && i < filled.count; i++)
		filled.entries[i].link_id =
			link_of(state, &chain->place, filled.entries[i].kernel_id);
	*record = filled;
}
