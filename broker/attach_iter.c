/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * BPF iterators: a program that writes text about each of a kind of objects. Its link is pinned a
 * second time, at <bpffs>/iters/<id>, where members of bpfd's group read it as a file: each read
 * runs the program. The second pin is made last and removed first, so that the first one tells of
 * it.
 */
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "broker/own_pins.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int iter_error(struct error *error, int result, const struct record_program *program)
{
	if (strcmp(program->target, "bpf_map_elem") == 0 ||
	    strcmp(program->target, "bpf_sk_storage_map") == 0 ||
	    strcmp(program->target, "sockmap") == 0)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "iterator %s reads one map, which bpfd cannot give it yet",
		                 program->target);
	return error_set(error, result, ERROR_KERNEL, "cannot attach iter program \"%s\" to %s: %s",
	                 program->name, program->target, strerror(-result));
}

static int make_iter(struct attach_context *context, const struct record_program *program,
                     int program_fd, struct record_link *link, struct error *error)
{
	int result = kernel_link_create(program_fd, 0, program_type_row(link->type)->attach_type);

	(void)context;
	return result < 0 ? iter_error(error, result, program) : result;
}

/* The kernel pins with mode 0600; the group comes from the setgid directory. */
static int iter_publish(const struct attach_context *context, const struct record_link *link,
                        struct error *error)
{
	char path[LINK_PIN_PATH_SIZE], file[OWN_PIN_PATH_SIZE];
	_cleanup_close_ int link_fd = -1;
	int result;

	link_pin_path(context->settings, link->id, path);
	own_pin_iter_path(context->settings, link->id, file);
	link_fd = kernel_pin_open(path);
	result = link_fd < 0 ? link_fd : kernel_pin(link_fd, file);
	if (!result && chmod(file, 0440) < 0)
		result = -errno;
	if (result)
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot make the iterator's file %s: %s", file, strerror(-result));
	return 0;
}

static int iter_detach(struct attach_context *context, const struct record_link *link,
                       struct error *error)
{
	char file[OWN_PIN_PATH_SIZE];

	own_pin_iter_path(context->settings, link->id, file);
	if (unlink(file) < 0 && errno != ENOENT)
		return error_set(error, -errno, ERROR_KERNEL, "cannot remove %s: %s", file,
		                 strerror(errno));
	return attach_link_detach(context, link, error);
}

static int iter_attach(struct attach_context *context, const struct record_program *program,
                       int program_fd, struct record_link *link, struct error *error)
{
	struct error ignored;
	int result = attach_link_attach(context, program, program_fd, link, error);

	if (result)
		return result;
	result = iter_publish(context, link, error);
	if (result)
		(void)iter_detach(context, link, &ignored);
	return result;
}

const struct attach_type attach_type_iter = {
	.check = attach_link_check,
	.attach = iter_attach,
	.detach = iter_detach,
	.make = make_iter,
	.update = attach_link_update,
	.replaces = true,
	.adopt = attach_link_adopt,
};
