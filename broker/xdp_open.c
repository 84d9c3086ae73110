/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the broker opens once for XDP, and what it is told of interfaces. */
#include "broker/dispatcher.h"
#include "broker/xdp_pins.h"
#include "broker/xdp_state.h"
#include "common/cleanup.h"

#include <string.h>

#define TEMPLATE_SLOTS \
	2 /* so that prog0 is a component's place: a single one would replace the main function */
#define CHANGE_SIZE 16384

/* Loads the dispatcher that components are loaded against, and finds out whether the kernel takes
 * any. */
static int template_open(struct xdp *xdp, struct error *error)
{
	const struct chain_slot slots[TEMPLATE_SLOTS] = {};
	struct xdp_dispatcher_config config;
	_cleanup_close_ int map_fd = -1, program_fd = -1;
	int result;

	xdp_config_encode(slots, TEMPLATE_SLOTS, &config);
	xdp->btf_fd = dispatcher_btf_load(&xdp_dispatcher_tables, error);
	if (xdp->btf_fd < 0)
		return xdp->btf_fd;
	result = dispatcher_load(&xdp_dispatcher_tables, xdp->btf_fd, &config, 0, &program_fd,
	                         &map_fd, error);
	if (result < 0)
		return result;
	xdp->extension_errno =
		-dispatcher_extension_try(&xdp_dispatcher_tables, xdp->btf_fd, program_fd);
	if (!xdp->extension_errno)
		xdp->template_fd = steal_fd(&program_fd);
	return 0;
}

int xdp_open(const struct launcher_settings *settings, struct opener_client *opener,
             struct xdp **out, struct error *error)
{
	struct xdp *xdp = calloc(1, sizeof(*xdp));
	int result;

	if (!xdp)
		return error_set(error, -ENOMEM, ERROR_KERNEL, "out of memory");
	*xdp = (struct xdp){ .settings = settings,
		             .opener = opener,
		             .netlink.fd = -1,
		             .monitor.fd = -1,
		             .btf_fd = -1,
		             .template_fd = -1,
		             .grace = { -1, -1 } };
	result = netlink_open(0, &xdp->netlink);
	if (result == 0)
		result = netlink_open(RTMGRP_LINK, &xdp->monitor);
	if (result < 0)
		(void)error_set(error, result, ERROR_KERNEL, "cannot open a netlink socket: %s",
		                strerror(-result));
	if (result == 0)
		result = grace_open(&xdp->grace, error);
	if (result == 0)
		result = template_open(xdp, error);
	if (result < 0)
		xdp_close(xdp);
	else
		*out = xdp;
	return result;
}

void xdp_close(struct xdp *xdp)
{
	if (!xdp)
		return;
	while (xdp->known)
		xdp_known_drop(xdp, &xdp->known->chain.place);
	netlink_close(&xdp->netlink);
	netlink_close(&xdp->monitor);
	grace_close(&xdp->grace);
	close_cleanup(&xdp->btf_fd);
	close_cleanup(&xdp->template_fd);
	free(xdp);
}

int xdp_extension_errno(const struct xdp *xdp)
{
	return xdp->extension_errno;
}

int xdp_template_fd(const struct xdp *xdp)
{
	return xdp->template_fd;
}

uint32_t xdp_template_btf_id(const struct xdp *xdp)
{
	(void)xdp; /* the tables are the same for all */
	return xdp_target(TEMPLATE_SLOTS, 0);
}

int xdp_interface_query(struct xdp *xdp, const char *name, struct netlink_interface *out)
{
	return netlink_interface_query(&xdp->netlink, 0, name, out);
}

int xdp_interface_find(struct xdp *xdp, const char *name, uint32_t *ifindex, struct error *error)
{
	struct netlink_interface found;
	int result = netlink_interface_query(&xdp->netlink, 0, name, &found);

	if (result == -ENODEV)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "interface \"%s\" does not exist in bpfd's network namespace: "
		                 "check the name with "
		                 "\"ip link\"",
		                 name);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot ask for interface \"%s\": %s",
		                 name, strerror(-result));
	*ifindex = found.ifindex;
	return 0;
}

static int collect(struct xdp *xdp, struct netlink *netlink, uint32_t netns, uint32_t ifindex)
{
	_cleanup_close_ int lock = pins_lock(xdp->settings, NULL);

	return lock < 0 ? lock : pins_collect(xdp->settings, netlink, netns, ifindex);
}

int xdp_collect(struct xdp *xdp)
{
	return collect(xdp, &xdp->netlink, 0, 0);
}

int xdp_collect_netns(struct xdp *xdp, struct netlink *netlink, uint32_t netns, uint32_t ifindex)
{
	struct xdp_known *known = xdp->known, *next;

	for (; known; known = next) {
		next = known->next;
		if (!netlink && known->chain.place.netns == netns &&
		    (!ifindex || known->chain.place.ifindex == ifindex))
			xdp_known_drop(xdp, &known->chain.place);
	}
	return collect(xdp, netlink, netns, ifindex);
}

int xdp_monitor_fd(const struct xdp *xdp)
{
	return xdp->monitor.fd;
}

/*
 * Gives back what was held for a chain of bpfd's own that does not run any more. The files of an
 * interface that is gone go too. While it is there, whoever took the chain off by libxdp is about
 * to remove its files, and fails where they are gone already: the caller comes back with
 * xdp_collect() when it is quiet.
 */
static void change_notice(struct xdp *xdp, const struct xdp_change *change)
{
	const struct xdp_place place = { .ifindex = change->ifindex };
	uint32_t known_id = xdp_known_id(xdp, &place);
	struct netlink_interface now;

	if (change->gone) {
		xdp_known_drop(xdp, &place);
		(void)collect(xdp, &xdp->netlink, 0, change->ifindex);
		return;
	}
	if (!known_id || known_id == change->program_id)
		return;
	/* the message may be older than the chain */
	if (netlink_interface_query(&xdp->netlink, change->ifindex, NULL, &now) < 0 ||
	    now.program_id != known_id)
		xdp_known_drop(xdp, &place);
}

int xdp_monitor_next(struct xdp *xdp, struct xdp_change *change)
{
	unsigned char buffer[CHANGE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct netlink_interface found;

	for (;;) {
		long length = netlink_receive(&xdp->monitor, buffer, sizeof(buffer));

		if (length == -EMSGSIZE) /* cannot be read, like one that was dropped */
			return -ENOBUFS;
		if (length < 0)
			return (int)length;
		/* the kernel sends one message in each datagram of this group; others than links'
		 * are passed over */
		if (netlink_interface_parse(buffer, (size_t)length, &found) < 0)
			continue;
		*change = (struct xdp_change){ .ifindex = found.ifindex,
			                       .gone = found.gone,
			                       .program_id = found.program_id };
		memcpy(change->interface, found.name, sizeof(change->interface));
		change_notice(xdp, change);
		return 0;
	}
}
