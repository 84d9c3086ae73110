/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What others do to the interfaces that bpfd has links on: a program taken off, a dispatcher
 * rebuilt, an interface renamed or gone. The chain is read again and the links follow it.
 */
#include "broker/broker.h"

#include "broker/link_pins.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLLOWED_STATES (1u << LINK_STATE_ATTACHED | 1u << LINK_STATE_REMOVED)

static const char *const state_names[] = {
	[LINK_STATE_ATTACHING] = "being attached",
	[LINK_STATE_ATTACHED] = "attached",
	[LINK_STATE_DETACHING] = "being detached",
	[LINK_STATE_REMOVED] = "removed by somebody else",
	[LINK_STATE_GONE] = "without its place",
	[LINK_STATE_UPDATING] = "being updated",
	[LINK_STATE_WAITING] = "waiting",
	[LINK_STATE_FAILED] = "failed",
};

bool monitor_follows(const struct link_entry *link)
{
	return FOLLOWED_STATES & 1u << link->state;
}

static bool follows(const struct link_entry *link, uint32_t netns, uint32_t ifindex)
{
	return registry_link_at(link, netns, ifindex, DIRECTION_NONE) && monitor_follows(link);
}

uint64_t monitor_link_of(void *state, const struct xdp_place *place, uint32_t kernel_id)
{
	const struct broker *broker = state;
	const struct link_entry *link = registry_xdp_link(
		&broker->registry, place->netns, place->ifindex, kernel_id, FOLLOWED_STATES);

	return link ? link->id : 0;
}

static bool chain_has(const struct record_chain *chain, uint64_t link_id)
{
	for (uint32_t i = 0; i < chain->count && i < CHAIN_PROGRAMS_MAX; i++) {
		if (chain->entries[i].link_id == link_id)
			return true;
	}
	return false;
}

void monitor_reason_set(struct record_link *link)
{
	memset(link->reason, 0, sizeof(link->reason));
	if (link->state == LINK_STATE_GONE && link->target.interface[0])
		(void)snprintf(link->reason, sizeof(link->reason), "detached: interface gone");
}

/* A store that cannot be written is written at the next change. */
void monitor_link_update(struct broker *broker, uint64_t id, uint32_t state, const char *interface)
{
	struct record_link link;
	struct error error;

	if (store_link_get(broker->store, id, &link, &error) < 0)
		return;
	if (link.state != state)
		log_info("link %llu on interface %u was %s and is %s", (unsigned long long)id,
		         link.target.ifindex, state_names[link.state], state_names[state]);
	link.state = state;
	monitor_reason_set(&link);
	memset(link.target.interface, 0,
	       sizeof(link.target.interface)); /* texts of records are zero-filled */
	memcpy(link.target.interface, interface,
	       strnlen(interface, sizeof(link.target.interface) - 1));
	store_begin(broker->store);
	store_link_put(broker->store, &link);
	if (store_commit(broker->store, &error) < 0)
		log_warning("%s", error.message);
	registry_link_put(&broker->registry, &link);
	view_link(broker, &link);
}

static void links_follow(struct broker *broker, const struct record_chain *chain)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		uint32_t state;

		if (!follows(link, chain->netns, chain->ifindex))
			continue;
		state = chain_has(chain, link->id) ? LINK_STATE_ATTACHED : LINK_STATE_REMOVED;
		if (state != link->state || strcmp(link->target.interface, chain->interface) != 0)
			monitor_link_update(broker, link->id, state, chain->interface);
	}
}

void monitor_interface_gone(struct broker *broker, uint32_t netns, uint32_t ifindex)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (link->target.ifindex != ifindex || link->target.netns_id != netns ||
		    !monitor_follows(link))
			continue;
		monitor_link_update(broker, link->id, LINK_STATE_GONE, link->target.interface);
		view_gone(broker, FRONTEND_GONE_CHAIN,
		          RECORD_CHAIN_ID(link->type, netns, ifindex, link->target.direction));
		(void)link_pins_remove(&broker->settings, link->id); /* of tcx and netkit */
	}
	registry_chain_remove(&broker->registry, netns, ifindex);
	view_gone(broker, FRONTEND_GONE_CHAIN,
	          RECORD_CHAIN_ID(PROGRAM_TYPE_XDP, netns, ifindex, 0));
}

