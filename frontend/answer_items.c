/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/answer_items.h"

#include "common/places.h"
#include "common/program_type.h"
#include "frontend/answer_image.h"
#include "frontend/kernel_names.h"
#include "frontend/target.h"

#include <string.h>

/* Arrays of messages are taken as one piece: the messages, and the pointers to them that protobuf-c
 * wants. */
static void *messages_take(struct arena *arena, size_t count, size_t size, void ***pointers)
{
	unsigned char *messages = arena_take_array(arena, count, size);

	*pointers = arena_take_array(arena, count, sizeof(void *));
	for (size_t i = 0; messages && *pointers && i < count; i++)
		(*pointers)[i] = messages + i * size;
	return *pointers ? messages : NULL;
}

static bool metadata_fill(const struct answer_source *source,
                          const struct record_metadata_entry *entries, uint32_t count,
                          Bpfd__V1__Metadata ***out, size_t *out_count)
{
	void **pointers;
	Bpfd__V1__Metadata *metadata =
		messages_take(source->arena, count, sizeof(*metadata), &pointers);

	if (!metadata)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		bpfd__v1__metadata__init(&metadata[i]);
		metadata[i].key = text_const(entries[i].key);
		metadata[i].value = text_const(entries[i].value);
	}
	*out = (Bpfd__V1__Metadata **)pointers;
	*out_count = count;
	return true;
}

/* <directory>/<name with '.' as '_'>, as the broker pins it */
static char *pin_print(const struct answer_source *source, const char *directory, const char *name)
{
	char *path = arena_print(source->arena, "%s/%s", directory, name);

	if (!path)
		return NULL;
	for (char *at = path + strlen(directory); *at; at++) {
		if (*at == '.')
			*at = '_';
	}
	return path;
}

static char *map_type_print(const struct answer_source *source, uint32_t type)
{
	const char *name = map_type_name(type);

	return name ? text_const(name) : arena_print(source->arena, "type_%u", type);
}

static char *map_directory_print(const struct answer_source *source,
                                 const struct view_program *program)
{
	return arena_print(source->arena, "%s/maps/%llu", source->bpffs_directory,
	                   (unsigned long long)program->id);
}

static bool map_fill(const struct answer_source *source, const struct record_map *record,
                     const char *directory, Bpfd__V1__Map *map)
{
	bpfd__v1__map__init(map);
	map->name = text_const(record->name);
	map->kernel_id = record->kernel_id;
	map->type = map_type_print(source, record->type);
	map->key_size = record->key_size;
	map->value_size = record->value_size;
	map->max_entries = record->max_entries;
	map->pin = pin_print(source, directory, record->name);
	if (record->flags & RECORD_MAP_BY_NAME)
		map->shared_pin = arena_print(source->arena, "%s/shared/%s",
		                              source->bpffs_directory, record->name);
	return map->type && map->pin && map->shared_pin;
}

bool answer_map_fill(const struct answer_source *source, const struct view_program *program,
                     uint32_t index, Bpfd__V1__Map *map)
{
	const char *directory = map_directory_print(source, program);

	return directory && map_fill(source, &program->maps[index], directory, map);
}

static bool maps_fill(const struct answer_source *source, const struct view_program *program,
                      Bpfd__V1__Program *out)
{
	uint32_t count = program->head->map_count;
	void **pointers;
	Bpfd__V1__Map *maps = messages_take(source->arena, count, sizeof(*maps), &pointers);
	uint32_t *ids = arena_take_array(source->arena, count, sizeof(*ids));

	if (!maps || !ids)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!map_fill(source, &program->maps[i], out->map_pin_dir, &maps[i]))
			return false;
		ids[i] = program->maps[i].kernel_id;
	}
	out->maps = (Bpfd__V1__Map **)pointers;
	out->n_maps = count;
	out->kernel->map_ids = ids;
	out->kernel->n_map_ids = count;
	return true;
}

