/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What runs on one interface, and what shall: pure functions over both, and over a dispatcher's
 * configuration. */
#ifndef BPFD_BROKER_XDP_CHAIN_H
#define BPFD_BROKER_XDP_CHAIN_H

#include "bpf/xdp_dispatcher.h"
#include "broker/chain.h"
#include "broker/xdp.h"

struct xdp_chain {
	struct xdp_place place;
	char interface[INTERFACE_SIZE];
	uint32_t attached;   /* XDP_ATTACHED_* */
	uint32_t mode;       /* enum xdp_mode */
	uint32_t program_id; /* what is attached to the interface; 0: nothing, or several */
	int program_fd;      /* of that, or -1 where nobody could open it */
	char program_name[16];
	bool own;         /* bpfd attached it: it has a private pin */
	uint32_t version; /* of a dispatcher; 0: the program is none */
	size_t count;
	struct chain_slot slots[XDP_DISPATCHER_SLOTS];
};

/* Makes a chain that holds nothing. */
void xdp_chain_clear(struct xdp_chain *chain);

/* Closes what belongs to a chain that was read. */
void xdp_chain_cleanup(struct xdp_chain *chain);

/*
 * The version of the dispatcher whose configuration these bytes are: 1, 2 or 3, or 0 if they are
 * none. Version 1 is told by its size alone. Versions 2 and 3 can be decoded.
 */
uint32_t xdp_config_version(const void *bytes, size_t size_bytes);

/* Fills count and each slot's priority, proceed_on and flags. 0, or -EINVAL for more slots than
 * there are. */
int xdp_config_decode(const struct xdp_dispatcher_config *config, struct xdp_chain *chain);
void xdp_config_encode(const struct chain_slot *slots, size_t count,
                       struct xdp_dispatcher_config *config);

/*
 * What shall run: the request's members and the foreign components of `now`, in order of priority;
 * ties: own ones first by link id, then foreign ones as they stand. Descriptors are borrowed. 0, or
 * -E2BIG for more than a dispatcher holds.
 */
int xdp_chain_merge(const struct xdp_chain *now, const struct xdp_request *request,
                    struct xdp_chain *next);

/* True if both run the same components with the same configuration in the same order. */
bool xdp_chain_equal(const struct xdp_chain *a, const struct xdp_chain *b);

/* True if the program with this kernel id runs on the interface, as a component or by itself. */
bool xdp_chain_runs(const struct xdp_chain *chain, uint32_t kernel_id);

/* The chain as the broker reports it; foreign components and those that `link_of` does not know get
 * link id 0. */
void xdp_chain_record(const struct xdp_chain *chain, xdp_link_of *link_of, void *state,
                      struct record_chain *record);

#endif
