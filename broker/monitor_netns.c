/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Interfaces in other network namespaces, and namespaces that vanish. A routing socket that would
 * tell of changes would keep the namespace when everybody else has left it; so bpfd holds nothing
 * in there, and looks from time to time by a socket of one moment.
 */
#include "broker/broker.h"
#include "broker/netns.h"
#include "broker/link_pins.h"

#include "common/log.h"
#include "common/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 2000

/* Types whose links are on interfaces; other types have namespaces for places, or control groups.
 */
static bool by_interface(const struct link_entry *link)
{
	return program_type_row(link->type)->takes & TARGET_BIT(TARGET_INTERFACE);
}

static bool inside(const struct link_entry *link)
{
	return by_interface(link) && link->target.netns_id && monitor_follows(link);
}

static bool inside_this(const struct link_entry *link, const struct record_target *target)
{
	return inside(link) && link->target.netns_id == target->netns_id &&
	       strcmp(link->target.netns, target->netns) == 0;
}

static struct netns_seen *seen_find(struct netns_list *list, uint32_t id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->seen[i].id == id)
			return &list->seen[i];
	}
	return NULL;
}

static void seen_drop(struct netns_list *list, uint32_t id)
{
	struct netns_seen *seen = seen_find(list, id);

	if (seen)
		*seen = list->seen[--list->count];
}

/* Is it the namespace that had this number before, as far as anybody can tell? */
static bool seen_same(struct netns_list *list, const struct netns_socket *socket)
{
	struct netns_seen *seen = seen_find(list, socket->id), *moved;

	if (seen)
		return seen->cookie == socket->cookie;
	moved = reallocarray(list->seen, list->count + 1, sizeof(*moved));
	if (!moved)
		return true;
	list->seen = moved;
	list->seen[list->count++] = (struct netns_seen){ socket->id, socket->cookie };
	return true;
}

static bool netns_used(const struct registry *registry, uint64_t id)
{
	for (size_t i = 0; i < registry->link_count; i++) {
		if (inside(&registry->links[i]) && registry->links[i].target.netns_id == id)
			return true;
	}
	return false;
}

/* Removes pins; all of the namespace where `netlink` is NULL. */
static void pins_collect_inside(struct broker *broker, struct netlink *netlink, uint32_t id)
{
	if (xdp_collect_netns(broker->xdp, netlink, id, 0) < 0 ||
	    tc_collect(broker->tc, netlink, id) < 0)
		log_warning("pins of network namespace %u could not all be removed", id);
}

/* The file does not lead there any more: for bpfd the namespace is gone. */
static void path_gone(struct broker *broker, const struct record_target *target)
{
	uint32_t id = (uint32_t)target->netns_id;

	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (!inside_this(link, target))
			continue;
		view_gone(broker, FRONTEND_GONE_CHAIN,
		          RECORD_CHAIN_ID(link->type, id, link->target.ifindex,
		                          link->target.direction));
		registry_chain_remove(&broker->registry, id, link->target.ifindex);
		monitor_link_update(broker, link->id, LINK_STATE_GONE, link->target.interface);
		(void)link_pins_remove(&broker->settings, link->id); /* of tcx and netkit */
	}
	if (netns_used(&broker->registry, id))
		return; /* by another path */
	seen_drop(&broker->netns, id);
	pins_collect_inside(broker, NULL, id);
}

/* A look at what one path leads to. */
struct look {
	struct netns_socket socket;
	bool all; /* what has not changed is told, too */
};

static void xdp_look(struct broker *broker, const struct xdp_place *place,
                     const struct netlink_interface *found, bool all)
{
	const struct chain_entry *chain =
		registry_chain(&broker->registry, place->netns, place->ifindex);

	if (!all && chain && chain->dispatcher_id == found->program_id &&
	    strcmp(chain->interface, found->name) == 0)
		return;
	monitor_interface_read(broker, place);
	broker->collect = true;
}

static void tc_look(struct broker *broker, struct netlink *netlink,
                    const struct record_target *target, bool all)
{
	const struct tc_place place = { .netns = (uint32_t)target->netns_id,
		                        .ifindex = target->ifindex,
		                        .direction = target->direction };
	struct netlink_filter filter = {};

	if (netlink_filter_query(netlink, place.ifindex, place.direction, &filter) < 0)
		return;
	if (!all && filter.there && filter.program_id == tc_attached_id(broker->tc, &place))
		return;
	monitor_tc_read(broker, netlink, &place);
	broker->collect = true;
}

