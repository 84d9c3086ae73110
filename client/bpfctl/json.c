/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/json_value.h"
#include "bpfctl/words.h"
#include "common/program_type.h"
#include "common/target.h"

#include <errno.h>
#include <stdlib.h>

static json_t *ids_json(const uint64_t *ids, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(array, id_json(ids[i]));
	return array;
}

static json_t *metadata_json(const struct bpfd_metadata *metadata, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		(void)json_object_set_new(object, metadata[i].key, json_string(metadata[i].value));
	return object;
}

static json_t *globals_json(const struct bpfd_global *globals, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		(void)json_object_set_new(object, globals[i].name,
		                          hex_json("", globals[i].value, globals[i].size));
	return object;
}

static json_t *map_json(const struct bpfd_map *map)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "name", text_json(map->name),
	                 "id", id_json(map->kernel_id), "type", text_json(map->type), "key_size",
	                 (json_int_t)map->key_size, "value_size", (json_int_t)map->value_size,
	                 "max_entries", (json_int_t)map->max_entries, "pin", text_json(map->pin),
	                 "shared_pin", text_json(map->shared_pin));
}

/* In a list of maps: who uses it, too. */
static json_t *listed_map_json(const struct bpfd_map *map)
{
	json_t *json = map_json(map), *users = json_array();

	for (size_t i = 0; i < map->kernel_program_count; i++)
		(void)json_array_append_new(users, json_integer(map->kernel_program_ids[i]));
	(void)json_object_set_new(json, "flags", json_integer(map->flags));
	(void)json_object_set_new(json, "programs", ids_json(map->program_ids, map->program_count));
	(void)json_object_set_new(json, "kernel_programs", users);
	return json;
}

json_t *maps_list_json(const struct bpfd_maps *maps)
{
	json_t *array = json_array();

	for (size_t i = 0; i < maps->count; i++)
		(void)json_array_append_new(array, listed_map_json(&maps->items[i]));
	return array;
}

json_t *maps_json(const struct bpfd_map *maps, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(array, map_json(&maps[i]));
	return array;
}

static json_t *map_ids_json(const struct bpfd_kernel_program *kernel)
{
	json_t *array = json_array();

	for (size_t i = 0; i < kernel->map_id_count; i++)
		(void)json_array_append_new(array, json_integer(kernel->map_ids[i]));
	return array;
}

static json_t *kernel_json(const struct bpfd_kernel_program *kernel)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:I, s:I, s:o, s:I, s:o, s:o, s:o}", "id",
		id_json(kernel->id), "name", text_json(kernel->name), "type",
		text_json(kernel->type), "tag", hex_json("", kernel->tag, sizeof(kernel->tag)),
		"loaded_at", time_json(kernel->loaded_at), "gpl_compatible",
		(int)kernel->gpl_compatible, "btf_id", id_json(kernel->btf_id), "bytes_xlated",
		(json_int_t)kernel->bytes_xlated, "bytes_jited", (json_int_t)kernel->bytes_jited,
		"bytes_memlock", id_json(kernel->bytes_memlock), "verified_insns",
		(json_int_t)kernel->verified_insns, "map_ids", map_ids_json(kernel), "run_time_ns",
		count_json(kernel->run_time_ns), "run_count", count_json(kernel->run_count));
}

static json_t *owner_json(uint32_t uid)
{
	return json_pack("{s:I}", "uid", (json_int_t)uid);
}

static json_t *source_json(const struct bpfd_source *source)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "kind", text_json(source->kind), "name",
	                 text_json(source->name), "digest",
	                 hex_json("sha256:", source->digest, sizeof(source->digest)),
	                 "image_digest",
	                 source->image ? hex_json("sha256:", source->image_digest,
	                                          sizeof(source->image_digest))
	                               : json_null(),
	                 "verification",
	                 source->image ? verification_json(&source->verification) : json_null());
}

