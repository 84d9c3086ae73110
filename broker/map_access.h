/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What may be done with the entries of a map, by its type, and how long they are. The broker makes
 * the calls, so a value that the kernel takes for a descriptor would be one of the broker's own:
 * such maps can be read at most.
 */
#ifndef BPFD_BROKER_MAP_ACCESS_H
#define BPFD_BROKER_MAP_ACCESS_H

#include "common/error.h"
#include "proto/records.h"

#include <stdbool.h>
#include <stddef.h>

enum map_act { MAP_ACT_GET, MAP_ACT_DUMP, MAP_ACT_SET, MAP_ACT_DELETE };

/* An opened map: what the kernel says of it. */
struct map_shape {
	const char *name;
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t name_size;  /* of what names the entry that is asked for: its key, but for a bloom
	                        filter, which is asked for a value */
	uint32_t value_size; /* of one value */
	uint32_t max_entries;
	uint32_t cpus;      /* a value for each of so many processors; 0: one for all */
	size_t value_bytes; /* of a whole value, as the kernel copies it */
};

/*
 * Works `map` out: `cpus` is how many processors the kernel counts, 0 if that is not known. 0; or
 * -errno with `error` where no client can have the map's entries, whatever is asked.
 */
int map_shape_make(const struct record_map *map, uint32_t cpus, struct map_shape *shape,
                   struct error *error);

/* May the map's entries be used so? 0, or -EOPNOTSUPP with `error`. */
int map_act_check(const struct map_shape *shape, enum map_act act, struct error *error);

/* The key has the size that the map wants: 0, or -EINVAL with `error`. */
int map_key_check(const struct map_shape *shape, size_t size, struct error *error);

/* The same of what names an entry that is asked for. */
int map_name_check(const struct map_shape *shape, size_t size, struct error *error);

/* So has the value: of one processor, which then counts for all, or of every one. */
int map_value_check(const struct map_shape *shape, const uint8_t *value, size_t size,
                    struct error *error);

/* A key that is gone makes the kernel begin anew with the first one. */
bool map_type_forgets(uint32_t type);

/* How many processors "0-3,8\n" names, as the kernel writes it, and `end`, one above the last of
 * them; 0 for anything else. */
uint32_t map_cpus_parse(const char *text, uint32_t *end);

#endif
