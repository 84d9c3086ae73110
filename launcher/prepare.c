/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/prepare.h"

#include "common/log.h"
#include "common/memfd.h"
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

static int helper_check(const struct config *config, const char *role, struct error *error)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/bpfd-%s", config->helpers, role);
	if (access(path, X_OK) == 0)
		return 0;
	return error_set(
		error, -errno, ERROR_NOT_FOUND,
		"cannot execute %s: %s; install bpfd whole, or set [paths] helpers or --helpers",
		path, strerror(errno));
}

static int helpers_check(const struct config *config, struct error *error)
{
	static const struct {
		const char *role;
		bool images;
	} rows[] = { { "broker", false }, { "frontend", false }, { "loader", false },
		     { "opener", false }, { "fetcher", true },   { "verifier", true } };
	int result = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && result == 0; i++) {
		if (!rows[i].images || config->images)
			result = helper_check(config, rows[i].role, error);
	}
	return result;
}

/* Whose signatures count. A rule that cannot be kept ends the start: it is never left out. */
static int rules_check(const struct config *config, struct findings *out, struct error *error)
{
	if (!config->images && config->signed_only)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "[images] signed-only = yes, but [features] images = no: nothing "
		                 "could ever be loaded");
	if (!config->images)
		return 0;
	return rules_make(config->policy, config->trusted_root, &out->rules, error);
}

int prepare_check(const struct config *config, struct findings *out, struct error *error)
{
	struct findings found = { .rules = { .fd = -1 } };
	int result = users_find(config, &found.users, error);

	if (result == 0)
		result = helpers_check(config, error);
	if (result == 0)
		result = bpffs_check(config->bpffs, error);
	if (result == 0)
		result = directories_prepare(config, &found.users, true, error);
	if (result == 0)
		result = rules_check(config, &found, error);
	if (result == 0)
		*out = found;
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

/* Where it is not there, as in most containers, loads take somewhat longer. */
static int cpu_latency_open(const struct config *config)
{
	static const char device[] = "/dev/cpu_dma_latency";
	int fd;

	if (!config->cpu_latency)
		return -1;
	fd = open(device, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		log_debug("%s: %s; processors may sleep while a load comes", device,
		          strerror(errno));
	return fd;
}

/* What is odd, but is what the administrator asked for. */
static void oddities_tell(const struct config *config, const struct findings *found)
{
	struct error error;

	if (tracefs_check(config->tracefs, &error) < 0)
		log_warning("%s", error.message);
	if (config->images && access(config->ca_file, R_OK) < 0)
		log_warning("%s ([images] ca-file): %s; images are fetched by https only from "
		            "registries that it vouches for",
		            config->ca_file, strerror(errno));
	if (config->signed_only && found->rules.demands == 0)
		log_warning("[images] signed-only = yes, and no rule in %s says whose signatures "
		            "count: nothing can be loaded",
		            config->policy);
}

/* What fetchers and verifiers are told: those whom they serve cannot tell them otherwise. */
static int worker_settings_make(const struct config *config, const struct findings *found,
                                struct supervisor *supervisor, struct error *error)
{
	struct fetcher_settings fetcher;
	int fd;

	for (size_t i = 0; i < WORKER_KIND_END; i++)
		supervisor->worker_settings[i] = -1;
	if (!config->images)
		return 0;
	settings_fetcher_fill(config, found->rules.demands, &fetcher);
	fd = memfd_from_bytes("bpfd-fetcher-settings", &fetcher, sizeof(fetcher));
	if (fd < 0)
		return error_set(error, fd, ERROR_KERNEL, "cannot make a memfd of settings: %s",
		                 strerror(-fd));
	supervisor->worker_settings[WORKER_FETCHER] = fd;
	supervisor->worker_settings[WORKER_VERIFIER] = found->rules.fd;
	return 0;
}

int prepare_start(const struct config *config, struct supervisor *supervisor, struct prepared *out,
                  struct error *error)
{
	struct findings found = { .rules = { .fd = -1 } };
	int result = prepare_check(config, &found, error);

	if (result < 0)
		return result;
	supervisor->users = found.users;
	result = bpffs_open_up(config->bpffs, error);
	if (result == 0)
		result = directories_prepare(config, &supervisor->users, false, error);
	if (result == 0)
		result = locks_take(config, out, error);
	if (result == 0)
		result = sockets_open(config, supervisor, error);
	if (result == 0)
		result = worker_settings_make(config, &found, supervisor, error);
	if (result < 0)
		return result;
	oddities_tell(config, &found);
	memlock_raise();
	supervisor->helpers = config->helpers;
	supervisor->declarations = config->declarations;
	supervisor->policy = config->images ? config->policy : NULL;
	supervisor->trusted_root = config->trusted_root;
	settings_fill(config, &supervisor->users, found.rules.demands, &supervisor->settings);
	supervisor->latency_fd = cpu_latency_open(config);
	supervisor->settings.cpu_latency = supervisor->latency_fd >= 0;
	return 0;
}
