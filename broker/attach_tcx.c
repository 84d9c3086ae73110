/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tcx and netkit: links of an interface's own hooks, in order of priority, ties by link id. Links
 * of others stay where they are.
 */
#include "broker/attach_tcx.h"

#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "broker/netns.h"
#include "common/kernel_uapi.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/target.h"

#include <errno.h>
#include <string.h>

#define CREATE_TRIES 32 /* each time somebody else changed the order meanwhile */

static const uint32_t attach_types[][DIRECTION_EGRESS + 1] = {
	[PROGRAM_TYPE_TCX] = { 0, KERNEL_TCX_INGRESS, KERNEL_TCX_EGRESS },
	/* seen from the primary end: what the peer sends comes in */
	[PROGRAM_TYPE_NETKIT] = { 0, KERNEL_NETKIT_PEER, KERNEL_NETKIT_PRIMARY },
};

static const char *const direction_names[] = { "", "ingress", "egress" };

struct tcx_hook tcx_hook_of(uint32_t type, const struct record_target *target)
{
	return (struct tcx_hook){ target->ifindex, attach_types[type][target->direction] };
}

int tcx_error(struct error *error, int result, const struct record_link *link)
{
	const struct program_type_row *row = program_type_row(link->type);
	const char *interface = link->target.interface;
	char shown[TARGET_PATH_SIZE * 4 + 1];

	if (link->target.netns_id && (result == -EOPNOTSUPP || result == -EPERM))
		return error_set(error, result, ERROR_UNSUPPORTED,
		                 "network namespace \"%.200s\" cannot be entered: bpfd's opener is "
		                 "switched off, or may not open that file any more",
		                 log_escape(link->target.netns, shown, sizeof(shown)));
	if ((result == -ENODEV || result == -ENOLINK) && link->target.netns_id)
		return error_set(error, -ENODEV, ERROR_NOT_FOUND,
		                 "interface \"%s\" does not exist any more in network namespace "
		                 "\"%.200s\", or that is gone: check with \"ip -n NAME link\"",
		                 interface, log_escape(link->target.netns, shown, sizeof(shown)));
	if (result == -ENODEV || result == -ENOLINK)
		return error_set(error, -ENODEV, ERROR_NOT_FOUND,
		                 "interface \"%s\" does not exist any more: check with \"ip link\"",
		                 interface);
	if (result == -ENXIO)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "interface \"%s\" is no netkit device: attach the program as tcx",
		                 interface);
	if (result == -EACCES)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "interface \"%s\" is the peer end of a netkit pair: name the "
		                 "primary one, with direction ingress for what the peer sends",
		                 interface);
	if (result == -ERANGE || result == -ENOSPC)
		return error_set(error, result, ERROR_LIMIT,
		                 "no more programs fit %s of interface \"%s\": detach one first",
		                 direction_names[link->target.direction], interface);
	if (result == -EEXIST)
		return error_set(error, result, ERROR_ALREADY_EXISTS,
		                 "the program is attached to %s of interface \"%s\" already: load "
		                 "it a second time",
		                 direction_names[link->target.direction], interface);
	if (result == -EINVAL)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel has no %s: that needs Linux %u.%u", row->name,
		                 row->since_major, row->since_minor);
	return error_set(error, result, ERROR_KERNEL,
	                 "the kernel refuses the %s program on %s of interface \"%s\": %s",
	                 row->name, direction_names[link->target.direction], interface,
	                 strerror(-result));
}

static struct chain_member member_of(const struct record_program *program,
                                     const struct record_link *link)
{
	return (struct chain_member){ .link_id = link->id,
		                      .kernel_id = program->kernel_id,
		                      .program_fd = -1,
		                      .priority = (uint32_t)link->target.priority };
}

static int duplicate_check(struct attach_context *context, const struct record_program *program,
                           const struct record_link *link, struct error *error)
{
	struct chain_member members[CHAIN_PROGRAMS_MAX];
	size_t count = context->members(context->state, link, members, CHAIN_PROGRAMS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (members[i].kernel_id == program->kernel_id)
			return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
			                 "program \"%s\" is attached to %s of interface \"%s\" "
			                 "already, by link %llu: detach that first, or load the "
			                 "program a second time",
			                 program->name, direction_names[link->target.direction],
			                 link->target.interface,
			                 (unsigned long long)members[i].link_id);
	}
	return 0;
}

static int check_tcx(struct attach_context *context, const struct record_program *program,
                     struct record_link *link, struct error *error)
{
	struct record_link filled = *link;
	int result;

