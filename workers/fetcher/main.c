/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bpfd-fetcher: talks to a registry, without any privilege. Started by the launcher, not by hand.
 */
#include "common/log.h"
#include "common/sandbox.h"
#include "workers/fetcher/fetcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The policy names the cache as @state/images: what is before that is @state. */
static int sandbox_close(const struct fetcher_settings *settings, struct error *error)
{
	static const char below[] = "/images";
	static struct launcher_settings directories;
	size_t length = strlen(settings->cache_directory), tail = sizeof(below) - 1;

	if (length <= tail || strcmp(settings->cache_directory + length - tail, below) != 0)
		return error_set(error, -EINVAL, ERROR_INTERNAL,
		                 "the cache's directory, %s, is none that the fetcher's sandbox "
		                 "lets through: its last part must be \"images\"",
		                 settings->cache_directory);
	memcpy(directories.state_directory, settings->cache_directory, length - tail);
	return sandbox_enter(&sandbox_policy_fetcher, &directories, NULL, error);
}

int main(void)
{
	static struct fetcher fetcher = { .channel = { ROLE_FD_LAUNCHER, CHANNEL_LOWER,
		                                       &channel_fetcher },
		                          .cache = CACHE_INIT };
	struct error error = {};
	int result;

	log_open("fetcher", LOG_LEVEL_INFO);
	result = settings_read(ROLE_FD_PEER, &fetcher.settings, &error);
	if (result == 0) {
		(void)close(ROLE_FD_PEER);
		log_open("fetcher", fetcher.settings.log_level);
		result = fetcher_open(&fetcher, &error);
	}
	if (result == 0)
		result = sandbox_close(&fetcher.settings, &error);
	if (result < 0)
		log_error("%s", error.message);
	/* nothing is left to be written; to free what OpenSSL has would take longer than to end */
	_exit(fetcher_run(&fetcher, result < 0 ? &error : NULL));
}
