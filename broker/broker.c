/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include "broker/kernel.h"
#include "broker/map_access.h"
#include "broker/objects.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <fcntl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

/* Descriptors for all else than programs: dispatchers, sessions and what they load, the store. */
#define DESCRIPTORS_RESERVED 512

/* A frontend that takes no row for so long is broken. */
#define FRONTEND_SEND_TIMEOUT_S 30

uint64_t clock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

static size_t members_list(void *state, const struct record_link *link,
                           struct chain_member *members, size_t most)
{
	return registry_members(&((const struct broker *)state)->registry, link, members, most);
}

static bool kernel_id_own(void *state, uint32_t kernel_id)
{
	return registry_owns_kernel_id(&((const struct broker *)state)->registry, kernel_id);
}

static int program_fd_find(void *state, uint32_t kernel_id)
{
	const struct registry *registry = &((const struct broker *)state)->registry;

	for (size_t i = 0; i < registry->program_count; i++) {
		if (registry->programs[i].kernel_id == kernel_id)
			return registry->programs[i].fd;
	}
	return -1;
}

static int32_t link_priority(void *state, uint64_t link_id)
{
	const struct link_entry *link =
		registry_link(&((const struct broker *)state)->registry, link_id);

	return link ? link->target.priority : 0;
}

static void chain_changed(void *state, const struct record_chain *chain)
{
	struct broker *broker = state;

	bool xdp = chain->type == PROGRAM_TYPE_XDP;

	/* what is remembered of TC, its engine remembers */
	if (xdp && registry_reserve(&broker->registry, 0, 0, 1) == 0)
		registry_chain_put(&broker->registry, chain);
	if (chain->type == PROGRAM_TYPE_TCX || chain->type == PROGRAM_TYPE_NETKIT)
		monitor_tcx_begin(broker);
	if (!xdp && !chain->count)
		view_gone(broker, FRONTEND_GONE_CHAIN,
		          RECORD_CHAIN_ID(chain->type, chain->netns, chain->ifindex,
		                          chain->direction));
	else
		view_chain(broker, chain);
}

/* How many processors the kernel counts, by which it copies the values of per-CPU maps; 0 if that
 * cannot be read. The C library's own count may fall back to a lower one. `end` is one above the
 * last of them. */
static uint32_t map_cpus_read(uint32_t *end)
{
	_cleanup_close_ int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	char text[256] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return 0;
	return map_cpus_parse(text, end);
}

static void host_look_up(struct broker *broker)
{
	struct record_status *status = &broker->status;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct utsname name;

	broker->possible_cpus = cpus > 0 ? (uint32_t)cpus : 0;
	broker->attach.cpus_end = broker->possible_cpus;
	broker->map_cpus = map_cpus_read(&broker->attach.cpus_end);
	/* what refuses the question refuses programs: then there is nothing to keep */
	broker->attach.perf_links = kernel_perf_links() != 0;
	status->perf_link = broker->attach.perf_links;
	status->extension_errno = xdp_extension_errno(broker->xdp);
	status->extension_programs = status->extension_errno == 0;
	status->opener = broker->attach.opener != NULL;
	status->store_copy = 1; /* until one fails */
	status->images = broker->settings.images > 0;
	status->signed_only = broker->settings.signed_only;
	status->image_rules = broker->settings.image_rules;
	status->statistics = kernel_statistics_always(&broker->lists) ? RECORD_STATISTICS_ALWAYS
	                     : status->opener                         ? RECORD_STATISTICS_WATCHED
	                                                              : RECORD_STATISTICS_NONE;
	status->started_at_s = clock_now_s();
	if (uname(&name) == 0)
		(void)snprintf(status->kernel_release, sizeof(status->kernel_release), "%.63s",
		               name.release);
}

static void channels_open(struct broker *broker, const struct broker_descriptors *descriptors)
{
	struct timeval timeout = { .tv_sec = FRONTEND_SEND_TIMEOUT_S };

	broker->launcher =
		(struct channel){ descriptors->launcher_fd, CHANNEL_LOWER, &channel_launcher };
	broker->frontend =
		(struct channel){ descriptors->frontend_fd, CHANNEL_LOWER, &channel_frontend };
	broker->opener.channel =
		(struct channel){ descriptors->opener_fd, CHANNEL_UPPER, &channel_opener };
	broker->latency.fd = descriptors->latency_fd;
	broker->launcher_state = LAUNCHER_STATE_STARTING;
	(void)setsockopt(broker->frontend.fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	broker->attach = (struct attach_context){
		.settings = &broker->settings,
		.opener = descriptors->opener_fd >= 0 ? &broker->opener : NULL,
		.state = broker,
		.members = members_list,
		.priority = link_priority,
		.own = kernel_id_own,
		.program_fd = program_fd_find,
		.cgroups = { .root_fd = -1 },
		.netns_fd = -1,
		.grace = { -1, -1 },
		.chain_changed = chain_changed,
	};
}

/* The broker holds a descriptor of every program, and of perf events where they cannot be pinned:
 * no more programs are promised than it may open. */
static void programs_limit(struct launcher_settings *settings, bool perf_links)
{
	const rlim_t reserved = DESCRIPTORS_RESERVED + (perf_links ? 0 : PERF_EVENTS_MAX);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= reserved ||
	    settings->programs_max <= limit.rlim_cur - reserved)
		return;
	log_warning("%u programs are more than the limit of open files (%llu) allows: the limit is "
	            "%llu",
	            settings->programs_max, (unsigned long long)limit.rlim_cur,
	            (unsigned long long)(limit.rlim_cur - reserved));
	settings->programs_max = (uint32_t)(limit.rlim_cur - reserved);
}

