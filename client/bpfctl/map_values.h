/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A map of a program as bpfctl works with it: what bpfd says of it, and the types of its entries
 * where they are known. */
#ifndef BPFD_BPFCTL_MAP_VALUES_H
#define BPFD_BPFCTL_MAP_VALUES_H

#include "bpfctl/arguments.h"
#include "bpfctl/typed.h"

struct map_values {
	struct bpfd_program_details *details; /* owns `map` */
	const struct bpfd_map *map;
	struct bpfd_map_types *types;
	struct btf *btf;               /* NULL: bytes are shown */
	uint32_t key_type, value_type; /* in it; 0: bytes are shown */
	size_t key_size;               /* 0: entries have no keys */
	_Bool index;                   /* a key is an array's index */
	_Bool handle;                  /* a value is the kernel's id of a program or map */
	_Bool by_value;                /* a bloom filter: is asked for values */
	_Bool per_cpu;
};

/* Asks bpfd about the map. EXIT_DONE, or says why not. */
enum exit_code map_values_open(const struct arguments *arguments, struct bpfd_client *client,
                               struct map_values *values);
void map_values_close(struct map_values *values);

/* New references; NULL without memory. The value of a map with one for each processor is a list. */
json_t *map_key_json(const struct map_values *values, const struct bpfd_map_entry *entry);
json_t *map_value_json(const struct map_values *values, const struct bpfd_map_entry *entry,
                       uint32_t cpus);
/* `size` bytes as one value. */
json_t *map_bytes_json(const struct map_values *values, const uint8_t *bytes, size_t size);

/*
 * Bytes for a key or value that was written. `base` holds the value that is there (or zeros), of
 * which members that are not named stay. 0; -EINVAL with a complaint.
 */
int map_key_encode(const struct map_values *values, const char *text, uint8_t *bytes,
                   char complaint[TYPED_COMPLAINT_SIZE]);
/* What names the entry that is asked for; `bytes` has room for a key and for a value. */
int map_name_encode(const struct map_values *values, const char *text, uint8_t *bytes, size_t *size,
                    char complaint[TYPED_COMPLAINT_SIZE]);
int map_value_encode(const struct map_values *values, const json_t *value, uint8_t *bytes,
                     char complaint[TYPED_COMPLAINT_SIZE]);

/* Is it a list of values for each processor, and no single value? */
_Bool map_value_is_list(const struct map_values *values, const json_t *value);

#endif
