/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reading what runs on an interface. */
#include "broker/kernel.h"
#include "broker/netlink.h"
#include "broker/xdp_pins.h"
#include "broker/xdp_state.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>

#define READ_TRIES 5
#define CONFIG_BYTES_MAX 128

static bool same_place(const struct xdp_place *a, const struct xdp_place *b)
{
	return a->netns == b->netns && a->ifindex == b->ifindex;
}

static struct xdp_known *known_find(const struct xdp *xdp, const struct xdp_place *place)
{
	struct xdp_known *known = xdp->known;

	while (known && !same_place(&known->chain.place, place))
		known = known->next;
	return known;
}

uint32_t xdp_known_id(const struct xdp *xdp, const struct xdp_place *place)
{
	const struct xdp_known *known = known_find(xdp, place);

	return known ? known->chain.program_id : 0;
}

struct netlink *xdp_netlink(struct xdp *xdp, const struct xdp_place *place)
{
	return place->netlink ? place->netlink : &xdp->netlink;
}

const char *xdp_netns_path(const struct xdp_place *place)
{
	return place->path ? place->path : "";
}

int xdp_known_set(struct xdp *xdp, struct xdp_chain *chain)
{
	struct xdp_known *known = malloc(sizeof(*known));

	if (!known)
		return -ENOMEM;
	xdp_known_drop(xdp, &chain->place);
	known->chain = *chain;
	known->chain.program_fd = steal_fd(&chain->program_fd);
	known->chain.place.path = NULL; /* both are the caller's */
	known->chain.place.netlink = NULL;
	for (size_t i = 0; i < XDP_DISPATCHER_SLOTS; i++)
		known->chain.slots[i].fd = -1;
	known->next = xdp->known;
	xdp->known = known;
	return 0;
}

void xdp_known_drop(struct xdp *xdp, const struct xdp_place *place)
{
	for (struct xdp_known **at = &xdp->known; *at; at = &(*at)->next) {
		struct xdp_known *known = *at;

		if (!same_place(&known->chain.place, place))
			continue;
		*at = known->next;
		xdp_chain_cleanup(&known->chain);
		free(known);
		return;
	}
}

int xdp_slot_open(struct xdp *xdp, struct xdp_chain *chain, size_t slot, struct error *error)
{
	int fd = -1;

	if (chain->slots[slot].fd >= 0)
		return 0;
	if (!chain->own) {
		int result = opener_component_open(xdp->opener, xdp_netns_path(&chain->place),
		                                   chain->place.ifindex, chain->program_id,
		                                   (uint32_t)slot, &fd, error);

		if (result < 0)
			return result;
	} else {
		char path[PIN_PATH_SIZE];

		pins_component_path(xdp->settings, chain->place.ifindex, chain->program_id, slot,
		                    PIN_PROGRAM, path);
		fd = kernel_pin_open(path);
		if (fd < 0)
			return error_set(error, fd, ERROR_BUSY,
			                 "cannot open %s (%s): somebody removed files of bpfd's; "
			                 "take everything "
			                 "off with \"ip link set dev %s xdp off\" and attach again",
			                 path, strerror(-fd), chain->interface);
	}
	chain->slots[slot].fd = fd;
	return 0;
}

/* Opens every slot's program and asks for its id and name. */
static int slots_identify(struct xdp *xdp, struct xdp_chain *chain, struct error *error)
{
	for (size_t i = 0; i < chain->count; i++) {
		struct chain_slot *slot = &chain->slots[i];
		struct record_program program;
		int result = xdp_slot_open(xdp, chain, i, error);

		if (result < 0)
			return result;
		result = kernel_program_info(slot->fd, &program);
		if (result < 0)
			return error_set(error, result, ERROR_KERNEL,
			                 "cannot ask for an XDP program's id: %s",
			                 strerror(-result));
		slot->kernel_id = program.kernel_id;
		memcpy(slot->name, program.kernel_name, sizeof(slot->name));
	}
	return 0;
}

/* The version of the dispatcher with this map, and its configuration; 0 if it is none. */
static int config_read(int map_fd, uint32_t *version, struct xdp_dispatcher_config *config)
{
	unsigned char bytes[CONFIG_BYTES_MAX] __attribute__((aligned(8)));
	struct bpf_map_info info = {};
	const uint32_t key = 0;
	int result = kernel_info(map_fd, &info, sizeof(info));

	*version = 0;
	if (result < 0)
		return result;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(key) ||
	    info.max_entries != 1 || !(info.map_flags & BPF_F_RDONLY_PROG) ||
	    info.value_size > sizeof(bytes))
		return 0;
	result = kernel_map_lookup(map_fd, &key, bytes);
	if (result < 0)
		return result;
	*version = xdp_config_version(bytes, info.value_size);
	memcpy(config, bytes, sizeof(*config));
	return 0;
}

