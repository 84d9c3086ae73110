/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/netlink.h"

#include <errno.h>
#include <linux/if_link.h>

int netlink_xdp_build(const struct netlink_xdp *change, struct netlink_message *message)
{
	uint32_t flags = change->expected_fd >= 0 ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST;
	struct nlattr *nest;

	if (change->program_fd < 0 && change->expected_fd < 0)
		return -EINVAL;
	if (change->mode != XDP_MODE_NATIVE && change->mode != XDP_MODE_GENERIC)
		return -EINVAL;
	flags |= change->mode == XDP_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	netlink_message_begin(message, RTM_SETLINK, NLM_F_ACK, change->ifindex);
	nest = netlink_message_append(message, NLA_F_NESTED | IFLA_XDP, NULL, 0);
	if (!nest ||
	    !netlink_message_append(message, IFLA_XDP_FD, &change->program_fd, sizeof(int)) ||
	    !netlink_message_append(message, IFLA_XDP_FLAGS, &flags, sizeof(flags)))
		return -EINVAL;
	if (change->expected_fd >= 0 && !netlink_message_append(message, IFLA_XDP_EXPECTED_FD,
	                                                        &change->expected_fd, sizeof(int)))
		return -EINVAL;
	netlink_message_nest(message, nest);
	return 0;
}

int netlink_xdp_set(struct netlink *netlink, const struct netlink_xdp *change, char *reason)
{
	struct netlink_message message;
	int result;

	reason[0] = '\0';
	result = netlink_xdp_build(change, &message);
	return result < 0 ? result : netlink_ask(netlink, &message, NULL, reason);
}

uint32_t netlink_xdp_mode(uint32_t attached)
{
	switch (attached) {
	case XDP_ATTACHED_DRV:
		return XDP_MODE_NATIVE;
	case XDP_ATTACHED_SKB:
		return XDP_MODE_GENERIC;
	default:
		return XDP_MODE_DEFAULT;
	}
}
