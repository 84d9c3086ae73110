/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading what runs at a place. */
#include "broker/kernel.h"
#include "broker/tc_pins.h"
#include "broker/tc_state.h"
#include "common/cleanup.h"

#include <stdlib.h>
#include <string.h>

static struct tc_known **known_find(struct tc *tc, const struct tc_place *place)
{
	struct tc_known **at = &tc->known;

	while (*at && !tc_place_equal(&(*at)->chain.place, place))
		at = &(*at)->next;
	return at;
}

void tc_known_set(struct tc *tc, const struct tc_chain *chain)
{
	struct tc_known *known;

	tc_known_drop(tc, &chain->place);
	known = malloc(sizeof(*known));
	if (!known)
		return;
	known->chain = *chain;
	for (size_t i = 0; i < TC_PROGRAMS_MAX; i++)
		known->chain.slots[i].fd = -1;
	known->next = tc->known;
	tc->known = known;
}

uint32_t tc_attached_id(const struct tc *tc, const struct tc_place *place)
{
	const struct tc_known *known = tc->known;

	while (known && !tc_place_equal(&known->chain.place, place))
		known = known->next;
	return known ? known->chain.dispatcher_id : 0;
}

void tc_known_drop(struct tc *tc, const struct tc_place *place)
{
	struct tc_known **at = known_find(tc, place), *known = *at;

	if (!known)
		return;
	*at = known->next;
	free(known);
}

/* The configuration of the dispatcher; the map is bpfd's own, its pin may be anybody's. */
static int config_read(int map_fd, struct tc_dispatcher_config *config)
{
	struct bpf_map_info info = {};
	const uint32_t key = 0;
	int result = kernel_info(map_fd, &info, sizeof(info));

	if (result < 0)
		return result;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(key) ||
	    info.value_size != sizeof(*config))
		return -EINVAL;
	return kernel_map_lookup(map_fd, &key, config);
}

/* The kernel id of the program whose link holds it in the slot; 0 where the link is gone. */
static int component_read(const struct launcher_settings *settings, const struct tc_chain *chain,
                          size_t slot, uint32_t *kernel_id)
{
	struct bpf_link_info info = {};
	char path[PIN_PATH_SIZE];
	int result;

	tc_pins_link_path(settings, &chain->place, chain->dispatcher_id, slot, path);
	_cleanup_close_ int fd = kernel_pin_open(path);

	*kernel_id = 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = kernel_info(fd, &info, sizeof(info));
	if (result == 0 && info.type == BPF_LINK_TYPE_TRACING)
		*kernel_id = info.prog_id;
	return result;
}

/* Reads the pins of the dispatcher that is attached. -ENOENT: it is none of bpfd's. */
static int pins_read(const struct launcher_settings *settings, struct tc_chain *chain)
{
	struct tc_dispatcher_config config;
	char path[PIN_PATH_SIZE];
	int result;

	tc_pins_config_path(settings, &chain->place, chain->dispatcher_id, path);
	_cleanup_close_ int map_fd = kernel_pin_open(path);

	if (map_fd < 0)
		return map_fd;
	result = config_read(map_fd, &config);
	if (result == 0)
		result = tc_config_decode(&config, chain);
	for (size_t i = 0; i < chain->count && result == 0; i++)
		result = component_read(settings, chain, i, &chain->slots[i].kernel_id);
	return result;
}

static int chain_read(struct tc *tc, const struct netlink_filter *filter, struct tc_chain *chain,
                      struct error *error)
{
	const struct tc_known *known = *known_find(tc, &chain->place);
	struct tc_chain own = *chain;
	int result;

	if (known && known->chain.dispatcher_id == filter->program_id) {
		own = known->chain;
		memcpy(own.interface, chain->interface, sizeof(own.interface));
		*chain = own;
		return 0;
	}
	tc_known_drop(tc, &chain->place);
	own.dispatcher_id = filter->program_id;
	result = pins_read(tc->settings, &own);
	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot read the pins of the TC dispatcher (program %u) on %s of "
		                 "interface \"%s\": %s",
		                 filter->program_id, tc_direction_name(chain->place.direction),
		                 chain->interface, strerror(-result));
	tc_known_set(tc, &own);
	*chain = own;
	return 0;
}

static int interface_read(struct netlink *netlink, struct tc_found *found, struct error *error)
{
	const struct tc_place *place = &found->chain.place;
	struct netlink_interface interface;
	int result = netlink_interface_query(netlink, place->ifindex, NULL, &interface);

	if (result == -ENODEV)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "interface number %u does not exist any more in %s network "
		                 "namespace",
		                 place->ifindex, place->netns ? "its" : "bpfd's");
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for interface number %u: %s", place->ifindex,
		                 strerror(-result));
	memcpy(found->chain.interface, interface.name, sizeof(found->chain.interface));
	return 0;
}

static int filter_read(struct netlink *netlink, struct tc_found *found, struct error *error)
{
	const struct tc_place *place = &found->chain.place;
	int result = netlink_qdisc_query(netlink, place->ifindex, &found->qdisc);

	/* the qdisc "ingress" would show its own filters for egress */
	if (result == 0 &&
	    (found->qdisc == NETLINK_QDISC_CLSACT ||
	     (found->qdisc == NETLINK_QDISC_INGRESS && place->direction == DIRECTION_INGRESS)))
		result = netlink_filter_query(netlink, place->ifindex, place->direction,
		                              &found->filter);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for the filters on %s of interface \"%s\": %s",
		                 tc_direction_name(place->direction), found->chain.interface,
		                 strerror(-result));
	return 0;
}

int tc_found_read(struct tc *tc, struct netlink *netlink, const struct tc_place *place,
                  struct tc_found *out, struct error *error)
{
	struct tc_found found = { .chain.place = *place };
	int result = interface_read(netlink, &found, error);

	if (result == 0)
		result = filter_read(netlink, &found, error);
	if (result == 0 && found.filter.there)
		result = chain_read(tc, &found.filter, &found.chain, error);
	if (result == 0)
		*out = found;
	return result;
}

int tc_read(struct tc *tc, struct netlink *netlink, const struct tc_place *place,
            uint64_t (*link_of)(void *state, const struct tc_place *place, uint32_t kernel_id),
            void *state, struct tc_chain *chain, struct error *error)
{
	struct tc_found found = {};
	int result = tc_found_read(tc, netlink, place, &found, error);

	if (result < 0)
		return result;
	for (size_t i = 0; i < found.chain.count; i++) {
		struct chain_slot *slot = &found.chain.slots[i];

		slot->fd = -1;
		slot->link_id =
			link_of && slot->kernel_id ? link_of(state, place, slot->kernel_id) : 0;
	}
	*chain = found.chain;
	return 0;
}
