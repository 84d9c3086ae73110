/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/attach_types.h"
#include "broker/netns.h"
#include "common/target.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <string.h>

#define PROCEED_ON_DEFAULT (1u << (TC_ACT_PIPE + 1))

/* Whether a program of this form can be attached, and if not why. */
static int form_check(const struct attach_context *context, const struct record_program *program,
                      struct error *error)
{
	int extension_errno = tc_extension_errno(context->tc);

	if (program->form == PROGRAM_FORM_EXTENSION)
		return 0;
	if (extension_errno)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel refuses extension programs (%s), which programs in a "
		                 "chain of tc programs are: load and attach it as tcx, from "
		                 "Linux 6.6",
		                 strerror(extension_errno));
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "program \"%s\" was loaded where the kernel refused extension programs, "
	                 "which programs in a chain of tc programs are: load it again",
	                 program->name);
}

static struct tc_place place_of(const struct record_link *link)
{
	return (struct tc_place){ .netns = (uint32_t)link->target.netns_id,
		                  .ifindex = link->target.ifindex,
		                  .direction = link->target.direction };
}

/* The request for everything of bpfd's that runs there but `link`. */
static void request_fill(struct attach_context *context, const struct record_link *link,
                         struct tc_request *request)
{
	*request = (struct tc_request){ .place = place_of(link) };
	request->count =
		context->members(context->state, link, request->members, TC_PROGRAMS_MAX + 1);
}

static int duplicate_check(struct attach_context *context, const struct record_program *program,
                           const struct record_link *link, struct error *error)
{
	struct tc_request request;

	request_fill(context, link, &request);
	for (size_t i = 0; i < request.count; i++) {
		if (request.members[i].kernel_id == program->kernel_id)
			return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
			                 "program \"%s\" is attached to %s of interface \"%s\" "
			                 "already, by link %llu: detach that first, or load the "
			                 "program a second time",
			                 program->name, tc_direction_name(link->target.direction),
			                 link->target.interface,
			                 (unsigned long long)request.members[i].link_id);
	}
	return 0;
}

static int check_tc(struct attach_context *context, const struct record_program *program,
                    struct record_link *link, struct error *error)
{
	struct record_link filled = *link;
	int result = form_check(context, program, error);

	if (!(filled.target.given & TARGET_BIT(TARGET_PRIORITY)))
		filled.target.priority = PRIORITY_DEFAULT;
	if (!(filled.target.given & TARGET_BIT(TARGET_PROCEED_ON)))
		filled.target.proceed_on = PROCEED_ON_DEFAULT;
	filled.target.proceed_on |= CHAIN_ALWAYS;
	if (result == 0)
		result = netns_interface_find(context, &filled.target, error);
	if (result == 0)
		result = duplicate_check(context, program, &filled, error);
	if (result == 0)
		*link = filled;
	return result;
}

static int place_sync(struct attach_context *context, const struct record_link *link,
                      const struct tc_request *request, struct error *error)
{
	struct netns_socket socket;
	struct record_chain record;
	struct tc_chain chain;
	int result = netns_socket_again(context, &link->target, &socket, error);

	if (result < 0)
		return result;
	result = tc_sync(context->tc, socket.netlink ? socket.netlink : context->netlink, request,
	                 &chain, error);
	netns_socket_cleanup(&socket);
	if (result < 0)
		return result;
	tc_chain_record(&chain, &record);
	context->chain_changed(context->state, &record);
	return 0;
}

/* Lets the program run with bpfd's others. */
static int member_sync(struct attach_context *context, const struct record_program *program,
                       int program_fd, const struct record_link *link, struct error *error)
{
	struct tc_request request;

	request_fill(context, link, &request);
	if (request.count > TC_PROGRAMS_MAX)
		request.count = TC_PROGRAMS_MAX; /* the eleventh is refused all the same */
	request.members[request.count++] = (struct chain_member){
		.link_id = link->id,
		.kernel_id = program->kernel_id,
		.program_fd = program_fd,
		.priority = (uint32_t)link->target.priority,
		.proceed_on = link->target.proceed_on,
	};
	return place_sync(context, link, &request, error);
}

static int attach_tc(struct attach_context *context, const struct record_program *program,
                     int program_fd, struct record_link *link, struct error *error)
{
	return member_sync(context, program, program_fd, link, error);
}

static int update_tc(struct attach_context *context, const struct record_program *program,
                     int program_fd, uint32_t runs, struct record_link *link, struct error *error)
{
	int result = duplicate_check(context, program, link, error);

	(void)runs; /* it is not among the members: so it goes */
	link->target.proceed_on |= CHAIN_ALWAYS;
	return result < 0 ? result : member_sync(context, program, program_fd, link, error);
}

static int detach_tc(struct attach_context *context, const struct record_link *link,
                     struct error *error)
{
	struct tc_request request;
	int result;

	request_fill(context, link, &request);
	result = place_sync(context, link, &request, error);
	return result == -ENODEV ? 0 : result;
}

static int adopt_tc(struct attach_context *context, const struct record_program *program,
                    int program_fd, struct record_link *link, struct error *error)
{
	const struct tc_place place = place_of(link);
	struct netns_socket socket;
	struct tc_chain chain = {};
	int result = netns_socket_again(context, &link->target, &socket, error);

	(void)program_fd;
	if (result == 0) {
		result = tc_read(context->tc, socket.netlink ? socket.netlink : context->netlink,
		                 &place, NULL, NULL, &chain, error);
		netns_socket_cleanup(&socket);
	}
	if (result == -ENODEV) {
		link->state = LINK_STATE_GONE;
		return 0;
	}
	if (result < 0)
		return result;
	link->state = chain_find(chain.slots, chain.count, program->kernel_id) ? LINK_STATE_ATTACHED
	                                                                       : LINK_STATE_REMOVED;
	return 0;
}

const struct attach_type attach_type_tc = {
	.check = check_tc,
	.attach = attach_tc,
	.detach = detach_tc,
	.update = update_tc,
	.adopt = adopt_tc,
};