json_t *program_json(const struct bpfd_program *program)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:b, "
		"s:o, s:o}",
		"id", id_json(program->id), "name", text_json(program->name), "type",
		text_json(bpfd_program_type_name(program->type)), "target",
		text_json(program->target), "application", text_json(program->application), "owner",
		owner_json(program->owner_uid), "source",
		program->id ? source_json(&program->source) : json_null(), "kernel",
		kernel_json(&program->kernel), "exclusive", (int)program->exclusive, "maps",
		maps_json(program->maps, program->map_count), "map_pin_dir",
		text_json(program->map_pin_dir), "map_owner", id_json(program->map_owner), "links",
		ids_json(program->link_ids, program->link_count), "global_data",
		globals_json(program->globals, program->global_count), "metadata",
		metadata_json(program->metadata, program->metadata_count), "persist",
		(int)program->persist, "state", text_json(bpfd_program_state_name(program->state)),
		"reason", text_json(program->reason));
}

json_t *programs_json(const struct bpfd_programs *programs)
{
	json_t *array = json_array();

	for (size_t i = 0; i < programs->count; i++)
		(void)json_array_append_new(array, program_json(&programs->items[i]));
	return array;
}

static json_t *proceed_on_json(const struct bpfd_link *link)
{
	json_t *array = json_array();

	for (size_t i = 0; i < link->target.proceed_on_count; i++) {
		char text[WORD_SIZE];

		(void)json_array_append_new(
			array,
			json_string(action_text(link->type, link->target.proceed_on[i], text)));
	}
	return array;
}

/* A number that may be zero, where the type takes one. */
static json_t *offset_json(const struct bpfd_link *link)
{
	const struct program_type_row *type = program_type_row(link->type);

	if (!type || !(type->takes & TARGET_BIT(TARGET_OFFSET)))
		return json_null();
	return number_json(link->target.offset);
}

/* Of all places; `function` and `offset` are those of the first. */
static json_t *functions_json(const struct bpfd_target *target)
{
	json_t *array = json_array();

	if (*target->function)
		(void)json_array_append_new(array, json_string(target->function));
	for (size_t i = 0; i < target->place_count; i++) {
		if (*target->places[i].function)
			(void)json_array_append_new(array, json_string(target->places[i].function));
	}
	return array;
}

static json_t *offsets_json(const struct bpfd_link *link)
{
	json_t *array = json_array(), *first = offset_json(link);

	if (json_is_null(first)) {
		json_decref(first);
		return array;
	}
	(void)json_array_append_new(array, first);
	for (size_t i = 0; i < link->target.place_count; i++)
		(void)json_array_append_new(array, number_json(link->target.places[i].offset));
	return array;
}

/* All keys are there for all types. What is on an interface is said by that; `target` is for
 * everything else. */
