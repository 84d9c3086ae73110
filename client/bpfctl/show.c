/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of programs, links and maps. */
#include "bpfctl/show.h"
#include "bpfctl/table.h"
#include "bpfctl/words.h"
#include "common/cleanup.h"

#include <inttypes.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *word_or_dash(const char *word)
{
	return word && *word ? word : "-";
}

int programs_show(FILE *out, const struct bpfd_programs *programs, size_t width)
{
	static const struct column columns[] = {
		{ "ID", COLUMN_NUMBER },    { "TYPE", COLUMN_TEXT },
		{ "NAME", COLUMN_LONG },    { "KERNEL-ID", COLUMN_NUMBER },
		{ "LINKS", COLUMN_NUMBER }, { "APPLICATION", COLUMN_LONG },
		{ "LOADED", COLUMN_TEXT },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));
	char when[TIME_TEXT_SIZE];

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < programs->count; i++) {
		const struct bpfd_program *program = &programs->items[i];

		table_row(table);
		table_cell(table, program->id ? "%" PRIu64 : "-", program->id);
		table_cell(table, "%s",
		           word_or_dash(bpfd_program_type_name(program->type)
		                                ?: program->kernel.type));
		table_cell(table, "%s", word_or_dash(program->name));
		table_cell(table, program->kernel.id ? "%" PRIu32 : "-", program->kernel.id);
		table_cell(table, "%zu", program->link_count);
		table_cell(table, "%s", word_or_dash(program->application));
		table_cell(table, "%s",
		           program->state > BPFD_PROGRAM_LOADED
		                   ? word_or_dash(bpfd_program_state_name(program->state))
		                   : word_or_dash(time_text(program->kernel.loaded_at, when)));
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

/* Of somebody else's link the kernel tells little. */
static void where_cell(struct table *table, const struct bpfd_link *link)
{
	if (!link->kernel_link_id)
		table_cell(table, "%s", word_or_dash(link->where));
	else if (link->ifindex)
		table_cell(table, "kernel link %" PRIu32 ", interface %" PRIu32,
		           link->kernel_link_id, link->ifindex);
	else
		table_cell(table, "kernel link %" PRIu32, link->kernel_link_id);
}

static void link_cells(struct table *table, const struct bpfd_link *link)
{
	char actions[ACTIONS_TEXT_SIZE];

	/* somebody else's has no id of bpfd's */
	table_cell(table, link->id ? "%" PRIu64 : "-", link->id);
	table_cell(table, link->program_id ? "%" PRIu64 : "-", link->program_id);
	table_cell(table, "%s", word_or_dash(link->program_name));
	table_cell(table, "%s",
	           word_or_dash(bpfd_program_type_name(link->type) ?: link->kernel_type));
	where_cell(table, link);
	table_cell(table, link->running ? "%" PRIu32 : "-", link->position);
	table_cell(table, link->target.priority_set ? "%" PRId32 : "-", link->target.priority);
	table_cell(table, "%s", actions_text(link, actions));
	table_cell(table, "%s", word_or_dash(bpfd_xdp_mode_name(link->target.mode)));
	table_cell(table, "%s", word_or_dash(bpfd_link_state_name(link->state)));
}

int links_show(FILE *out, const struct bpfd_link *links, size_t count, size_t width)
{
	static const struct column columns[] = {
		{ "ID", COLUMN_NUMBER },   { "PROGRAM", COLUMN_NUMBER },  { "NAME", COLUMN_LONG },
		{ "TYPE", COLUMN_TEXT },   { "WHERE", COLUMN_TEXT },      { "POS", COLUMN_NUMBER },
		{ "PRIO", COLUMN_NUMBER }, { "PROCEED-ON", COLUMN_LONG }, { "MODE", COLUMN_TEXT },
		{ "STATE", COLUMN_TEXT },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		table_row(table);
		link_cells(table, &links[i]);
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

/* "3, 4", bpfd's programs; or how many there are besides. */
static void users_cell(struct table *table, const struct bpfd_map *map)
{
	char text[96];
	size_t used = 0;

	for (size_t i = 0; i < map->program_count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRIu64,
		                         i ? "," : "", map->program_ids[i]);
	table_cell(table, "%s", used ? text : "-");
}

int maps_list_show(FILE *out, const struct bpfd_maps *maps, size_t width)
{
	static const struct column columns[] = {
		{ "KERNEL-ID", COLUMN_NUMBER }, { "NAME", COLUMN_LONG },
		{ "TYPE", COLUMN_TEXT },        { "KEY", COLUMN_NUMBER },
		{ "VALUE", COLUMN_NUMBER },     { "ENTRIES", COLUMN_NUMBER },
		{ "PROGRAMS", COLUMN_LONG },    { "PIN", COLUMN_LONG },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < maps->count; i++) {
		const struct bpfd_map *map = &maps->items[i];

		table_row(table);
		table_cell(table, "%" PRIu32, map->kernel_id);
		table_cell(table, "%s", word_or_dash(map->name));
		table_cell(table, "%s", map->type);
		table_cell(table, "%" PRIu32, map->key_size);
		table_cell(table, "%" PRIu32, map->value_size);
		table_cell(table, "%" PRIu32, map->max_entries);
		users_cell(table, map);
		table_cell(table, "%s", word_or_dash(map->pin));
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}
