/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs of a control group: the kernel runs all of one type that are attached to it, those of
 * its parents after them. Lower priorities run first, ties by link id. From Linux 6.17 a link is
 * put right before the one that follows it. Before, the kernel appends: then the links that follow
 * are made anew behind it and take the places of the old ones, so that no program is missing at any
 * time; for a moment one may run twice. What others attached keeps its order.
 */
#include "broker/attach_link.h"
#include "broker/attach_types.h"
#include "broker/kernel.h"
#include "broker/link_pins.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/target.h"

#include <errno.h>
#include <string.h>

#define PROGRAMS_MAX 64 /* of one type on a control group: the kernel's BPF_CGROUP_MAX_PROGS */

/* The links that run after another one at the same place. */
struct followers {
	struct chain_member members[PROGRAMS_MAX + 1];
	const struct chain_member *rows; /* the first of them that follows */
	size_t count;
};

static int cgroup_check(struct attach_context *context, const struct record_program *program,
                        struct record_link *link, struct error *error)
{
	int fd = cgroup_open(&context->cgroups, link->target.path, &link->target.netns_id, error);

	(void)program;
	if (fd < 0)
		return fd;
	(void)close(fd);
	if (!(link->target.given & TARGET_BIT(TARGET_PRIORITY)))
		link->target.priority = PRIORITY_DEFAULT;
	link->target.given |= TARGET_BIT(TARGET_PRIORITY); /* it is shown, even 0 */
	return 0;
}

static int cgroup_attach_error(struct error *error, int result,
                               const struct record_program *program, const struct record_link *link)
{
	const char *type = program_type_row(link->type)->name;
	char shown[TARGET_PATH_SIZE * 4 + 1];

	(void)log_escape(link->target.path, shown, sizeof(shown));
	switch (result) {
	case -E2BIG:
		return error_set(error, result, ERROR_LIMIT,
		                 "control group \"%.200s\" has %d %s programs, and the kernel "
		                 "takes no more: detach one",
		                 shown, PROGRAMS_MAX, type);
	case -EPERM:
		return error_set(error, result, ERROR_BUSY,
		                 "somebody else attached a %s program to control group \"%.200s\", "
		                 "or to one above it, in a way that allows no others there: see "
		                 "\"bpftool cgroup tree\"",
		                 type, shown);
	case -ENODEV:
	case -ENOENT:
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "control group \"%.200s\" was removed just now", shown);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "cannot attach %s program \"%s\" to control group \"%.200s\": %s",
		                 type, program->name, shown, strerror(-result));
	}
}

/* Puts the link before the first that follows it, if the kernel can. -EINVAL where it cannot. */
static int link_before(struct attach_context *context, const struct followers *followers,
                       int program_fd, int cgroup_fd, uint32_t attach_type)
{
	_cleanup_close_ int next_fd = -1;
	char path[LINK_PIN_PATH_SIZE];

	link_pin_path(context->settings, followers->rows[0].link_id, path);
	next_fd = kernel_pin_open(path);
	return next_fd < 0 ? -EINVAL
	                   : kernel_link_cgroup_before(program_fd, cgroup_fd, attach_type, next_fd);
}

/*
 * Makes a new link for each that follows, behind the one just made, and ends the old one: one after
 * the other, for the kernel may have no room for all of them twice. When the first cannot be made,
 * nothing has changed; afterwards there is always room for one.
 */
static int followers_move(struct attach_context *context, const struct followers *followers,
                          int cgroup_fd, uint32_t attach_type)
{
	for (size_t i = 0; i < followers->count; i++) {
		const struct chain_member *row = &followers->rows[i];
		_cleanup_close_ int fd =
			kernel_link_create(row->program_fd, cgroup_fd, attach_type);
		struct error error = {};

		if (fd < 0 && i == 0)
			return fd;
		if (fd < 0)
			(void)error_set(&error, fd, ERROR_KERNEL, "%s", strerror(-fd));
		if (fd >= 0 && attach_link_replace(context, row->link_id, fd, &error) == 0)
			continue;
		/* it goes on running where it was */
		log_warning("link %llu runs earlier than its priority says: %s",
		            (unsigned long long)row->link_id, error.message);
	}
	return 0;
}

/* Appends the link; what follows it is then moved behind it. */
static int link_append(struct attach_context *context, const struct followers *followers,
                       int program_fd, int cgroup_fd, uint32_t attach_type)
{
	_cleanup_close_ int link_fd = kernel_link_create(program_fd, cgroup_fd, attach_type);
	int result = link_fd;

	if (link_fd >= 0)
		result = followers_move(context, followers, cgroup_fd, attach_type);
	return result < 0 ? result : steal_fd(&link_fd);
}

static void followers_find(struct attach_context *context, const struct record_link *link,
                           struct followers *followers)
{
	const struct chain_member own = { .link_id = link->id,
		                          .priority = (uint32_t)link->target.priority };
	size_t count = context->members(context->state, link, followers->members, PROGRAMS_MAX + 1);

	followers->rows = followers->members;
	followers->count = count;
	while (followers->count && chain_member_before(followers->rows, &own)) {
		followers->rows++;
		followers->count--;
	}
}

static int make_cgroup(struct attach_context *context, const struct record_program *program,
                       int program_fd, struct record_link *link, struct error *error)
{
	uint32_t attach_type = program_type_row(link->type)->attach_type;
	struct followers followers;
	uint64_t id = 0;
	_cleanup_close_ int cgroup_fd =
		cgroup_open(&context->cgroups, link->target.path, &id, error);
	int result = -EINVAL;

	if (cgroup_fd < 0)
		return cgroup_fd;
	if (id != link->target.netns_id)
		return cgroup_attach_error(error, -ENOENT, program, link);
	followers_find(context, link, &followers);
	if (followers.count > PROGRAMS_MAX)
		return cgroup_attach_error(error, -E2BIG, program, link);
	if (followers.count)
		result = link_before(context, &followers, program_fd, cgroup_fd, attach_type);
	if (result == -EINVAL)
		result = link_append(context, &followers, program_fd, cgroup_fd, attach_type);
	return result < 0 ? cgroup_attach_error(error, result, program, link) : result;
}

static int adopt_cgroup(struct attach_context *context, const struct record_program *program,
                        int program_fd, struct record_link *link, struct error *error)
{
	int result = attach_link_adopt(context, program, program_fd, link, error);

	if (result || link->state != LINK_STATE_ATTACHED ||
	    !cgroup_gone(&context->cgroups, &link->target))
		return result;
	link->state = LINK_STATE_GONE;
	return attach_link_detach(context, link, error);
}

/* Another program goes behind the same link; another priority needs a link at another place. */
static int update_cgroup(struct attach_context *context, const struct record_program *program,
                         int program_fd, uint32_t runs, struct record_link *link,
                         struct error *error)
{
	if (context->priority(context->state, link->id) == link->target.priority)
		return attach_link_update(context, program, program_fd, runs, link, error);
	return attach_link_succeed(context, program, program_fd, link, error);
}

const struct attach_type attach_type_cgroup = {
	.check = cgroup_check,
	.attach = attach_link_attach,
	.detach = attach_link_detach,
	.make = make_cgroup,
	.update = update_cgroup,
	.replaces = true,
	.adopt = adopt_cgroup,
};
