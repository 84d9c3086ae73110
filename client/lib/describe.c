/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/describe.h"
#include "client/lib/client.h"
#include "client/lib/describe_image.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <string.h>

/* Ids travel on into JSON and databases, which have signed 64-bit numbers. */
#define ID_MAX ((uint64_t)INT64_MAX)

static const struct bpfd_metadata *
metadata_describe(struct arena *arena, Bpfd__V1__Metadata *const *messages, size_t count)
{
	struct bpfd_metadata *metadata = arena_alloc(arena, count, sizeof(*metadata));

	for (size_t i = 0; metadata && i < count; i++) {
		metadata[i].key = messages[i]->key;
		metadata[i].value = messages[i]->value;
	}
	return metadata;
}

static const struct bpfd_global *globals_describe(struct arena *arena,
                                                  Bpfd__V1__Global *const *messages, size_t count)
{
	struct bpfd_global *globals = arena_alloc(arena, count, sizeof(*globals));

	for (size_t i = 0; globals && i < count; i++) {
		globals[i].name = messages[i]->name;
		globals[i].value = messages[i]->value.data;
		globals[i].size = messages[i]->value.len;
	}
	return globals;
}

const struct bpfd_map *maps_describe(struct arena *arena, Bpfd__V1__Map *const *messages,
                                     size_t count)
{
	struct bpfd_map *maps = arena_alloc(arena, count, sizeof(*maps));

	for (size_t i = 0; maps && i < count; i++) {
		maps[i] = (struct bpfd_map){
			.name = messages[i]->name,
			.type = messages[i]->type,
			.pin = messages[i]->pin,
			.kernel_id = messages[i]->kernel_id,
			.key_size = messages[i]->key_size,
			.value_size = messages[i]->value_size,
			.max_entries = messages[i]->max_entries,
			.flags = messages[i]->flags,
			.program_ids = messages[i]->program_ids,
			.program_count = messages[i]->n_program_ids,
			.kernel_program_ids = messages[i]->kernel_program_ids,
			.kernel_program_count = messages[i]->n_kernel_program_ids,
			.shared_pin = messages[i]->shared_pin,
		};
	}
	return maps;
}

/* What others loaded came from nobody knows where. */
static int source_describe(const Bpfd__V1__Source *message, bool foreign,
                           struct bpfd_source *source, struct bpfd_error **error)
{
	if (foreign) {
		source->kind = source->name = "";
		verification_describe(NULL, &source->verification);
		return 0;
	}
	if (!message || message->digest.len != sizeof(source->digest))
		return error_answer(error, "a program without its object's digest");
	source->kind = message->kind;
	source->name = message->name;
	source->image = strcmp(source->kind, "image") == 0;
	verification_describe(message->verification, &source->verification);
	memcpy(source->digest, message->digest.data, sizeof(source->digest));
	if (!source->image)
		return 0;
	return digest_describe(&message->image_digest, source->image_digest, error);
}

/* What could not be loaded again has no id of the kernel's. */
static int kernel_describe(const Bpfd__V1__KernelProgram *message, bool loaded,
                           struct bpfd_kernel_program *kernel, struct bpfd_error **error)
{
	if (!message || (message->id == 0) == loaded || message->tag.len != sizeof(kernel->tag))
		return error_answer(error, "a program without what the kernel says of it");
	*kernel = (struct bpfd_kernel_program){
		.name = message->name,
		.type = message->type,
		.loaded_at = message->loaded_at,
		.map_ids = message->map_ids,
		.map_id_count = message->n_map_ids,
		.id = message->id,
		.btf_id = message->btf_id,
		.bytes_xlated = message->bytes_xlated,
		.bytes_jited = message->bytes_jited,
		.bytes_memlock = message->bytes_memlock,
		.verified_insns = message->verified_insns,
		.gpl_compatible = message->gpl_compatible,
		.run_time_ns = message->run_time_ns,
		.run_count = message->run_count,
	};
	memcpy(kernel->tag, message->tag.data, sizeof(kernel->tag));
	return 0;
}

static bool link_ids_ok(const uint64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == 0 || ids[i] > ID_MAX)
			return false;
	}
	return true;
}

int program_describe(struct arena *arena, const Bpfd__V1__Program *message,
                     struct bpfd_program *program, struct bpfd_error **error)
{
	struct bpfd_program made = {
		.id = message->id,
		.name = message->name,
		.type = (enum bpfd_program_type)message->type,
		.application = message->application,
		.owner_uid = message->owner_uid,
		.exclusive = message->exclusive,
		.persist = message->persist,
		.map_owner = message->map_owner,
		.state = (enum bpfd_program_state)message->state,
		.reason = message->reason,
		.target = message->target,
		.map_pin_dir = message->map_pin_dir,
		.link_ids = message->link_ids,
		.link_count = message->n_link_ids,
		.map_count = message->n_maps,
		.global_count = message->n_globals,
		.metadata_count = message->n_metadata,
	};
	int result;

	if (made.id > ID_MAX || made.map_owner > ID_MAX ||
	    (made.id && made.type == BPFD_PROGRAM_NONE) ||
	    !link_ids_ok(made.link_ids, made.link_count))
		return error_answer(error, "a program without an id or a type");
	result = source_describe(message->source, made.id == 0, &made.source, error);
	if (result == 0)
		result = kernel_describe(message->kernel, made.state <= BPFD_PROGRAM_LOADED,
		                         &made.kernel, error);
	if (result < 0)
		return result;
	made.maps = maps_describe(arena, message->maps, message->n_maps);
	made.globals = globals_describe(arena, message->globals, message->n_globals);
	made.metadata = metadata_describe(arena, message->metadata, message->n_metadata);
	if (!made.maps || !made.globals || !made.metadata)
		return error_memory(error);
	*program = made;
	return 0;
}