/* Opens what is attached: from bpfd's own pins, else through the opener. */
static int attached_open(struct xdp *xdp, struct xdp_chain *chain, int *map_fd, struct error *error)
{
	char path[PIN_PATH_SIZE];

	pins_private_path(xdp->settings, &chain->place, chain->program_id, false, path);
	chain->program_fd = kernel_pin_open(path);
	if (chain->program_fd < 0) {
		chain->program_fd = -1;
		return xdp->opener
		               ? opener_dispatcher_open(xdp->opener, xdp_netns_path(&chain->place),
		                                        chain->place.ifindex, chain->program_id,
		                                        &chain->program_fd, map_fd, error)
		               : 0;
	}
	chain->own = true;
	pins_private_path(xdp->settings, &chain->place, chain->program_id, true, path);
	*map_fd = kernel_pin_open(path);
	if (*map_fd == -ENOENT)
		*map_fd = -1;
	return *map_fd < -1 ? error_set(error, *map_fd, ERROR_KERNEL, "cannot open %s: %s", path,
	                                strerror(-*map_fd))
	                    : 0;
}

static int attached_read(struct xdp *xdp, struct xdp_chain *chain, struct error *error)
{
	_cleanup_close_ int map_fd = -1;
	struct xdp_dispatcher_config config;
	struct record_program program;
	int result = attached_open(xdp, chain, &map_fd, error);

	if (result < 0 || chain->program_fd < 0)
		return result;
	result = kernel_program_info(chain->program_fd, &program);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for an XDP program's name: %s", strerror(-result));
	memcpy(chain->program_name, program.kernel_name, sizeof(chain->program_name));
	if (map_fd < 0 || strcmp(program.kernel_name, XDP_DISPATCHER_NAME) != 0)
		return 0;
	result = config_read(map_fd, &chain->version, &config);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot read an XDP dispatcher's configuration: %s",
		                 strerror(-result));
	if (chain->version < XDP_DISPATCHER_VERSION)
		return 0;
	if (xdp_config_decode(&config, chain) < 0)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "the dispatcher on interface \"%s\" (program %u) has an "
		                 "impossible configuration: "
		                 "whoever made it must take it off",
		                 chain->interface, chain->program_id);
	return slots_identify(xdp, chain, error);
}

static int read_once(struct xdp *xdp, const struct xdp_place *place, struct xdp_chain *chain,
                     struct error *error)
{
	const struct xdp_known *known = known_find(xdp, place);
	struct netlink_interface found;
	int result = netlink_interface_query(xdp_netlink(xdp, place), place->ifindex, NULL, &found);

	if (result == -ENODEV)
		return error_set(
			error, result, ERROR_NOT_FOUND,
			"interface number %u does not exist any more in %s network namespace",
			place->ifindex, place->netns ? "its" : "bpfd's");
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for interface number %u: %s", place->ifindex,
		                 strerror(-result));
	if (known && known->chain.program_id == found.program_id) {
		int fd = fcntl(known->chain.program_fd, F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			return error_set(error, -errno, ERROR_KERNEL,
			                 "cannot duplicate a descriptor: %s", strerror(errno));
		*chain = known->chain;
		chain->program_fd = fd;
	}
	chain->place = *place;
	memcpy(chain->interface, found.name, sizeof(chain->interface));
	chain->attached = found.attached;
	chain->mode = netlink_xdp_mode(found.attached);
	chain->program_id = found.program_id;
	if (!chain->program_id || chain->program_fd >= 0)
		return 0;
	return attached_read(xdp, chain, error);
}

/* Somebody else may replace what is attached, and remove its files, while it is read: then it is
 * read again. */
int xdp_chain_read(struct xdp *xdp, const struct xdp_place *place, struct xdp_chain *out,
                   struct error *error)
{
	for (int try = 1;; try++) {
		struct netlink_interface after;
		struct xdp_chain chain;
		int result;

		xdp_chain_clear(&chain);
		result = read_once(xdp, place, &chain, error);
		if (result == 0) {
			*out = chain;
			return 0;
		}

		uint32_t id = chain.program_id;

		xdp_chain_cleanup(&chain);
		if (try == READ_TRIES || result == -ENODEV ||
		    netlink_interface_query(xdp_netlink(xdp, place), place->ifindex, NULL, &after) <
		            0 ||
		    after.program_id == id)
			return result;
	}
}
