/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/tc.h"
#include "broker/tc_pins.h"
#include "broker/tc_state.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define SYNC_TRIES 6
#define SYNC_PAUSE_MS 2 /* before the second try; doubles with each */

static int request_check(const struct tc *tc, const struct tc_request *request, struct error *error)
{
	if (request->count > TC_PROGRAMS_MAX + 1)
		return error_set(error, -EINVAL, ERROR_INTERNAL,
		                 "impossible request for interface number %u",
		                 request->place.ifindex);
	if (request->count && tc->extension_errno)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel refuses extension programs (%s), which bpfd runs TC "
		                 "programs as: use tcx where the kernel has it (Linux 6.6)",
		                 strerror(tc->extension_errno));
	return 0;
}

/* What stands in the way of bpfd at this place, if anything does. */
static int found_check(const struct tc_found *now, struct error *error)
{
	const struct tc_chain *chain = &now->chain;
	const char *direction = tc_direction_name(chain->place.direction);

	if (now->qdisc == NETLINK_QDISC_INGRESS && chain->place.direction == DIRECTION_EGRESS)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "interface \"%s\" has the qdisc \"ingress\", which knows no "
		                 "egress, where bpfd needs \"clsact\": have its owner use clsact, "
		                 "or take it and its filters off with \"tc qdisc del dev %s "
		                 "ingress\"",
		                 chain->interface, chain->interface);
	if (now->filter.there && !chain->dispatcher_id)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "the filter with preference %d and handle 0x%x on %s of "
		                 "interface \"%s\" is not bpfd's (\"%s\", program %u), and that is "
		                 "bpfd's place: give it another, or take it off with \"tc filter "
		                 "del dev %s %s pref %d\"",
		                 TC_FILTER_PREFERENCE, TC_FILTER_HANDLE, direction,
		                 chain->interface, now->filter.name, now->filter.program_id,
		                 chain->interface, direction, TC_FILTER_PREFERENCE);
	if (now->filter.other)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "the filter with preference %d on %s of interface \"%s\" is not "
		                 "bpfd's (kind \"%s\"), and that is bpfd's place: give it another, "
		                 "or take it off with \"tc filter del dev %s %s pref %d\"",
		                 TC_FILTER_PREFERENCE, direction, chain->interface,
		                 now->filter.kind, chain->interface, direction,
		                 TC_FILTER_PREFERENCE);
	return 0;
}

/* Gives the caller what runs, with the link ids of its members. */
static void chain_report(const struct tc_chain *chain, const struct tc_request *request,
                         struct tc_chain *out)
{
	*out = *chain;
	for (size_t i = 0; i < out->count; i++) {
		struct chain_slot *slot = &out->slots[i];

		slot->fd = -1;
		slot->link_id = 0;
		for (size_t m = 0; m < request->count; m++) {
			if (request->members[m].kernel_id == slot->kernel_id)
				slot->link_id = request->members[m].link_id;
		}
	}
}

/* Removes the files of what ran, once no packet is inside it any more. */
static void chain_discard(struct tc *tc, const struct tc_chain *old)
{
	if (!old->dispatcher_id)
		return;
	(void)grace_wait(&tc->grace);
	tc_pins_remove(tc->settings, &old->place, old->dispatcher_id);
}

/* Nothing of bpfd's shall run: what others have at the place does not matter. */
static int sync_nothing(struct tc *tc, struct netlink *netlink, const struct tc_found *now,
                        struct tc_chain *chain, struct error *error)
{
	int result;

	if (now->chain.dispatcher_id) {
		result = tc_chain_take_off(tc, netlink, now, error);
		if (result < 0)
			return result;
		chain_discard(tc, &now->chain);
	}
	*chain = (struct tc_chain){ .place = now->chain.place };
	memcpy(chain->interface, now->chain.interface, sizeof(chain->interface));
	return 0;
}

static int sync_once(struct tc *tc, struct netlink *netlink, const struct tc_request *request,
                     struct tc_chain *chain, struct error *error)
{
	struct tc_found now;
	struct tc_chain next;
	int result = tc_found_read(tc, netlink, &request->place, &now, error);

	if (result == -ENODEV && request->count == 0)
		(void)tc_collect(tc, netlink, request->place.netns);
	if (result < 0)
		return result;
	if (request->count == 0)
		return sync_nothing(tc, netlink, &now, chain, error);
	result = found_check(&now, error);
	if (result < 0)
		return result;
	if (tc_chain_merge(&now.chain, request, &next) < 0)
		return error_set(error, -E2BIG, ERROR_LIMIT,
		                 "%s of interface \"%s\" runs %zu TC programs already, and a "
		                 "dispatcher holds %d: detach one first",
		                 tc_direction_name(request->place.direction), now.chain.interface,
		                 now.chain.count, TC_PROGRAMS_MAX);
	if (now.chain.dispatcher_id &&
	    chain_equal(now.chain.slots, now.chain.count, next.slots, next.count)) {
		chain_report(&now.chain, request, chain);
		return 0;
	}
	result = tc_chain_replace(tc, netlink, &now, &next, error);
	if (result < 0)
		return result;
	chain_report(&next, request, chain);
	tc_known_set(tc, &next);
	chain_discard(tc, &now.chain);
	return 0;
}

int tc_sync(struct tc *tc, struct netlink *netlink, const struct tc_request *request,
            struct tc_chain *chain, struct error *error)
{
	int pause_ms = SYNC_PAUSE_MS;
	int result = request_check(tc, request, error);

	if (result < 0)
		return result;
	for (int try = 1;; try++) {
		result = sync_once(tc, netlink, request, chain, error);
		if (result != -EAGAIN)
			return result;
		if (try == SYNC_TRIES)
			return -EBUSY;
		(void)poll(NULL, 0, pause_ms);
		pause_ms *= 2;
	}
}
