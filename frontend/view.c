/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/view.h"

#include "common/cleanup.h"
#include "common/places.h"
#include "common/program_type.h"
#include "common/target.h"
#include "frontend/view_uses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t item_id(const struct view_table *table, size_t index)
{
	uint64_t id;

	memcpy(&id, table->items[index], sizeof(id));
	return id;
}

/* Index of the first item whose id is at least `id`. New ids are the highest, so the end is looked
 * at first. */
static size_t table_place(const struct view_table *table, uint64_t id)
{
	size_t low = 0, high = table->count;

	if (high == 0 || item_id(table, high - 1) < id)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (item_id(table, middle) < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void *table_find(const struct view_table *table, uint64_t id)
{
	size_t place = table_place(table, id);

	if (place == table->count || item_id(table, place) != id)
		return NULL;
	return table->items[place];
}

static int table_reserve(struct view_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : 16;

	if (table->count < table->capacity)
		return 0;

	void **items = reallocarray(table->items, capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	table->items = items;
	table->capacity = capacity;
	return 0;
}

/* Puts an item in its place. 0 and what was there before (or NULL), or -ENOMEM. */
static int table_put(struct view_table *table, void *item, uint64_t id, void **before)
{
	size_t place = table_place(table, id);

	if (place < table->count && item_id(table, place) == id) {
		*before = table->items[place];
		table->items[place] = item;
		return 0;
	}

	int r = table_reserve(table);

	if (r < 0)
		return r;
	memmove(table->items + place + 1, table->items + place,
	        (table->count - place) * sizeof(*table->items));
	table->items[place] = item;
	table->count++;
	*before = NULL;
	return 0;
}

static void *table_remove(struct view_table *table, uint64_t id)
{
	size_t place = table_place(table, id);

	if (place == table->count || item_id(table, place) != id)
		return NULL;

	void *item = table->items[place];

	table->count--;
	memmove(table->items + place, table->items + place + 1,
	        (table->count - place) * sizeof(*table->items));
	return item;
}

static void program_free(struct view_program *program)
{
	if (!program)
		return;
	free(program->globals);
	free(program->global_data);
	free(program);
}

static bool metadata_ok(const struct record_metadata *metadata)
{
	if (metadata->count > METADATA_MAX)
		return false;
	for (uint32_t i = 0; i < metadata->count; i++) {
		const struct record_metadata_entry *entry = &metadata->entries[i];

		if (!channel_text_ok(entry->key, sizeof(entry->key)) ||
		    !channel_text_ok(entry->value, sizeof(entry->value)))
			return false;
	}
	return true;
}

bool verdict_ok(const struct record_verdict *verdict)
{
	return verdict->verdict <= IMAGE_VERDICT_VERIFIED &&
	       channel_text_ok(verdict->key, sizeof(verdict->key)) &&
	       channel_text_ok(verdict->identity, sizeof(verdict->identity)) &&
	       channel_text_ok(verdict->issuer, sizeof(verdict->issuer));
}

static bool program_ok(const struct record_program *row)
{
	if (row->id == 0 || row->map_count > LOAD_MAPS_MAX || !metadata_ok(&row->metadata))
		return false;
	for (uint32_t i = 0; i < row->map_count; i++) {
		if (!channel_text_ok(row->maps[i].name, sizeof(row->maps[i].name)))
			return false;
	}
	return channel_text_ok(row->name, sizeof(row->name)) &&
	       channel_text_ok(row->reason, sizeof(row->reason)) &&
	       row->state <= PROGRAM_STATE_FAILED && verdict_ok(&row->verdict) &&
	       channel_text_ok(row->image.reference, sizeof(row->image.reference)) &&
	       channel_text_ok(row->target, sizeof(row->target)) &&
	       strnlen(row->kernel_name, sizeof(row->kernel_name)) < sizeof(row->kernel_name) &&
	       channel_text_ok(row->application, sizeof(row->application)) &&
	       channel_text_ok(row->source_name, sizeof(row->source_name));
}

/* One block: the program, its head, its maps, its metadata, its reason. */
static struct view_program *program_new(const struct record_program *row)
{
	size_t head_size = offsetof(struct record_program, maps);
	size_t maps_size = row->map_count * sizeof(row->maps[0]);
	size_t metadata_size = row->metadata.count * sizeof(row->metadata.entries[0]);
	size_t reason_size = strlen(row->reason) + 1;
	struct view_program *program =
		malloc(sizeof(*program) + head_size + maps_size + metadata_size + reason_size);

	if (!program)
		return NULL;

	unsigned char *bytes = (unsigned char *)(program + 1);

	*program = (struct view_program){ .id = row->id, .metadata_count = row->metadata.count };
	program->head = memcpy(bytes, row, head_size);
	program->maps = memcpy(bytes + head_size, row->maps, maps_size);
	program->metadata =
		memcpy(bytes + head_size + maps_size, row->metadata.entries, metadata_size);
	program->reason =
		memcpy(bytes + head_size + maps_size + metadata_size, row->reason, reason_size);
	return program;
}

int view_take_program(struct view *view, const struct record_program *row)
{
	struct view_program *program;
	void *before;

	if (!program_ok(row))
		return -EPROTO;
	program = program_new(row);
	if (!program)
		return -ENOMEM;

	int r = table_put(&view->programs, program, program->id, &before);

	if (r < 0) {
		program_free(program);
		return r;
	}
	if (before) {
		struct view_program *old = before;

		program->global_count = old->global_count;
		program->globals = steal_ptr(&old->globals);
		program->global_data = steal_ptr(&old->global_data);
		program_free(old);
	}
	return 0;
}

static bool globals_ok(const struct record_globals *globals)
{
	if (globals->count > LOAD_GLOBALS_MAX || globals->data_size > GLOBAL_DATA_MAX)
		return false;
	for (uint32_t i = 0; i < globals->count; i++) {
		const struct record_global *entry = &globals->entries[i];

		if (!channel_text_ok(entry->name, sizeof(entry->name)) ||
		    entry->offset > globals->data_size ||
		    entry->size > globals->data_size - entry->offset)
			return false;
	}
	return true;
}

int view_take_globals(struct view *view, const struct frontend_globals *row)
{
	struct view_program *program = table_find(&view->programs, row->program_id);
	const struct record_globals *globals = &row->globals;

	if (!program || !globals_ok(globals))
		return -EPROTO;

	size_t entries_size = globals->count * sizeof(globals->entries[0]);
	struct record_global *entries = malloc(entries_size ? entries_size : 1);
	uint8_t *data = malloc(globals->data_size ? globals->data_size : 1);

	if (!entries || !data) {
		free(entries);
		free(data);
		return -ENOMEM;
	}
	free(program->globals);
	free(program->global_data);
	program->globals = memcpy(entries, globals->entries, entries_size);
	program->global_data = memcpy(data, globals->data, globals->data_size);
	program->global_count = globals->count;
	return 0;
}

static bool link_ok(const struct record_link *row)
{
	return row->id != 0 && metadata_ok(&row->metadata) && target_well_formed(&row->target) &&
	       places_well_formed(&row->places) &&
	       channel_text_ok(row->reason, sizeof(row->reason));
}

int view_take_link(struct view *view, const struct record_link *row)
{
	size_t places_size = row->places.count * sizeof(row->places.entries[0]);
	size_t head_size = offsetof(struct record_link, places.entries) + places_size;
	size_t metadata_size = row->metadata.count * sizeof(row->metadata.entries[0]);
	void *before = NULL;

	if (!link_ok(row))
		return -EPROTO;

	size_t reason_size = strlen(row->reason) + 1;
	struct view_link *link = malloc(sizeof(*link) + head_size + metadata_size + reason_size);

	if (!link)
		return -ENOMEM;

	unsigned char *bytes = (unsigned char *)(link + 1);

	*link = (struct view_link){ .id = row->id, .metadata_count = row->metadata.count };
	link->head = memcpy(bytes, row, head_size);
	link->metadata = memcpy(bytes + head_size, row->metadata.entries, metadata_size);
	link->reason = memcpy(bytes + head_size + metadata_size, row->reason, reason_size);

	int r = uses_reserve(&view->uses);

	if (r == 0)
		r = table_put(&view->links, link, link->id, &before);
	if (r < 0) {
		free(link);
		return r;
	}
	/* the former may have been another program's */
	uses_remove(&view->uses, before);
	uses_add(&view->uses, link);
	free(before);
	return 0;
}

static bool chain_ok(const struct record_chain *row)
{
	if (row->ifindex == 0 || row->count > CHAIN_PROGRAMS_MAX || !program_type_row(row->type) ||
	    row->direction > DIRECTION_EGRESS ||
	    !channel_text_ok(row->interface, sizeof(row->interface)))
		return false;
	for (uint32_t i = 0; i < row->count; i++) {
		const struct record_chain_entry *entry = &row->entries[i];

		if (strnlen(entry->kernel_name, sizeof(entry->kernel_name)) ==
		    sizeof(entry->kernel_name))
			return false;
	}
	return true;
}

int view_take_chain(struct view *view, const struct record_chain *row)
{
	void *before;

	if (!chain_ok(row))
		return -EPROTO;

	/* without the unused end of its array */
	size_t size = offsetof(struct record_chain, entries) + row->count * sizeof(row->entries[0]);
	struct view_chain *chain = malloc(offsetof(struct view_chain, chain) + size);

	if (!chain)
		return -ENOMEM;
	chain->id = RECORD_CHAIN_ID(row->type, row->netns, row->ifindex, row->direction);
	memcpy(&chain->chain, row, size);

	int r = table_put(&view->chains, chain, chain->id, &before);

	free(r < 0 ? (void *)chain : before);
	return r;
}

int view_take_status(struct view *view, const struct record_status *row)
{
	if (!channel_text_ok(row->kernel_release, sizeof(row->kernel_release)))
		return -EPROTO;
	view->status = *row;
	return 0;
}

static void link_remove(struct view *view, uint64_t id)
{
	struct view_link *link = table_remove(&view->links, id);

	uses_remove(&view->uses, link);
	free(link);
}

int view_take_gone(struct view *view, const struct frontend_gone *row)
{
	switch (row->kind) {
	case FRONTEND_GONE_PROGRAM:
		program_free(table_remove(&view->programs, row->id));
		return 0;
	case FRONTEND_GONE_LINK:
		link_remove(view, row->id);
		return 0;
	case FRONTEND_GONE_CHAIN:
		free(table_remove(&view->chains, row->id));
		return 0;
	default:
		return -EPROTO;
	}
}

const struct view_program *view_program(const struct view *view, uint64_t id)
{
	return table_find(&view->programs, id);
}

const struct view_link *view_link(const struct view *view, uint64_t id)
{
	return table_find(&view->links, id);
}

const struct view_chain *view_chain(const struct view *view, uint64_t id)
{
	return table_find(&view->chains, id);
}

int view_link_position(const struct view *view, const struct view_link *link)
{
	const struct record_link *head = link->head;
	const struct view_chain *found = table_find(
		&view->chains, RECORD_CHAIN_ID(head->type, head->target.netns_id,
	                                       head->target.ifindex, head->target.direction));

	for (uint32_t i = 0; found && i < found->chain.count; i++) {
		if (found->chain.entries[i].link_id == link->id)
			return (int)i;
	}
	return -1;
}

static void table_clear(struct view_table *table, void (*item_free)(void *item))
{
	for (size_t i = 0; i < table->count; i++)
		item_free(table->items[i]);
	free(table->items);
	*table = (struct view_table){ .items = NULL };
}

static void program_item_free(void *item)
{
	program_free(item);
}

void view_clear(struct view *view)
{
	table_clear(&view->programs, program_item_free);
	uses_clear(&view->uses);
	table_clear(&view->links, free);
	table_clear(&view->chains, free);
}

int view_take_process(struct view *view, const struct launcher_process *row)
{
	if (view->process_count == VIEW_PROCESSES_MAX ||
	    !channel_text_ok(row->role, sizeof(row->role)))
		return -EPROTO;
	view->processes[view->process_count++] = *row;
	return 0;
}
