/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/supervisor.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "launcher/declare.h"
#include "launcher/notify.h"
#include "launcher/report.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#define EVENTS_MAX 8
#define CLOSED_GRACE_MS 1000

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void role_unwatch(struct supervisor *supervisor, struct role *role)
{
	if (role->channel.fd < 0)
		return;
	(void)epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_DEL, role->channel.fd, NULL);
	(void)close(role->channel.fd);
	role->channel.fd = -1;
}

/* Clients first: the frontend takes no new ones while the broker finishes. */
void supervisor_stop(struct supervisor *supervisor, int exit_status)
{
	static const enum role_index order[] = { ROLE_FRONTEND, ROLE_BROKER, ROLE_OPENER };

	if (supervisor->state == SUPERVISOR_STOPPING)
		return;
	supervisor->state = SUPERVISOR_STOPPING;
	supervisor->exit_status = exit_status;
	supervisor->deadline_ms = now_ms() + supervisor->stop_timeout_ms;
	notify_send(supervisor->notify_fd, "STOPPING=1\nSTATUS=stopping");
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		struct role *role = &supervisor->roles[order[i]];

		/* one that takes no message is killed at the deadline */
		if (role->pid && role->channel.fd >= 0 &&
		    channel_send(&role->channel, LAUNCHER_STOP, 0, NULL, NULL) < 0)
			log_debug("bpfd-%s takes no messages", role->name);
	}
	workers_kill(supervisor);
}

static void role_kill(const struct role *role)
{
	if (role->pid && kill(role->pid, SIGKILL) < 0)
		log_warning("cannot kill bpfd-%s (pid %d): %s", role->name, (int)role->pid,
		            strerror(errno));
}

static void role_ended(struct supervisor *supervisor, struct role *role, int wait_status)
{
	char reason[PROCESS_REASON_SIZE];
	pid_t pid = role->pid;

	role->pid = 0;
	role_unwatch(supervisor, role);
	(void)process_reason(wait_status, reason);
	if (supervisor->state == SUPERVISOR_STOPPING) {
		if (wait_status)
			log_warning("bpfd-%s (pid %d) %s while it stopped", role->name, (int)pid,
			            reason);
		return;
	}
	log_error("bpfd-%s (pid %d) %s%s; stopping", role->name, (int)pid, reason,
	          role->ready ? "" : " before it was ready");
	supervisor_stop(supervisor, EXIT_FAILURE);
}

static void children_reap(struct supervisor *supervisor)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		if (worker_reaped(supervisor, pid, wait_status) ||
		    declare_reaped(supervisor, pid, wait_status))
			continue;
		for (size_t i = 0; i < ROLE_COUNT; i++) {
			if (supervisor->roles[i].pid == pid)
				role_ended(supervisor, &supervisor->roles[i], wait_status);
		}
	}
}

static void signal_take(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	if (read(supervisor->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		children_reap(supervisor);
	} else if (supervisor->state != SUPERVISOR_STOPPING) {
		log_info("stopping on SIG%s", sigabbrev_np((int)info.ssi_signo));
		supervisor_stop(supervisor, EXIT_SUCCESS);
	}
}

/*
 * A role whose end of the channel is closed is ending, and may have yet to say why; one that does
 * not end is killed a little later.
 */
static void role_take(struct supervisor *supervisor, struct role *role)
{
	int result = role_receive(supervisor, role);

	if (result == 0)
		return;
	role_unwatch(supervisor, role);
	if (result != -EPIPE) {
		log_error("bpfd-%s (pid %d) broke the protocol: %s; stopping", role->name,
		          (int)role->pid, strerror(-result));
		supervisor_stop(supervisor, EXIT_FAILURE);
		role_kill(role);
	} else if (supervisor->state != SUPERVISOR_STOPPING && !supervisor->closed_deadline_ms) {
		supervisor->closed_deadline_ms = now_ms() + CLOSED_GRACE_MS;
	}
}

static bool roles_all_ready(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (supervisor->roles[i].pid && !supervisor->roles[i].ready)
			return false;
	}
	return true;
}

static bool anything_runs(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (supervisor->roles[i].pid)
			return true;
	}
	return workers_run(supervisor);
}

