/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One thread, one epoll set, one event at a time: a handler may close what a later event of a batch
 * would be about. */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What can wait is done once nothing has happened for so long. */
#define QUIET_MS 1000

/* How long the launcher's STOP may come after the end of a sibling that it stopped. */
#define STOP_WAIT_MS 200

enum loop_source {
	SOURCE_LAUNCHER,
	SOURCE_FRONTEND,
	SOURCE_OPENER,
	SOURCE_SIGNAL,
	SOURCE_MONITOR,
	SOURCE_TC_MONITOR,
	SOURCE_CGROUP_MONITOR,
	SOURCE_SLOT, /* and those that follow: the slots of the load sessions */
	SOURCE_VERIFIER = SOURCE_SLOT + LOAD_SLOTS /* and those that follow: of the verifiers */
};

static int watch(const struct broker *broker, int fd, uint64_t source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = source };

	if (epoll_ctl(broker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

static int signals_open(struct broker *broker)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	broker->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (broker->signal_fd < 0)
		return -errno;
	return watch(broker, broker->signal_fd, SOURCE_SIGNAL, EPOLLIN);
}

int loop_open(struct broker *broker)
{
	int result;

	broker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (broker->epoll_fd < 0)
		return -errno;
	result = watch(broker, broker->launcher.fd, SOURCE_LAUNCHER, EPOLLIN);
	if (!result)
		result = watch(broker, broker->frontend.fd, SOURCE_FRONTEND, EPOLLIN);
	if (!result)
		result = watch(broker, xdp_monitor_fd(broker->xdp), SOURCE_MONITOR, EPOLLIN);
	if (!result)
		result = watch(broker, broker->tc_monitor.fd, SOURCE_TC_MONITOR, EPOLLIN);
	if (!result)
		result = watch(broker, broker->cgroup_monitor_fd, SOURCE_CGROUP_MONITOR, EPOLLIN);
	/* The opener speaks only when asked: here its end alone matters, which needs no event mask.
	 */
	if (!result && broker->attach.opener)
		result = watch(broker, broker->opener.channel.fd, SOURCE_OPENER, 0);
	return result ? result : signals_open(broker);
}

int loop_watch_slot(struct broker *broker, size_t slot)
{
	return watch(broker, session_fd(broker->loads.slots[slot].session), SOURCE_SLOT + slot,
	             EPOLLIN);
}

int loop_watch_verifier(struct broker *broker, size_t slot)
{
	return watch(broker, broker->verifiers.slots[slot].channel.fd, SOURCE_VERIFIER + slot,
	             EPOLLIN);
}

static int launcher_stop(struct broker *broker, const struct channel_message *message)
{
	(void)message;
	broker->stopping = true;
	return 0;
}

/* Who speaks with the worker sees the end of its channel and says so: this is for the log. */
static int launcher_worker_gone(struct broker *broker, const struct channel_message *message)
{
	const struct launcher_worker_gone *gone = message->body;

	(void)broker;
	if (WIFSIGNALED(gone->wait_status) && WTERMSIG(gone->wait_status) != SIGKILL)
		log_warning("a worker (pid %u) was ended by signal %d", gone->pid,
		            WTERMSIG(gone->wait_status));
	return 0;
}

/* SETTINGS came before the loop: a second one has no row here. */
static int (*const launcher_handlers[])(struct broker *broker,
                                        const struct channel_message *message) = {
	[LAUNCHER_WORKER_GONE] = launcher_worker_gone,
	[LAUNCHER_STOP] = launcher_stop,
	[LAUNCHER_RULES] = rules_take,
};

static int launcher_ready(struct broker *broker)
{
	struct channel_message message;
	int result = channel_receive(&broker->launcher, broker->launcher_state, &broker->buffer,
	                             &message);

	if (result) {
		log_error("the launcher's channel ended: %s", strerror(-result));
		return result;
	}
	if (!launcher_handlers[message.row->type])
		return -EPROTO;
	return launcher_handlers[message.row->type](broker, &message);
}

/*
 * At a stop a sibling may be gone before the launcher's word was read: then its end is no failure.
 * Waits a moment for that word, and gives back `result` if it does not come.
 */
static int sibling_ended(struct broker *broker, const char *who, int result)
{
	struct pollfd launcher = { .fd = broker->launcher.fd, .events = POLLIN };

	while (!broker->stopping && poll(&launcher, 1, STOP_WAIT_MS) > 0) {
		if (launcher_ready(broker) < 0)
			return result;
	}
	if (broker->stopping)
		return 0;
	log_error("the %s's channel %s", who, result == -EPIPE ? "ended" : "is broken");
	return result;
}

static int frontend_ready(struct broker *broker)
{
	struct channel_message message;
	int result =
		channel_receive(&broker->frontend, FRONTEND_STATE_READY, &broker->buffer, &message);

	if (result)
		return sibling_ended(broker, "frontend", result);
	result = request_dispatch(broker, &message);
	channel_message_close(&message);
	return result;
}

static void child_report(pid_t pid, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		log_error("a gate (pid %d) was ended by signal %d", (int)pid, WTERMSIG(status));
}

/* Gates end when their session does; their sessions notice by themselves, here they are only
 * reaped. */
static void signal_ready(struct broker *broker)
{
	struct signalfd_siginfo information;
	int status;
	pid_t pid;

	while (read(broker->signal_fd, &information, sizeof(information)) == sizeof(information)) {
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_report(pid, status);
}

static int source_ready(struct broker *broker, uint64_t source)
{
	switch (source) {
	case SOURCE_LAUNCHER:
		return launcher_ready(broker);
	case SOURCE_FRONTEND:
		return frontend_ready(broker);
	case SOURCE_OPENER:
		return sibling_ended(broker, "opener", -EPIPE);
	case SOURCE_SIGNAL:
		signal_ready(broker);
		return 0;
	case SOURCE_MONITOR:
		monitor_ready(broker);
		return 0;
	case SOURCE_TC_MONITOR:
		monitor_tc_ready(broker);
		return 0;
	case SOURCE_CGROUP_MONITOR:
		monitor_cgroup_ready(broker);
		return 0;
	default:
		if (source >= SOURCE_VERIFIER)
			verifier_ready(broker, source - SOURCE_VERIFIER);
		else
			loads_session_ready(broker, source - SOURCE_SLOT);
		return 0;
	}
}

static void quiet(struct broker *broker)
{
	copies_idle(broker);
	if (broker->collect &&
	    (xdp_collect(broker->xdp) < 0 || tc_collect(broker->tc, &broker->netlink, 0) < 0))
		log_warning("left-over dispatcher pins could not all be removed");
	if (broker->collect)
		monitor_netns_collect_all(broker);
	broker->collect = false;
}

static int sooner_ms(int one_ms, int other_ms)
{
	if (one_ms < 0 || other_ms < 0)
		return one_ms < 0 ? other_ms : one_ms;
	return one_ms < other_ms ? one_ms : other_ms;
}

/* The time until the next deadline, cut short while something waits for a quiet moment. */
static int wait_ms(struct broker *broker)
{
	int next_ms = loads_tick(broker);

	next_ms = sooner_ms(next_ms, verifiers_tick(broker));
	next_ms = sooner_ms(next_ms, cpu_latency_tick(broker));
	next_ms = sooner_ms(next_ms, copies_tick(broker));
	next_ms = sooner_ms(next_ms, kernel_lists_tick(broker));
	next_ms = sooner_ms(next_ms, restore_tick(broker));
	next_ms = sooner_ms(next_ms, monitor_tcx_tick(broker));
	next_ms = sooner_ms(next_ms, monitor_netns_tick(broker));
	return broker->collect ? sooner_ms(next_ms, QUIET_MS) : next_ms;
}

static int loop_once(struct broker *broker)
{
	struct epoll_event event;
	int timeout_ms = wait_ms(broker);
	int count;

	tell_flush(broker);
	count = epoll_wait(broker->epoll_fd, &event, 1, timeout_ms);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count > 0)
		return source_ready(broker, event.data.u64);
	quiet(broker);
	return 0;
}

int broker_run(struct broker *broker)
{
	struct error error;

	while (!broker->stopping) {
		int result = loop_once(broker);

		if (result)
			return result;
		if (broker->failed)
			return -EPIPE;
	}
	(void)copies_now(broker, true, &error);
	return 0;
}
