/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Replacing what runs on an interface. Everything is made ready beside what runs; the one step that
 * packets notice is the netlink request, and it happens only if what was read is still there. What
 * fails before it is undone; after it nothing is left to do but clean up.
 */
#include "broker/dispatcher.h"
#include "broker/kernel.h"
#include "broker/netlink.h"
#include "broker/xdp_pins.h"
#include "broker/xdp_state.h"
#include "common/cleanup.h"

#include <linux/if_link.h>
#include <string.h>

static int set_error(struct error *error, int result, const struct xdp_chain *now, uint32_t mode,
                     const char *reason)
{
	const char *name = mode == XDP_MODE_NATIVE ? "native" : "generic";

	if (result == -ENODEV)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "interface \"%s\" does not exist any more: check with \"ip link\"",
		                 now->interface);
	if (result == -EEXIST || result == -EBUSY)
		return error_set(error, -EAGAIN, ERROR_BUSY,
		                 "another program changes what runs on interface \"%s\" at the "
		                 "same time (%s): try again",
		                 now->interface, *reason ? reason : strerror(-result));
	if (result == -EOPNOTSUPP)
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "the driver of interface \"%s\" refuses XDP in %s mode (%s)%s",
		                 now->interface, name, *reason ? reason : strerror(-result),
		                 mode == XDP_MODE_NATIVE ? ": try --mode generic" : "");
	if (result == -ERANGE)
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "frames of interface \"%s\" are too big for XDP (%s): lower the "
		                 "MTU, or run only programs "
		                 "that take fragments, SEC(\"xdp.frags\")",
		                 now->interface, *reason ? reason : strerror(-result));
	return error_set(
		error, result, ERROR_KERNEL,
		"the kernel refuses the XDP program on interface \"%s\" in %s mode: %s%s%s",
		now->interface, name, strerror(-result), *reason ? ": " : "", reason);
}

int xdp_program_set(struct xdp *xdp, const struct xdp_chain *now, int program_fd, uint32_t *mode,
                    struct error *error)
{
	bool choose = !now->program_id && *mode == XDP_MODE_DEFAULT;
	struct netlink_xdp change = {
		.ifindex = now->place.ifindex,
		.mode = now->program_id ? now->mode
		        : choose        ? XDP_MODE_NATIVE
		                        : *mode,
		.program_fd = program_fd,
		.expected_fd = now->program_id ? now->program_fd : -1,
	};
	char reason[NETLINK_REASON_SIZE];
	int result = netlink_xdp_set(xdp_netlink(xdp, &now->place), &change, reason);

	if (result == -EOPNOTSUPP && choose) {
		change.mode = XDP_MODE_GENERIC;
		result = netlink_xdp_set(xdp_netlink(xdp, &now->place), &change, reason);
	}
	if (result < 0)
		return set_error(error, result, now, change.mode, reason);
	*mode = change.mode;
	return 0;
}

uint32_t xdp_target(size_t count, size_t slot)
{
	return count == 1 ? xdp_dispatcher_tables.main_btf_id
	                  : xdp_dispatcher_tables.slot_btf_ids[slot];
}

/* Links and pins one component. The link lives by its pin. */
static int component_make(struct xdp *xdp, const struct xdp_chain *next, size_t slot,
                          int dispatcher_fd)
{
	char path[PIN_PATH_SIZE];
	int result;
	_cleanup_close_ int link = kernel_link_extension(next->slots[slot].fd, dispatcher_fd,
	                                                 xdp_target(next->count, slot));

	if (link < 0)
		return link;
	pins_component_path(xdp->settings, next->place.ifindex, next->program_id, slot, PIN_LINK,
	                    path);
	result = kernel_pin(link, path);
	if (result < 0)
		return result;
	pins_component_path(xdp->settings, next->place.ifindex, next->program_id, slot, PIN_PROGRAM,
	                    path);
	return kernel_pin(next->slots[slot].fd, path);
}

static int components_make(struct xdp *xdp, struct xdp_chain *next, int map_fd, struct error *error)
{
	size_t slot = 0;
	int result = pins_private_make(xdp->settings, &next->place, next->program_id,
	                               next->program_fd, map_fd);

	if (result == 0)
		result = pins_directory_make(xdp->settings, next->place.ifindex, next->program_id);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot make files for an XDP dispatcher on bpffs: %s",
		                 strerror(-result));
	for (; slot < next->count && result == 0; slot++)
		result = component_make(xdp, next, slot, next->program_fd);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the kernel refuses program \"%.15s\" (kernel id %u) as component "
		                 "%zu of an XDP "
		                 "dispatcher: %s",
		                 next->slots[slot - 1].name, next->slots[slot - 1].kernel_id,
		                 slot - 1, strerror(-result));
	return 0;
}

/* Loads a dispatcher for `next` and learns its kernel id, which its files are named after. */
static int dispatcher_make(struct xdp *xdp, struct xdp_chain *next, int *map_fd,
                           struct error *error)
{
	struct xdp_dispatcher_config config;
	struct record_program program;
	_cleanup_close_ int fd = -1, map = -1;
	int result;

	xdp_config_encode(next->slots, next->count, &config);
	result = dispatcher_load(&xdp_dispatcher_tables, xdp->btf_fd, &config,
	                         config.is_xdp_frags ? BPF_F_XDP_HAS_FRAGS : 0, &fd, &map, error);
	if (result < 0)
		return result;
	result = kernel_program_info(fd, &program);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for the XDP dispatcher's id: %s", strerror(-result));
	next->program_fd = steal_fd(&fd);
	next->program_id = program.kernel_id;
	memcpy(next->program_name, program.kernel_name, sizeof(next->program_name));
	*map_fd = steal_fd(&map);
	return 0;
}

int xdp_chain_replace(struct xdp *xdp, const struct xdp_chain *now, uint32_t mode,
                      struct xdp_chain *next, struct error *error)
{
	struct xdp_chain made = *next;
	_cleanup_close_ int map_fd = -1;
	int result;

	made.program_fd = -1;
	result = dispatcher_make(xdp, &made, &map_fd, error);
	if (result < 0)
		return result;
	result = components_make(xdp, &made, map_fd, error);
	if (result == 0)
		result = xdp_program_set(xdp, now, made.program_fd, &mode, error);
	if (result < 0) {
		pins_remove(xdp->settings, &made.place, made.program_id);
		close_cleanup(&made.program_fd);
		return result;
	}
	made.own = true;
	made.version = XDP_DISPATCHER_VERSION;
	made.mode = mode;
	made.attached = mode == XDP_MODE_NATIVE ? XDP_ATTACHED_DRV : XDP_ATTACHED_SKB;
	*next = made;
	return 0;
}

/*
 * A packet may still be inside the dispatcher: its components stay until it is out. Nobody else is
 * kept waiting meanwhile; the lock is for those who read the files when they go.
 */
void xdp_chain_discard(struct xdp *xdp, const struct xdp_chain *old)
{
	if (!old->program_id)
		return;
	if (old->version)
		(void)grace_wait(&xdp->grace);

	/* they go without it, too: nothing runs by them */
	_cleanup_close_ int lock = pins_lock(xdp->settings, NULL);

	(void)lock;
	if (old->own)
		pins_remove(xdp->settings, &old->place, old->program_id);
	else if (old->version) /* what cannot be removed now is stale: "xdp-loader clean" takes it
	                        */
		(void)opener_pins_remove(xdp->opener, xdp_netns_path(&old->place),
		                         old->place.ifindex, old->program_id, NULL);
}
