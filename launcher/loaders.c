/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/supervisor.h"

#include "common/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* A broker that takes no message has its socket full of them: it is as good as dead, and its end is
 * noticed. */
static int gone_send(struct supervisor *supervisor, uint64_t id, pid_t pid, int wait_status)
{
	struct launcher_worker_gone gone = { .pid = (uint32_t)pid, .wait_status = wait_status };
	const struct channel *channel = &supervisor->roles[ROLE_BROKER].channel;

	if (channel->fd < 0)
		return 0;
	return channel_send(channel, LAUNCHER_WORKER_GONE, id, &gone, NULL);
}

/* The wait status of a process that ended with this exit status. */
static int status_of_exit(int exit_status)
{
	return exit_status << 8;
}

static struct loader *slot_find(struct supervisor *supervisor, uint64_t id)
{
	struct loader *slot = NULL;
	size_t wanted = 0;

	for (size_t i = 0; i < LOADER_SLOTS; i++) {
		struct loader *loader = &supervisor->loaders[i];

		if (!loader->pid)
			slot = loader;
		else if (loader->id == id)
			return loader;
		else if (!loader->killed)
			wanted++;
	}
	return wanted < LOADERS_MAX ? slot : NULL;
}

int loader_start(struct supervisor *supervisor, uint64_t id, int fd)
{
	struct loader *loader = slot_find(supervisor, id);
	struct process process = {
		.helpers = supervisor->helpers,
		.role = "loader",
		.policy = &sandbox_policy_loader,
		.uid = supervisor->users.loader.uid,
		.gid = supervisor->users.loader.gid,
		.null_fd = supervisor->null_fd,
		.descriptors = { fd, -1, -1, -1 },
	};
	pid_t pid;

	if (loader && loader->pid)
		return -EPROTO; /* two loaders of one id */
	int result = loader ? process_start(&process, &pid) : -EAGAIN;

	if (result < 0) {
		log_warning("cannot start a loader: %s",
		            loader ? strerror(-result) : "too many run already");
		return gone_send(supervisor, id, 0, status_of_exit(127)) < 0 ? -EPROTO : 0;
	}
	*loader = (struct loader){ .pid = pid, .id = id };
	log_debug("bpfd-loader (pid %d) started", (int)pid);
	return 0;
}

static void kill_loader(struct loader *loader)
{
	if (!loader->pid)
		return;
	loader->killed = true;
	if (kill(loader->pid, SIGKILL) < 0)
		log_warning("cannot kill bpfd-loader (pid %d): %s", (int)loader->pid,
		            strerror(errno));
}

/* One that has just ended is no error: the broker could not know. */
void loader_kill(struct supervisor *supervisor, uint64_t id)
{
	for (size_t i = 0; i < LOADER_SLOTS; i++) {
		if (supervisor->loaders[i].id == id)
			kill_loader(&supervisor->loaders[i]);
	}
}

void loaders_kill(struct supervisor *supervisor)
{
	for (size_t i = 0; i < LOADER_SLOTS; i++)
		kill_loader(&supervisor->loaders[i]);
}

bool loaders_run(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < LOADER_SLOTS; i++) {
		if (supervisor->loaders[i].pid)
			return true;
	}
	return false;
}

bool loader_reaped(struct supervisor *supervisor, pid_t pid, int wait_status)
{
	char reason[PROCESS_REASON_SIZE];

	for (size_t i = 0; i < LOADER_SLOTS; i++) {
		struct loader *loader = &supervisor->loaders[i];

		if (loader->pid != pid)
			continue;
		if (wait_status && !loader->killed)
			log_warning("bpfd-loader (pid %d) %s", (int)pid,
			            process_reason(wait_status, reason));
		/* a broker that has ended already is no news while everything stops */
		if (gone_send(supervisor, loader->id, pid, wait_status) < 0 &&
		    supervisor->state != SUPERVISOR_STOPPING)
			log_warning("bpfd-broker takes no messages");
		*loader = (struct loader){};
		return true;
	}
	return false;
}
