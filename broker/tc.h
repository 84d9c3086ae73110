/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * TC programs on one direction of one interface, by bpfd's own dispatcher in one cls_bpf filter of
 * its qdisc clsact. Level-based: the caller says which programs shall run there, tc_sync() makes it
 * so; it is what attach, detach and the reconciliation at start do, and it may be repeated.
 *
 * Filters, qdiscs and preferences of others are left alone: those of a lower preference than
 * TC_FILTER_PREFERENCE see packets before bpfd's programs do, the others see what bpfd's programs
 * let go on (see bpf/README.md). The qdisc clsact is made where there is none, and stays: whether
 * somebody else relies on it by now cannot be known, and an empty one costs nothing.
 *
 * `netlink` is a socket in the network namespace of the interface: bpfd's own, or one that was made
 * in another.
 */
#ifndef BPFD_BROKER_TC_H
#define BPFD_BROKER_TC_H

#include "broker/chain.h"
#include "broker/netlink_tc.h"
#include "common/error.h"
#include "proto/channel_launcher.h"

#define TC_PROGRAMS_MAX DISPATCHER_SLOTS

struct tc;

struct tc_place {
	uint32_t netns; /* inode number of the network namespace; 0: bpfd's own */
	uint32_t ifindex;
	uint32_t direction; /* enum direction */
};

struct tc_request {
	struct tc_place place;
	size_t count; /* 0: nothing of bpfd's shall run there */
	struct chain_member members[TC_PROGRAMS_MAX + 1];
};

/* What runs there of bpfd's, in order. */
struct tc_chain {
	struct tc_place place;
	char interface[INTERFACE_SIZE];
	uint32_t dispatcher_id; /* kernel id; 0: nothing of bpfd's runs */
	size_t count;
	struct chain_slot slots[TC_PROGRAMS_MAX]; /* a component whose link somebody removed has
	                                             kernel id 0; no descriptors */
};

/*
 * Loads the dispatcher's BTF and the template dispatcher that components are loaded against. Where
 * the kernel refuses extension programs that is no failure: see tc_extension_errno(). `settings`
 * must outlive the tc.
 */
int tc_open(const struct launcher_settings *settings, struct tc **out, struct error *error);
void tc_close(struct tc *tc);

/* 0 when the kernel takes extension programs, else the positive errno it answered at tc_open(). */
int tc_extension_errno(const struct tc *tc);
int tc_template_fd(const struct tc *tc); /* -1 without extensions */
/* Of the function that components are loaded against. */
uint32_t tc_template_btf_id(const struct tc *tc);

/*
 * Makes exactly the members run, ordered by priority, ties by link id, in one step for the packets.
 * Does nothing where that is so already. Fills `chain` with what runs then. On failure what ran
 * before still runs, whole. Errors: NOT_FOUND (-ENODEV: no such interface), BUSY (a foreign filter
 * at the place of bpfd's; a foreign qdisc without egress; the loser of a race), LIMIT (more than
 * TC_PROGRAMS_MAX), UNSUPPORTED (no extension programs, clsact or cls_bpf), KERNEL.
 */
int tc_sync(struct tc *tc, struct netlink *netlink, const struct tc_request *request,
            struct tc_chain *chain, struct error *error);

/*
 * What of bpfd's runs there now. `link_of` (may be NULL) gives bpfd's link id for a kernel id, 0
 * for none. -ENODEV when the interface is gone.
 */
int tc_read(struct tc *tc, struct netlink *netlink, const struct tc_place *place,
            uint64_t (*link_of)(void *state, const struct tc_place *place, uint32_t kernel_id),
            void *state, struct tc_chain *chain, struct error *error);

/* The kernel id of the dispatcher that bpfd last attached or read there; 0: none. */
uint32_t tc_attached_id(const struct tc *tc, const struct tc_place *place);

/* What runs, as the broker reports it. */
void tc_chain_record(const struct tc_chain *chain, struct record_chain *record);

/*
 * Removes the files of what bpfd attached in this network namespace and does not run any more; all
 * of them where `netlink` is NULL: the namespace is gone. Returns how many there were, or -errno.
 */
int tc_collect(struct tc *tc, struct netlink *netlink, uint32_t netns);

/* A filter at bpfd's preference, or a qdisc, came or went: both directions where it is 0. */
struct tc_change {
	uint32_t ifindex;
	uint32_t direction;
	uint32_t program_id; /* of bpfd's filter now; 0: none, or it was not said */
};

/* Opens the monitor of the namespace of the calling process: readable when there is a change. */
int tc_monitor_open(struct netlink *out);

/* Takes the next change; 0, or -EAGAIN when there is none, or -ENOBUFS when some were lost (re-read
 * everything). */
int tc_monitor_next(const struct netlink *monitor, struct tc_change *change);

#endif