	if (!(filled.target.given & TARGET_BIT(TARGET_PRIORITY)))
		filled.target.priority = PRIORITY_DEFAULT;
	result = netns_interface_find(context, &filled.target, error);
	if (result == 0)
		result = duplicate_check(context, program, &filled, error);
	if (result == 0)
		*link = filled;
	return result;
}

/* The link's hook as the opener is asked about it. */
static struct opener_tcx_hook hook_inside(const struct record_link *link)
{
	struct opener_tcx_hook inside = { .netns_id = link->target.netns_id,
		                          .hook = tcx_hook_of(link->type, &link->target) };

	memcpy(inside.netns, link->target.netns, sizeof(inside.netns));
	return inside;
}

int tcx_link_query(struct attach_context *context, const struct record_link *link,
                   struct tcx_order *out)
{
	const struct opener_tcx_hook inside = hook_inside(link);
	struct error ignored;

	return inside.netns_id ? opener_tcx_query(context->opener, &inside, out, &ignored)
	                       : tcx_query(&inside.hook, out);
}

static int link_create(struct attach_context *context, const struct record_link *link,
                       int program_fd, const struct tcx_anchor *anchor, uint64_t revision)
{
	const struct opener_tcx_link inside = { hook_inside(link), *anchor, revision };
	struct error ignored;
	int link_fd, result;

	if (!inside.at.netns_id)
		return tcx_link_create(&inside.at.hook, program_fd, anchor, revision);
	result = opener_tcx_link(context->opener, &inside, program_fd, &link_fd, &ignored);
	return result < 0 ? result : link_fd;
}

int tcx_link_place(struct attach_context *context, const struct record_link *link,
                   struct tcx_newcomer *newcomer)
{
	struct chain_member members[CHAIN_PROGRAMS_MAX];
	size_t count = context->members(context->state, link, members, CHAIN_PROGRAMS_MAX);
	int result = -ESTALE;

	/* -ENOENT: what it was to go beside is gone */
	for (int try = 0; try < CREATE_TRIES && (result == -ESTALE || result == -ENOENT); try++) {
		struct tcx_order order;
		struct tcx_anchor anchor;

		result = tcx_link_query(context, link, &order);
		if (result < 0)
			break;
		anchor = tcx_place(&order, members, count, &newcomer->own);
		newcomer->side = tcx_anchor_behind(&order, &anchor, newcomer->leaves) ? TCX_SECOND
		                                                                      : TCX_FIRST;
		result = link_create(context, link, newcomer->program_fds[newcomer->side], &anchor,
		                     order.revision);
	}
	return result;
}

static int make_tcx(struct attach_context *context, const struct record_program *program,
                    int program_fd, struct record_link *link, struct error *error)
{
	struct tcx_newcomer newcomer = { .own = member_of(program, link),
		                         .program_fds = { program_fd, program_fd } };
	int result = tcx_link_place(context, link, &newcomer);

	return result < 0 ? tcx_error(error, result, link) : result;
}

void tcx_record(uint32_t type, const struct record_target *target, const struct tcx_order *order,
                const struct chain_member *members, size_t count, struct record_chain *record)
{
	*record = (struct record_chain){
		.ifindex = target->ifindex,
		.direction = target->direction,
		.type = type,
		.netns = (uint32_t)target->netns_id,
		.count = order->count,
	};
	memcpy(record->interface, target->interface, sizeof(record->interface));
	for (size_t i = 0; i < order->count; i++) {
		struct record_chain_entry *entry = &record->entries[i];

		entry->kernel_id = order->entries[i].program_id;
		for (size_t m = 0; m < count; m++) {
			if (members[m].kernel_id != entry->kernel_id)
				continue;
			entry->link_id = members[m].link_id;
			entry->priority = members[m].priority;
		}
	}
}

/* Tells what runs there now: bpfd's links there are the members. Where there is none nothing is
 * told. */
static void hook_publish(struct attach_context *context, const struct record_link *link,
                         const struct chain_member *members, size_t count)
{
	struct tcx_order order = { .count = 0 };
	struct record_chain record;

	if (count && tcx_link_query(context, link, &order) < 0)
		return; /* the interface is gone: the monitor tells that */
	tcx_record(link->type, &link->target, &order, members, count, &record);
	context->chain_changed(context->state, &record);
}

static void hook_publish_with(struct attach_context *context, const struct record_program *program,
                              const struct record_link *link)
{
	struct chain_member members[CHAIN_PROGRAMS_MAX];
	size_t count = context->members(context->state, link, members, CHAIN_PROGRAMS_MAX - 1);

	members[count++] = member_of(program, link);
	hook_publish(context, link, members, count);
}

