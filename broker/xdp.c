/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/xdp.h"
#include "broker/kernel.h"
#include "broker/netlink.h"
#include "broker/xdp_pins.h"
#include "broker/xdp_state.h"
#include "common/cleanup.h"

#include <linux/if_link.h>
#include <poll.h>
#include <string.h>

#define SYNC_TRIES 6
#define SYNC_PAUSE_MS 2 /* before the second try; doubles with each */

/* What was found on the interface. */
struct sync {
	struct xdp_chain now;
	bool over; /* it does not run any more: its files are to go */
};

static int request_check(const struct xdp *xdp, const struct xdp_request *request,
                         struct error *error)
{
	if (request->exclusive ? request->count > 1 : request->count > XDP_PROGRAMS_MAX + 1)
		return error_set(error, -EINVAL, ERROR_INTERNAL,
		                 "impossible request for interface number %u",
		                 request->place.ifindex);
	if (!request->exclusive && request->count && xdp->extension_errno)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel refuses extension programs (%s), so programs cannot "
		                 "share an interface: load "
		                 "the program with --exclusive and attach it with --exclusive",
		                 strerror(xdp->extension_errno));
	return 0;
}

/* What stands in the way of bpfd on this interface, if anything does. */
static int chain_check(const struct xdp_chain *now, struct error *error)
{
	if (now->attached == XDP_ATTACHED_MULTI || now->attached == XDP_ATTACHED_HW)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "interface \"%s\" runs XDP programs in %s, which bpfd does not "
		                 "join: take them off "
		                 "with \"ip link set dev %s xdp off\"",
		                 now->interface,
		                 now->attached == XDP_ATTACHED_HW ? "hardware mode"
		                                                  : "several modes at once",
		                 now->interface);
	if (!now->program_id || now->version == XDP_DISPATCHER_VERSION)
		return 0;
	if (now->program_fd < 0)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "interface \"%s\" runs XDP program %u of somebody else's, and "
		                 "bpfd's opener, which could "
		                 "look at it, is switched off: take it off, or set \"opener = "
		                 "yes\" in bpfd.conf",
		                 now->interface, now->program_id);
	if (now->version)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "interface \"%s\" runs an XDP dispatcher of version %u (program "
		                 "%u), and bpfd joins version "
		                 "%d: take it off with \"xdp-loader unload %s --all\" of the "
		                 "libxdp that made it",
		                 now->interface, now->version, now->program_id,
		                 XDP_DISPATCHER_VERSION, now->interface);
	if (now->own)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "interface \"%s\" runs \"%.15s\" (program %u), which bpfd "
		                 "attached with --exclusive: detach it "
		                 "first",
		                 now->interface, now->program_name, now->program_id);
	return error_set(error, -EBUSY, ERROR_BUSY,
	                 "interface \"%s\" runs XDP program \"%.15s\" (program %u) of somebody "
	                 "else's, attached without a "
	                 "dispatcher: take it off, or load it through bpfd or xdp-loader so that "
	                 "it can share the interface",
	                 now->interface, now->program_name, now->program_id);
}

static int mode_check(const struct xdp_chain *now, const struct xdp_request *request,
                      struct error *error)
{
	static const char *const names[] = { "default", "native", "generic" };

	if (!now->program_id || request->mode == XDP_MODE_DEFAULT || request->mode == now->mode)
		return 0;
	return error_set(error, -EBUSY, ERROR_BUSY,
	                 "XDP runs in %s mode on interface \"%s\", and all programs of an "
	                 "interface run in one mode: attach "
	                 "without --mode, or detach the others first",
	                 names[now->mode], now->interface);
}

static void chain_report(const struct xdp_chain *chain, const struct xdp_request *request,
                         struct record_chain *record)
{
	struct xdp_chain named = *chain;

	for (size_t i = 0; i < named.count; i++) {
		named.slots[i].link_id = 0;
		for (size_t m = 0; m < request->count; m++) {
			if (request->members[m].kernel_id == named.slots[i].kernel_id)
				named.slots[i].link_id = request->members[m].link_id;
		}
	}
	xdp_chain_record(&named, NULL, NULL, record);
	if (named.version == 0 && record->count && request->count &&
	    request->members[0].kernel_id == named.program_id)
		record->entries[0].link_id = request->members[0].link_id;
}

/* Takes off what bpfd attached. */
static int chain_take_off(struct xdp *xdp, struct sync *sync, struct error *error)
{
	uint32_t mode = sync->now.mode;
	int result = xdp_program_set(xdp, &sync->now, -1, &mode, error);

	if (result < 0)
		return result;
	xdp_known_drop(xdp, &sync->now.place);
	sync->over = true;
	return 0;
}

