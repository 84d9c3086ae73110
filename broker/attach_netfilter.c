/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs of netfilter's hooks, in bpfd's own network namespace: they run among the hooks of
 * nftables and connection tracking, lower priorities first. */
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "common/target.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

/* By the numbers of the record's words (common/target.c). */
static const uint32_t families[] = { 0, NFPROTO_IPV4, NFPROTO_IPV6 };
static const uint32_t hooks[] = { 0,
	                          NF_INET_PRE_ROUTING,
	                          NF_INET_LOCAL_IN,
	                          NF_INET_FORWARD,
	                          NF_INET_LOCAL_OUT,
	                          NF_INET_POST_ROUTING };

static int netfilter_check(struct attach_context *context, const struct record_program *program,
                           struct record_link *link, struct error *error)
{
	(void)context;
	(void)program;
	(void)error;
	link->target.given |= TARGET_BIT(TARGET_PRIORITY); /* 0 where it was not given, and shown */
	return 0;
}

static int netfilter_error(struct error *error, int result, const struct record_program *program,
                           const struct record_link *link)
{
	char place[TARGET_TEXT_SIZE];

	target_describe(&link->target, place);
	if (result == -EBUSY)
		return error_set(error, result, ERROR_BUSY,
		                 "another netfilter program runs at %s with priority %d: the "
		                 "kernel allows one for each, so give another --priority",
		                 place, link->target.priority);
	return error_set(error, result, ERROR_KERNEL,
	                 "cannot attach netfilter program \"%s\" to %s with priority %d: %s",
	                 program->name, place, link->target.priority, strerror(-result));
}

static int make_netfilter(struct attach_context *context, const struct record_program *program,
                          int program_fd, struct record_link *link, struct error *error)
{
	int result = kernel_link_netfilter(program_fd, families[link->target.family],
	                                   hooks[link->target.hook], link->target.priority);

	(void)context;
	return result < 0 ? netfilter_error(error, result, program, link) : result;
}

/*
 * The kernel replaces no program behind such a link, and takes no second one of the same priority:
 * so a new program needs a new priority with it. What is refused here because the program itself is
 * there already is right as it is: an update that a crash cut short, taken back.
 */
static int update_netfilter(struct attach_context *context, const struct record_program *program,
                            int program_fd, uint32_t runs, struct record_link *link,
                            struct error *error)
{
	bool same_place = context->priority(context->state, link->id) == link->target.priority;
	int result = attach_link_update(context, program, program_fd, runs, link, error);

	if (result != -EBUSY || !same_place)
		return result;
	if (runs == program->kernel_id)
		return 0;
	return error_set(error, result, ERROR_UNSUPPORTED,
	                 "the kernel cannot put another program behind a netfilter link: give "
	                 "another --priority with it, or detach and attach");
}

const struct attach_type attach_type_netfilter = {
	.check = netfilter_check,
	.attach = attach_link_attach,
	.detach = attach_link_detach,
	.make = make_netfilter,
	.update = update_netfilter,
	.adopt = attach_link_adopt,
};
