/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of broker/tc*.c share. */
#ifndef BPFD_BROKER_TC_STATE_H
#define BPFD_BROKER_TC_STATE_H

#include "bpf/tc_dispatcher.h"
#include "broker/grace.h"
#include "broker/tc.h"

/* What bpfd attached to one place: known without asking the kernel, since what is attached cannot
 * change, only go. */
struct tc_known {
	struct tc_known *next;
	struct tc_chain chain;
};

struct tc {
	const struct launcher_settings *settings;
	int btf_fd;
	int template_fd;
	int extension_errno;
	struct grace grace;
	struct tc_known *known;
};

/* A place as it is found: what of bpfd's runs there, and what else stands in its way. */
struct tc_found {
	struct tc_chain chain;
	enum netlink_qdisc qdisc;
	struct netlink_filter filter;
};

void tc_config_encode(const struct tc_chain *chain, struct tc_dispatcher_config *config);
/* Fills count and each slot's priority and proceed_on. 0, or -EINVAL for what is no configuration
 * of bpfd's. */
int tc_config_decode(const struct tc_dispatcher_config *config, struct tc_chain *chain);

/* What shall run by the request, with the names of those that run already. 0, or -E2BIG. */
int tc_chain_merge(const struct tc_chain *now, const struct tc_request *request,
                   struct tc_chain *next);

bool tc_place_equal(const struct tc_place *a, const struct tc_place *b);

/* Remembers a chain in the place of what was known; where there is no memory for that, its pins are
 * read again. */
void tc_known_set(struct tc *tc, const struct tc_chain *chain);
void tc_known_drop(struct tc *tc, const struct tc_place *place);

/* Reads the place, from what is known or from bpfd's own pins. 0 or -errno with `error`. */
int tc_found_read(struct tc *tc, struct netlink *netlink, const struct tc_place *place,
                  struct tc_found *out, struct error *error);

/*
 * Builds a dispatcher for `next` with links and pins and puts it where `now` is. On success
 * next->dispatcher_id says what runs. -EAGAIN: somebody else changed the place. After a failure
 * nothing is left behind.
 */
int tc_chain_replace(struct tc *tc, struct netlink *netlink, const struct tc_found *now,
                     struct tc_chain *next, struct error *error);

/* Takes bpfd's filter off. 0, or -EAGAIN as above, or another -errno. */
int tc_chain_take_off(struct tc *tc, struct netlink *netlink, const struct tc_found *now,
                      struct error *error);

#endif
