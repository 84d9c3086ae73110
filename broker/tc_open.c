/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the broker opens once for TC, what it is told of filters, and what it collects. */
#include "broker/dispatcher.h"
#include "broker/kernel.h"
#include "broker/tc_pins.h"
#include "broker/tc_state.h"
#include "common/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEMPLATE_SLOT 0
#define CHANGE_SIZE 16384

/* Loads the dispatcher that components are loaded against, and finds out whether the kernel takes
 * any. */
static int template_open(struct tc *tc, struct error *error)
{
	const struct tc_chain template = { .count = TEMPLATE_SLOT + 1 };
	struct tc_dispatcher_config config;
	_cleanup_close_ int map_fd = -1, program_fd = -1;
	int result;

	tc_config_encode(&template, &config);
	tc->btf_fd = dispatcher_btf_load(&tc_dispatcher_tables, error);
	if (tc->btf_fd < 0)
		return tc->btf_fd;
	result = dispatcher_load(&tc_dispatcher_tables, tc->btf_fd, &config, 0, &program_fd,
	                         &map_fd, error);
	if (result < 0)
		return result;
	tc->extension_errno =
		-dispatcher_extension_try(&tc_dispatcher_tables, tc->btf_fd, program_fd);
	if (!tc->extension_errno)
		tc->template_fd = steal_fd(&program_fd);
	return 0;
}

int tc_open(const struct launcher_settings *settings, struct tc **out, struct error *error)
{
	struct tc *tc = calloc(1, sizeof(*tc));
	int result;

	if (!tc)
		return error_set(error, -ENOMEM, ERROR_KERNEL, "out of memory");
	*tc = (struct tc){
		.settings = settings, .btf_fd = -1, .template_fd = -1, .grace = { -1, -1 }
	};
	result = grace_open(&tc->grace, error);
	if (result == 0)
		result = template_open(tc, error);
	if (result < 0)
		tc_close(tc);
	else
		*out = tc;
	return result;
}

void tc_close(struct tc *tc)
{
	if (!tc)
		return;
	while (tc->known)
		tc_known_drop(tc, &tc->known->chain.place);
	grace_close(&tc->grace);
	close_cleanup(&tc->btf_fd);
	close_cleanup(&tc->template_fd);
	free(tc);
}

int tc_extension_errno(const struct tc *tc)
{
	return tc->extension_errno;
}

int tc_template_fd(const struct tc *tc)
{
	return tc->template_fd;
}

uint32_t tc_template_btf_id(const struct tc *tc)
{
	(void)tc; /* the tables are the same for all */
	return tc_dispatcher_tables.slot_btf_ids[TEMPLATE_SLOT];
}

static bool attached(struct netlink *netlink, const struct tc_place *place, uint32_t id)
{
	struct netlink_filter filter;

	/* what cannot be asked may run */
	return netlink &&
	       (netlink_filter_query(netlink, place->ifindex, place->direction, &filter) < 0 ||
	        (filter.there && filter.program_id == id));
}

int tc_collect(struct tc *tc, struct netlink *netlink, uint32_t netns)
{
	char path[PIN_PATH_SIZE];
	int count = 0;
	DIR *directory;

	(void)snprintf(path, sizeof(path), "%s/dispatchers", tc->settings->bpffs_directory);
	directory = opendir(path);
	if (!directory)
		return -errno;
	for (struct dirent *entry; (entry = readdir(directory));) {
		struct stat status;
		struct tc_place place;
		uint32_t id;

		/* one that was just removed may still be read from the directory */
		if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !tc_pins_name_parse(entry->d_name, &place, &id) || place.netns != netns ||
		    attached(netlink, &place, id))
			continue;
		if (count == 0)
			(void)grace_wait(&tc->grace);
		tc_known_drop(tc, &place);
		tc_pins_remove(tc->settings, &place, id);
		count++;
	}
	(void)closedir(directory);
	return count;
}

int tc_monitor_open(struct netlink *out)
{
	return netlink_open(RTMGRP_TC, out);
}

/* Filters of other preferences are nobody's business here. A qdisc that goes takes its filters with
 * it, without a message for each. */
static bool change_take(const struct netlink_traffic *found, struct tc_change *change)
{
	if (found->filter ? found->preference != TC_FILTER_PREFERENCE || !found->direction
	                  : !found->gone || TC_H_MAJ(found->handle) != TC_H_MAJ(TC_H_CLSACT))
		return false;
	*change = (struct tc_change){ .ifindex = found->ifindex, .direction = found->direction };
	if (!found->gone && found->handle == TC_FILTER_HANDLE)
		change->program_id = found->program_id;
	return true;
}

int tc_monitor_next(const struct netlink *monitor, struct tc_change *change)
{
	unsigned char buffer[CHANGE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct netlink_traffic found;

	for (;;) {
		long length = netlink_receive(monitor, buffer, sizeof(buffer));

		if (length == -EMSGSIZE) /* cannot be read, like one that was dropped */
			return -ENOBUFS;
		if (length < 0)
			return (int)length;
		/* the kernel sends one message in each datagram of this group */
		if (netlink_traffic_parse(buffer, (size_t)length, &found) == 0 &&
		    change_take(&found, change))
			return 0;
	}
}
