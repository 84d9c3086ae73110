/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/tcx/stage.h"
#include "broker/kernel.h"
#include "broker/registry.h"
#include "common/kernel_release.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define GO_ON (-1)

/* As registry_members(), of a table that is in order of id. */
static size_t members(void *state, const struct record_link *link, struct chain_member *out,
                      size_t most)
{
	const struct stage *stage = state;
	size_t count = 0;

	for (unsigned int i = 1; i < STAGE_DIGITS && count < most; i++) {
		const struct record_link *other = &stage->links[i];

		if (i == link->id || other->state != LINK_STATE_ATTACHED)
			continue;
		out[count] = stage->loaded[other->program_id];
		out[count].link_id = i;
		out[count++].priority = (uint32_t)other->target.priority;
	}
	return count;
}

static int program_fd(void *state, uint32_t kernel_id)
{
	const struct stage *stage = state;

	for (size_t i = 1; i < STAGE_DIGITS; i++) {
		if (stage->loaded[i].kernel_id == kernel_id)
			return stage->loaded[i].program_fd;
	}
	return -1;
}

static bool own(void *state, uint32_t kernel_id)
{
	return program_fd(state, kernel_id) >= 0;
}

static void chain_changed(void *state, const struct record_chain *chain)
{
	(void)state;
	(void)chain;
}

static void kernel_needs_tcx(void)
{
	struct utsname name;

	if (uname(&name) < 0 || kernel_release_is(name.release, 6, 6))
		return;
	printf("SKIP: tcx needs Linux 6.6, this is %s\n", name.release);
	exit(SKIPPED);
}

void stage_open(struct stage *stage)
{
	struct error error = {};

	kernel_needs_tcx();
	host_open(&stage->host);
	assert_int_equal(mkdir(BPFFS "/bpfd/links", 0700) < 0 && errno != EEXIST, 0);
	assert_int_equal(netlink_open(0, &stage->netlink), 0);
	stage->context = (struct attach_context){ .settings = &stage->host.settings,
		                                  .netlink = &stage->netlink,
		                                  .netns_fd = -1,
		                                  .state = stage,
		                                  .members = members,
		                                  .own = own,
		                                  .program_fd = program_fd,
		                                  .chain_changed = chain_changed };
	assert_int_equal(grace_open(&stage->context.grace, &error), 0);
	for (unsigned int i = 1; i < STAGE_DIGITS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		(void)tc_program_load(&stage->host, NULL, name, i, GO_ON, &stage->loaded[i]);
		stage->programs[i].id = i;
		memcpy(stage->programs[i].name, name, sizeof(name));
		stage->programs[i].type = PROGRAM_TYPE_TCX;
		assert_int_equal(
			kernel_program_info(stage->loaded[i].program_fd, &stage->programs[i]), 0);
	}
}

static int said(struct stage *stage, int result, const struct error *error)
{
	memcpy(stage->message, error->message, sizeof(stage->message));
	return result;
}

int stage_attach(struct stage *stage, unsigned int digit, int32_t priority)
{
	struct record_link link = {
		.id = digit,
		.program_id = digit,
		.type = PROGRAM_TYPE_TCX,
		.state = LINK_STATE_ATTACHED,
		.target = { .interface = "in",
		            .ifindex = stage->host.ifindex,
		            .direction = DIRECTION_INGRESS,
		            .priority = priority },
	};
	struct error error = {};
	int result = attach_type(PROGRAM_TYPE_TCX)
	                     ->attach(&stage->context, &stage->programs[digit],
	                              stage->loaded[digit].program_fd, &link, &error);

	if (result == 0)
		stage->links[digit] = link;
	return said(stage, result, &error);
}

int stage_detach(struct stage *stage, unsigned int id)
{
	const struct record_link link = stage->links[id];
	struct error error = {};

	stage->links[id].state = LINK_STATE_DETACHING;
	return said(stage, attach_type(PROGRAM_TYPE_TCX)->detach(&stage->context, &link, &error),
	            &error);
}

int stage_update(struct stage *stage, unsigned int id, int32_t priority, unsigned int digit)
{
	struct record_link link = stage->links[id];
	struct error error = {};
	uint32_t runs = stage->loaded[link.program_id].kernel_id;
	int result;

	link.target.priority = priority;
	if (digit)
		link.program_id = digit;
	result = attach_type(PROGRAM_TYPE_TCX)
	                 ->update(&stage->context, &stage->programs[link.program_id],
	                          stage->loaded[link.program_id].program_fd, runs, &link, &error);
	if (result == 0)
		stage->links[id] = link;
	return said(stage, result, &error);
}

int stage_restore(struct stage *stage, unsigned int id)
{
	const struct attach_type *type = attach_type(PROGRAM_TYPE_TCX);
	struct record_link link = stage->links[id];
	const struct record_program *program = &stage->programs[link.program_id];
	int fd = stage->loaded[link.program_id].program_fd;
	struct error error = {};
	int result = type->adopt(&stage->context, program, fd, &link, &error);

	link = stage->links[id];
	if (result == 0)
		result = type->update(&stage->context, program, fd, program->kernel_id, &link,
		                      &error);
	return said(stage, result, &error);
}