static void target_json(json_t *json, const struct bpfd_link *link)
{
	const struct bpfd_target *target = &link->target;
	const struct {
		const char *key;
		json_t *value;
	} pairs[] = {
		{ "interface", text_json(target->interface) },
		{ "ifindex", id_json(link->ifindex) },
		{ "netns", text_json(target->netns) },
		{ "netns_id", id_json(link->netns_id) },
		{ "direction", text_json(bpfd_direction_name(target->direction)) },
		{ "target", *target->interface ? json_null() : text_json(link->where) },
		{ "path", text_json(target->path) },
		{ "function", text_json(target->function) },
		{ "functions", functions_json(target) },
		{ "offset", offset_json(link) },
		{ "offsets", offsets_json(link) },
		{ "pid", id_json(target->pid) },
		{ "container_pid", id_json(target->container_pid) },
		{ "cpu", target->cpu_set ? json_integer(target->cpu) : json_null() },
		{ "frequency", id_json(target->frequency) },
		{ "family", text_json(bpfd_netfilter_family_name(target->family)) },
		{ "hook", text_json(bpfd_netfilter_hook_name(target->hook)) },
		{ "priority", target->priority_set ? json_integer(target->priority) : json_null() },
		{ "position", link->running ? number_json(link->position) : json_null() },
		{ "proceed_on", proceed_on_json(link) },
		{ "mode", text_json(bpfd_xdp_mode_name(target->mode)) },
		{ "exclusive", json_boolean(target->exclusive) },
		{ "follow", json_boolean(target->follow) },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		(void)json_object_set_new(json, pairs[i].key, pairs[i].value);
}

json_t *link_json(const struct bpfd_link *link)
{
	json_t *json =
		json_pack("{s:o, s:o, s:o, s:o}", "id", id_json(link->id), "program_id",
	                  id_json(link->program_id), "program_name", text_json(link->program_name),
	                  "type", text_json(bpfd_program_type_name(link->type)));
	json_t *rest = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
		text_json(bpfd_link_state_name(link->state)), "reason", text_json(link->reason),
		"kernel_program_id", id_json(link->kernel_program_id), "kernel_link_id",
		id_json(link->kernel_link_id), "kernel_type", text_json(link->kernel_type), "owner",
		link->id ? owner_json(link->owner_uid) : json_null(), "metadata",
		metadata_json(link->metadata, link->metadata_count));

	target_json(json, link);
	if (json_object_update(json, rest) < 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(rest);
	return json;
}

json_t *links_json(const struct bpfd_links *links)
{
	json_t *array = json_array();

	for (size_t i = 0; i < links->count; i++)
		(void)json_array_append_new(array, link_json(&links->items[i]));
	return array;
}

static json_t *features_json(const struct bpfd_daemon_status *status)
{
	json_t *array = json_array();

	for (size_t i = 0; i < status->feature_count; i++) {
		const struct bpfd_feature *feature = &status->features[i];

		(void)json_array_append_new(array, json_pack("{s:o, s:b, s:o}", "name",
		                                             text_json(feature->name), "present",
		                                             (int)feature->present, "detail",
		                                             text_json(feature->detail)));
	}
	return array;
}

static json_t *process_json(const struct bpfd_process *process)
{
	json_t *capabilities = json_array();

	for (size_t i = 0; i < process->capability_count; i++)
		(void)json_array_append_new(capabilities, text_json(process->capabilities[i]));
	return json_pack("{s:o, s:I, s:I, s:o, s:b, s:b, s:o}", "role", text_json(process->role),
	                 "pid", (json_int_t)process->pid, "uid", (json_int_t)process->uid,
	                 "capabilities", capabilities, "seccomp", (int)process->seccomp,
	                 "no_new_privileges", (int)process->no_new_privileges, "landlock_abi",
	                 id_json(process->landlock_abi));
}

static json_t *processes_json(const struct bpfd_daemon_status *status)
{
	json_t *array = json_array();

	for (size_t i = 0; i < status->process_count; i++)
		(void)json_array_append_new(array, process_json(&status->processes[i]));
	return array;
}

json_t *status_json(const struct bpfd_daemon_status *status)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
		text_json(status->version), "kernel_release", text_json(status->kernel_release),
		"started_at", time_json(status->started_at), "programs",
		number_json(status->programs), "links", number_json(status->links), "interfaces",
		number_json(status->interfaces), "maps", number_json(status->maps), "loads",
		number_json(status->loads), "loads_failed", number_json(status->loads_failed),
		"attaches", number_json(status->attaches), "connections",
		number_json(status->connections), "features", features_json(status), "processes",
		processes_json(status));
}

json_t *version_json(const struct bpfd_daemon_version *version)
{
	return json_pack("{s:s, s:o, s:I}", "bpfctl", bpfd_library_version(), "bpfd",
	                 text_json(version->version), "protocol", (json_int_t)version->protocol);
}

int json_print(FILE *out, json_t *json)
{
	int result;

	if (!json)
		return -ENOMEM;
	/* ASCII: whatever a text holds, nothing in it reaches a terminal as it is */
	result = json_dumpf(json, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	(void)fputc('\n', out);
	json_decref(json);
	/* an error of the stream is seen when it is closed */
	return result == 0 || ferror(out) ? 0 : -ENOMEM;
}
