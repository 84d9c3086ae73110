/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* XDP programs set on an interface by rtnetlink, each time against what is expected to be there. */
#ifndef BPFD_BROKER_NETLINK_H
#define BPFD_BROKER_NETLINK_H

#include "common/netlink.h"
#include "proto/records.h"

struct netlink_xdp {
	uint32_t ifindex;
	uint32_t mode;   /* XDP_MODE_NATIVE or XDP_MODE_GENERIC */
	int program_fd;  /* -1: take off what is there */
	int expected_fd; /* what must be there for this to happen; -1: nothing may be there */
};

/* Builds the request. 0, or -EINVAL for a change that says nothing or asks for DEFAULT. The pure
 * part. */
int netlink_xdp_build(const struct netlink_xdp *change, struct netlink_message *message);

/*
 * Makes the change. 0 or the kernel's -errno, with its own words in `reason` (NETLINK_REASON_SIZE
 * bytes). -EEXIST or -EBUSY: something else is there than was expected; -EOPNOTSUPP: the driver has
 * no such mode. Needs CAP_NET_ADMIN.
 */
int netlink_xdp_set(struct netlink *netlink, const struct netlink_xdp *change, char *reason);

/* The mode (enum xdp_mode) that the kernel reports as XDP_ATTACHED_*; DEFAULT for none, several, or
 * hardware. */
uint32_t netlink_xdp_mode(uint32_t attached);

#endif
