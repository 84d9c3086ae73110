/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tracepoints: a perf event that the opener opened, linked to the program. */
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

static int link_error(struct error *error, int result, const struct record_program *program,
                      const struct record_link *link)
{
	const char *group = link->target.group, *name = link->target.name;

	if (result == -EINVAL)
		return error_set(
			error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
			"this kernel cannot link a program to a tracepoint: that needs Linux 5.15");
	if (result == -EACCES)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" reads beyond the end of what tracepoint %s/%s "
		                 "hands it: see its \"format\" file "
		                 "in tracefs",
		                 program->name, group, name);
	return error_set(error, result, ERROR_KERNEL,
	                 "cannot link program \"%s\" to tracepoint %s/%s: %s", program->name, group,
	                 name, strerror(-result));
}

static int event_open(struct attach_context *context, const struct record_target *target,
                      int *perf_fd, struct error *error)
{
	if (context->opener)
		return opener_tracepoint_open(context->opener, target->group, target->name, perf_fd,
		                              error);
	return error_set(error, -EPERM, ERROR_UNSUPPORTED,
	                 "tracepoint %s/%s cannot be opened: bpfd's opener, which may, is switched "
	                 "off: set \"opener = yes\" in bpfd.conf",
	                 target->group, target->name);
}

static int make_tracepoint(struct attach_context *context, const struct record_program *program,
                           int program_fd, struct record_link *link, struct error *error)
{
	_cleanup_close_ int perf_fd = -1;
	int result = event_open(context, &link->target, &perf_fd, error);

	if (result < 0)
		return result;
	result = kernel_link_perf_event(program_fd, perf_fd);
	return result < 0 ? link_error(error, result, program, link) : result;
}

const struct attach_type attach_type_tracepoint = { ATTACH_LINK_ROW, .make = make_tracepoint };