static void chain_gone(const struct xdp_chain *was, struct xdp_chain *empty)
{
	xdp_chain_clear(empty);
	empty->place = was->place;
	memcpy(empty->interface, was->interface, sizeof(empty->interface));
}

/* What is remembered is a help: without memory the pins are read again. */
static void chain_remember(struct xdp *xdp, struct xdp_chain *chain)
{
	if (xdp_known_set(xdp, chain) < 0)
		xdp_known_drop(xdp, &chain->place);
	close_cleanup(&chain->program_fd);
	chain->program_fd = -1;
}

/* One program by itself; `now` is empty, or what it takes the place of. */
static int exclusive_attach(struct xdp *xdp, const struct xdp_request *request,
                            const struct xdp_chain *now, struct xdp_chain *next,
                            struct error *error)
{
	const struct chain_member *member = &request->members[0];
	uint32_t mode = request->mode;
	struct record_program program;
	int result;

	chain_gone(now, next);
	next->program_id = member->kernel_id;
	next->own = true;
	result = kernel_program_info(member->program_fd, &program);
	if (result == 0)
		result = pins_private_make(xdp->settings, &now->place, member->kernel_id,
		                           member->program_fd, -1);
	/* it was attached here before and taken off by somebody else: that pin is gone by now */
	if (result == -EEXIST)
		result = pins_private_make(xdp->settings, &now->place, member->kernel_id,
		                           member->program_fd, -1);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot pin the XDP program: %s",
		                 strerror(-result));
	memcpy(next->program_name, program.kernel_name, sizeof(next->program_name));
	result = xdp_program_set(xdp, now, member->program_fd, &mode, error);
	if (result < 0) {
		pins_remove(xdp->settings, &now->place, member->kernel_id);
		return result;
	}
	next->mode = mode;
	return 0;
}

static int exclusive_replace(struct xdp *xdp, const struct xdp_request *request, struct sync *sync,
                             struct record_chain *record, struct error *error)
{
	struct xdp_chain next;
	int result = exclusive_attach(xdp, request, &sync->now, &next, error);

	if (result < 0)
		return result;
	chain_report(&next, request, record);
	sync->over = true;
	return 0;
}

static int sync_exclusive(struct xdp *xdp, const struct xdp_request *request, struct sync *sync,
                          struct record_chain *record, struct error *error)
{
	const struct xdp_chain *now = &sync->now;
	struct xdp_chain next;
	int result;

	if (now->program_id == request->members[0].kernel_id) {
		result = mode_check(now, request, error);
		if (result == 0)
			chain_report(now, request, record);
		return result;
	}
	if (request->replaces && now->own && now->version == 0 &&
	    now->program_id == request->replaces)
		return exclusive_replace(xdp, request, sync, record, error);
	result = chain_check(now, error);
	if (result < 0)
		return result;
	if (now->program_id)
		return error_set(
			error, -EBUSY, ERROR_BUSY,
			"interface \"%s\" runs %zu XDP program(s) by a dispatcher (program "
			"%u): detach them first, or "
			"attach without --exclusive",
			now->interface, now->count, now->program_id);
	result = exclusive_attach(xdp, request, now, &next, error);
	if (result == 0)
		chain_report(&next, request, record);
	return result;
}

/* Opens the foreign components that shall go on running, so that they can be linked to the new
 * dispatcher. */
static int foreign_open(struct xdp *xdp, struct xdp_chain *now, struct xdp_chain *next,
                        struct error *error)
{
	for (size_t i = 0; i < next->count; i++) {
		struct record_program program;
		int result;

		for (size_t n = 0; next->slots[i].fd < 0 && n < now->count; n++) {
			if (now->slots[n].kernel_id != next->slots[i].kernel_id)
				continue;
			result = xdp_slot_open(xdp, now, n, error);
			if (result < 0)
				return result;
			next->slots[i].fd = now->slots[n].fd;
		}
		if (next->slots[i].name[0])
			continue;
		result = kernel_program_info(next->slots[i].fd, &program);
		if (result < 0)
			return error_set(error, result, ERROR_KERNEL,
			                 "cannot ask for an XDP program's name: %s",
			                 strerror(-result));
		memcpy(next->slots[i].name, program.kernel_name, sizeof(next->slots[i].name));
	}
	return 0;
}

