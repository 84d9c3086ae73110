/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/settings.h"

#include <stdio.h>
#include <string.h>

#define PATH_MAX_HERE sizeof(((struct launcher_settings *)0)->bpffs_directory)
_Static_assert(CONFIG_PATH_SIZE + sizeof("/bpfd") <= PATH_MAX_HERE,
               "a configured path fits the settings");

void settings_fill(const struct config *config, const struct users *users,
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
}
