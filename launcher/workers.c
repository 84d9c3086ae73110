/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Workers: what the broker and the frontend may have started, and the end of it. */
#include "launcher/supervisor.h"

#include "common/log.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

/* Of those that were wanted, so many again may have been killed and not yet be reaped. */
#define DYING_FACTOR 2

struct worker_kind_row {
	const char *role;
	const struct sandbox_policy *policy;
	size_t user;           /* in struct users */
	size_t wanted_max;     /* that are wanted at one time */
	enum role_index asker; /* who may have it started */
	bool settings; /* it gets a memfd of its own at ROLE_FD_PEER, and is not started without */
};

static const struct worker_kind_row kinds[WORKER_KIND_END] = {
	[WORKER_LOADER] = { "loader", &sandbox_policy_loader, offsetof(struct users, loader), 8,
	                    ROLE_BROKER, false },
	[WORKER_VERIFIER] = { "verifier", &sandbox_policy_verifier,
	                      offsetof(struct users, verifier), 5, ROLE_BROKER, true },
	[WORKER_FETCHER] = { "fetcher", &sandbox_policy_fetcher, offsetof(struct users, fetcher), 9,
	                     ROLE_FRONTEND, true },
};

/* Who takes no message has its socket full of them: it is as good as dead, and its end is noticed.
 */
static int gone_send(struct supervisor *supervisor, enum role_index asker, uint64_t id, pid_t pid,
                     int wait_status)
{
	struct launcher_worker_gone gone = { .pid = (uint32_t)pid, .wait_status = wait_status };
	const struct channel *channel = &supervisor->roles[asker].channel;

	if (channel->fd < 0)
		return 0;
	return channel_send(channel, LAUNCHER_WORKER_GONE, id, &gone, NULL);
}

/* The wait status of a process that ended with this exit status. */
static int status_of_exit(int exit_status)
{
	return exit_status << 8;
}

static bool worker_is(const struct worker *worker, enum role_index asker, uint64_t id)
{
	return worker->pid && kinds[worker->kind].asker == asker && worker->id == id;
}

static struct worker *worker_find(struct supervisor *supervisor, enum role_index asker, uint64_t id)
{
	for (size_t i = 0; i < WORKER_SLOTS; i++) {
		if (worker_is(&supervisor->workers[i], asker, id))
			return &supervisor->workers[i];
	}
	return NULL;
}

/* A slot for one more of this kind; NULL: there are as many as there may be. */
static struct worker *slot_free(struct supervisor *supervisor, uint32_t kind)
{
	struct worker *slot = NULL;
	size_t wanted = 0, dying = 0;

	for (size_t i = 0; i < WORKER_SLOTS; i++) {
		struct worker *worker = &supervisor->workers[i];

		if (!worker->pid)
			slot = worker;
		else if (worker->kind == kind && worker->killed)
			dying++;
		else if (worker->kind == kind)
			wanted++;
	}
	if (wanted >= kinds[kind].wanted_max || dying >= DYING_FACTOR * kinds[kind].wanted_max)
		return NULL;
	return slot;
}

static int worker_spawn(struct supervisor *supervisor, uint32_t kind, int fd, pid_t *pid)
{
	const struct worker_kind_row *row = &kinds[kind];
	const struct user *user =
		(const struct user *)(const void *)((const char *)&supervisor->users + row->user);
	struct process process = {
		.helpers = supervisor->helpers,
		.role = row->role,
		.policy = row->policy,
		.uid = user->uid,
		.gid = user->gid,
		.null_fd = supervisor->null_fd,
		.descriptors = { fd, row->settings ? supervisor->worker_settings[kind] : -1, -1,
		                 -1 },
	};

	if (row->settings && process.descriptors[1] < 0)
		return -EOPNOTSUPP;
	return process_start(&process, pid);
}

static const char *spawn_reason(int result)
{
	if (result == -EAGAIN)
		return "too many run already";
	return result == -EOPNOTSUPP ? "images are switched off" : strerror(-result);
}

int worker_start(struct supervisor *supervisor, enum role_index asker, uint64_t id, uint32_t kind,
                 int fd)
{
	struct worker *worker;
	pid_t pid;

	if (kind >= WORKER_KIND_END || !kinds[kind].role || kinds[kind].asker != asker ||
	    worker_find(supervisor, asker, id)) /* or two workers of one id */
		return -EPROTO;
	worker = slot_free(supervisor, kind);

	int result = worker ? worker_spawn(supervisor, kind, fd, &pid) : -EAGAIN;

	if (result < 0) {
		log_warning("cannot start a %s: %s", kinds[kind].role, spawn_reason(result));
		return gone_send(supervisor, asker, id, 0, status_of_exit(127)) < 0 ? -EPROTO : 0;
	}
	*worker = (struct worker){ .pid = pid, .kind = kind, .id = id };
	log_debug("bpfd-%s (pid %d) started", kinds[kind].role, (int)pid);
	return 0;
}

static void kill_worker(struct worker *worker)
{
	if (!worker->pid)
		return;
	worker->killed = true;
	if (kill(worker->pid, SIGKILL) < 0)
		log_warning("cannot kill bpfd-%s (pid %d): %s", kinds[worker->kind].role,
		            (int)worker->pid, strerror(errno));
}

/* One that has just ended is no error: who asks could not know. */
void worker_kill(struct supervisor *supervisor, enum role_index asker, uint64_t id)
{
	struct worker *worker = worker_find(supervisor, asker, id);

	if (worker)
		kill_worker(worker);
}

void workers_kill(struct supervisor *supervisor)
{
	for (size_t i = 0; i < WORKER_SLOTS; i++)
		kill_worker(&supervisor->workers[i]);
}

bool workers_run(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < WORKER_SLOTS; i++) {
		if (supervisor->workers[i].pid)
			return true;
	}
	return false;
}

bool worker_reaped(struct supervisor *supervisor, pid_t pid, int wait_status)
{
	char reason[PROCESS_REASON_SIZE];

	for (size_t i = 0; i < WORKER_SLOTS; i++) {
		struct worker *worker = &supervisor->workers[i];
		const struct worker_kind_row *row = &kinds[worker->kind];

		if (worker->pid != pid)
			continue;
		if (wait_status && !worker->killed)
			log_warning("bpfd-%s (pid %d) %s", row->role, (int)pid,
			            process_reason(wait_status, reason));
		/* one that has ended already is no news while everything stops */
		if (gone_send(supervisor, row->asker, worker->id, pid, wait_status) < 0 &&
		    supervisor->state != SUPERVISOR_STOPPING)
			log_warning("bpfd-%s takes no messages",
			            supervisor->roles[row->asker].name);
		*worker = (struct worker){};
		return true;
	}
	return false;
}