static int sync_shared(struct xdp *xdp, const struct xdp_request *request, struct sync *sync,
                       struct record_chain *record, struct error *error)
{
	struct xdp_chain *now = &sync->now;
	struct xdp_chain next;
	int result = mode_check(now, request, error);

	if (result < 0)
		return result;
	result = xdp_chain_merge(now, request, &next);
	if (result < 0)
		return error_set(error, result, ERROR_LIMIT,
		                 "interface \"%s\" runs %zu XDP programs already, and a dispatcher "
		                 "holds %d: detach one first",
		                 now->interface, now->count, XDP_PROGRAMS_MAX);
	if (xdp_chain_equal(now, &next)) {
		chain_report(now, request, record);
		return 0;
	}
	if (next.count == 0) {
		result = chain_take_off(xdp, sync, error);
		if (result == 0) {
			chain_gone(now, &next);
			chain_report(&next, request, record);
		}
		return result;
	}
	result = foreign_open(xdp, now, &next, error);
	if (result == 0)
		result = xdp_chain_replace(xdp, now, request->mode, &next, error);
	if (result < 0)
		return result;
	chain_report(&next, request, record);
	chain_remember(xdp, &next);
	sync->over = true;
	return 0;
}

/* Nothing of bpfd's shall run on an interface that has no dispatcher which bpfd could rebuild. */
static int sync_nothing(struct xdp *xdp, const struct xdp_request *request, struct sync *sync,
                        struct record_chain *record, struct error *error)
{
	const struct xdp_chain *now = &sync->now;
	struct xdp_chain next = *now;
	int result = 0;

	if (now->program_id && now->version == 0 && now->own) {
		result = chain_take_off(xdp, sync, error);
		if (result == 0)
			chain_gone(now, &next);
	}
	if (result == 0)
		chain_report(&next, request, record);
	return result;
}

/* The step itself, under the lock that users of libxdp's protocol share. */
static int sync_locked(struct xdp *xdp, const struct xdp_request *request, struct sync *sync,
                       struct record_chain *record, struct error *error)
{
	_cleanup_close_ int lock = pins_lock(xdp->settings, error);
	struct xdp_chain *now = &sync->now;
	int result;

	if (lock < 0)
		return lock;
	result = xdp_chain_read(xdp, &request->place, now, error);
	if (result == -ENODEV && request->count == 0)
		(void)pins_collect(xdp->settings, xdp_netlink(xdp, &request->place),
		                   request->place.netns, request->place.ifindex);
	if (result < 0)
		return result;
	if (!now->own)
		xdp_known_drop(xdp, &request->place);
	if (request->count == 0 && now->version != XDP_DISPATCHER_VERSION)
		return sync_nothing(xdp, request, sync, record, error);
	if (request->exclusive && request->count)
		return sync_exclusive(xdp, request, sync, record, error);
	result = chain_check(now, error);
	if (result < 0)
		return result;
	return sync_shared(xdp, request, sync, record, error);
}

static int sync_once(struct xdp *xdp, const struct xdp_request *request,
                     struct record_chain *record, struct error *error)
{
	struct sync sync = { .over = false };
	int result;

	xdp_chain_clear(&sync.now);
	result = sync_locked(xdp, request, &sync, record, error);
	if (result == 0 && sync.over)
		xdp_chain_discard(xdp, &sync.now);
	xdp_chain_cleanup(&sync.now);
	return result;
}

int xdp_sync(struct xdp *xdp, const struct xdp_request *request, struct record_chain *chain,
             struct error *error)
{
	int pause_ms = SYNC_PAUSE_MS;
	int result = request_check(xdp, request, error);

	if (result < 0)
		return result;
	for (int try = 1;; try++) {
		result = sync_once(xdp, request, chain, error);
		if (result != -EAGAIN)
			return result;
		if (try == SYNC_TRIES)
			return -EBUSY;
		(void)poll(NULL, 0, pause_ms);
		pause_ms *= 2;
	}
}

int xdp_read(struct xdp *xdp, const struct xdp_place *place, xdp_link_of *link_of, void *state,
             struct record_chain *chain, struct error *error)
{
	_cleanup_(xdp_chain) struct xdp_chain now;
	int result;

	xdp_chain_clear(&now);
	result = xdp_chain_read(xdp, place, &now, error);
	if (result < 0)
		return result;
	xdp_chain_record(&now, link_of, state, chain);
	if (!now.own)
		xdp_known_drop(xdp, place);
	else if (now.program_fd >= 0)
		chain_remember(xdp, &now);
	return 0;
}
