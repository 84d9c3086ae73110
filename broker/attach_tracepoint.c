/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tracepoints: a perf event that the opener opened, linked to the program, the link pinned at
 * <bpffs>/links/<id>. */
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "broker/xdp_pins.h"
#include "common/cleanup.h"
#include "common/tracepoint.h"

#include <string.h>

static void link_path(const struct attach_context *context, const struct record_link *link,
                      char *out)
{
	(void)snprintf(out, PIN_PATH_SIZE, "%s/links/%llu", context->settings->bpffs_directory,
	               (unsigned long long)link->id);
}

static int check_tracepoint(struct attach_context *context, const struct record_program *program,
                            struct record_link *link, struct error *error)
{
	const struct record_tracepoint_target *target = &link->tracepoint;

	(void)context;
	if (!tracepoint_name_ok(target->group, sizeof(target->group)) ||
	    !tracepoint_name_ok(target->name, sizeof(target->name)))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program \"%s\" is attached to a tracepoint, named GROUP/NAME in "
		                 "letters, digits, '_', '-', '.' "
		                 "and ':': \"perf list tracepoint\" shows them",
		                 program->name);
	return 0;
}

static int link_error(struct error *error, int result, const struct record_program *program,
                      const struct record_link *link)
{
	const char *group = link->tracepoint.group, *name = link->tracepoint.name;

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

/* Through the opener; without it by the broker's own rights, which suffice where the kernel is set
 * up so. */
static int event_open(struct attach_context *context, const struct record_tracepoint_target *target,
                      int *perf_fd, struct error *error)
{
	int result;

	if (context->opener)
		return opener_tracepoint_open(context->opener, target->group, target->name, perf_fd,
		                              error);
	result = tracepoint_open(context->settings->tracefs_directory, target->group, target->name,
	                         perf_fd, error);
	if (result != -EACCES && result != -EPERM)
		return result;
	return error_set(error, result, ERROR_UNSUPPORTED,
	                 "the broker may not open tracepoint %s/%s (%s), and bpfd's opener, which "
	                 "may, is switched off: set "
	                 "\"opener = yes\" in bpfd.conf, or kernel.perf_event_paranoid to 2 and "
	                 "let bpfd-broker's group read tracefs",
	                 target->group, target->name, strerror(-result));
}

static int attach_tracepoint(struct attach_context *context, const struct record_program *program,
                             int program_fd, struct record_link *link, struct error *error)
{
	char path[PIN_PATH_SIZE];
	_cleanup_close_ int perf_fd = -1, link_fd = -1;
	int result = event_open(context, &link->tracepoint, &perf_fd, error);

	if (result < 0)
		return result;
	link_fd = kernel_link_perf_event(program_fd, perf_fd);
	if (link_fd < 0)
		return link_error(error, link_fd, program, link);
	link_path(context, link, path);
	result = kernel_pin(link_fd, path);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot pin the link at %s: %s", path,
		                 strerror(-result));
	return 0;
}

static int detach_tracepoint(struct attach_context *context, const struct record_link *link,
                             struct error *error)
{
	char path[PIN_PATH_SIZE];

	link_path(context, link, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(error, -errno, ERROR_KERNEL, "cannot remove %s: %s", path,
		                 strerror(errno));
	return 0;
}

static int adopt_tracepoint(struct attach_context *context, const struct record_program *program,
                            int program_fd, struct record_link *link, struct error *error)
{
	struct bpf_link_info info = {};
	char path[PIN_PATH_SIZE];
	int result;

	(void)program_fd;
	link_path(context, link, path);
	_cleanup_close_ int link_fd = kernel_pin_open(path);

	link->state = LINK_STATE_REMOVED;
	if (link_fd == -ENOENT)
		return 0;
	if (link_fd < 0)
		return error_set(error, link_fd, ERROR_KERNEL, "cannot open %s: %s", path,
		                 strerror(-link_fd));
	result = kernel_info(link_fd, &info, sizeof(info));
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot ask for the link at %s: %s",
		                 path, strerror(-result));
	if (info.prog_id == program->kernel_id)
		link->state = LINK_STATE_ATTACHED;
	return 0;
}

const struct attach_type attach_type_tracepoint = {
	.type = PROGRAM_TYPE_TRACEPOINT,
	.check = check_tracepoint,
	.attach = attach_tracepoint,
	.detach = detach_tracepoint,
	.adopt = adopt_tracepoint,
};
