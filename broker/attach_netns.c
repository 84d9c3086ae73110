/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs of a network namespace: sk_lookup (in the order in which they were attached) and
 * flow_dissector (one). The namespace is bpfd's own, or one whose file the opener finds.
 */
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The namespace's descriptor and id. */
static int netns_open(struct attach_context *context, const struct record_link *link, uint64_t *id,
                      struct error *error)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	int result;

	if (link->target.netns[0]) {
		result = opener_netns_open(context->opener, link->target.netns, &fd, error);
		if (result < 0)
			return result;
	} else {
		fd = fcntl(context->netns_fd, F_DUPFD_CLOEXEC, 0);
	}
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(error, -errno, ERROR_KERNEL,
		                 "the network namespace cannot be opened: %s", strerror(errno));
	*id = status.st_ino;
	return steal_fd(&fd);
}

static int netns_check(struct attach_context *context, const struct record_program *program,
                       struct record_link *link, struct error *error)
{
	int fd = netns_open(context, link, &link->target.netns_id, error);

	(void)program;
	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

static int netns_error(struct error *error, int result, const struct record_program *program,
                       const struct record_link *link)
{
	const char *type = program_type_row(link->type)->name;
	const char *netns = link->target.netns[0] ? link->target.netns : "bpfd's own";
	char shown[TARGET_PATH_SIZE * 4 + 1];

	(void)log_escape(netns, shown, sizeof(shown));
	if (result == -E2BIG)
		return error_set(error, result, ERROR_LIMIT,
		                 "network namespace %.200s has all the %s programs that the kernel "
		                 "allows (flow_dissector: 1, sk_lookup: 64): detach one",
		                 shown, type);
	if (result == -EEXIST)
		return error_set(error, result, ERROR_BUSY,
		                 "network namespace %.200s, or the host's first one (a "
		                 "flow_dissector there is for all), has a %s program that somebody "
		                 "attached in another way: see \"bpftool net\"",
		                 shown, type);
	return error_set(error, result, ERROR_KERNEL,
	                 "cannot attach %s program \"%s\" to network namespace %.200s: %s", type,
	                 program->name, shown, strerror(-result));
}

static int make_netns(struct attach_context *context, const struct record_program *program,
                      int program_fd, struct record_link *link, struct error *error)
{
	uint64_t id = 0;
	_cleanup_close_ int fd = netns_open(context, link, &id, error);
	int result;

	if (fd < 0)
		return fd;
	link->target.netns_id = id;
	result = kernel_link_create(program_fd, fd, program_type_row(link->type)->attach_type);
	return result < 0 ? netns_error(error, result, program, link) : result;
}

const struct attach_type attach_type_netns = {
	.check = netns_check,
	.attach = attach_link_attach,
	.detach = attach_link_detach,
	.make = make_netns,
	.update = attach_link_update,
	.replaces = true,
	.adopt = attach_link_adopt,
};
