/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tracepoints: a perf event that the opener opens. */
#include "broker/attach_event.h"
#include "broker/attach_types.h"

#include <errno.h>

static int open_tracepoint(struct attach_context *context, const struct record_link *link,
                           int32_t cpu, int *perf_fd, struct error *error)
{
	const struct record_target *target = &link->target;

	(void)cpu;
	if (context->opener)
		return opener_tracepoint_open(context->opener, target->group, target->name, perf_fd,
		                              error);
	return error_set(error, -EPERM, ERROR_UNSUPPORTED,
	                 "tracepoint %s/%s cannot be opened: bpfd's opener, which may, is switched "
	                 "off: set \"opener = yes\" in bpfd.conf",
	                 target->group, target->name);
}

const struct attach_type attach_type_tracepoint = { ATTACH_EVENT_ROW, .event = open_tracepoint };
