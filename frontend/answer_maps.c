/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of maps, and everything about one of the kernel's programs. */
#include "frontend/answer_items.h"
#include "frontend/answer_kernel.h"
#include "common/sort.h"
#include "frontend/answer_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One of bpfd's programs uses one map; sorted by map they say who uses it. */
struct use {
	uint32_t map_id;
	uint32_t index; /* into the program's maps */
	const struct view_program *program;
};

struct uses {
	struct use *items;
	size_t count;
};

static int use_compare(const void *left, const void *right)
{
	const struct use *a = left, *b = right;

	if (a->map_id != b->map_id)
		return a->map_id < b->map_id ? -1 : 1;
	return (a->program->id > b->program->id) - (a->program->id < b->program->id);
}

static int uses_take(const struct answer_source *source, struct uses *uses)
{
	const struct view_table *programs = &source->view->programs;
	size_t room = 0;

	for (size_t i = 0; i < programs->count; i++)
		room += ((const struct view_program *)programs->items[i])->head->map_count;
	uses->items = arena_take_array(source->arena, room, sizeof(*uses->items));
	uses->count = 0;
	if (!uses->items)
		return -ENOMEM;
	for (size_t i = 0; i < programs->count; i++) {
		const struct view_program *program = programs->items[i];

		for (uint32_t j = 0; j < program->head->map_count; j++)
			uses->items[uses->count++] =
				(struct use){ program->maps[j].kernel_id, j, program };
	}
	sort_items(uses->items, uses->count, sizeof(*uses->items), use_compare);
	return 0;
}

static bool program_matches(const struct view_program *program,
                            const Bpfd__V1__ListMapsRequest *request)
{
	if (request->program_option_case ==
	            BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID &&
	    program->id != request->program_id)
		return false;
	if (*request->application && strcmp(program->head->application, request->application) != 0)
		return false;
	return request->owner_option_case != BPFD__V1__LIST_MAPS_REQUEST__OWNER_OPTION_OWNER_UID ||
	       program->head->owner_uid == request->owner_uid;
}

/* What the filter asks of programs cannot be said of somebody else's map. */
static bool foreign_wanted(const Bpfd__V1__ListMapsRequest *request)
{
	return request->all && !*request->application &&
	       request->program_option_case !=
	               BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID &&
	       request->owner_option_case != BPFD__V1__LIST_MAPS_REQUEST__OWNER_OPTION_OWNER_UID;
}

static bool type_matches(const Bpfd__V1__Map *map, const Bpfd__V1__ListMapsRequest *request)
{
	return !*request->type || strcmp(map->type, request->type) == 0;
}

/* The map that all of `count` uses are of, with the name and the pin that `shown` has for it. */
static Bpfd__V1__Map *own_map_item(const struct answer_source *source, const struct use *uses,
                                   size_t count, const struct use *shown)
{
	Bpfd__V1__Map *map = arena_take(source->arena, sizeof(*map));
	const struct kernel_map *record =
		source->kernel ? kernel_view_map(source->kernel, uses->map_id) : NULL;

	if (!map || !answer_map_fill(source, shown->program, shown->index, map))
		return NULL;
	map->program_ids = arena_take_array(source->arena, count, sizeof(*map->program_ids));
	if (!map->program_ids)
		return NULL;
	for (size_t i = 0; i < count; i++)
		map->program_ids[map->n_program_ids++] = uses[i].program->id;
	if (record)
		map->flags = record->flags;
	return map;
}

static int own_maps_add(const struct answer_source *source, const struct uses *uses,
                        const Bpfd__V1__ListMapsRequest *request, Bpfd__V1__ListMapsResponse *list)
{
	size_t count;

	for (size_t first = 0; first < uses->count; first += count) {
		const struct use *use = &uses->items[first];
		const struct use *shown = NULL; /* the first that is asked for */
		Bpfd__V1__Map *map;

		for (count = 0; first + count < uses->count && use[count].map_id == use->map_id;
		     count++) {
			if (!shown && program_matches(use[count].program, request))
				shown = &use[count];
		}
		if (!shown)
			continue;
		map = own_map_item(source, use, count, shown);
		if (!map)
			return -ENOMEM;
		if (type_matches(map, request))
			list->maps[list->n_maps++] = map;
	}
	return 0;
}

