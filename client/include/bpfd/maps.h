/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpfd: the maps of programs, and what is in them. <bpfd/bpfd.h> includes this, and says how
 * errors, texts and what is given out are to be read.
 */
#ifndef BPFD_MAPS_H
#define BPFD_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bpfd_client;
struct bpfd_error;

struct bpfd_map {
	const char *name;
	const char *type; /* "hash", "array", ... */
	const char *pin;  /* absolute path */
	uint32_t kernel_id;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;              /* BPF_F_* of its creation; of bpfd_list_maps() */
	const uint64_t *program_ids; /* bpfd's programs that use it; of bpfd_list_maps() */
	size_t program_count;
	const uint32_t *kernel_program_ids; /* every program that uses it, with `all` */
	size_t kernel_program_count;
	const char *shared_pin; /* where it is pinned, too, if it is shared by name; else "" */
};

struct bpfd_maps {
	const struct bpfd_map *items;
	size_t count;
};

struct bpfd_map_filter {
	uint64_t program_id;
	const char *type;        /* "hash", "array", ... */
	const char *application; /* of a program that uses it */
	bool all;                /* what others made, too */
	bool owner_set;          /* of a program that uses it */
	uint32_t owner_uid;
};

int bpfd_list_maps(struct bpfd_client *client, const struct bpfd_map_filter *filter,
                   struct bpfd_maps **maps, struct bpfd_error **error);
void bpfd_maps_free(struct bpfd_maps *maps);

/* ---- entries of maps ---- */

/* Bytes as they lie in memory. */
struct bpfd_map_entry {
	const void *key;
	const void *value; /* where each processor has its own: all of them, each filled up to a
	                      multiple of 8 bytes */
	size_t key_size;
	size_t value_size;
};

struct bpfd_map_page {
	const struct bpfd_map_entry *entries;
	size_t count;
	const void *cursor; /* for the next page; its size is 0 after the last one */
	size_t cursor_size;
	uint32_t cpus;  /* a value is of so many processors; 0: one for all */
	bool disturbed; /* entries went away meanwhile: others may come twice, or not at all */
};

/*
 * The entries of a program's map, by its name in the object, page by page: without a cursor the
 * first. A page may be empty without being the last. `max_entries` 0: as many as bpfd gives at
 * once. A dump ends, also of a map that changes all the time.
 */
int bpfd_map_dump(struct bpfd_client *client, uint64_t program_id, const char *map,
                  const void *cursor, size_t cursor_size, uint32_t max_entries,
                  struct bpfd_map_page **page, struct bpfd_error **error);

/* One entry, as a page of one. Queues and stacks have no keys: their next entry, which stays. */
int bpfd_map_get(struct bpfd_client *client, uint64_t program_id, const char *map, const void *key,
                 size_t key_size, struct bpfd_map_page **page, struct bpfd_error **error);
void bpfd_map_page_free(struct bpfd_map_page *page);

enum bpfd_map_set_mode {
	BPFD_MAP_SET_ANY = 0,
	BPFD_MAP_SET_NEW = 1,      /* only if there is no such entry */
	BPFD_MAP_SET_EXISTING = 2, /* only if there is one */
};

struct bpfd_map_set_request {
	uint64_t program_id;
	const char *map;
	const void *key;
	size_t key_size;
	const void *value; /* of one processor, which then is set for all, or of all */
	size_t value_size;
	enum bpfd_map_set_mode mode;
	const uint8_t *request_id; /* NULL: made by the library */
};

int bpfd_map_set(struct bpfd_client *client, const struct bpfd_map_set_request *request,
                 struct bpfd_error **error);
int bpfd_map_delete(struct bpfd_client *client, uint64_t program_id, const char *map,
                    const void *key, size_t key_size, const uint8_t *request_id,
                    struct bpfd_error **error);

/* The BTF that describes a map's keys and values. It comes from whoever built the object: read it
 * with a parser that expects anything. */
struct bpfd_map_types {
	const void *btf;
	size_t btf_size;
	/* Ids of types in it; 0 as the kernel knows none: of a few kinds of maps, as queues. The
	 * map's declaration, the variable of its name in the section .maps, may have them. */
	uint32_t key_type;
	uint32_t value_type;
};

int bpfd_map_types(struct bpfd_client *client, uint64_t program_id, const char *map,
                   struct bpfd_map_types **types, struct bpfd_error **error);
void bpfd_map_types_free(struct bpfd_map_types *types);

#ifdef __cplusplus
}
#endif

#endif
