/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bpfd.conf(5): what the administrator may set. The file is root's own, so that parsing it needs no
 * sandbox; a key that is not in the table of config.c does not exist.
 */
#ifndef BPFD_LAUNCHER_CONFIG_H
#define BPFD_LAUNCHER_CONFIG_H

#include "common/error.h"
#include "common/log.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_FILE_DEFAULT "/etc/bpfd/bpfd.conf"
#define CONFIG_NAME_SIZE 64
#define CONFIG_PATH_SIZE 96 /* short enough for a socket's name below it */
#define CONFIG_HOSTS_MAX 16
#define CONFIG_HOST_SIZE 128

struct config {
	/* names, or numbers in decimal */
	char broker_user[CONFIG_NAME_SIZE];
	char frontend_user[CONFIG_NAME_SIZE];
	char loader_user[CONFIG_NAME_SIZE];
	char fetcher_user[CONFIG_NAME_SIZE];
	char verifier_user[CONFIG_NAME_SIZE];
	char group[CONFIG_NAME_SIZE];
	/* absolute, without a slash at the end */
	char state_directory[CONFIG_PATH_SIZE];
	char runtime_directory[CONFIG_PATH_SIZE];
	char bpffs[CONFIG_PATH_SIZE];
	char tracefs[CONFIG_PATH_SIZE];
	char helpers[CONFIG_PATH_SIZE];
	char declarations[CONFIG_PATH_SIZE];
	char policy[CONFIG_PATH_SIZE];
	char ca_file[CONFIG_PATH_SIZE];
	char trusted_root[CONFIG_PATH_SIZE];                          /* empty: none */
	char insecure_registries[CONFIG_HOSTS_MAX][CONFIG_HOST_SIZE]; /* up to the first empty one
	                                                               */
	uint64_t socket_mode;
	uint64_t connections;
	uint64_t connections_per_uid;
	uint64_t send_timeout_ms;
	uint64_t load_timeout_ms;
	uint64_t map_memory_bytes;
	uint64_t programs;
	uint64_t opener;      /* 0 or 1 */
	uint64_t cpu_latency; /* 0 or 1 */
	uint64_t containers;  /* 0 or 1 */
	uint64_t images;      /* 0 or 1 */
	uint64_t signed_only; /* 0 or 1 */
	uint64_t keep_ready;  /* 0 or 1 */
	uint64_t cache_size_bytes;
	uint64_t total_timeout_ms;
	uint64_t stall_timeout_ms;
	uint64_t log_level; /* enum log_level */
};

void config_defaults(struct config *config);

/*
 * Reads `path` over the values in `config`. A file that does not exist is fine unless `required`.
 * The file must be root's and writable by nobody else. 0; or -errno with `error` (file, line, what
 * is allowed), and `config` is untouched.
 */
int config_read(const char *path, bool required, struct config *config, struct error *error);

/* Checks a path given on the command line as one of the file, and stores it. 0 or -EINVAL with
 * `error`. */
int config_set_helpers(struct config *config, const char *path, struct error *error);

#endif