static void interface_gone(struct broker *broker, uint32_t ifindex)
{
	monitor_interface_gone(broker, 0, ifindex);
	if (xdp_collect(broker->xdp) < 0 || tc_collect(broker->tc, &broker->netlink, 0) < 0)
		log_warning("the pins of interface %u are removed at the next start", ifindex);
}

void monitor_interface_read(struct broker *broker, const struct xdp_place *place)
{
	struct record_chain chain = {};
	struct error error = {};
	int result = xdp_read(broker->xdp, place, monitor_link_of, broker, &chain, &error);

	if (result == -ENODEV) {
		if (!place->netns)
			interface_gone(broker, place->ifindex);
		return;
	}
	if (result) {
		log_warning("what runs on interface %u cannot be read: %s", place->ifindex,
		            error.message);
		return;
	}
	links_follow(broker, &chain);
	if (registry_reserve(&broker->registry, 0, 0, 1) == 0)
		registry_chain_put(&broker->registry, &chain);
	view_chain(broker, &chain);
}

static void own_interface_read(struct broker *broker, uint32_t ifindex)
{
	const struct xdp_place place = { .ifindex = ifindex };

	monitor_interface_read(broker, &place);
}

void monitor_read_all(struct broker *broker)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		size_t first = 0;

		if (!follows(link, 0, link->target.ifindex))
			continue;
		/* Each interface once: at the first of its links. */
		while (!follows(&broker->registry.links[first], 0, link->target.ifindex))
			first++;
		if (first == i)
			own_interface_read(broker, link->target.ifindex);
	}
	monitor_tc_read_all(broker, 0);
	monitor_tcx_read_all(broker, 0);
	monitor_cgroup_read_all(broker);
	monitor_netns_read_all(broker);
}

void monitor_chain_forget(struct broker *broker, const struct record_target *target)
{
	uint32_t netns = (uint32_t)target->netns_id, ifindex = target->ifindex;

	if (!ifindex || registry_interface_used(&broker->registry, netns, ifindex))
		return;
	registry_chain_remove(&broker->registry, netns, ifindex);
	view_gone(broker, FRONTEND_GONE_CHAIN,
	          RECORD_CHAIN_ID(PROGRAM_TYPE_XDP, netns, ifindex, 0));
	if (netns)
		monitor_netns_collect(broker, target);
}

/* Does any link, of any type, lie on the interface? */
static bool interface_has_links(const struct registry *registry, uint32_t ifindex)
{
	for (size_t i = 0; i < registry->link_count; i++) {
		const struct link_entry *link = &registry->links[i];

		if (link->target.ifindex == ifindex && !link->target.netns_id &&
		    link->state != LINK_STATE_GONE)
			return true;
	}
	return false;
}

static void change_apply(struct broker *broker, const struct xdp_change *change)
{
	if (!change->gone)
		restore_interface(broker, change->interface);

	const struct chain_entry *chain = registry_chain(&broker->registry, 0, change->ifindex);

	if (!interface_has_links(&broker->registry, change->ifindex))
		return;
	if (change->gone) {
		interface_gone(broker, change->ifindex);
		return;
	}
	monitor_tcx_read_all(broker, change->ifindex);
	if (!registry_interface_used(&broker->registry, 0, change->ifindex))
		return;
	/* A dispatcher never changes in place: what is attached says whether anything changed,
	 * bpfd's own work included. */
	if (chain && chain->dispatcher_id == change->program_id &&
	    strcmp(chain->interface, change->interface) == 0)
		return;
	if (!chain || strcmp(chain->interface, change->interface) != 0)
		monitor_tc_read_all(broker, change->ifindex);
	own_interface_read(broker, change->ifindex);
	broker->collect = true;
}

static void changes_lost(struct broker *broker)
{
	monitor_read_all(broker);
	restore_links(broker);
}

void monitor_ready(struct broker *broker)
{
	for (;;) {
		struct xdp_change change = {};
		int result = xdp_monitor_next(broker->xdp, &change);

		if (result == 0)
			change_apply(broker, &change);
		else if (result == -ENOBUFS)
			changes_lost(broker);
		else
			break;
	}
}
