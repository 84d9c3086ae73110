/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Replacing what runs at a place. Everything is made ready beside what runs; the one step that
 * packets notice is the netlink request. What fails before it is undone; after it nothing is left
 * to do but clean up.
 */
#include "broker/dispatcher.h"
#include "broker/kernel.h"
#include "broker/tc_pins.h"
#include "broker/tc_state.h"
#include "common/cleanup.h"

#include <string.h>

/* Somebody else did to the place what the request did not expect. */
static int changed_error(struct error *error, const struct tc_chain *chain, const char *reason)
{
	return error_set(error, -EAGAIN, ERROR_BUSY,
	                 "another program changes the filters on %s of interface \"%s\" at the "
	                 "same time (%s): try again",
	                 tc_direction_name(chain->place.direction), chain->interface, reason);
}

static int request_error(struct error *error, int result, const struct tc_chain *chain,
                         const char *what, const char *reason)
{
	const char *words = *reason ? reason : strerror(-result);

	if (result == -ENODEV)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "interface \"%s\" does not exist any more: check with \"ip link\"",
		                 chain->interface);
	if (result == -EOPNOTSUPP)
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "interface \"%s\" takes no %s (%s): if its qdisc shares a filter "
		                 "block with others, bpfd cannot use it",
		                 chain->interface, what, words);
	return error_set(error, result, ERROR_KERNEL,
	                 "the kernel refuses the %s on %s of interface \"%s\": %s", what,
	                 tc_direction_name(chain->place.direction), chain->interface, words);
}

static int clsact_make(struct netlink *netlink, const struct tc_chain *chain, struct error *error)
{
	char reason[NETLINK_REASON_SIZE];
	int result = netlink_clsact_make(netlink, chain->place.ifindex, reason);

	if (result == 0)
		return 0;
	if (result == -EEXIST)
		return changed_error(error, chain, "its qdisc appeared");
	if (result == -ENOENT)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel has no qdisc \"clsact\" (%s): load the module "
		                 "sch_ingress",
		                 *reason ? reason : strerror(-result));
	return request_error(error, result, chain, "qdisc \"clsact\"", reason);
}

static int filter_set(struct netlink *netlink, const struct tc_found *now, int program_fd,
                      struct error *error)
{
	const struct tc_chain *chain = &now->chain;
	bool replace = chain->dispatcher_id != 0;
	char reason[NETLINK_REASON_SIZE];
	int result = netlink_filter_set(netlink, chain->place.ifindex, chain->place.direction,
	                                program_fd, replace, reason);

	if (result == 0)
		return 0;
	/* the qdisc is there by now, unless somebody took it off: EINVAL */
	if (result == -EEXIST || result == -EINVAL || (result == -ENOENT && replace))
		return changed_error(error, chain, *reason ? reason : strerror(-result));
	if (result == -ENOENT)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel has no filter \"bpf\" (%s): load the module cls_bpf",
		                 *reason ? reason : strerror(-result));
	return request_error(error, result, chain, "filter", reason);
}

int tc_chain_take_off(struct tc *tc, struct netlink *netlink, const struct tc_found *now,
                      struct error *error)
{
	const struct tc_chain *chain = &now->chain;
	char reason[NETLINK_REASON_SIZE];
	int result = netlink_filter_remove(netlink, chain->place.ifindex, chain->place.direction,
	                                   reason);

	if (result == -ENOENT || result == -EINVAL)
		return changed_error(error, chain, *reason ? reason : strerror(-result));
	if (result < 0)
		return request_error(error, result, chain, "removal of bpfd's filter", reason);
	tc_known_drop(tc, &chain->place);
	return 0;
}

/* Links one component and pins the link, by which it lives. */
static int component_make(const struct launcher_settings *settings, const struct tc_chain *next,
                          size_t slot, int dispatcher_fd)
{
	char path[PIN_PATH_SIZE];
	_cleanup_close_ int link = kernel_link_extension(next->slots[slot].fd, dispatcher_fd,
	                                                 tc_dispatcher_tables.slot_btf_ids[slot]);

	if (link < 0)
		return link;
	tc_pins_link_path(settings, &next->place, next->dispatcher_id, slot, path);
	return kernel_pin(link, path);
}

static int components_make(const struct launcher_settings *settings, const struct tc_chain *next,
                           int program_fd, struct error *error)
{
	for (size_t slot = 0; slot < next->count; slot++) {
		int result = component_make(settings, next, slot, program_fd);

		if (result < 0)
			return error_set(error, result, ERROR_KERNEL,
			                 "the kernel refuses program \"%.15s\" (kernel id %u) as "
			                 "component %zu of a TC dispatcher: %s",
			                 next->slots[slot].name, next->slots[slot].kernel_id, slot,
			                 strerror(-result));
	}
	return 0;
}

/* Names are for people: those that run already have theirs. */
static int names_fill(struct tc_chain *chain, struct error *error)
{
	for (size_t i = 0; i < chain->count; i++) {
		struct chain_slot *slot = &chain->slots[i];
		struct record_program program;
		int result;

		if (slot->name[0])
			continue;
		result = kernel_program_info(slot->fd, &program);
		if (result < 0)
			return error_set(error, result, ERROR_KERNEL,
			                 "cannot ask for a TC program's name: %s",
			                 strerror(-result));
		memcpy(slot->name, program.kernel_name, sizeof(slot->name));
	}
	return 0;
}

/* Loads a dispatcher for `next`, learns its kernel id, which its files are named after, and makes
 * those. */
static int dispatcher_make(struct tc *tc, struct tc_chain *next, int *program_fd,
                           struct error *error)
{
	struct tc_dispatcher_config config;
	struct record_program program;
	_cleanup_close_ int fd = -1, map_fd = -1;
	int result;

	tc_config_encode(next, &config);
	result =
		dispatcher_load(&tc_dispatcher_tables, tc->btf_fd, &config, 0, &fd, &map_fd, error);
	if (result < 0)
		return result;
	result = kernel_program_info(fd, &program);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot ask for the TC dispatcher's id: %s", strerror(-result));
	result = tc_pins_make(tc->settings, &next->place, program.kernel_id, fd, map_fd);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot make files for a TC dispatcher on bpffs: %s",
		                 strerror(-result));
	next->dispatcher_id = program.kernel_id;
	*program_fd = steal_fd(&fd);
	return 0;
}

int tc_chain_replace(struct tc *tc, struct netlink *netlink, const struct tc_found *now,
                     struct tc_chain *next, struct error *error)
{
	struct tc_chain made = *next;
	_cleanup_close_ int program_fd = -1;
	int result = names_fill(&made, error);

	if (result == 0)
		result = dispatcher_make(tc, &made, &program_fd, error);
	if (result < 0)
		return result;
	result = components_make(tc->settings, &made, program_fd, error);
	if (result == 0 && now->qdisc == NETLINK_QDISC_NONE)
		result = clsact_make(netlink, &made, error);
	if (result == 0)
		result = filter_set(netlink, now, program_fd, error);
	if (result < 0)
		tc_pins_remove(tc->settings, &made.place, made.dispatcher_id);
	else
		*next = made;
	return result;
}
