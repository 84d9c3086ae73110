/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/log.h"
#include "common/memfd.h"

#include <errno.h>
#include <string.h>

#define TIMEOUT_MAX_MS (3600u * 1000)

static bool path_ok(const char *path, size_t size)
{
	return channel_text_ok(path, size) && path[0] == '/';
}

static bool insecure_ok(const struct fetcher_settings *settings)
{
	if (settings->insecure_count > FETCHER_INSECURE_MAX)
		return false;
	for (uint32_t i = 0; i < settings->insecure_count; i++) {
		if (!channel_text_ok(settings->insecure[i], sizeof(settings->insecure[i])) ||
		    !settings->insecure[i][0])
			return false;
	}
	return true;
}

static bool timeout_ok(uint32_t timeout_ms)
{
	return timeout_ms >= 1 && timeout_ms <= TIMEOUT_MAX_MS;
}

static bool settings_ok(const struct fetcher_settings *settings)
{
	return settings->log_level <= LOG_LEVEL_DEBUG && settings->signatures <= 1 &&
	       settings->cache_size_max && timeout_ok(settings->total_timeout_ms) &&
	       timeout_ok(settings->stall_timeout_ms) &&
	       path_ok(settings->cache_directory, sizeof(settings->cache_directory)) &&
	       path_ok(settings->ca_file, sizeof(settings->ca_file)) && insecure_ok(settings);
}

int settings_read(int fd, struct fetcher_settings *settings, struct error *error)
{
	static struct fetcher_settings read;
	size_t size = 0;
	int result = memfd_check(fd, &size);

	if (result == 0 && size != sizeof(read))
		result = -EPROTO;
	if (result == 0)
		result = memfd_read(fd, &read, sizeof(read));
	if (result == 0 && !settings_ok(&read))
		result = -EINVAL;
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL,
		                 "no settings from the launcher: %s; bpfd starts this program, "
		                 "nobody else does",
		                 strerror(-result));
	*settings = read;
	return 0;
}
