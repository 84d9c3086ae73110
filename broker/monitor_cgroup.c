/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Control groups that vanish while bpfd has links on them. Their parents are watched by inotify: a
 * removal there, whichever it was, is the reason to look at all of these links. A watch stays until
 * its directory goes too; there are no more of them than parents that ever were in use.
 */
#include "broker/attach_types.h"
#include "broker/broker.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static bool on_cgroup(const struct link_entry *link)
{
	return attach_type(link->type) == &attach_type_cgroup && link->state == LINK_STATE_ATTACHED;
}

/* The kernel has ended the link, or will in a moment: its pin goes now. */
static void link_lost(struct broker *broker, uint64_t id)
{
	struct record_link link;
	struct error error;

	if (store_link_get(broker->store, id, &link, &error) < 0)
		return;
	log_info("link %llu: its control group was removed", (unsigned long long)id);
	if (attach_type(link.type)->detach(&broker->attach, &link, &error) < 0)
		log_warning("link %llu: %s", (unsigned long long)id, error.message);
	link.state = LINK_STATE_GONE;
	store_begin(broker->store);
	store_link_put(broker->store, &link);
	if (store_commit(broker->store, &error) < 0)
		log_warning("%s", error.message); /* it is found again at the next start */
	registry_link_put(&broker->registry, &link);
	view_link(broker, &link);
}

/* The path was taken apart when the link was made: it is absolute and tidy. */
static void parent_watch(const struct broker *broker, const struct link_entry *link)
{
	char path[TARGET_PATH_SIZE];
	char *slash;

	memcpy(path, link->target.path, sizeof(path));
	slash = strrchr(path, '/');
	if (!slash || strcmp(path, broker->attach.cgroups.path) == 0)
		return; /* the root goes with its file system */
	*slash = '\0';
	if (inotify_add_watch(broker->cgroup_monitor_fd, path, IN_DELETE | IN_ONLYDIR) < 0 &&
	    errno != ENOENT)
		log_warning("link %llu: that its control group is removed will be seen at the next "
		            "start alone: %s",
		            (unsigned long long)link->id, strerror(errno));
}

void monitor_cgroup_read(struct broker *broker, uint64_t id)
{
	const struct link_entry *link = registry_link(&broker->registry, id);

	if (!link || !on_cgroup(link))
		return;
	parent_watch(broker, link);
	if (cgroup_gone(&broker->attach.cgroups, &link->target))
		link_lost(broker, id);
}

void monitor_cgroup_read_all(struct broker *broker)
{
	for (size_t i = 0; i < broker->registry.link_count; i++)
		monitor_cgroup_read(broker, broker->registry.links[i].id);
}

void monitor_cgroup_ready(struct broker *broker)
{
	char events[4096] __attribute__((aligned(8)));

	/* what they say does not matter, and a lost one neither */
	while (read(broker->cgroup_monitor_fd, events, sizeof(events)) > 0) {
	}
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (on_cgroup(link) && cgroup_gone(&broker->attach.cgroups, &link->target))
			link_lost(broker, link->id);
	}
}
