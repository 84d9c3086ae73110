/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <cmocka.h>

#include "tests/channel/broker_stage_roles.h"

#include "launcher/process.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

static int null_fd = -1;

bool stage_roles_open(void)
{
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return null_fd >= 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

const bool stage_confined = false;

/* The gate calls this one, and stays as it is. */
int sandbox_enter(const struct sandbox_policy *policy, const struct launcher_settings *settings,
                  uint32_t *landlock_abi, struct error *error)
{
	(void)policy;
	(void)settings;
	(void)error;
	(void)landlock_abi;
	return 0;
}

static pid_t child_fork(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

_Noreturn static void opener_run(int launcher_fd, int broker_fd)
{
	static struct channel_buffer buffer;
	static struct launcher_settings settings;
	const struct channel launcher = { launcher_fd, CHANNEL_LOWER, &channel_launcher };
	struct opener opener = { .settings = &settings,
		                 .channel = { broker_fd, CHANNEL_LOWER, &channel_opener } };
	struct channel_message message;
	int result = channel_receive(&launcher, LAUNCHER_STATE_STARTING, &buffer, &message);

	if (result == 0) {
		memcpy(&settings, message.body, sizeof(settings));
		result = netlink_open(0, &opener.netlink);
	}
	while (result == 0)
		result = opener_serve(&opener);
	_exit(1);
}

/* Nothing of the test's but these two: an end that stays open would hide that the other one is
 * gone. */
static void descriptors_keep(int *first, int *second)
{
	int one = fcntl(*first, F_DUPFD_CLOEXEC, 100);
	int two = *second >= 0 ? fcntl(*second, F_DUPFD_CLOEXEC, 100) : -1;

	*first = dup2(one, ROLE_FD_LAUNCHER);
	*second = two >= 0 ? dup2(two, ROLE_FD_PEER) : -1;
	(void)close_range(two >= 0 ? ROLE_FD_PEER + 1 : ROLE_FD_PEER, ~0U, 0);
}

void stage_opener_start(int launcher_fd, int broker_fd, pid_t *pid)
{
	*pid = child_fork();
	if (*pid == 0) {
		descriptors_keep(&launcher_fd, &broker_fd);
		opener_run(launcher_fd, broker_fd);
	}
}

void stage_loader_start(int gate_fd, pid_t *pid)
{
	int none = -1;

	*pid = child_fork();
	if (*pid == 0) {
		descriptors_keep(&gate_fd, &none);
		(void)execl(BPFD_BUILD_DIR "/tests/gate_test_loader", "gate_test_loader", NULL);
		_exit(127);
	}
}

void stage_broker_start(int launcher_fd, int frontend_fd, int opener_fd, int latency_fd, pid_t *pid)
{
	(void)launcher_fd;
	(void)frontend_fd;
	(void)opener_fd;
	(void)latency_fd;
	(void)pid;
	fail_msg("the broker's binary does not run here");
}

int stage_identity_take(struct error *error)
{
	(void)error;
	return 0;
}

int stage_sandbox_enter(const struct launcher_settings *settings, struct error *error)
{
	(void)settings;
	(void)error;
	return 0;
}

#else

const bool stage_confined = true;

static void role_start(const char *role, const struct sandbox_policy *policy, uid_t uid,
                       const int descriptors[PROCESS_DESCRIPTORS], pid_t *pid)
{
	struct process process = {
		.helpers = BPFD_BUILD_DIR "/bin",
		.role = role,
		.policy = policy,
		.uid = uid,
		.gid = uid,
		.null_fd = null_fd,
	};

	memcpy(process.descriptors, descriptors, sizeof(process.descriptors));
	assert_int_equal(process_start(&process, pid), 0);
}

void stage_opener_start(int launcher_fd, int broker_fd, pid_t *pid)
{
	const int descriptors[] = { launcher_fd, broker_fd, -1, -1 };

	role_start("opener", &sandbox_policy_opener, 0, descriptors, pid);
}

void stage_loader_start(int gate_fd, pid_t *pid)
{
	const int descriptors[] = { gate_fd, -1, -1, -1 };

	role_start("loader", &sandbox_policy_loader, STAGE_LOADER_UID, descriptors, pid);
}

void stage_broker_start(int launcher_fd, int frontend_fd, int opener_fd, int latency_fd, pid_t *pid)
{
	const int descriptors[] = { launcher_fd, frontend_fd, opener_fd, latency_fd };

	role_start("broker", &sandbox_policy_broker, STAGE_BROKER_UID, descriptors, pid);
}

int stage_identity_take(struct error *error)
{
	return sandbox_identity(&sandbox_policy_broker, STAGE_BROKER_UID, STAGE_BROKER_UID, NULL, 0,
	                        error);
}

int stage_sandbox_enter(const struct launcher_settings *settings, struct error *error)
{
	uint32_t landlock_abi;

	return sandbox_enter(&sandbox_policy_broker, settings, &landlock_abi, error);
}

#endif
