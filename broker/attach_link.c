/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/attach_link.h"

#include "broker/kernel.h"
#include "broker/xdp_pins.h"
#include "common/cleanup.h"

#include <stdio.h>
#include <string.h>

static void link_path(const struct attach_context *context, const struct record_link *link,
                      char *out)
{
	(void)snprintf(out, PIN_PATH_SIZE, "%s/links/%llu", context->settings->bpffs_directory,
	               (unsigned long long)link->id);
}

int attach_link_check(struct attach_context *context, const struct record_program *program,
                      struct record_link *link, struct error *error)
{
	(void)context;
	(void)program;
	(void)link;
	(void)error;
	return 0; /* target_check() saw all that can be seen before */
}

int attach_link_attach(struct attach_context *context, const struct record_program *program,
                       int program_fd, struct record_link *link, struct error *error)
{
	_cleanup_close_ int link_fd = -1;
	char path[PIN_PATH_SIZE];
	int result = attach_type(link->type)->make(context, program, program_fd, link, error);

	if (result < 0)
		return result;
	link_fd = result;
	link_path(context, link, path);
	result = kernel_pin(link_fd, path);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot pin the link at %s: %s", path,
		                 strerror(-result));
	return 0;
}

int attach_link_detach(struct attach_context *context, const struct record_link *link,
                       struct error *error)
{
	char path[PIN_PATH_SIZE];

	link_path(context, link, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(error, -errno, ERROR_KERNEL, "cannot remove %s: %s", path,
		                 strerror(errno));
	return 0;
}

int attach_link_adopt(struct attach_context *context, const struct record_program *program,
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
