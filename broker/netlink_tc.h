/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Traffic control by rtnetlink, as far as bpfd needs it: the qdisc clsact, and one cls_bpf filter
 * of bpfd's own in each direction, in direct-action mode, always at the same place among others.
 */
#ifndef BPFD_BROKER_NETLINK_TC_H
#define BPFD_BROKER_NETLINK_TC_H

#include "common/netlink.h"
#include "proto/records.h"

/*
 * Where bpfd's filter stands: filters of a lower preference run before it, those of a higher one
 * behind it. The kernel gives 49152 and downwards to filters without a preference of their own.
 */
#define TC_FILTER_PREFERENCE 500
#define TC_FILTER_HANDLE 0xbfd
#define TC_FILTER_NAME "bpfd"

/* "ingress" or "egress". */
const char *tc_direction_name(uint32_t direction);

/* What programs of a direction can be attached to. */
enum netlink_qdisc {
	NETLINK_QDISC_NONE,
	NETLINK_QDISC_CLSACT,
	NETLINK_QDISC_INGRESS /* the older one, which knows no egress */
};

/* What a message says of one filter or qdisc. */
struct netlink_traffic {
	uint32_t ifindex;
	bool gone;           /* RTM_DEL* */
	bool filter;         /* else a qdisc */
	uint32_t handle;     /* of the filter; 0: the message is about all of this preference */
	uint32_t direction;  /* enum direction; 0: neither */
	uint32_t preference; /* of the filter */
	uint32_t protocol;   /* of the filter: ETH_P_*, in the host's order */
	uint32_t chain;
	uint32_t program_id; /* of a cls_bpf filter */
	char kind[16];
	char name[32]; /* of a cls_bpf filter */
};

/* What stands at the place of bpfd's filter. */
struct netlink_filter {
	bool there;          /* a cls_bpf filter with bpfd's preference and handle */
	bool other;          /* a filter of another kind or protocol with bpfd's preference */
	uint32_t program_id; /* of the first */
	char kind[16];       /* of the second */
	char name[32];       /* of the first */
};

/* Reads RTM_{NEW,DEL}{QDISC,TFILTER}. 0; -ENOMSG for another type; -EPROTO. The pure part. */
int netlink_traffic_parse(const void *bytes, size_t length, struct netlink_traffic *out);

/* The interface's qdisc. 0, -ENODEV where there is no such interface, or another -errno. */
int netlink_qdisc_query(struct netlink *netlink, uint32_t ifindex, enum netlink_qdisc *out);

/* Makes the qdisc clsact. 0 or the kernel's -errno, -EEXIST where there is one already, with its
 * own words in `reason` (NETLINK_REASON_SIZE bytes). Needs CAP_NET_ADMIN. */
int netlink_clsact_make(struct netlink *netlink, uint32_t ifindex, char *reason);

/* What stands at the place of bpfd's filter. 0 or -errno. */
int netlink_filter_query(struct netlink *netlink, uint32_t ifindex, uint32_t direction,
                         struct netlink_filter *out);

/*
 * Makes bpfd's filter run the program: a new filter (-EEXIST where there is one), or with `replace`
 * the one that is there (-ENOENT where there is none), which packets see as one step. 0 or the
 * kernel's -errno with `reason` as above. Needs CAP_NET_ADMIN.
 */
int netlink_filter_set(struct netlink *netlink, uint32_t ifindex, uint32_t direction,
                       int program_fd, bool replace, char *reason);

/* Takes bpfd's filter off. 0; -ENOENT or -EINVAL where there is none; or another -errno. */
int netlink_filter_remove(struct netlink *netlink, uint32_t ifindex, uint32_t direction,
                          char *reason);

#endif