static int attach_tcx(struct attach_context *context, const struct record_program *program,
                      int program_fd, struct record_link *link, struct error *error)
{
	int result = attach_link_attach(context, program, program_fd, link, error);

	if (result == 0)
		hook_publish_with(context, program, link);
	return result;
}

static int detach_tcx(struct attach_context *context, const struct record_link *link,
                      struct error *error)
{
	struct chain_member members[CHAIN_PROGRAMS_MAX];
	int result = attach_link_detach(context, link, error);
	size_t count;

	if (result < 0)
		return result;
	count = context->members(context->state, link, members, CHAIN_PROGRAMS_MAX);
	hook_publish(context, link, members, count);
	return 0;
}

/* Does what its priority says ask for another place? 1, 0, or -errno. */
static int move_needed(struct attach_context *context, uint32_t runs,
                       const struct record_program *program, const struct record_link *link)
{
	const struct chain_member own = member_of(program, link);
	struct chain_member members[CHAIN_PROGRAMS_MAX];
	struct tcx_order order;
	size_t count = context->members(context->state, link, members, CHAIN_PROGRAMS_MAX);
	int result = tcx_link_query(context, link, &order);

	return result < 0 ? result : tcx_misplaced(&order, runs, members, count, &own) != NULL;
}

static int link_change(struct attach_context *context, const struct record_program *program,
                       int program_fd, int link_fd, struct record_link *link, struct error *error)
{
	struct bpf_link_info info = {};
	int result = kernel_info(link_fd, &info, sizeof(info));

	if (!result)
		result = move_needed(context, info.prog_id, program, link);
	if (result > 0)
		return tcx_move(context, program, program_fd, link_fd, link, error);
	if (!result && info.prog_id != program->kernel_id)
		result = kernel_link_update(link_fd, program_fd);
	return result < 0 ? tcx_error(error, result, link) : 0;
}

static int update_tcx(struct attach_context *context, const struct record_program *program,
                      int program_fd, uint32_t runs, struct record_link *link, struct error *error)
{
	int result = duplicate_check(context, program, link, error);

	(void)runs; /* the link knows */
	if (result == 0)
		result = tcx_move_end(context, program_fd, link, error);
	if (result < 0)
		return result;
	_cleanup_close_ int link_fd = attach_link_open(context, link);

	if (link_fd < 0)
		return error_set(error, link_fd, ERROR_KERNEL, "cannot open link %llu: %s",
		                 (unsigned long long)link->id, strerror(-link_fd));
	result = link_change(context, program, program_fd, link_fd, link, error);
	if (result == 0)
		hook_publish_with(context, program, link);
	return result;
}

/* The link is there, but off: because its interface went, or because somebody detached it. */
static uint32_t off_state(struct attach_context *context, const struct record_link *link)
{
	struct netns_socket socket;
	struct netlink_interface found;
	struct error ignored;
	int result = netns_socket_again(context, &link->target, &socket, &ignored);

	if (result == 0) {
		result = netlink_interface_query(socket.netlink ? socket.netlink : context->netlink,
		                                 link->target.ifindex, NULL, &found);
		netns_socket_cleanup(&socket);
	}
	return result == -ENODEV ? LINK_STATE_GONE : LINK_STATE_REMOVED;
}

static int adopt_tcx(struct attach_context *context, const struct record_program *program,
                     int program_fd, struct record_link *link, struct error *error)
{
	struct bpf_link_info info = {};
	struct kernel_link_info_tcx place;
	int result = tcx_move_end(context, program_fd, link, error);

	if (result < 0)
		return result;
	_cleanup_close_ int link_fd = attach_link_open(context, link);

	result = link_fd < 0 ? link_fd : kernel_info(link_fd, &info, sizeof(info));
	if (result < 0 && result != -ENOENT)
		return error_set(error, result, ERROR_KERNEL, "cannot open link %llu: %s",
		                 (unsigned long long)link->id, strerror(-result));
	memcpy(&place, &info.xdp, sizeof(place));
	if (result == 0 && info.prog_id == program->kernel_id && place.ifindex)
		link->state = LINK_STATE_ATTACHED;
	else
		link->state = off_state(context, link);
	return 0;
}

const struct attach_type attach_type_tcx = {
	.check = check_tcx,
	.attach = attach_tcx,
	.detach = detach_tcx,
	.make = make_tcx,
	.update = update_tcx,
	.adopt = adopt_tcx,
};