static bool globals_fill(const struct answer_source *source, const struct view_program *program,
                         Bpfd__V1__Program *out)
{
	void **pointers;
	Bpfd__V1__Global *globals =
		messages_take(source->arena, program->global_count, sizeof(*globals), &pointers);

	if (!globals)
		return false;
	for (uint32_t i = 0; i < program->global_count; i++) {
		const struct record_global *record = &program->globals[i];

		bpfd__v1__global__init(&globals[i]);
		globals[i].name = text_const(record->name);
		globals[i].value.data = program->global_data + record->offset;
		globals[i].value.len = record->size;
	}
	out->globals = (Bpfd__V1__Global **)pointers;
	out->n_globals = program->global_count;
	return true;
}

static bool link_ids_fill(const struct answer_source *source, uint64_t program_id,
                          Bpfd__V1__Program *out)
{
	size_t count;
	const struct view_use *uses = view_program_uses(source->view, program_id, &count);

	out->link_ids = arena_take_array(source->arena, count, sizeof(*out->link_ids));
	for (size_t i = 0; out->link_ids && i < count; i++)
		out->link_ids[out->n_link_ids++] = uses[i].link->id;
	return out->link_ids != NULL;
}

static void kernel_fill(const struct record_program *head, Bpfd__V1__KernelProgram *out)
{
	const char *type = prog_type_name(head->kernel_type);

	out->id = head->kernel_id;
	out->name = text_const(head->kernel_name);
	out->type = text_const(type ? type : "");
	out->tag.data = (uint8_t *)(uintptr_t)head->tag;
	out->tag.len = sizeof(head->tag);
	out->loaded_at = head->loaded_at_s;
	out->gpl_compatible = head->gpl_compatible != 0;
	out->btf_id = head->btf_id;
	out->bytes_xlated = head->bytes_xlated;
	out->bytes_jited = head->bytes_jited;
	out->bytes_memlock = head->bytes_memlock;
	out->verified_insns = head->verified_insns;
}

static bool source_fill(const struct answer_source *source, const struct record_program *head,
                        Bpfd__V1__Source *out)
{
	bool image = head->image.reference[0] != '\0';

	out->kind = text_const(image ? "image" : "file");
	out->name = text_const(image ? head->image.reference : head->source_name);
	out->digest.data = (uint8_t *)(uintptr_t)head->digest;
	out->digest.len = sizeof(head->digest);
	if (!image)
		return true;
	out->image_digest.data = (uint8_t *)(uintptr_t)head->image.digest;
	out->image_digest.len = sizeof(head->image.digest);
	out->verification = answer_verification(source, &head->verdict);
	return out->verification != NULL;
}

struct program_block {
	Bpfd__V1__Program program;
	Bpfd__V1__Source source;
	Bpfd__V1__KernelProgram kernel;
};

Bpfd__V1__Program *answer_program_item(const struct answer_source *source,
                                       const struct view_program *program)
{
	const struct record_program *head = program->head;
	struct program_block *block = arena_take(source->arena, sizeof(*block));

	if (!block)
		return NULL;

	Bpfd__V1__Program *out = &block->program;

	bpfd__v1__program__init(out);
	bpfd__v1__source__init(&block->source);
	bpfd__v1__kernel_program__init(&block->kernel);
	out->id = program->id;
	out->name = text_const(head->name);
	out->type = (Bpfd__V1__ProgramType)head->type;
	out->application = text_const(head->application);
	out->owner_uid = head->owner_uid;
	out->exclusive = head->type == PROGRAM_TYPE_XDP && head->form == PROGRAM_FORM_NATIVE;
	out->persist = head->persist != 0;
	out->map_owner = head->map_owner;
	out->state = (Bpfd__V1__ProgramState)(head->state + 1);
	out->reason = text_const(program->reason);
	out->target = text_const(head->target);
	out->source = &block->source;
	out->kernel = &block->kernel;
	kernel_fill(head, &block->kernel);
	if (head->map_count)
		out->map_pin_dir = map_directory_print(source, program);
	if (!out->map_pin_dir || !source_fill(source, head, &block->source) ||
	    !maps_fill(source, program, out) || !globals_fill(source, program, out) ||
	    !link_ids_fill(source, program->id, out) ||
	    !metadata_fill(source, program->metadata, program->metadata_count, &out->metadata,
	                   &out->n_metadata))
		return NULL;
	return out;
}