static void target_describe(const Bpfd__V1__Target *message, struct bpfd_target *target)
{
	*target = (struct bpfd_target){
		.interface = message->interface,
		.netns = message->netns,
		.group = message->group,
		.name = message->name,
		.path = message->path,
		.function = message->function,
		.proceed_on = message->proceed_on,
		.proceed_on_count = message->n_proceed_on,
		.offset = message->offset,
		.follow = message->follow,
		.exclusive = message->exclusive,
		.priority_set =
			message->priority_option_case == BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY,
		.cpu_set = message->cpu_option_case == BPFD__V1__TARGET__CPU_OPTION_CPU,
		.pid = message->pid,
		.container_pid = message->container_pid,
		.frequency = message->frequency,
		.direction = (enum bpfd_direction)message->direction,
		.mode = (enum bpfd_xdp_mode)message->mode,
		.family = (enum bpfd_netfilter_family)message->family,
		.hook = (enum bpfd_netfilter_hook)message->hook,
	};
	if (target->priority_set)
		target->priority = message->priority;
	if (target->cpu_set)
		target->cpu = message->cpu;
}

static const struct bpfd_place *places_describe(struct arena *arena,
                                                const Bpfd__V1__Target *message)
{
	struct bpfd_place *places = arena_alloc(arena, message->n_places, sizeof(*places));

	for (size_t i = 0; places && i < message->n_places; i++) {
		places[i].function = message->places[i]->function;
		places[i].offset = message->places[i]->offset;
	}
	return places;
}

int link_describe(struct arena *arena, const Bpfd__V1__Link *message, struct bpfd_link *link,
                  struct bpfd_error **error)
{
	struct bpfd_link made = {
		.id = message->id,
		.program_id = message->program_id,
		.program_name = message->program_name,
		.type = (enum bpfd_program_type)message->type,
		.state = (enum bpfd_link_state)message->state,
		.owner_uid = message->owner_uid,
		.kernel_program_id = message->kernel_program_id,
		.where = message->where,
		.reason = message->reason,
		.ifindex = message->ifindex,
		.netns_id = message->netns_id,
		.running =
			message->position_option_case == BPFD__V1__LINK__POSITION_OPTION_POSITION,
		.metadata_count = message->n_metadata,
		.kernel_link_id = message->kernel_link_id,
		.kernel_type = message->kernel_type,
	};

	if (!message->target)
		return error_answer(error, "a link without a target");
	target_describe(message->target, &made.target);
	if (made.id > ID_MAX || made.program_id > ID_MAX ||
	    (made.type == BPFD_PROGRAM_NONE && !made.kernel_link_id) ||
	    message->state == BPFD__V1__LINK_STATE__LINK_STATE_UNSPECIFIED)
		return error_answer(error, "a link without a type or a state");
	if (made.running)
		made.position = message->position;
	made.target.places = places_describe(arena, message->target);
	made.target.place_count = message->target->n_places;
	made.metadata = metadata_describe(arena, message->metadata, message->n_metadata);
	if (!made.metadata || !made.target.places)
		return error_memory(error);
	*link = made;
	return 0;
}

int programs_describe(struct arena *arena, Bpfd__V1__Program *const *messages, size_t count,
                      const struct bpfd_program **programs, struct bpfd_error **error)
{
	struct bpfd_program *made = arena_alloc(arena, count, sizeof(*made));

	if (!made)
		return error_memory(error);
	for (size_t i = 0; i < count; i++) {
		int result = program_describe(arena, messages[i], &made[i], error);

		if (result < 0)
			return result;
	}
	*programs = made;
	return 0;
}

int links_describe(struct arena *arena, Bpfd__V1__Link *const *messages, size_t count,
                   const struct bpfd_link **links, struct bpfd_error **error)
{
	struct bpfd_link *made = arena_alloc(arena, count, sizeof(*made));

	if (!made)
		return error_memory(error);
	for (size_t i = 0; i < count; i++) {
		int result = link_describe(arena, messages[i], &made[i], error);

		if (result < 0)
			return result;
	}
	*links = made;
	return 0;
}

int programs_give(struct arena **arena, Bpfd__V1__Program *const *messages, size_t count,
                  struct bpfd_programs **programs, struct bpfd_error **error)
{
	struct bpfd_programs *made = result_new(*arena, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	result = programs_describe(*arena, messages, count, &made->items, error);
	if (result < 0)
		return result;
	made->count = count;
	(void)steal_ptr(arena);
	*programs = made;
	return 0;
}

int link_give(struct arena **arena, const Bpfd__V1__Link *message, struct bpfd_link **link,
              struct bpfd_error **error)
{
	struct bpfd_link *made = result_new(*arena, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	if (!message)
		return error_answer(error, "no link in it");
	result = link_describe(*arena, message, made, error);
	if (result < 0)
		return result;
	(void)steal_ptr(arena);
	*link = made;
	return 0;
}

void bpfd_programs_free(struct bpfd_programs *programs)
{
	result_free(programs);
}

void bpfd_link_free(struct bpfd_link *link)
{
	result_free(link);
}
