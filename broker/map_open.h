/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program's map, opened by its pin for the length of one request. */
#ifndef BPFD_BROKER_MAP_OPEN_H
#define BPFD_BROKER_MAP_OPEN_H

#include "broker/broker.h"
#include "broker/map_access.h"

struct opened_map {
	int fd;                  /* the caller's to close, once opened */
	uint32_t program_btf_id; /* of the types of the program's object; 0: there are none */
	struct record_map record;
	struct map_shape shape; /* of a map whose entries clients may have */
};

/* Opens the map of that name in the object. 0; -ENOENT when there is no such program or map; -errno
 * with `error`. `shape` is not filled in. */
int map_open(struct broker *broker, uint64_t program_id, const char *name, struct opened_map *map,
             struct error *error);

/* The same for a map whose entries are to be read or changed. */
int map_open_for(struct broker *broker, uint64_t program_id, const char *name, enum map_act act,
                 struct opened_map *map, struct error *error);

/* Why the kernel did not do it: `result` with a sentence. */
int map_refusal(const struct map_shape *shape, const char *what, int result, struct error *error);

#endif
