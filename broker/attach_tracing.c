/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs that run at a place in the kernel without a perf event: raw tracepoints, which are named
 * now, and those of BTF types (tp_btf, fentry, fexit, fmod_ret, lsm), whose place was fixed when
 * they were loaded.
 */
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"

#include <errno.h>
#include <string.h>

static int tracing_error(struct error *error, int result, const struct record_program *program,
                         const struct record_link *link)
{
	const char *type = program_type_row(link->type)->name;
	const char *place = link->target.name[0] ? link->target.name : program->target;

	if (result == -ENOENT)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "there is no raw tracepoint \"%s\" in this kernel: they are the "
		                 "names below "
		                 "/sys/kernel/tracing/events, without their group",
		                 place);
	if (result == -EBUSY || result == -E2BIG)
		return error_set(error, result, ERROR_BUSY,
		                 "%s program \"%s\" is attached to %s already, or no more fit "
		                 "there: a %s "
		                 "program attaches once",
		                 type, program->name, place, type);
	return error_set(error, result, ERROR_KERNEL, "cannot attach %s program \"%s\" to %s: %s",
	                 type, program->name, place, strerror(-result));
}

static int make_tracing(struct attach_context *context, const struct record_program *program,
                        int program_fd, struct record_link *link, struct error *error)
{
	const char *name = link->target.name[0] ? link->target.name : NULL;
	int result = kernel_raw_tracepoint_open(program_fd, name);

	(void)context;
	return result < 0 ? tracing_error(error, result, program, link) : result;
}

const struct attach_type attach_type_tracing = { ATTACH_LINK_ROW, .make = make_tracing };
