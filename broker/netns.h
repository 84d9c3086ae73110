/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Interfaces in other network namespaces. The opener makes a routing socket inside, which serves
 * one operation: a socket that were kept would keep the namespace, too, when everybody else has
 * left it.
 */
#ifndef BPFD_BROKER_NETNS_H
#define BPFD_BROKER_NETNS_H

#include "broker/attach.h"

struct netns_socket {
	struct netlink inside;
	struct netlink *netlink; /* NULL: it is bpfd's own network namespace */
	uint32_t id;             /* inode number of the namespace; 0: bpfd's own */
	uint64_t cookie;         /* never given twice, as inode numbers are; 0: before Linux 5.14 */
};

/* A socket in the network namespace with this file; an empty path is bpfd's own. 0 or -errno with
 * `error`; it is closed with netns_socket_cleanup(). */
int netns_socket_open(struct attach_context *context, const char *path, struct netns_socket *out,
                      struct error *error);
void netns_socket_cleanup(struct netns_socket *socket);

/* The same for a target whose interface was found before: -ENODEV when its file leads to that
 * namespace no longer. */
int netns_socket_again(struct attach_context *context, const struct record_target *target,
                       struct netns_socket *out, struct error *error);

/* Finds the target's interface in the target's namespace: fills in ifindex and netns_id. 0, or
 * -ENODEV or another -errno with `error`. */
int netns_interface_find(struct attach_context *context, struct record_target *target,
                         struct error *error);

/* Where the target is, for as long as the socket is open. */
struct xdp_place netns_place(const struct record_target *target, struct netns_socket *socket);

#endif
