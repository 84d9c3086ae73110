/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of broker/xdp*.c share. */
#ifndef BPFD_BROKER_XDP_STATE_H
#define BPFD_BROKER_XDP_STATE_H

#include "broker/grace.h"
#include "broker/xdp.h"
#include "broker/xdp_chain.h"
#include "common/netlink.h"

/* What bpfd attached to one interface: known without asking the kernel, since what is attached
 * cannot change, only go. */
struct xdp_known {
	struct xdp_known *next;
	struct xdp_chain chain; /* its slots have no descriptors */
};

struct xdp {
	const struct launcher_settings *settings;
	struct opener_client *opener;
	struct netlink netlink;
	struct netlink monitor;
	int btf_fd;
	int template_fd;
	int extension_errno;
	struct grace grace;
	struct xdp_known *known;
};

/* Remembers a chain of bpfd's own in the place of what was known of the interface; takes
 * chain->program_fd. */
int xdp_known_set(struct xdp *xdp, struct xdp_chain *chain);
void xdp_known_drop(struct xdp *xdp, const struct xdp_place *place);

/* A routing socket in the network namespace of the place. */
struct netlink *xdp_netlink(struct xdp *xdp, const struct xdp_place *place);
/* As the opener's questions have it. */
const char *xdp_netns_path(const struct xdp_place *place);

/*
 * Reads what runs on the interface, from bpfd's own pins or through the opener. A chain that nobody
 * could open has version 0 and no program_fd. The caller closes it with xdp_chain_cleanup(). 0 or
 * -errno with `error`.
 */
int xdp_chain_read(struct xdp *xdp, const struct xdp_place *place, struct xdp_chain *out,
                   struct error *error);

/* Opens the program of a slot of a chain that was read, if it is not open yet. */
int xdp_slot_open(struct xdp *xdp, struct xdp_chain *chain, size_t slot, struct error *error);

/*
 * Builds a dispatcher for `next` with links and pins and puts it where `now` is. On success
 * next->program_id, mode and own say what runs, and next->program_fd is its descriptor. -EAGAIN:
 * somebody else changed the interface, nothing is left behind.
 */
int xdp_chain_replace(struct xdp *xdp, const struct xdp_chain *now, uint32_t mode,
                      struct xdp_chain *next, struct error *error);

/*
 * Sets `program_fd` (-1: nothing) where `now` is. `mode` is what is wanted where nothing is
 * attached yet, and says after success what it became. -EAGAIN as above.
 */
int xdp_program_set(struct xdp *xdp, const struct xdp_chain *now, int program_fd, uint32_t *mode,
                    struct error *error);

/* The BTF id of the function that component `slot` of `count` replaces: by libxdp's protocol a
 * single one replaces the main function. */
uint32_t xdp_target(size_t count, size_t slot);

/* Removes the files of what was replaced, once no packet is inside it. Call it without the lock. */
void xdp_chain_discard(struct xdp *xdp, const struct xdp_chain *old);

#endif
