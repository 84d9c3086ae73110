/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the frontend knows of the broker's state: programs, links, what runs on each interface, and
 * the host. Kept from the broker's rows; each record is held without the unused end of its arrays.
 * Everything a client asks to see is answered from here.
 */
#ifndef BPFD_FRONTEND_VIEW_H
#define BPFD_FRONTEND_VIEW_H

#include "proto/channel_frontend.h"
#include "proto/channel_launcher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every item of a table starts with its id; a table is in ascending order of it. */
struct view_table {
	void **items;
	size_t count;
	size_t capacity;
};

/* `head` has the fields of the record up to its arrays: head.maps and head.metadata are not there,
 * see below. */
struct view_program {
	uint64_t id;
	struct record_map *maps;                /* head->map_count */
	struct record_metadata_entry *metadata; /* metadata_count */
	struct record_global *globals;          /* global_count; offsets into global_data */
	uint8_t *global_data;
	uint32_t metadata_count;
	uint32_t global_count;
	const char *reason;                /* "" as a rule */
	const struct record_program *head; /* only up to `maps` */
};

struct view_link {
	uint64_t id;
	struct record_metadata_entry *metadata;
	uint32_t metadata_count;
	const char *reason;             /* "" as a rule */
	const struct record_link *head; /* only up to the last of its `places` */
};

/* Links by program: in ascending order of the program's id, then the link's. */
struct view_use {
	uint64_t program_id;
	const struct view_link *link;
};

struct view_uses {
	struct view_use *items;
	size_t count;
	size_t capacity;
};

struct view_chain {
	uint64_t id;               /* RECORD_CHAIN_ID */
	struct record_chain chain; /* only as many entries as there are */
};

#define VIEW_PROCESSES_MAX 8

struct view {
	struct record_status status;
	struct view_table programs; /* struct view_program */
	struct view_table links;    /* struct view_link */
	struct view_uses uses;      /* every link once */
	struct view_table chains;   /* struct view_chain */
	size_t process_count;
	struct launcher_process processes[VIEW_PROCESSES_MAX]; /* bpfd's own */
};

/*
 * Each takes one row as the broker sent it: new, or in place of what has its id. 0; -EPROTO for a
 * row that cannot be (a count beyond its array, an unterminated text, globals of an unknown
 * program, an unknown kind); -ENOMEM. The end of what is not there is no error.
 */
int view_take_program(struct view *view, const struct record_program *row);
int view_take_globals(struct view *view, const struct frontend_globals *row);
int view_take_link(struct view *view, const struct record_link *row);
int view_take_chain(struct view *view, const struct record_chain *row);
int view_take_status(struct view *view, const struct record_status *row);
int view_take_gone(struct view *view, const struct frontend_gone *row);
int view_take_process(struct view *view, const struct launcher_process *row);

/* Can the broker have said this of what it has loaded, or would load? */
bool verdict_ok(const struct record_verdict *verdict);

/* What has this id, or NULL. */
const struct view_program *view_program(const struct view *view, uint64_t id);
const struct view_link *view_link(const struct view *view, uint64_t id);
const struct view_chain *view_chain(const struct view *view, uint64_t id);

/* The program's links in ascending order of id, and how many there are; they live until the next
 * row.
 */
const struct view_use *view_program_uses(const struct view *view, uint64_t program_id,
                                         size_t *count);

/* Place of a link in what runs on its interface, 0 first, or -1 when it does not run there. */
int view_link_position(const struct view *view, const struct view_link *link);

/* Frees what the view holds; the view is then empty. */
void view_clear(struct view *view);

#endif