static void position_fill(int position, Bpfd__V1__Link *out)
{
	if (position < 0)
		return;
	out->position_option_case = BPFD__V1__LINK__POSITION_OPTION_POSITION;
	out->position = (uint32_t)position;
}

/* Where it is; a program that was loaded for one place names that. */
static bool target_fill(const struct answer_source *source, uint32_t type,
                        const struct record_target *target, const struct record_places *places,
                        const char *loaded_for, Bpfd__V1__Link *out)
{
	char text[TARGET_TEXT_SIZE];

	places_describe(target, places, text);
	out->target = target_give(source->arena, type, target, places);
	out->where = arena_print(source->arena, "%s", text[0] ? text : loaded_for);
	out->ifindex = target->ifindex;
	if (program_type_row(type)->takes & TARGET_BIT(TARGET_NETNS))
		out->netns_id = target->netns_id;
	return out->target && out->where;
}

Bpfd__V1__Link *answer_link_item(const struct answer_source *source, const struct view_link *link)
{
	const struct record_link *head = link->head;
	const struct view_program *program = view_program(source->view, head->program_id);
	Bpfd__V1__Link *out = arena_take(source->arena, sizeof(*out));

	if (!out)
		return NULL;
	bpfd__v1__link__init(out);
	out->id = link->id;
	out->program_id = head->program_id;
	out->type = (Bpfd__V1__ProgramType)head->type;
	out->state = (Bpfd__V1__LinkState)head->state;
	out->owner_uid = head->owner_uid;
	out->reason = text_const(link->reason);
	if (program) {
		out->program_name = text_const(program->head->name);
		out->kernel_program_id = program->head->kernel_id;
	}

	position_fill(view_link_position(source->view, link), out);
	if (!target_fill(source, head->type, &head->target, &head->places,
	                 program ? program->head->target : "", out) ||
	    !metadata_fill(source, link->metadata, link->metadata_count, &out->metadata,
	                   &out->n_metadata))
		return NULL;
	return out;
}

Bpfd__V1__Link *answer_foreign_item(const struct answer_source *source,
                                    const struct record_chain *chain, uint32_t position)
{
	const struct record_chain_entry *entry = &chain->entries[position];
	struct record_target *target = arena_take(source->arena, sizeof(*target));
	Bpfd__V1__Link *out = arena_take(source->arena, sizeof(*out));
	uint32_t type = chain->type;

	if (!out || !target)
		return NULL;
	*target = (struct record_target){ .ifindex = chain->ifindex,
		                          .netns_id = chain->netns,
		                          .mode = chain->mode,
		                          .direction = chain->direction,
		                          .priority = (int32_t)entry->priority,
		                          .proceed_on = entry->proceed_on,
		                          .exclusive = type == PROGRAM_TYPE_XDP &&
		                                       chain->dispatcher_version == 0 };
	memcpy(target->interface, chain->interface, sizeof(target->interface));
	bpfd__v1__link__init(out);
	out->program_name = text_const(entry->kernel_name);
	out->type = (Bpfd__V1__ProgramType)type;
	out->state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	out->kernel_program_id = entry->kernel_id;
	position_fill((int)position, out);
	if (!target_fill(source, type, target, NULL, "", out))
		return NULL;
	if (!program_type_row(type)->actions) /* without a dispatcher nobody knows */
		out->target->priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET;
	return out;
}
