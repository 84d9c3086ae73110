/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/attach_link.h"

#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int pin_error(struct error *error, int result, const char *path)
{
	return error_set(error, result, ERROR_KERNEL, "cannot pin the link at %s: %s", path,
	                 strerror(-result));
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
	char path[LINK_PIN_PATH_SIZE];
	int result = attach_type(link->type)->make(context, program, program_fd, link, error);

	if (result < 0)
		return result;
	link_fd = result;
	link_pin_path(context->settings, link->id, path);
	result = kernel_pin(link_fd, path);
	return result < 0 ? pin_error(error, result, path) : 0;
}

int attach_link_detach(struct attach_context *context, const struct record_link *link,
                       struct error *error)
{
	char path[LINK_PIN_PATH_SIZE];

	link_pins_fresh_remove(context->settings, link->id);
	link_pin_path(context->settings, link->id, path);
	_cleanup_close_ int link_fd = kernel_pin_open(path);

	/* where the kernel can, now: a link without its pin ends a little later */
	if (link_fd >= 0)
		(void)kernel_link_detach(link_fd);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(error, -errno, ERROR_KERNEL, "cannot remove %s: %s", path,
		                 strerror(errno));
	return 0;
}

/* Opens the link and asks what runs behind it. The descriptor, or -errno with `error`. */
static int link_look_up(const struct attach_context *context, const struct record_link *link,
                        struct bpf_link_info *info, struct error *error)
{
	char path[LINK_PIN_PATH_SIZE];
	int result;

	link_pin_path(context->settings, link->id, path);
	_cleanup_close_ int link_fd = kernel_pin_open(path);

	if (link_fd < 0)
		return error_set(error, link_fd, ERROR_KERNEL, "cannot open %s: %s", path,
		                 strerror(-link_fd));
	memset(info, 0, sizeof(*info));
	result = kernel_info(link_fd, info, sizeof(*info));
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot ask for the link at %s: %s",
		                 path, strerror(-result));
	return steal_fd(&link_fd);
}

static int link_replace(const struct record_program *program, int program_fd, int link_fd,
                        const struct record_link *link, struct error *error)
{
	int result = kernel_link_update(link_fd, program_fd);

	if (result < 0)
		return error_set(error, result, ERROR_KERNEL,
		                 "the kernel refuses to put program \"%s\" behind link %llu: %s",
		                 program->name, (unsigned long long)link->id, strerror(-result));
	return 0;
}

int attach_link_replace(const struct attach_context *context, uint64_t id, int link_fd,
                        struct error *error)
{
	char path[LINK_PIN_PATH_SIZE], fresh[LINK_PIN_PATH_SIZE];
	int result;

	link_pins_fresh_remove(context->settings, id);
	link_pin_path(context->settings, id, path);
	link_pin_fresh_path(context->settings, id, fresh);
	result = kernel_pin(link_fd, fresh);
	if (result < 0)
		return pin_error(error, result, fresh);

	_cleanup_close_ int old_fd = kernel_pin_open(path);

	if (renameat(AT_FDCWD, fresh, AT_FDCWD, path) < 0) {
		result = -errno;
		(void)unlink(fresh);
		return pin_error(error, result, path);
	}
	if (old_fd >= 0)
		(void)kernel_link_detach(old_fd); /* now, as above */
	return 0;
}

int attach_link_succeed(struct attach_context *context, const struct record_program *program,
                        int program_fd, struct record_link *link, struct error *error)
{
	_cleanup_close_ int link_fd = -1;
	int result = attach_type(link->type)->make(context, program, program_fd, link, error);

	if (result < 0)
		return result;
	link_fd = result;
	return attach_link_replace(context, link->id, link_fd, error);
}

int attach_link_update(struct attach_context *context, const struct record_program *program,
                       int program_fd, uint32_t runs, struct record_link *link, struct error *error)
{
	struct bpf_link_info info = {};
	_cleanup_close_ int link_fd = link_look_up(context, link, &info, error);

	if (link_fd < 0)
		return link_fd;
	link_pins_fresh_remove(context->settings, link->id);
	if (info.prog_id == program->kernel_id && runs != program->kernel_id)
		return 0;
	if (attach_type(link->type)->replaces && info.prog_id != program->kernel_id)
		return link_replace(program, program_fd, link_fd, link, error);
	return attach_link_succeed(context, program, program_fd, link, error);
}

/* The kernel says so of links whose control group or network namespace ended under them. */
static bool place_gone(const struct bpf_link_info *info)
{
	switch (info->type) {
	case BPF_LINK_TYPE_CGROUP:
		return info->cgroup.cgroup_id == 0;
	case BPF_LINK_TYPE_NETNS:
		return info->netns.netns_ino == 0;
	default:
		return false;
	}
}

int attach_link_open(const struct attach_context *context, const struct record_link *link)
{
	char path[LINK_PIN_PATH_SIZE];

	link_pin_path(context->settings, link->id, path);
	return kernel_pin_open(path);
}

int attach_link_adopt(struct attach_context *context, const struct record_program *program,
                      int program_fd, struct record_link *link, struct error *error)
{
	struct error why;
	struct bpf_link_info info = {};
	char path[LINK_PIN_PATH_SIZE];
	_cleanup_close_ int link_fd = link_look_up(context, link, &info, &why);

	(void)program_fd;
	link_pins_fresh_remove(context->settings, link->id);
	link->state = LINK_STATE_REMOVED;
	if (link_fd == -ENOENT)
		return 0;
	if (link_fd < 0) {
		*error = why;
		return link_fd;
	}
	if (info.prog_id == program->kernel_id)
		link->state = LINK_STATE_ATTACHED;
	if (!place_gone(&info))
		return 0;
	/* nobody takes off what is gone: its pin goes now */
	link->state = LINK_STATE_GONE;
	link_pin_path(context->settings, link->id, path);
	(void)unlink(path);
	return 0;
}
