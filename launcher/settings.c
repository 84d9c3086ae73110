/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_HERE sizeof(((struct launcher_settings *)0)->bpffs_directory)
_Static_assert(CONFIG_PATH_SIZE + sizeof("/bpfd") <= PATH_MAX_HERE,
               "a configured path fits the settings");
_Static_assert(CONFIG_HOSTS_MAX == FETCHER_INSECURE_MAX &&
                       CONFIG_HOST_SIZE == sizeof(((struct fetcher_settings *)0)->insecure[0]),
               "the configured registries fit a fetcher's settings");

/*
 * The directory of a file, or what a directory lies in: an update puts a new one in its place. One
 * that is not there yet may come.
 */
static void parent_fill(const char *name, char *out, size_t size)
{
	char *real = realpath(name, NULL);
	const char *path = real ? real : name;
	const char *slash = strrchr(path, '/');

	(void)snprintf(out, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	free(real);
}

/* Not all that there is, where they lie at the top. */
static void rules_directory_fill(const char *policy, char *out, size_t size)
{
	parent_fill(policy, out, size);
	if (strcmp(out, "/") == 0)
		(void)snprintf(out, size, "%s", policy);
}

void settings_fill(const struct config *config, const struct users *users, size_t demands,
                   struct launcher_settings *out)
{
	memset(out, 0, sizeof(*out));
	out->log_level = (uint32_t)config->log_level;
	out->opener = (uint32_t)config->opener;
	out->containers = (uint32_t)config->containers;
	out->access_gid = users->access_gid;
	out->maps_gid = users->access_gid;
	out->connections_max = (uint32_t)config->connections;
	out->connections_per_uid_max = (uint32_t)config->connections_per_uid;
	out->send_timeout_ms = (uint32_t)config->send_timeout_ms;
	out->load_timeout_ms = (uint32_t)config->load_timeout_ms;
	out->map_memory_max = config->map_memory_bytes;
	out->programs_max = (uint32_t)config->programs;
	(void)snprintf(out->state_directory, sizeof(out->state_directory), "%s",
	               config->state_directory);
	(void)snprintf(out->runtime_directory, sizeof(out->runtime_directory), "%s",
	               config->runtime_directory);
	(void)snprintf(out->bpffs_directory, sizeof(out->bpffs_directory), "%s/bpfd",
	               config->bpffs);
	(void)snprintf(out->xdp_directory, sizeof(out->xdp_directory), "%s/xdp", config->bpffs);
	(void)snprintf(out->tracefs_directory, sizeof(out->tracefs_directory), "%s",
	               config->tracefs);
	(void)snprintf(out->helpers_directory, sizeof(out->helpers_directory), "%s",
	               config->helpers);
	out->images = config->images ? 1 + (uint32_t)config->keep_ready : 0;
	out->signed_only = (uint32_t)config->signed_only;
	out->image_rules = (uint32_t)demands;
	out->fetch_timeout_ms = (uint32_t)config->total_timeout_ms;
	parent_fill(config->ca_file, out->ca_directory, sizeof(out->ca_directory));
	rules_directory_fill(config->policy, out->rules_directory, sizeof(out->rules_directory));
}

void settings_fetcher_fill(const struct config *config, size_t demands,
                           struct fetcher_settings *out)
{
	memset(out, 0, sizeof(*out));
	out->log_level = (uint32_t)config->log_level;
	out->signatures = demands > 0 || config->signed_only;
	out->total_timeout_ms = (uint32_t)config->total_timeout_ms;
	out->stall_timeout_ms = (uint32_t)config->stall_timeout_ms;
	out->cache_size_max = config->cache_size_bytes;
	(void)snprintf(out->cache_directory, sizeof(out->cache_directory), "%s/images",
	               config->state_directory);
	(void)snprintf(out->ca_file, sizeof(out->ca_file), "%s", config->ca_file);
	while (out->insecure_count < FETCHER_INSECURE_MAX &&
	       config->insecure_registries[out->insecure_count][0]) {
		memcpy(out->insecure[out->insecure_count],
		       config->insecure_registries[out->insecure_count], CONFIG_HOST_SIZE);
		out->insecure_count++;
	}
}
