/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/answer_kernel.h"

#include "common/sort.h"
#include "common/program_type.h"
#include "frontend/kernel_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int own_compare(const void *left, const void *right)
{
	const struct view_program *const *a = left, *const *b = right;
	uint32_t first = (*a)->head->kernel_id, second = (*b)->head->kernel_id;

	return (first > second) - (first < second);
}

int own_programs_take(const struct answer_source *source, struct own_programs *own)
{
	const struct view_table *table = &source->view->programs;

	own->items = arena_take_array(source->arena, table->count, sizeof(void *));
	if (!own->items)
		return -ENOMEM;
	own->count = table->count;
	for (size_t i = 0; i < table->count; i++)
		own->items[i] = table->items[i];
	sort_items(own->items, own->count, sizeof(void *), own_compare);
	return 0;
}

const struct view_program *own_program(const struct own_programs *own, uint32_t kernel_id)
{
	size_t low = 0, high = own->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t found = own->items[middle]->head->kernel_id;

		if (found == kernel_id)
			return own->items[middle];
		if (found < kernel_id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool kernel_program_is(const struct kernel_program *record, uint32_t type)
{
	const struct program_type_row *row = program_type_row(type);

	if (!row || row->bpf_type != record->type)
		return false;
	return !row->loaded_for || record->attach_type == KERNEL_UNKNOWN ||
	       record->attach_type == row->attach_type;
}

static bool chain_has(const struct record_chain *chain, uint32_t kernel_id, bool foreign_only)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		if (chain->entries[i].kernel_id == kernel_id &&
		    (!foreign_only || !chain->entries[i].link_id))
			return true;
	}
	return false;
}

bool view_runs_on(const struct view *view, uint32_t kernel_id, const char *interface)
{
	for (size_t i = 0; i < view->chains.count; i++) {
		const struct view_chain *chain = view->chains.items[i];

		if (strcmp(chain->chain.interface, interface) == 0 &&
		    chain_has(&chain->chain, kernel_id, false))
			return true;
	}
	return false;
}

bool view_runs_foreign(const struct view *view, uint32_t kernel_id)
{
	for (size_t i = 0; i < view->chains.count; i++) {
		const struct view_chain *chain = view->chains.items[i];

		if (chain_has(&chain->chain, kernel_id, true))
			return true;
	}
	return false;
}

/* "xdp", or "type_40" for what is newer than this table. */
static char *type_print(const struct answer_source *source, const char *name, uint32_t type)
{
	return name ? text_const(name) : arena_print(source->arena, "type_%u", type);
}

/* The kernel's word where it is one type of bpfd's and no other. */
static uint32_t type_of(const struct kernel_program *record)
{
	uint32_t found = PROGRAM_TYPE_NONE;

	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);

		if (!row || row->bpf_type != record->type)
			continue;
		if (record->attach_type == row->attach_type && row->loaded_for)
			return type;
		if (found)
			return PROGRAM_TYPE_NONE;
		found = row->loaded_for ? PROGRAM_TYPE_NONE : type;
	}
	return found;
}

struct program_block {
	Bpfd__V1__Program program;
	Bpfd__V1__KernelProgram kernel;
};

static void kernel_fill(const struct answer_source *source, const struct kernel_program *record,
                        Bpfd__V1__KernelProgram *out)
{
	out->id = record->id;
	out->name = text_const(record->name);
	out->type = type_print(source, prog_type_name(record->type), record->type);
	out->tag.data = (uint8_t *)(uintptr_t)record->tag;
	out->tag.len = sizeof(record->tag);
	out->loaded_at = source->kernel->booted_at_s + record->loaded_at_ns / 1000000000;
	out->gpl_compatible = record->gpl_compatible != 0;
	out->btf_id = record->btf_id;
	out->bytes_xlated = record->bytes_xlated;
	out->bytes_jited = record->bytes_jited;
	out->verified_insns = record->verified_insns;
	out->map_ids = (uint32_t *)(uintptr_t)record->map_ids;
	out->n_map_ids = record->map_count;
	out->run_time_ns = record->run_time_ns;
	out->run_count = record->run_count;
}

Bpfd__V1__Program *answer_kernel_program_item(const struct answer_source *source,
                                              const struct kernel_program *record)
{
	struct program_block *block = arena_take(source->arena, sizeof(*block));

	if (!block)
		return NULL;
	bpfd__v1__program__init(&block->program);
	bpfd__v1__kernel_program__init(&block->kernel);
	block->program.name = text_const(record->name);
	block->program.type = (Bpfd__V1__ProgramType)type_of(record);
	block->program.owner_uid = record->owner_uid == KERNEL_UNKNOWN ? 0 : record->owner_uid;
	block->program.state = BPFD__V1__PROGRAM_STATE__PROGRAM_STATE_LOADED;
	block->program.kernel = &block->kernel;
	kernel_fill(source, record, &block->kernel);
	return block->kernel.type ? &block->program : NULL;
}

void answer_counts_fill(const struct answer_source *source, Bpfd__V1__Program *program)
{
	const struct kernel_program *record =
		source->kernel ? kernel_view_program(source->kernel, program->kernel->id) : NULL;

	if (!record)
		return;
	program->kernel->run_time_ns = record->run_time_ns;
	program->kernel->run_count = record->run_count;
}

Bpfd__V1__Link *answer_kernel_link_item(const struct answer_source *source,
                                        const struct kernel_link *record)
{
	const struct kernel_program *program =
		kernel_view_program(source->kernel, record->program_id);
	Bpfd__V1__Link *out = arena_take(source->arena, sizeof(*out));
	Bpfd__V1__Target *target = arena_take(source->arena, sizeof(*target));

	if (!out || !target)
		return NULL;
	bpfd__v1__link__init(out);
	bpfd__v1__target__init(target);
	out->program_name = text_const(program ? program->name : "");
	out->type = (Bpfd__V1__ProgramType)(program ? type_of(program) : PROGRAM_TYPE_NONE);
	out->state = BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED;
	out->kernel_program_id = record->program_id;
	out->kernel_link_id = record->id;
	out->kernel_type = type_print(source, link_type_name(record->type), record->type);
	out->ifindex = record->ifindex;
	out->target = target;
	if (program && program->owner_uid != KERNEL_UNKNOWN)
		out->owner_uid = program->owner_uid;
	return out->kernel_type ? out : NULL;
}

Bpfd__V1__Map *answer_kernel_map_item(const struct answer_source *source,
                                      const struct kernel_map *record)
{
	Bpfd__V1__Map *out = arena_take(source->arena, sizeof(*out));

	if (!out)
		return NULL;
	bpfd__v1__map__init(out);
	out->name = text_const(record->name);
	out->kernel_id = record->id;
	out->type = type_print(source, map_type_name(record->type), record->type);
	out->key_size = record->key_size;
	out->value_size = record->value_size;
	out->max_entries = record->max_entries;
	out->flags = record->flags;
	return out->type ? out : NULL;
}
