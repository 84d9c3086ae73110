/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/config.h"

#include "common/cleanup.h"
#include "launcher/config_value.h"
#include "launcher/ini_file.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIELD(field) offsetof(struct config, field)
#define KIB (UINT64_C(1) << 10)
#define TIB (UINT64_C(1) << 40)

/* clang-format off */
static const struct config_key keys[] = {
	{ "users", "broker", &config_kind_name, FIELD(broker_user), 0, 0, "bpfd-broker", 0 },
	{ "users", "frontend", &config_kind_name, FIELD(frontend_user), 0, 0, "bpfd-frontend", 0 },
	{ "users", "loader", &config_kind_name, FIELD(loader_user), 0, 0, "bpfd-loader", 0 },
	{ "users", "fetcher", &config_kind_name, FIELD(fetcher_user), 0, 0, "bpfd-fetcher", 0 },
	{ "users", "verifier", &config_kind_name, FIELD(verifier_user), 0, 0, "bpfd-verifier", 0 },
	{ "users", "group", &config_kind_name, FIELD(group), 0, 0, "bpfd", 0 },
	{ "paths", "state-directory", &config_kind_path, FIELD(state_directory), 0, 0, "/var/lib/bpfd", 0 },
	{ "paths", "runtime-directory", &config_kind_path, FIELD(runtime_directory), 0, 0, "/run/bpfd", 0 },
	{ "paths", "bpffs", &config_kind_path, FIELD(bpffs), 0, 0, "/sys/fs/bpf", 0 },
	{ "paths", "tracefs", &config_kind_path, FIELD(tracefs), 0, 0, "/sys/kernel/tracing", 0 },
	{ "paths", "helpers", &config_kind_path, FIELD(helpers), 0, 0, BPFD_LIBEXECDIR, 0 },
	{ "paths", "declarations", &config_kind_path, FIELD(declarations), 0, 0, "/etc/bpfd/programs.d", 0 },
	{ "paths", "policy", &config_kind_path, FIELD(policy), 0, 0, "/etc/bpfd/policy.d", 0 },
	{ "socket", "mode", &config_kind_mode, FIELD(socket_mode), 0600, 0666, NULL, 0660 },
	{ "limits", "connections", &config_kind_number, FIELD(connections), 1, 16384, NULL, 1024 },
	{ "limits", "connections-per-uid", &config_kind_number, FIELD(connections_per_uid), 1, 16384, NULL, 512 },
	{ "limits", "send-timeout", &config_kind_duration, FIELD(send_timeout_ms), 10, 600000, NULL, 5000 },
	{ "limits", "load-timeout", &config_kind_duration, FIELD(load_timeout_ms), 1000, 3600000, NULL, 60000 },
	{ "limits", "map-memory", &config_kind_size, FIELD(map_memory_bytes), 64 * KIB, TIB, NULL, KIB * KIB * KIB },
	{ "limits", "programs", &config_kind_number, FIELD(programs), 1, 65536, NULL, 1024 },
	{ "features", "opener", &config_kind_switch, FIELD(opener), 0, 1, NULL, 1 },
	{ "features", "cpu-latency", &config_kind_switch, FIELD(cpu_latency), 0, 1, NULL, 1 },
	{ "features", "containers", &config_kind_switch, FIELD(containers), 0, 1, NULL, 0 },
	{ "features", "images", &config_kind_switch, FIELD(images), 0, 1, NULL, 1 },
	{ "images", "signed-only", &config_kind_switch, FIELD(signed_only), 0, 1, NULL, 0 },
	{ "images", "keep-ready", &config_kind_switch, FIELD(keep_ready), 0, 1, NULL, 0 },
	{ "images", "cache-size", &config_kind_size, FIELD(cache_size_bytes), 32 * KIB * KIB, TIB, NULL, KIB * KIB * KIB },
	{ "images", "ca-file", &config_kind_path, FIELD(ca_file), 0, 0, "/etc/ssl/certs/ca-certificates.crt", 0 },
	{ "images", "trusted-root", &config_kind_path_or_none, FIELD(trusted_root), 0, 0, "", 0 },
	{ "images", "insecure-registries", &config_kind_hosts, FIELD(insecure_registries), 0, 0, "", 0 },
	{ "images", "total-timeout", &config_kind_duration, FIELD(total_timeout_ms), 1000, 3600000, NULL, 300000 },
	{ "images", "stall-timeout", &config_kind_duration, FIELD(stall_timeout_ms), 1000, 600000, NULL, 30000 },
	{ "log", "level", &config_kind_level, FIELD(log_level), 0, 0, NULL, LOG_LEVEL_INFO },
};
/* clang-format on */
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

struct config_reader {
	struct config *config;
	unsigned int set_in_line[KEY_COUNT];
};

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char *field = (char *)config + keys[i].offset;

		if (keys[i].default_text)
			memcpy(field, keys[i].default_text, strlen(keys[i].default_text) + 1);
		else
			*(uint64_t *)(void *)field = keys[i].default_number;
	}
}

/* Joins the keys of `section` (or, for NULL, the sections) as "a, b, c". False if there are none.
 */
static bool names_join(const char *section, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *name = section ? keys[i].name : keys[i].section;

		if (section ? strcmp(keys[i].section, section) != 0
		            : i > 0 && strcmp(keys[i - 1].section, name) == 0)
			continue;
		int wrote = snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);

		if (wrote < 0 || (size_t)wrote >= size - used)
			break;
		used += (size_t)wrote;
	}
	return used > 0;
}

static bool section_check(struct ini_file *ini, const char *name)
{
	char known[256];

	if (names_join(name, known, sizeof(known)))
		return true;
	(void)names_join(NULL, known, sizeof(known));
	return ini_complain(ini, "unknown section [%s]: allowed are %s", name, known);
}

static bool key_take(struct ini_file *ini, const char *section, const char *name, const char *value)
{
	struct config_reader *reader = ini->user;
	char known[256];

	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
			continue;
		if (reader->set_in_line[i])
			return ini_complain(ini, "\"%s\" is set twice: first in line %u", name,
			                    reader->set_in_line[i]);
		reader->set_in_line[i] = ini->line;
		if (keys[i].kind->parse(&keys[i], value, (char *)reader->config + keys[i].offset) ==
		    0)
			return true;
		config_key_allowed(&keys[i], known, sizeof(known));
		return ini_complain(ini, "%s = %s: expected %s", name, value, known);
	}
	(void)names_join(section, known, sizeof(known));
	return ini_complain(ini, "unknown key \"%s\" in [%s]: allowed are %s", name, section,
	                    known);
}

int config_read(const char *path, bool required, struct config *config, struct error *error)
{
	_cleanup_fclose_ FILE *file = NULL;
	struct config read_values = *config;
	struct config_reader reader = { .config = &read_values };
	struct ini_file ini = { .section = section_check, .key = key_take, .user = &reader };
	int result = owned_file_open(path, "configuration file", &file, error);

	if (result == -ENOENT && !required)
		return 0;
	if (result == 0)
		result = ini_file_read(&ini, file, path, error);
	if (result == 0)
		*config = read_values;
	return result;
}

int config_set_helpers(struct config *config, const char *path, struct error *error)
{
	static const struct config_key key = { .name = "--helpers", .kind = &config_kind_path };
	char allowed[128];

	if (config_kind_path.parse(&key, path, config->helpers) == 0)
		return 0;
	config_key_allowed(&key, allowed, sizeof(allowed));
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, "--helpers %s: expected %s", path,
	                 allowed);
}