/* A failure here stops the service: it never serves unconfined. */
static void running_enter(struct supervisor *supervisor)
{
	struct report report;
	struct error error = {};

	report_open(supervisor, &report);
	supervisor->state = SUPERVISOR_RUNNING;
	supervisor->deadline_ms = 0;
	declare_start(supervisor);
	if (supervisor->confine(supervisor, &error) < 0) {
		log_error("%s; stopping", error.message);
		supervisor_stop(supervisor, EXIT_FAILURE);
		return;
	}
	log_info("ready on %s/bpfd.sock: broker %d, frontend %d, opener %d",
	         supervisor->settings.runtime_directory, (int)supervisor->roles[ROLE_BROKER].pid,
	         (int)supervisor->roles[ROLE_FRONTEND].pid,
	         (int)supervisor->roles[ROLE_OPENER].pid);
	report_send(supervisor, &report);
	notify_send(supervisor->notify_fd, "READY=1\nSTATUS=serving");
}

static void deadline_pass(struct supervisor *supervisor)
{
	if (supervisor->state == SUPERVISOR_STARTING) {
		for (size_t i = 0; i < ROLE_COUNT; i++) {
			const struct role *role = &supervisor->roles[i];

			if (role->pid && !role->ready)
				log_error("bpfd-%s (pid %d) is not ready after %u s; stopping",
				          role->name, (int)role->pid,
				          supervisor->start_timeout_ms / 1000);
		}
		supervisor_stop(supervisor, EXIT_FAILURE);
		return;
	}
	supervisor->deadline_ms = 0;
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		const struct role *role = &supervisor->roles[i];

		if (role->pid)
			log_warning("bpfd-%s (pid %d) does not stop: killing it", role->name,
			            (int)role->pid);
		role_kill(role);
	}
}

static void closed_deadline_pass(struct supervisor *supervisor)
{
	supervisor->closed_deadline_ms = 0;
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (supervisor->roles[i].channel.fd < 0)
			role_kill(&supervisor->roles[i]);
	}
}

/* In milliseconds, for epoll_wait(2). */
static int wait_time(const struct supervisor *supervisor)
{
	uint64_t deadline = supervisor->deadline_ms;
	uint64_t now = now_ms();

	if (!deadline ||
	    (supervisor->closed_deadline_ms && supervisor->closed_deadline_ms < deadline))
		deadline = supervisor->closed_deadline_ms;
	if (!deadline)
		return -1;
	return deadline > now ? (int)(deadline - now) : 0;
}

static int loop_turn(struct supervisor *supervisor)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(supervisor->epoll_fd, events, EVENTS_MAX, wait_time(supervisor));

	if (count < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < count; i++) {
		struct role *role = events[i].data.ptr;

		if (!role)
			signal_take(supervisor);
		else if (role->channel.fd >= 0) /* an earlier event may have closed it */
			role_take(supervisor, role);
	}
	if (supervisor->deadline_ms && now_ms() >= supervisor->deadline_ms)
		deadline_pass(supervisor);
	if (supervisor->closed_deadline_ms && now_ms() >= supervisor->closed_deadline_ms)
		closed_deadline_pass(supervisor);
	if (supervisor->state == SUPERVISOR_STARTING && roles_all_ready(supervisor))
		running_enter(supervisor);
	return 0;
}

static int loop_open(struct supervisor *supervisor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	supervisor->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	supervisor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (supervisor->signal_fd < 0 || supervisor->epoll_fd < 0 ||
	    epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_ADD, supervisor->signal_fd, &event) < 0)
		return -errno;
	return 0;
}

static void supervisor_reset(struct supervisor *supervisor)
{
	static const char *const names[] = {
		[ROLE_OPENER] = "opener", [ROLE_BROKER] = "broker", [ROLE_FRONTEND] = "frontend"
	};

	supervisor->state = SUPERVISOR_STARTING;
	supervisor->exit_status = EXIT_FAILURE;
	supervisor->deadline_ms = now_ms() + supervisor->start_timeout_ms;
	supervisor->closed_deadline_ms = 0;
	memset(supervisor->workers, 0, sizeof(supervisor->workers));
	supervisor->declare_pid = 0;
	for (size_t i = 0; i < ROLE_COUNT; i++)
		supervisor->roles[i] = (struct role){ .name = names[i], .channel = { .fd = -1 } };
}

int supervisor_run(struct supervisor *supervisor)
{
	struct error error = {};
	int result;

	supervisor_reset(supervisor);
	result = loop_open(supervisor);
	if (result == 0 && roles_start(supervisor, &error) < 0) {
		log_error("%s; stopping", error.message);
		supervisor_stop(supervisor, EXIT_FAILURE);
	}
	while (result == 0 && anything_runs(supervisor))
		result = loop_turn(supervisor);
	if (result < 0) {
		log_error("the launcher cannot wait for events: %s", strerror(-result));
		return EXIT_FAILURE; /* the roles end with it */
	}
	return supervisor->exit_status;
}
