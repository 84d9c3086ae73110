/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * rtnetlink as far as bpfd needs it: messages built, sent and walked; one interface asked for, its
 * changes watched. Written by hand, since that is few messages and attributes. The parsers trust no
 * length that they read.
 */
#ifndef BPFD_COMMON_NETLINK_H
#define BPFD_COMMON_NETLINK_H

#include "proto/limits.h"

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_REASON_SIZE 128

struct netlink {
	int fd;
	uint32_t sequence;
};

struct netlink_interface {
	uint32_t ifindex;
	uint32_t program_id; /* kernel id of the XDP program attached; 0: none, or several
	                        (XDP_ATTACHED_MULTI) */
	uint32_t attached;   /* XDP_ATTACHED_* of linux/if_link.h */
	bool gone;           /* the message says that the interface was removed */
	char name[INTERFACE_SIZE];
};

/* A message under construction: about an interface, or about the traffic control of one. */
struct netlink_message {
	struct nlmsghdr header;
	union {
		struct ifinfomsg interface;
		struct tcmsg traffic;
		unsigned char bytes[120];
	};
};

/* Where the attributes of a message begin. */
#define NETLINK_INTERFACE_ATTRIBUTES NLMSG_SPACE(sizeof(struct ifinfomsg))
#define NETLINK_TRAFFIC_ATTRIBUTES NLMSG_SPACE(sizeof(struct tcmsg))

/* A run of attributes that is being walked, or what is in one of them. */
struct netlink_walk {
	const unsigned char *bytes;
	size_t length;
};

/*
 * Opens a routing socket that answers requests; with `groups` (a mask of RTMGRP_*) one that is told
 * of changes instead, which does not block. 0 or -errno. Needs no capability.
 */
int netlink_open(uint32_t groups, struct netlink *out);
void netlink_close(struct netlink *netlink);

/* Begins a message about an interface; `flags` are NLM_F_* beside REQUEST. */
void netlink_message_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                           uint32_t ifindex);

/* The same about traffic control; the caller fills in message->traffic further. */
void netlink_traffic_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                           uint32_t ifindex);

/* Appends an attribute. Returns where it lies, for netlink_message_nest(), or NULL when there is no
 * room (a defect). */
struct nlattr *netlink_message_append(struct netlink_message *message, uint16_t type,
                                      const void *data, size_t size_bytes);

/* Closes the nested attribute `nest` (appended with no data): everything appended since lies in it.
 */
void netlink_message_nest(struct netlink_message *message, struct nlattr *nest);

/* The next attribute: its type, and `value` as a view of what is in it. False at the end, or where
 * a length is a lie. */
bool netlink_walk_next(struct netlink_walk *walk, uint16_t *type, struct netlink_walk *value);

/* Copies a text into `out`, cut where it is too long, zero-filled. */
void netlink_text_take(const struct netlink_walk *value, char *out, size_t size_bytes);

/* Takes one message of an answer: `length` bytes, as its header says. 0, or -errno for the asker.
 */
typedef int netlink_take(const void *bytes, size_t length, void *state);

/*
 * Sends the message and takes what is answered: one message for `take`, or as many as there are
 * where the message has NLM_F_DUMP; where `take` is NULL an acknowledgement. 0, what `take`
 * returned, or the kernel's -errno; `reason` (NETLINK_REASON_SIZE bytes, may be NULL) then holds
 * the kernel's own words, or "". -EPROTO for an answer that is none; -ETIMEDOUT.
 */
int netlink_exchange(struct netlink *netlink, struct netlink_message *message, netlink_take *take,
                     void *state, char *reason);

/*
 * Sends the message and takes its answer: an interface if `out` is not NULL, else an
 * acknowledgement. Errors as above.
 */
int netlink_ask(struct netlink *netlink, struct netlink_message *message,
                struct netlink_interface *out, char *reason);

/* Asks for one interface, by index, or by name where `ifindex` is 0. 0, -ENODEV, or another -errno.
 */
int netlink_interface_query(struct netlink *netlink, uint32_t ifindex, const char *name,
                            struct netlink_interface *out);

/* Reads RTM_NEWLINK or RTM_DELLINK out of `length` bytes. 0; -ENOMSG for another type; -EPROTO. The
 * pure part. */
int netlink_interface_parse(const void *bytes, size_t length, struct netlink_interface *out);

/* Reads an acknowledgement. 0 or the -errno in it, with `reason` as above; -EPROTO. The pure part.
 */
int netlink_answer_parse(const void *bytes, size_t length, char *reason);

/*
 * Reads one datagram of the kernel's into `buffer`. Its length, -EAGAIN, -ENOBUFS when the kernel
 * had to drop some, or another -errno; a datagram of another sender's is skipped.
 */
long netlink_receive(const struct netlink *netlink, void *buffer, size_t size_bytes);

#endif
