/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kinds of values in bpfd.conf(5): how each is read, and what is said when it cannot be. */
#ifndef BPFD_LAUNCHER_CONFIG_VALUE_H
#define BPFD_LAUNCHER_CONFIG_VALUE_H

#include <stddef.h>
#include <stdint.h>

struct config_key;

struct config_kind {
	/* Stores `value` in `field`: 0, or -EINVAL and `field` is untouched. */
	int (*parse)(const struct config_key *key, const char *value, void *field);
	const char *allowed; /* for errors; a %s in it takes the least and the most */
	/* Writes a number as the file would have it. */
	void (*print)(uint64_t number, char *out, size_t size);
};

/* One key. The field is a uint64_t, or for texts a char array. */
struct config_key {
	const char *section;
	const char *name;
	const struct config_kind *kind;
	size_t offset; /* into struct config */
	uint64_t least;
	uint64_t most;
	const char *default_text; /* NULL: default_number counts */
	uint64_t default_number;
};

extern const struct config_kind config_kind_name, config_kind_path, config_kind_mode,
	config_kind_number, config_kind_duration, config_kind_size, config_kind_switch,
	config_kind_level, config_kind_path_or_none, config_kind_hosts;

/* "a number from 1 to 16384" and so on. */
void config_key_allowed(const struct config_key *key, char *out, size_t size);

#endif