static bool map_is_own(const struct uses *uses, uint32_t map_id)
{
	size_t low = 0, high = uses->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (uses->items[middle].map_id == map_id)
			return true;
		if (uses->items[middle].map_id < map_id)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int kernel_maps_add(const struct answer_source *source, const struct uses *uses,
                           const Bpfd__V1__ListMapsRequest *request,
                           Bpfd__V1__ListMapsResponse *list)
{
	const struct kernel_table *table = &source->kernel->tables[KERNEL_KIND_MAP];
	const struct kernel_map *records = table->records;

	for (size_t i = 0; i < table->count; i++) {
		Bpfd__V1__Map *map;

		if (map_is_own(uses, records[i].id))
			continue;
		map = answer_kernel_map_item(source, &records[i]);
		if (!map)
			return -ENOMEM;
		if (type_matches(map, request))
			list->maps[list->n_maps++] = map;
	}
	return 0;
}

static int number_compare(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The list's maps by kernel id, and how many programs use each: to fill in who uses them. */
struct place {
	uint32_t map_id; /* first: places are found by it */
	uint32_t count;
	Bpfd__V1__Map *map;
};

static struct place *place_find(struct place *places, size_t count, uint32_t map_id)
{
	return bsearch(&map_id, places, count, sizeof(*places), number_compare);
}

static int users_room(const struct answer_source *source, struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		Bpfd__V1__Map *map = places[i].map;

		map->kernel_program_ids = arena_take_array(source->arena, places[i].count,
		                                           sizeof(*map->kernel_program_ids));
		if (!map->kernel_program_ids)
			return -ENOMEM;
	}
	return 0;
}

/* Once to count (fill false), and once the arrays are there to fill them. */
static void users_walk(const struct kernel_table *programs, struct place *places, size_t count,
                       bool fill)
{
	const struct kernel_program *records = programs->records;

	for (size_t i = 0; i < programs->count; i++) {
		for (uint32_t j = 0; j < records[i].map_count; j++) {
			struct place *place = place_find(places, count, records[i].map_ids[j]);

			if (place && fill && place->map->n_kernel_program_ids < place->count)
				place->map->kernel_program_ids[place->map->n_kernel_program_ids++] =
					records[i].id;
			else if (place && !fill)
				place->count++;
		}
	}
}

static int users_fill(const struct answer_source *source, Bpfd__V1__Map **maps, size_t count)
{
	const struct kernel_table *programs = &source->kernel->tables[KERNEL_KIND_PROGRAM];
	struct place *places = arena_take_array(source->arena, count, sizeof(*places));
	int r;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		places[i] = (struct place){ .map_id = maps[i]->kernel_id, .map = maps[i] };
	sort_items(places, count, sizeof(*places), number_compare);
	users_walk(programs, places, count, false);
	r = users_room(source, places, count);
	if (r == 0)
		users_walk(programs, places, count, true);
	return r;
}

int answer_list_maps(const struct answer_source *source, const Bpfd__V1__ListMapsRequest *request,
                     Bpfd__V1__Response *response)
{
	Bpfd__V1__ListMapsResponse *list = message_take(source->arena, Bpfd__V1__ListMapsResponse,
	                                                bpfd__v1__list_maps_response__init);
	struct uses uses;
	int r = uses_take(source, &uses);

	if (r < 0 || !list)
		return -ENOMEM;
	if (request->program_option_case ==
	            BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID &&
	    !view_program(source->view, request->program_id))
		return -ENOENT;
	list->maps = arena_take_array(
		source->arena,
		uses.count + (source->kernel ? source->kernel->tables[KERNEL_KIND_MAP].count : 0),
		sizeof(void *));
	if (!list->maps)
		return -ENOMEM;
	r = own_maps_add(source, &uses, request, list);
	if (r == 0 && source->kernel && foreign_wanted(request))
		r = kernel_maps_add(source, &uses, request, list);
	if (r == 0 && source->kernel)
		r = users_fill(source, list->maps, list->n_maps);
	if (r < 0)
		return r;
	response->result_case = BPFD__V1__RESPONSE__RESULT_LIST_MAPS;
	response->list_maps = list;
	return 0;
}

/* ---- one program ---- */

static int program_maps_fill(const struct answer_source *source,
                             const struct kernel_program *record, Bpfd__V1__Program *program)
{
	program->maps = arena_take_array(source->arena, record->map_count, sizeof(void *));
	if (!program->maps)
		return -ENOMEM;
	for (uint32_t i = 0; i < record->map_count; i++) {
		const struct kernel_map *map = kernel_view_map(source->kernel, record->map_ids[i]);

		if (!map)
			continue; /* it went between the two readings */
		program->maps[program->n_maps] = answer_kernel_map_item(source, map);
		if (!program->maps[program->n_maps++])
			return -ENOMEM;
	}
	return 0;
}

static int program_links_fill(const struct answer_source *source,
                              const struct kernel_program *record,
                              Bpfd__V1__GetProgramResponse *got)
{
	const struct kernel_table *table = &source->kernel->tables[KERNEL_KIND_LINK];
	const struct kernel_link *links = table->records;
	size_t room = 0;

	for (size_t i = 0; i < table->count; i++)
		room += links[i].program_id == record->id;
	got->links = arena_take_array(source->arena, room, sizeof(void *));
	if (!got->links)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		if (links[i].program_id != record->id)
			continue;
		got->links[got->n_links] = answer_kernel_link_item(source, &links[i]);
		if (!got->links[got->n_links++])
			return -ENOMEM;
	}
	return 0;
}

static int foreign_program_get(const struct answer_source *source, uint32_t kernel_id,
                               Bpfd__V1__Response *response)
{
	const struct kernel_program *record = kernel_view_program(source->kernel, kernel_id);
	Bpfd__V1__GetProgramResponse *got = message_take(
		source->arena, Bpfd__V1__GetProgramResponse, bpfd__v1__get_program_response__init);
	int r;

	if (!record)
		return -ENOENT;
	if (!got)
		return -ENOMEM;
	got->program = answer_kernel_program_item(source, record);
	if (!got->program)
		return -ENOMEM;
	r = program_maps_fill(source, record, got->program);
	if (r == 0)
		r = program_links_fill(source, record, got);
	if (r < 0)
		return r;
	response->result_case = BPFD__V1__RESPONSE__RESULT_GET_PROGRAM;
	response->get_program = got;
	return 0;
}

int answer_get_kernel_program(const struct answer_source *source, uint32_t kernel_id,
                              Bpfd__V1__Response *response)
{
	const struct view_program *program;
	struct own_programs own;
	int r;

	if (own_programs_take(source, &own) < 0)
		return -ENOMEM;
	program = own_program(&own, kernel_id);
	if (!program)
		return foreign_program_get(source, kernel_id, response);
	r = answer_get_program(source, program->id, response);
	if (r == 0)
		answer_counts_fill(source, response->get_program->program);
	return r;
}
