/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/log.h"
#include "common/sandbox.h"
#include "launcher/config.h"
#include "launcher/options.h"
#include "launcher/prepare.h"
#include "launcher/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_TIMEOUT_MS 30000
#define STOP_TIMEOUT_MS 5000

static int confine(const struct supervisor *supervisor, struct error *error)
{
	return sandbox_enter(&sandbox_policy_launcher, &supervisor->settings, NULL, error);
}

static int config_load(const struct options *options, struct config *config, struct error *error)
{
	int result;

	config_defaults(config);
	result = config_read(options->config_path, options->config_required, config, error);
	if (result == 0 && options->helpers)
		result = config_set_helpers(config, options->helpers, error);
	return result;
}

static int check(const struct config *config)
{
	struct error error = {};
	struct findings found;

	if (prepare_check(config, &found, &error) < 0) {
		log_error("%s", error.message);
		return EXIT_FAILURE;
	}
	(void)printf(
		"the configuration is in order: broker uid %u, frontend uid %u, loader uid %u, ",
		found.users.broker.uid, found.users.frontend.uid, found.users.loader.uid);
	if (config->images)
		(void)printf("fetcher uid %u, verifier uid %u, ", found.users.fetcher.uid,
		             found.users.verifier.uid);
	(void)printf("group %u", found.users.access_gid);
	if (config->images)
		(void)printf("; %zu rules about signatures", found.rules.count);
	(void)printf("\n");
	return EXIT_SUCCESS;
}

/* For this process and all that it starts. Where the administrator has switched huge pages on, the
 * kernel makes 2 MiB of the one page that is used of a buffer meant for large requests. */
static void huge_pages_refuse(void)
{
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		log_warning("transparent huge pages cannot be refused (%s): where they are always "
		            "on, bpfd takes more memory",
		            strerror(errno));
}

static int serve(const struct config *config)
{
	static struct supervisor supervisor = {
		.start_timeout_ms = START_TIMEOUT_MS,
		.stop_timeout_ms = STOP_TIMEOUT_MS,
		.confine = confine,
	};
	struct prepared prepared;
	struct error error = {};

	if (geteuid() != 0) {
		log_error("bpfd must be started by root: it drops every privilege that it does not "
		          "need");
		return EXIT_FAILURE;
	}
	huge_pages_refuse();
	if (prepare_start(config, &supervisor, &prepared, &error) < 0) {
		log_error("%s", error.message);
		return EXIT_FAILURE;
	}
	return supervisor_run(&supervisor);
}

/* Descriptors 0 to 2 must be there: what is opened later must never become standard error by
 * chance. */
static void standard_streams_open(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	struct options options;
	struct config config;
	struct error error = {};
	int exit_status;

	standard_streams_open();
	if (!options_read(argc, argv, &options, &exit_status))
		return exit_status;
	log_open("launcher", LOG_LEVEL_INFO);
	if (config_load(&options, &config, &error) < 0) {
		log_error("%s", error.message);
		return EXIT_FAILURE;
	}
	log_open("launcher", (enum log_level)config.log_level);
	(void)umask(0022);
	return options.check ? check(&config) : serve(&config);
}
