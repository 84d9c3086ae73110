/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What others do to the filters of the interfaces that bpfd has TC links on: the chain is read
 * again and the links follow it. */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>
#include <string.h>

static bool at_place(const struct link_entry *link, const struct tc_place *place)
{
	return registry_link_at(link, place->netns, place->ifindex, place->direction);
}

static uint64_t link_of(void *state, const struct tc_place *place, uint32_t kernel_id)
{
	const struct registry *registry = &((const struct broker *)state)->registry;

	for (size_t i = 0; i < registry->link_count; i++) {
		const struct link_entry *link = &registry->links[i];

		if (!at_place(link, place) || !monitor_follows(link))
			continue;

		const struct program_entry *program = registry_program(registry, link->program_id);

		if (program && program->kernel_id == kernel_id)
			return link->id;
	}
	return 0;
}

static bool chain_has(const struct tc_chain *chain, uint64_t link_id)
{
	for (size_t i = 0; i < chain->count; i++) {
		if (chain->slots[i].link_id == link_id)
			return true;
	}
	return false;
}

static void links_follow(struct broker *broker, const struct tc_chain *chain)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		uint32_t state;

		if (!at_place(link, &chain->place) || !monitor_follows(link))
			continue;
		state = chain_has(chain, link->id) ? LINK_STATE_ATTACHED : LINK_STATE_REMOVED;
		if (state != link->state || strcmp(link->target.interface, chain->interface) != 0)
			monitor_link_update(broker, link->id, state, chain->interface);
	}
}

void monitor_tc_read(struct broker *broker, struct netlink *netlink, const struct tc_place *place)
{
	struct record_chain record;
	struct tc_chain chain;
	struct error error = {};
	int result = tc_read(broker->tc, netlink, place, link_of, broker, &chain, &error);

	if (result == -ENODEV)
		return; /* the interface's own end is told too */
	if (result) {
		log_warning("what runs on %s of interface %u cannot be read: %s",
		            tc_direction_name(place->direction), place->ifindex, error.message);
		return;
	}
	links_follow(broker, &chain);
	tc_chain_record(&chain, &record);
	broker->attach.chain_changed(broker, &record);
}

/* Is this the first of the links that follow at its place? */
static bool first_at_place(const struct registry *registry, size_t index,
                           const struct tc_place *place)
{
	for (size_t i = 0; i < index; i++) {
		if (at_place(&registry->links[i], place) && monitor_follows(&registry->links[i]))
			return false;
	}
	return true;
}

void monitor_tc_read_all(struct broker *broker, uint32_t ifindex)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		const struct tc_place place = { .ifindex = link->target.ifindex,
			                        .direction = link->target.direction };

		if (link->type == PROGRAM_TYPE_TC && monitor_follows(link) &&
		    !link->target.netns_id && (!ifindex || ifindex == place.ifindex) &&
		    first_at_place(&broker->registry, i, &place))
			monitor_tc_read(broker, &broker->netlink, &place);
	}
}

static bool place_used(const struct registry *registry, const struct tc_place *place)
{
	for (size_t i = 0; i < registry->link_count; i++) {
		if (at_place(&registry->links[i], place) && monitor_follows(&registry->links[i]))
			return true;
	}
	return false;
}

static void change_apply(struct broker *broker, const struct tc_change *change, uint32_t direction)
{
	const struct tc_place place = { .ifindex = change->ifindex, .direction = direction };

	if (change->direction && change->direction != direction)
		return;
	/* a dispatcher never changes in place: what is attached says whether anything changed,
	 * bpfd's own work included */
	if (change->program_id && change->program_id == tc_attached_id(broker->tc, &place))
		return;
	if (!place_used(&broker->registry, &place))
		return;
	monitor_tc_read(broker, &broker->netlink, &place);
	broker->collect = true;
}

void monitor_tc_ready(struct broker *broker)
{
	for (;;) {
		struct tc_change change;
		int result = tc_monitor_next(&broker->tc_monitor, &change);

		if (result == -ENOBUFS) {
			monitor_tc_read_all(broker, 0);
			continue;
		}
		if (result < 0)
			return;
		change_apply(broker, &change, DIRECTION_INGRESS);
		change_apply(broker, &change, DIRECTION_EGRESS);
	}
}
