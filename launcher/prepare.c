/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/prepare.h"

#include "common/log.h"
#include "launcher/directories.h"
#include "launcher/listener.h"
#include "launcher/lock.h"
#include "launcher/notify.h"
#include "launcher/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATH_SIZE (CONFIG_PATH_SIZE + 32)

static int helpers_check(const struct config *config, struct error *error)
{
	static const char *const roles[] = { "broker", "frontend", "loader", "opener" };
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/bpfd-%s", config->helpers, roles[i]);
		if (access(path, X_OK) < 0)
			return error_set(
				error, -errno, ERROR_NOT_FOUND,
				"cannot execute %s: %s; install bpfd whole, or set [paths] helpers "
				"or --helpers",
				path, strerror(errno));
	}
	return 0;
}

int prepare_check(const struct config *config, struct users *users, struct error *error)
{
	int result = users_find(config, users, error);

	if (result == 0)
		result = helpers_check(config, error);
	if (result == 0)
		result = bpffs_check(config->bpffs, error);
	if (result == 0)
		result = directories_prepare(config, users, true, error);
	return result;
}

/* Each of them would be spoilt by a second bpfd. What strangers may open is locked by a file that
 * they may not. */
static int locks_take(const struct config *config, struct prepared *out, struct error *error)
{
	char programs[PATH_SIZE];
	int result = lock_take(config->runtime_directory, "lock", &out->locks[0], error);

	(void)snprintf(programs, sizeof(programs), "%s/bpfd/programs", config->bpffs);
	if (result == 0)
		result = lock_take(config->state_directory, NULL, &out->locks[1], error);
	if (result == 0)
		result = lock_take(programs, NULL, &out->locks[2], error);
	return result;
}

/*
 * Before kernel 5.11 map memory counts against RLIMIT_MEMLOCK; later it does not, and where raising
 * it is not allowed nothing is lost. On an old kernel without CAP_SYS_RESOURCE the unit's
 * LimitMEMLOCK= does it.
 */
static void memlock_raise(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0)
		log_debug("RLIMIT_MEMLOCK stays as it is: %s", strerror(errno));
}

static int listener_make(const struct config *config, const struct users *users, const char *name,
                         int *fd, struct error *error)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/%s", config->runtime_directory, name);
	return listener_open(path, users->access_gid, (mode_t)config->socket_mode, fd, error);
}

static int sockets_open(const struct config *config, struct supervisor *supervisor,
                        struct error *error)
{
	int result;

	supervisor->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (supervisor->null_fd < 0)
		return error_set(error, -errno, ERROR_KERNEL, "cannot open /dev/null: %s",
		                 strerror(errno));
	result = notify_open(&supervisor->notify_fd, error);
	if (result == 0)
		result = listener_make(config, &supervisor->users, "bpfd.sock",
		                       &supervisor->listen_fd, error);
	if (result == 0)
		result = listener_make(config, &supervisor->users, "events.sock",
		                       &supervisor->events_fd, error);
	return result;
}

int prepare_start(const struct config *config, struct supervisor *supervisor, struct prepared *out,
                  struct error *error)
{
	struct error warning;
	int result = prepare_check(config, &supervisor->users, error);

	if (result == 0)
		result = bpffs_open_up(config->bpffs, error);
	if (result == 0)
		result = directories_prepare(config, &supervisor->users, false, error);
	if (result == 0)
		result = locks_take(config, out, error);
	if (result == 0)
		result = sockets_open(config, supervisor, error);
	if (result < 0)
		return result;
	if (tracefs_check(config->tracefs, &warning) < 0)
		log_warning("%s", warning.message);
	memlock_raise();
	supervisor->helpers = config->helpers;
	supervisor->declarations = config->declarations;
	settings_fill(config, &supervisor->users, &supervisor->settings);
	return 0;
}
