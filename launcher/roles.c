/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/supervisor.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

/* What runs between two processes while they are started: both ends are closed here afterwards. */
struct pair {
	int ends[2];
};

static void pair_cleanup(struct pair *pair)
{
	close_cleanup(&pair->ends[0]);
	close_cleanup(&pair->ends[1]);
}

static int pair_make(struct pair *pair, struct error *error)
{
	int result = channel_pair(pair->ends);

	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot make a socket pair: %s",
		                 strerror(-result));
	return 0;
}

/* The launcher's end must never make it wait for a role. */
static int role_watch(struct supervisor *supervisor, struct role *role)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = role };
	int flags = fcntl(role->channel.fd, F_GETFL);

	if (flags < 0 || fcntl(role->channel.fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    epoll_ctl(supervisor->epoll_fd, EPOLL_CTL_ADD, role->channel.fd, &event) < 0)
		return -errno;
	return channel_send(&role->channel, LAUNCHER_SETTINGS, 0, &supervisor->settings, NULL);
}

/* `process` lacks only its channel and what is the same for all. */
static int role_start(struct supervisor *supervisor, enum role_index index, struct process *process,
                      struct error *error)
{
	_cleanup_(pair) struct pair pair = { { -1, -1 } };
	struct role *role = &supervisor->roles[index];
	int result = pair_make(&pair, error);

	if (result < 0)
		return result;
	process->role = role->name;
	process->helpers = supervisor->helpers;
	process->null_fd = supervisor->null_fd;
	process->descriptors[0] = pair.ends[1];
	role->channel =
		(struct channel){ steal_fd(&pair.ends[0]), CHANNEL_UPPER, &channel_launcher };
	result = process_start(process, &role->pid);
	if (result == 0)
		result = role_watch(supervisor, role);
	if (result < 0)
		return error_set(error, result, ERROR_KERNEL, "cannot start bpfd-%s: %s",
		                 role->name, strerror(-result));
	return 0;
}

static int opener_start(struct supervisor *supervisor, int broker_fd, struct error *error)
{
	struct process process = { .policy = supervisor->settings.containers
		                                     ? &sandbox_policy_opener_containers
		                                     : &sandbox_policy_opener,
		                   .descriptors = { -1, broker_fd, -1, -1 } };

	return role_start(supervisor, ROLE_OPENER, &process, error);
}

/* In the access group too: else the kernel takes the set-group-ID bit off the map directories that
 * it makes. */
static int broker_start(struct supervisor *supervisor, int frontend_fd, int opener_fd,
                        struct error *error)
{
	struct process process = {
		.policy = &sandbox_policy_broker,
		.uid = supervisor->users.broker.uid,
		.gid = supervisor->users.broker.gid,
		.groups = &supervisor->users.access_gid,
		.group_count = supervisor->users.access_gid ? 1 : 0,
		.descriptors = { -1, frontend_fd, opener_fd, supervisor->latency_fd },
	};

	return role_start(supervisor, ROLE_BROKER, &process, error);
}

static int frontend_start(struct supervisor *supervisor, int broker_fd, struct error *error)
{
	struct process process = {
		.policy = &sandbox_policy_frontend,
		.uid = supervisor->users.frontend.uid,
		.gid = supervisor->users.frontend.gid,
		.descriptors = { -1, broker_fd, supervisor->listen_fd, supervisor->events_fd },
	};

	return role_start(supervisor, ROLE_FRONTEND, &process, error);
}

int roles_start(struct supervisor *supervisor, struct error *error)
{
	_cleanup_(pair) struct pair frontend = { { -1, -1 } };
	_cleanup_(pair) struct pair opener = { { -1, -1 } };
	int result = pair_make(&frontend, error);

	if (result == 0 && supervisor->settings.opener) {
		result = pair_make(&opener, error);
		if (result == 0)
			result = opener_start(supervisor, opener.ends[1], error);
	}
	if (result == 0)
		result = broker_start(supervisor, frontend.ends[1], opener.ends[0], error);
	if (result == 0)
		result = frontend_start(supervisor, frontend.ends[0], error);
	close_cleanup(&supervisor->listen_fd);
	close_cleanup(&supervisor->events_fd);
	close_cleanup(&supervisor->latency_fd);
	supervisor->listen_fd = supervisor->events_fd = supervisor->latency_fd = -1;
	return result;
}

typedef int (*message_handler)(struct supervisor *supervisor, struct role *role,
                               struct channel_message *message);

static int ready_take(struct supervisor *supervisor, struct role *role,
                      struct channel_message *message)
{
	const struct launcher_ready *ready = message->body;

	(void)supervisor;
	role->ready = true;
	role->landlock_abi = ready->landlock_abi;
	log_debug("bpfd-%s (pid %d) is ready, Landlock ABI %u", role->name, (int)role->pid,
	          ready->landlock_abi);
	return 0;
}

static enum role_index role_index_of(const struct supervisor *supervisor, const struct role *role)
{
	return (enum role_index)(role - supervisor->roles);
}

static int worker_start_take(struct supervisor *supervisor, struct role *role,
                             struct channel_message *message)
{
	const struct launcher_worker_start *start = message->body;

	if (start->reserved)
		return -EPROTO;
	if (supervisor->state == SUPERVISOR_STOPPING)
		return 0;
	return worker_start(supervisor, role_index_of(supervisor, role), message->id, start->kind,
	                    message->descriptors[0]);
}

static int worker_kill_take(struct supervisor *supervisor, struct role *role,
                            struct channel_message *message)
{
	enum role_index asker = role_index_of(supervisor, role);

	if (asker != ROLE_BROKER && asker != ROLE_FRONTEND)
		return -EPROTO;
	worker_kill(supervisor, asker, message->id);
	return 0;
}

static int rules_read_take(struct supervisor *supervisor, struct role *role,
                           struct channel_message *message)
{
	struct launcher_rules answer = {};

	if (role_index_of(supervisor, role) != ROLE_BROKER)
		return -EPROTO;
	rules_read_again(supervisor, &answer);
	return channel_send(&role->channel, LAUNCHER_RULES, message->id, &answer, NULL) < 0
	               ? -EPROTO
	               : 0;
}

static const message_handler handlers[] = {
	[LAUNCHER_READY] = ready_take,
	[LAUNCHER_WORKER_START] = worker_start_take,
	[LAUNCHER_WORKER_KILL] = worker_kill_take,
	[LAUNCHER_RULES_READ] = rules_read_take,
};

int role_receive(struct supervisor *supervisor, struct role *role)
{
	static struct channel_buffer buffer;
	struct channel_message message;
	uint32_t state = role->ready ? LAUNCHER_STATE_RUNNING : LAUNCHER_STATE_STARTING;
	int result = channel_receive(&role->channel, state, &buffer, &message);

	if (result == -EAGAIN)
		return 0;
	if (result < 0)
		return result;
	/* the channel lets through only what a lower end may send: all of it is in the table */
	result = handlers[message.row->type](supervisor, role, &message);
	channel_message_close(&message);
	return result;
}
