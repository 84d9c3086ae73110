/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What others do to the tcx and netkit hooks that bpfd has links on. The kernel tells nobody when a
 * link is detached there, so bpfd looks: at each change of the interface, and from time to time.
 */
#include "broker/attach_tcx.h"
#include "broker/broker.h"
#include "broker/link_pins.h"

#include "common/log.h"

#include <errno.h>
#include <string.h>

#define LOOK_MS 2000

static bool is_native(const struct link_entry *link)
{
	return (link->type == PROGRAM_TYPE_TCX || link->type == PROGRAM_TYPE_NETKIT) &&
	       link->state == LINK_STATE_ATTACHED;
}

/* In bpfd's own network namespace; into others monitor_netns.c looks. */
static bool is_here(const struct link_entry *link)
{
	return is_native(link) && !link->target.netns_id;
}

/* Marks the links of the hook that do not run there any more. Is anything new about any? */
static bool links_follow(struct broker *broker, const struct link_entry *first,
                         const struct tcx_order *order, const char *interface)
{
	const uint32_t type = first->type;
	const struct record_target target = first->target;
	bool changed = false;

	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		uint32_t state = LINK_STATE_ATTACHED;

		if (!is_native(link) || !registry_link_beside(link, type, &target))
			continue;
		if (tcx_find(order,
		             registry_program(&broker->registry, link->program_id)->kernel_id) < 0)
			state = LINK_STATE_REMOVED;
		if (state == link->state && strcmp(link->target.interface, interface) == 0)
			continue;
		changed = true;
		monitor_link_update(broker, link->id, state, interface);
		if (state == LINK_STATE_REMOVED)
			(void)link_pins_remove(&broker->settings, link->id);
	}
	return changed;
}

static void hook_publish(struct broker *broker, const struct link_entry *any,
                         struct tcx_order *order)
{
	struct chain_member members[CHAIN_PROGRAMS_MAX];
	/* id 0 is nobody's: none is left out */
	struct record_link place = { .type = any->type, .target = any->target };
	size_t count = broker->attach.members(broker, &place, members, CHAIN_PROGRAMS_MAX);
	struct record_chain record;

	if (!count)
		order->count = 0; /* none of bpfd's: not bpfd's to tell */
	tcx_record(any->type, &any->target, order, members, count, &record);
	broker->attach.chain_changed(broker, &record);
}

static void read_failed(const struct link_entry *link, int result)
{
	if (result != -ENODEV) /* the interface's own end is told too */
		log_warning("what runs on interface %u cannot be read: %s", link->target.ifindex,
		            strerror(-result));
}

static void hook_read(struct broker *broker, const struct link_entry *first)
{
	const struct tcx_hook hook = tcx_hook_of(first->type, &first->target);
	struct netlink_interface found;
	struct tcx_order order;
	int result = netlink_interface_query(&broker->netlink, hook.ifindex, NULL, &found);

	if (!result)
		result = tcx_query(&hook, &order);
	if (result) {
		read_failed(first, result);
		return;
	}
	(void)links_follow(broker, first, &order, found.name);
	hook_publish(broker, first, &order);
}

/* Is this the first of bpfd's links at its hook? */
static bool first_there(const struct registry *registry, size_t index)
{
	const struct link_entry *link = &registry->links[index];

	for (size_t i = 0; i < index; i++) {
		if (is_native(&registry->links[i]) &&
		    registry_link_beside(&registry->links[i], link->type, &link->target))
			return false;
	}
	return true;
}

void monitor_tcx_read_all(struct broker *broker, uint32_t ifindex)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (is_here(link) && (!ifindex || ifindex == link->target.ifindex) &&
		    first_there(&broker->registry, i))
			hook_read(broker, link);
	}
}

void monitor_tcx_look(struct broker *broker, uint64_t id, const char *interface, bool all)
{
	struct link_entry *link = registry_link(&broker->registry, id);
	struct record_link place = { .type = link->type, .target = link->target };
	struct tcx_order order;
	int result;

	if (!is_native(link) ||
	    !first_there(&broker->registry, (size_t)(link - broker->registry.links)))
		return;
	result = tcx_link_query(&broker->attach, &place, &order);
	if (result) {
		read_failed(link, result);
		return;
	}
	all = all || order.revision != link->revision;
	link->revision = order.revision;
	/* a hook that was empty meanwhile counts anew */
	if (links_follow(broker, link, &order, interface) || all)
		hook_publish(broker, link, &order);
}

static uint64_t mix(uint64_t sum, uint64_t number)
{
	return (sum ^ number) * 0x100000001b3; /* FNV-1a's prime */
}

/* Another number as soon as anything changes at any of the hooks; 0 where there are none. */
static uint64_t hooks_sum(const struct broker *broker)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		struct tcx_order order = { .revision = 0 };
		struct tcx_hook hook;

		if (!is_here(link))
			continue;
		hook = tcx_hook_of(link->type, &link->target);
		(void)tcx_query(&hook, &order);
		sum = mix(mix(mix(sum + 1, hook.ifindex), hook.attach_type), order.revision);
	}
	return sum;
}

void monitor_tcx_begin(struct broker *broker)
{
	if (!broker->tcx_look_at_ms)
		broker->tcx_look_at_ms = clock_now_ms() + LOOK_MS;
}

int monitor_tcx_tick(struct broker *broker)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t sum;

	if (!broker->tcx_look_at_ms)
		return -1;
	if (now_ms < broker->tcx_look_at_ms)
		return (int)(broker->tcx_look_at_ms - now_ms);
	sum = hooks_sum(broker);
	if (sum != broker->tcx_sum)
		monitor_tcx_read_all(broker, 0);
	broker->tcx_sum = sum;
	broker->tcx_look_at_ms = sum ? now_ms + LOOK_MS : 0;
	return sum ? LOOK_MS : -1;
}