static int live_store_open(struct broker *broker, struct error *error)
{
	char directory[sizeof(broker->settings.runtime_directory) + sizeof("/broker")];

	(void)snprintf(directory, sizeof(directory), "%s/broker",
	               broker->settings.runtime_directory);
	return store_open(directory, broker->settings.state_directory, STORE_MAP_SIZE,
	                  &broker->store, error);
}

static int tc_start(struct broker *broker, struct error *error)
{
	int result = netlink_open(0, &broker->netlink);

	if (!result)
		result = tc_monitor_open(&broker->tc_monitor);
	if (result)
		return error_set(error, result, ERROR_KERNEL, "cannot open a netlink socket: %s",
		                 strerror(-result));
	return tc_open(&broker->settings, &broker->tc, error);
}

/* What the sandbox lets nobody open later. */
static int places_open(struct broker *broker, struct error *error)
{
	struct attach_context *attach = &broker->attach;

	cgroup_tree_open(&attach->cgroups);
	broker->cgroup_monitor_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (broker->cgroup_monitor_fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "inotify cannot be had: %s",
		                 strerror(errno));
	attach->netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (attach->netns_fd < 0)
		return error_set(
			error, -errno, ERROR_KERNEL,
			"bpfd's network namespace cannot be opened (%s): is /proc mounted?",
			strerror(errno));
	return grace_open(&attach->grace, error);
}

int broker_open(const struct launcher_settings *settings,
                const struct broker_descriptors *descriptors, struct broker **out,
                struct error *error)
{
	void *heap = sbrk(0); /* nothing was allocated before */
	struct broker *broker = calloc(1, sizeof(*broker));
	int result;

	if (!broker)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory for the broker");
	broker->heap = heap;
	broker->settings = *settings;
	kernel_lists_open(&broker->lists);
	verifiers_open(&broker->verifiers);
	broker->epoll_fd = broker->signal_fd = broker->objects_fd = -1;
	broker->netlink.fd = broker->tc_monitor.fd = broker->cgroup_monitor_fd = -1;
	channels_open(broker, descriptors);
	result = places_open(broker, error);
	if (!result)
		result = live_store_open(broker, error);
	if (!result) {
		broker->objects_fd = objects_open(broker->settings.state_directory, error);
		result = broker->objects_fd < 0 ? broker->objects_fd : 0;
	}
	if (!result)
		result = xdp_open(&broker->settings, broker->attach.opener, &broker->xdp, error);
	if (!result)
		result = tc_start(broker, error);
	broker->attach.xdp = broker->xdp;
	broker->attach.tc = broker->tc;
	broker->attach.netlink = &broker->netlink;
	if (!result) {
		result = loop_open(broker);
		if (result)
			(void)error_set(error, result, ERROR_INTERNAL,
			                "the event loop cannot be made: %s", strerror(-result));
	}
	if (result) {
		broker_close(broker);
		return result;
	}
	host_look_up(broker);
	programs_limit(&broker->settings, broker->attach.perf_links);
	*out = broker;
	return 0;
}

int broker_start(struct broker *broker, uint32_t landlock_abi, struct error *error)
{
	int result = reconcile_run(broker, error);

	broker->status.landlock_abi = landlock_abi;
	if (result)
		return result;
	/* Before any id is given. Not before the store was read: a damaged one replaces no copy. */
	(void)copies_now(broker, false, error);
	persist_collect(broker);
	loads_start_session(broker);
	restore_begin(broker);
	return broker->failed ? error_set(error, -EPIPE, ERROR_INTERNAL, "bpfd cannot be ready")
	                      : 0;
}

void broker_ready(struct broker *broker)
{
	struct launcher_ready ready = { .landlock_abi = broker->status.landlock_abi };
	struct error error = {};
	int result = view_send_all(broker, &error);

	if (!result && !broker->failed)
		result = channel_send(&broker->launcher, LAUNCHER_READY, 0, &ready, NULL);
	broker->launcher_state = LAUNCHER_STATE_RUNNING;
	if (!result)
		return;
	log_error("cannot be ready: %s", error.message[0] ? error.message : strerror(-result));
	broker->failed = true;
}

void broker_close(struct broker *broker)
{
	if (!broker)
		return;
	loads_close(broker);
	verifiers_close(broker);
	kernel_lists_close(&broker->lists);
	xdp_close(broker->xdp);
	tc_close(broker->tc);
	netlink_close(&broker->netlink);
	netlink_close(&broker->tc_monitor);
	registry_clear(&broker->registry);
	perf_events_close(&broker->attach.events);
	store_close(broker->store);
	if (broker->epoll_fd >= 0)
		(void)close(broker->epoll_fd);
	if (broker->signal_fd >= 0)
		(void)close(broker->signal_fd);
	if (broker->objects_fd >= 0)
		(void)close(broker->objects_fd);
	(void)close(broker->launcher.fd);
	(void)close(broker->frontend.fd);
	cgroup_tree_close(&broker->attach.cgroups);
	grace_close(&broker->attach.grace);
	if (broker->cgroup_monitor_fd >= 0)
		(void)close(broker->cgroup_monitor_fd);
	if (broker->attach.netns_fd >= 0)
		(void)close(broker->attach.netns_fd);
	if (broker->opener.channel.fd >= 0)
		(void)close(broker->opener.channel.fd);
	if (broker->latency.fd >= 0)
		(void)close(broker->latency.fd);
	free(broker->netns.seen);
	free(broker);
}
