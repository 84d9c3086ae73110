/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * XDP on one interface, by libxdp's protocol version 2. Level-based: the caller says which of
 * bpfd's own programs shall run there, xdp_sync() makes it so beside whatever somebody else runs
 * there; it is what attach, detach and the reconciliation at start do, and it may be repeated.
 */
#ifndef BPFD_BROKER_XDP_H
#define BPFD_BROKER_XDP_H

#include "broker/chain.h"
#include "broker/opener_client.h"
#include "common/error.h"
#include "common/netlink.h"
#include "proto/channel_launcher.h"
#include "proto/records.h"

#include <stdbool.h>

struct xdp;

/* An interface. */
struct xdp_place {
	uint32_t ifindex;
	uint32_t netns;          /* inode number of its network namespace; 0: bpfd's own */
	const char *path;        /* of the namespace's file; NULL: bpfd's own */
	struct netlink *netlink; /* a routing socket in there; NULL: bpfd's own namespace */
};

struct xdp_request {
	struct xdp_place place;
	uint32_t mode; /* enum xdp_mode wanted for a first attachment; what is attached keeps its
	                  mode */
	uint32_t exclusive; /* exactly one member, attached itself */
	uint32_t replaces;  /* exclusive: kernel id of the program that it takes the place of; 0: of
	                       none */
	size_t count;       /* 0: nothing of bpfd's shall run there */
	struct chain_member members[XDP_PROGRAMS_MAX + 1];
	/* Is this kernel id a program of bpfd's? Such a component that is not among the members is
	 * left out. */
	bool (*own)(void *state, uint32_t kernel_id);
	void *state;
};

/*
 * Opens netlink (requests, and the monitor's group), loads the dispatcher's BTF and the template
 * dispatcher that components are loaded against. Where the kernel refuses extension programs that
 * is no failure: see xdp_extension_errno(). `opener` may be NULL; it stays the caller's and must
 * outlive the xdp.
 */
int xdp_open(const struct launcher_settings *settings, struct opener_client *opener,
             struct xdp **out, struct error *error);
void xdp_close(struct xdp *xdp);

/* 0 when the kernel takes extension programs, else the positive errno it answered at xdp_open(). */
int xdp_extension_errno(const struct xdp *xdp);
int xdp_template_fd(const struct xdp *xdp); /* -1 without extensions */
uint32_t
xdp_template_btf_id(const struct xdp *xdp); /* of the function that components are loaded against */

/*
 * Makes the interface run exactly the members and the foreign components found there, ordered by
 * priority, ties: own by link id, then foreign as found. Does nothing where that is so already.
 * Fills `chain` with what runs then. On failure what ran before still runs, whole. Errors:
 * NOT_FOUND (no such interface), BUSY (a plain foreign program is there: its name and id are named;
 * a dispatcher of another version; the loser of a race), LIMIT (more than XDP_PROGRAMS_MAX),
 * UNSUPPORTED (no extension programs; mode not to be had; frags), KERNEL.
 */
int xdp_sync(struct xdp *xdp, const struct xdp_request *request, struct record_chain *chain,
             struct error *error);

/* bpfd's link on this interface for a kernel id; 0 for a foreign program. */
typedef uint64_t xdp_link_of(void *state, const struct xdp_place *place, uint32_t kernel_id);

/*
 * What runs on the interface now. `link_of` (may be NULL) gives bpfd's link id for a kernel id on
 * this interface, 0 for a foreign program. -ENODEV when the interface is gone.
 */
int xdp_read(struct xdp *xdp, const struct xdp_place *place, xdp_link_of *link_of, void *state,
             struct record_chain *chain, struct error *error);

/* The kernel id of what bpfd last attached or read there; 0: none. */
uint32_t xdp_known_id(const struct xdp *xdp, const struct xdp_place *place);

/* An interface of bpfd's own network namespace by name. 0, or -errno, -ENODEV where there is none.
 */
int xdp_interface_query(struct xdp *xdp, const char *name, struct netlink_interface *out);

/* The index of an interface by name; 0 and `ifindex`, or -ENODEV with `error`. */
int xdp_interface_find(struct xdp *xdp, const char *name, uint32_t *ifindex, struct error *error);

/*
 * Removes the files of what bpfd attached and does not run any more. Run at start, and when it has
 * been quiet for a while after somebody else took it off: libxdp removes what it replaced itself,
 * and fails where that is gone. Returns how many there were, or -errno.
 */
int xdp_collect(struct xdp *xdp);

/* The same for one interface (0: all) of another network namespace with a routing socket in it; all
 * of them where that is NULL: they are gone. */
int xdp_collect_netns(struct xdp *xdp, struct netlink *netlink, uint32_t netns, uint32_t ifindex);

/* The monitor: readable when an interface came, went, changed its name or what is attached to it.
 */
int xdp_monitor_fd(const struct xdp *xdp);

struct xdp_change {
	uint32_t ifindex;
	bool gone;
	uint32_t program_id; /* what is attached now; 0: nothing */
	char interface[INTERFACE_SIZE];
};

/* Takes the next change; 0, or -EAGAIN when there is none, or -ENOBUFS when some were lost (re-read
 * every interface). */
int xdp_monitor_next(struct xdp *xdp, struct xdp_change *change);

#endif
