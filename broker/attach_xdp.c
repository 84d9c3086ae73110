/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/attach_types.h"
#include "broker/netns.h"
#include "common/target.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define DISPATCHER_RETURN (1u << 31)

/* Whether a program of this form can be attached in this way, and if not what the user has to do.
 */
static int form_check(const struct attach_context *context, const struct record_program *program,
                      const struct record_link *link, struct error *error)
{
	int extension_errno = xdp_extension_errno(context->xdp);

	if (program->form == PROGRAM_FORM_EXTENSION && link->target.exclusive)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" was loaded to share interfaces and cannot be "
		                 "attached with --exclusive: load "
		                 "it again with --exclusive",
		                 program->name);
	if (program->form == PROGRAM_FORM_EXTENSION || link->target.exclusive)
		return 0;
	if (extension_errno)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "this kernel refuses extension programs (%s), so that programs "
		                 "cannot share an interface: "
		                 "attach with --exclusive, which gives \"%s\" the interface alone",
		                 strerror(extension_errno), program->name);
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "program \"%s\" was loaded with --exclusive and cannot share an "
	                 "interface: attach it with --exclusive, "
	                 "or load it again without",
	                 program->name);
}

/* The request for everything of bpfd's that runs on the interface but `link`. */
static void request_fill(struct attach_context *context, const struct record_link *link,
                         struct xdp_request *request)
{
	*request = (struct xdp_request){
		.place = { .ifindex = link->target.ifindex,
		           .netns = (uint32_t)link->target.netns_id },
		.mode = XDP_MODE_DEFAULT,
		.own = context->own,
		.state = context->state,
	};
	request->count =
		context->members(context->state, link, request->members, XDP_PROGRAMS_MAX + 1);
}

static int duplicate_check(struct attach_context *context, const struct record_program *program,
                           const struct record_link *link, struct error *error)
{
	struct xdp_request request;

	request_fill(context, link, &request);
	for (size_t i = 0; i < request.count; i++) {
		if (request.members[i].kernel_id == program->kernel_id)
			return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
			                 "program \"%s\" is attached to interface \"%s\" already, "
			                 "by link %llu: detach that "
			                 "first, or load the program a second time",
			                 program->name, link->target.interface,
			                 (unsigned long long)request.members[i].link_id);
	}
	return 0;
}

static int check_xdp(struct attach_context *context, const struct record_program *program,
                     struct record_link *link, struct error *error)
{
	struct record_link filled = *link;
	int result;

	if (!(filled.target.given & TARGET_BIT(TARGET_PRIORITY)))
		filled.target.priority = (int32_t)program->xdp.priority;
	if (!(filled.target.given & TARGET_BIT(TARGET_PROCEED_ON)))
		filled.target.proceed_on = program->xdp.proceed_on;
	filled.target.proceed_on |= DISPATCHER_RETURN;
	result = form_check(context, program, &filled, error);
	if (result == 0)
		result = netns_interface_find(context, &filled.target, error);
	if (result == 0)
		result = duplicate_check(context, program, &filled, error);
	if (result == 0)
		*link = filled;
	return result;
}

static int interface_sync(struct attach_context *context, const struct record_link *link,
                          struct xdp_request *request, struct record_chain *chain,
                          struct error *error)
{
	struct netns_socket socket;
	int result = netns_socket_again(context, &link->target, &socket, error);

	if (result < 0)
		return result;
	request->place = netns_place(&link->target, &socket);
	result = xdp_sync(context->xdp, request, chain, error);
	netns_socket_cleanup(&socket);
	if (result == 0)
		context->chain_changed(context->state, chain);
	return result;
}

/* Lets the program run with bpfd's others. `request` has these. */
static int member_sync(struct attach_context *context, struct xdp_request *request,
                       const struct record_program *program, int program_fd,
                       struct record_link *link, struct error *error)
{
	struct record_chain chain;
	int result;

	if (request->count > XDP_PROGRAMS_MAX)
		request->count = XDP_PROGRAMS_MAX; /* the eleventh is refused all the same */
	request->members[request->count++] = (struct chain_member){
		.link_id = link->id,
		.kernel_id = program->kernel_id,
		.program_fd = program_fd,
		.priority = (uint32_t)link->target.priority,
		.proceed_on = link->target.proceed_on,
		.frags = program->xdp.frags,
	};
	request->exclusive = link->target.exclusive;
	result = interface_sync(context, link, request, &chain, error);
	if (result == 0)
		link->target.mode = chain.mode;
	return result;
}

static int attach_xdp(struct attach_context *context, const struct record_program *program,
                      int program_fd, struct record_link *link, struct error *error)
{
	struct xdp_request request;

	request_fill(context, link, &request);
	if (link->target.exclusive && request.count)
		return error_set(error, -EBUSY, ERROR_BUSY,
		                 "interface \"%s\" runs %zu other programs of bpfd's: detach them "
		                 "first, or attach without "
		                 "--exclusive",
		                 link->target.interface, request.count);
	request.mode = link->target.mode;
	return member_sync(context, &request, program, program_fd, link, error);
}

static int update_xdp(struct attach_context *context, const struct record_program *program,
                      int program_fd, uint32_t runs, struct record_link *link, struct error *error)
{
	struct xdp_request request;
	int result = duplicate_check(context, program, link, error);

	if (result < 0)
		return result;
	link->target.proceed_on |= DISPATCHER_RETURN;
	request_fill(context, link, &request);
	request.replaces = runs;
	return member_sync(context, &request, program, program_fd, link, error);
}

static int detach_xdp(struct attach_context *context, const struct record_link *link,
                      struct error *error)
{
	struct record_chain chain;
	struct xdp_request request;
	int result;

	request_fill(context, link, &request);
	result = interface_sync(context, link, &request, &chain, error);
	return result == -ENODEV ? 0 : result;
}

static int adopt_xdp(struct attach_context *context, const struct record_program *program,
                     int program_fd, struct record_link *link, struct error *error)
{
	struct record_chain chain = {};
	struct netns_socket socket;
	struct xdp_place place;
	int result = netns_socket_again(context, &link->target, &socket, error);

	(void)program_fd;
	if (result == 0) {
		place = netns_place(&link->target, &socket);
		result = xdp_read(context->xdp, &place, NULL, NULL, &chain, error);
		netns_socket_cleanup(&socket);
	}
	if (result == -ENODEV) {
		link->state = LINK_STATE_GONE;
		return 0;
	}
	if (result < 0)
		return result;
	if (chain.count && !chain.entries[0].kernel_name[0])
		return 0; /* nobody could look: somebody else's, and the opener is switched off */
	link->state = LINK_STATE_REMOVED;
	for (size_t i = 0; i < chain.count; i++) {
		if (chain.entries[i].kernel_id == program->kernel_id)
			link->state = LINK_STATE_ATTACHED;
	}
	return 0;
}

const struct attach_type attach_type_xdp = {
	.check = check_xdp,
	.attach = attach_xdp,
	.detach = detach_xdp,
	.update = update_xdp,
	.adopt = adopt_xdp,
};