static void link_look(struct broker *broker, uint64_t id, struct look *look)
{
	const struct record_target target = registry_link(&broker->registry, id)->target;
	const uint32_t type = registry_link(&broker->registry, id)->type;
	const struct xdp_place place = netns_place(&target, &look->socket);
	struct netlink_interface found;
	int result = netlink_interface_query(look->socket.netlink, target.ifindex, NULL, &found);

	if (result == -ENODEV) {
		monitor_interface_gone(broker, place.netns, place.ifindex);
		pins_collect_inside(broker, look->socket.netlink, place.netns);
	} else if (result == 0 && type != PROGRAM_TYPE_XDP && type != PROGRAM_TYPE_TC) {
		monitor_tcx_look(broker, id, found.name, look->all);
	} else if (result == 0 && type == PROGRAM_TYPE_TC) {
		tc_look(broker, look->socket.netlink, &target,
		        look->all || strcmp(target.interface, found.name) != 0);
	} else if (result == 0) {
		xdp_look(broker, &place, &found, look->all);
	}
}

/* All links that name the namespace by this path. */
static void path_look(struct broker *broker, const struct record_target *target, bool all)
{
	struct look look = { .all = all };
	struct error error;
	int result = netns_socket_again(&broker->attach, target, &look.socket, &error);

	if (result == -ENODEV) {
		path_gone(broker, target);
		return;
	}
	if (result < 0)
		return; /* the opener is switched off: nobody can look */
	if (!seen_same(&broker->netns, &look.socket)) {
		path_gone(broker, target);
	} else {
		for (size_t i = 0; i < broker->registry.link_count; i++) {
			const struct link_entry *link = &broker->registry.links[i];

			if (inside_this(link, target))
				link_look(broker, link->id, &look);
		}
	}
	netns_socket_cleanup(&look.socket);
}

/* Is this the first of the links with its path? */
static bool first_inside(const struct registry *registry, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (inside_this(&registry->links[i], &registry->links[index].target))
			return false;
	}
	return true;
}

static void paths_look(struct broker *broker, bool all)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (inside(link) && first_inside(&broker->registry, i)) {
			const struct record_target target = link->target;

			path_look(broker, &target, all);
		}
	}
}

void monitor_netns_look(struct broker *broker)
{
	paths_look(broker, false);
}

void monitor_netns_read_all(struct broker *broker)
{
	paths_look(broker, true);
}

static bool waits_inside(const struct link_entry *link)
{
	return by_interface(link) && link->target.netns[0] && restore_waits(link);
}

/* Attaches those again whose interface has come back. */
static void waiting_look(struct broker *broker)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];
		struct record_target target = link->target;
		struct error error;

		if (waits_inside(link) &&
		    netns_interface_find(&broker->attach, &target, &error) == 0)
			restore_link(broker, link->id);
	}
}

int monitor_netns_tick(struct broker *broker)
{
	struct netns_list *list = &broker->netns;
	uint64_t now_ms = clock_now_ms();
	bool any = false;

	for (size_t i = 0; i < broker->registry.link_count && !any; i++)
		any = inside(&broker->registry.links[i]) ||
		      waits_inside(&broker->registry.links[i]);
	if (!any || !broker->attach.opener) {
		list->look_at_ms = 0;
		return -1;
	}
	if (list->look_at_ms && now_ms >= list->look_at_ms) {
		monitor_netns_look(broker);
		waiting_look(broker);
	}
	if (!list->look_at_ms || now_ms >= list->look_at_ms)
		list->look_at_ms = now_ms + LOOK_MS;
	return (int)(list->look_at_ms - now_ms);
}

/* A namespace that nobody can look into keeps what it has. */
static void target_collect(struct broker *broker, const struct record_target *target)
{
	uint32_t id = (uint32_t)target->netns_id;
	struct netns_socket socket;
	struct error error;
	int result = netns_socket_again(&broker->attach, target, &socket, &error);

	if (result == 0) {
		pins_collect_inside(broker, socket.netlink, id);
		netns_socket_cleanup(&socket);
	} else if (result == -ENODEV && !netns_used(&broker->registry, id)) {
		pins_collect_inside(broker, NULL, id);
	}
}

void monitor_netns_collect(struct broker *broker, const struct record_target *target)
{
	if (netns_used(&broker->registry, target->netns_id))
		return;
	seen_drop(&broker->netns, (uint32_t)target->netns_id);
	target_collect(broker, target);
}

void monitor_netns_collect_all(struct broker *broker)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (by_interface(link) && link->target.netns_id)
			target_collect(broker, &link->target);
	}
}
