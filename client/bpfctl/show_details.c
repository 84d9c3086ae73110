/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Everything about one program, one link, or the daemon: a line each. */
#include "bpfctl/detail.h"
#include "bpfctl/show.h"
#include "bpfctl/table.h"
#include "bpfctl/words.h"
#include "common/cleanup.h"

#include <inttypes.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void detail_metadata(FILE *out, const struct bpfd_metadata *metadata, size_t count)
{
	for (size_t i = 0; i < count; i++)
		detail(out, i ? "" : "metadata", "%s=%s", metadata[i].key, metadata[i].value);
}

static void detail_globals(FILE *out, const struct bpfd_program *program)
{
	for (size_t i = 0; i < program->global_count; i++) {
		const struct bpfd_global *global = &program->globals[i];
		_cleanup_free_ char *hex = hex_text("", global->value, global->size);

		detail(out, i ? "" : "global data", "%s=%s", global->name, hex ? hex : "");
	}
}

static void kernel_show(FILE *out, const struct bpfd_kernel_program *kernel)
{
	detail(out, "kernel id", "%" PRIu32, kernel->id);
	detail(out, "kernel name", "%s", kernel->name);
	detail(out, "kernel type", "%s", kernel->type);
	detail_hex(out, "tag", "", kernel->tag, sizeof(kernel->tag));
	detail_time(out, "loaded at", kernel->loaded_at);
	detail(out, "GPL compatible", "%s", kernel->gpl_compatible ? "yes" : "no");
	detail(out, "BTF id", kernel->btf_id ? "%" PRIu32 : "-", kernel->btf_id);
	detail(out, "size", "%" PRIu32 " bytes translated, %" PRIu32 " jited", kernel->bytes_xlated,
	       kernel->bytes_jited);
	detail(out, "verified", "%" PRIu32 " instructions", kernel->verified_insns);
	if (kernel->run_count)
		detail(out, "ran", "%" PRIu64 " times, %" PRIu64 " ns together", kernel->run_count,
		       kernel->run_time_ns);
}

static void source_image_show(FILE *out, const struct bpfd_source *source)
{
	if (!source->image)
		return;
	detail_hex(out, "image digest", "sha256:", source->image_digest,
	           sizeof(source->image_digest));
	verification_show(out, &source->verification);
}

static void program_show(FILE *out, const struct bpfd_program *program)
{
	const char *type = bpfd_program_type_name(program->type);
	const char *state = bpfd_program_state_name(program->state);

	detail(out, "id", program->id ? "%" PRIu64 : "- (not bpfd's)", program->id);
	detail(out, "name", "%s", program->name);
	detail(out, "type", "%s%s", type ? type : "", program->exclusive ? ", exclusive" : "");
	if (*program->target)
		detail(out, "loaded for", "%s", program->target);
	if (program->state > BPFD_PROGRAM_LOADED)
		detail(out, "state", "%s%s%s", state ? state : "", *program->reason ? ": " : "",
		       program->reason);
	detail(out, "persistent", "%s", program->persist ? "yes" : "no");
	detail(out, "application", "%s", program->application);
	detail(out, "owner", "uid %" PRIu32, program->owner_uid);
	if (program->id) {
		detail(out, "source", "%s %s", program->source.kind, program->source.name);
		detail_hex(out, "digest", "sha256:", program->source.digest,
		           sizeof(program->source.digest));
		source_image_show(out, &program->source);
	}
	kernel_show(out, &program->kernel);
	detail(out, "map pins", "%s", program->map_pin_dir);
	if (program->map_owner)
		detail(out, "map owner", "program %" PRIu64, program->map_owner);
	detail_globals(out, program);
	detail_metadata(out, program->metadata, program->metadata_count);
}

static int maps_show(FILE *out, const struct bpfd_program *program, size_t width)
{
	static const struct column columns[] = {
		{ "MAP", COLUMN_LONG },     { "KERNEL-ID", COLUMN_NUMBER },
		{ "TYPE", COLUMN_TEXT },    { "KEY", COLUMN_NUMBER },
		{ "VALUE", COLUMN_NUMBER }, { "ENTRIES", COLUMN_NUMBER },
		{ "PIN", COLUMN_LONG },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < program->map_count; i++) {
		const struct bpfd_map *map = &program->maps[i];

		table_row(table);
		table_cell(table, "%s", map->name);
		table_cell(table, "%" PRIu32, map->kernel_id);
		table_cell(table, "%s", map->type);
		table_cell(table, "%" PRIu32, map->key_size);
		table_cell(table, "%" PRIu32, map->value_size);
		table_cell(table, "%" PRIu32, map->max_entries);
		table_cell(table, "%s", map->pin);
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

int program_details_show(FILE *out, const struct bpfd_program_details *details, size_t width)
{
	int result = 0;

	program_show(out, &details->program);
	if (details->program.map_count) {
		(void)fputc('\n', out);
		result = maps_show(out, &details->program, width);
	}
	if (result == 0 && details->link_count) {
		(void)fputc('\n', out);
		result = links_show(out, details->links, details->link_count, width);
	}
	return result;
}

static void order_show(FILE *out, const struct bpfd_link *link)
{
	char actions[ACTIONS_TEXT_SIZE];

	detail(out, "position", link->running ? "%" PRIu32 : "-", link->position);
	detail(out, "priority", link->target.priority_set ? "%" PRId32 : "-",
	       link->target.priority);
	detail(out, "proceed on", "%s", actions_text(link, actions));
}

/* Every one, where the target names but some. */
static void places_show(FILE *out, const struct bpfd_target *target)
{
	for (size_t i = 0; i <= target->place_count; i++) {
		const char *function = i ? target->places[i - 1].function : target->function;
		uint64_t offset = i ? target->places[i - 1].offset : target->offset;

		if (!*target->path)
			detail(out, "place", "%s", function);
		else
			detail(out, "place", "+0x%" PRIx64 "%s%s%s", offset, *function ? " (" : "",
			       function, *function ? ")" : "");
	}
}

static void target_show(FILE *out, const struct bpfd_link *link)
{
	const struct bpfd_target *target = &link->target;
	const char *mode = bpfd_xdp_mode_name(target->mode);

	if (*target->interface)
		detail(out, "interface", "%s (index %" PRIu32 ")", target->interface,
		       link->ifindex);
	else
		detail(out, "target", "%s", link->where);
	if (target->place_count)
		places_show(out, target);
	if (target->direction)
		detail(out, "direction", "%s", bpfd_direction_name(target->direction));
	if (*target->netns)
		detail(out, "netns", link->netns_id ? "%s (number %" PRIu64 ")" : "%s",
		       target->netns, link->netns_id);
	if (target->pid)
		detail(out, "process", "%" PRIu32, target->pid);
	if (target->container_pid)
		detail(out, "files as seen by", "process %" PRIu32, target->container_pid);
	if (target->cpu_set)
		detail(out, "processor", "%" PRIu32, target->cpu);
	else if (target->frequency && !target->pid)
		detail(out, "processor", "all");
	if (target->frequency)
		detail(out, "frequency", "%" PRIu32 " Hz", target->frequency);
	if (target->follow)
		detail(out, "follow", "yes");
	if (target->priority_set || target->proceed_on_count || link->running)
		order_show(out, link);
	if (mode || target->exclusive)
		detail(out, "mode", "%s%s", mode ? mode : "-",
		       target->exclusive ? ", exclusive" : "");
}

int link_details_show(FILE *out, const struct bpfd_link *link)
{
	const char *type = bpfd_program_type_name(link->type);
	const char *state = bpfd_link_state_name(link->state);

	detail(out, "id", link->id ? "%" PRIu64 : "-", link->id);
	detail(out, "program", link->program_id ? "%" PRIu64 : "-", link->program_id);
	detail(out, "name", "%s", link->program_name);
	detail(out, "type", "%s", type ? type : "");
	target_show(out, link);
	detail(out, "state", "%s%s%s", state ? state : "", *link->reason ? ": " : "", link->reason);
	detail(out, "kernel id", link->kernel_program_id ? "%" PRIu32 : "-",
	       link->kernel_program_id);
	detail(out, "owner", "uid %" PRIu32, link->owner_uid);
	detail_metadata(out, link->metadata, link->metadata_count);
	return 0;
}

static int features_show(FILE *out, const struct bpfd_daemon_status *status, size_t width)
{
	static const struct column columns[] = {
		{ "FEATURE", COLUMN_TEXT },
		{ "PRESENT", COLUMN_TEXT },
		{ "DETAIL", COLUMN_LONG },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < status->feature_count; i++) {
		table_row(table);
		table_cell(table, "%s", status->features[i].name);
		table_cell(table, "%s", status->features[i].present ? "yes" : "no");
		table_cell(table, "%s", status->features[i].detail);
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

static int processes_show(FILE *out, const struct bpfd_daemon_status *status, size_t width)
{
	static const struct column columns[] = {
		{ "PROCESS", COLUMN_TEXT },  { "PID", COLUMN_NUMBER },
		{ "UID", COLUMN_NUMBER },    { "SECCOMP", COLUMN_TEXT },
		{ "LANDLOCK", COLUMN_TEXT }, { "CAPABILITIES", COLUMN_LONG },
	};
	_cleanup_(table) struct table *table = table_new(columns, LENGTH(columns));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < status->process_count; i++) {
		const struct bpfd_process *process = &status->processes[i];
		char text[256] = "";
		size_t used = 0;

		for (size_t j = 0; j < process->capability_count && used < sizeof(text); j++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
			                         j ? " " : "", process->capabilities[j]);
		table_row(table);
		table_cell(table, "%s", process->role);
		table_cell(table, "%" PRIu32, process->pid);
		table_cell(table, "%" PRIu32, process->uid);
		table_cell(table, "%s", process->seccomp ? "yes" : "no");
		table_cell(table, process->landlock_abi ? "version %" PRIu32 : "no",
		           process->landlock_abi);
		table_cell(table, "%s", *text ? text : "none");
	}
	if (width)
		table_width_set(table, width);
	return table_print(table, out);
}

int status_show(FILE *out, const struct bpfd_daemon_status *status, size_t width)
{
	detail(out, "bpfd", "%s", status->version);
	detail(out, "kernel", "%s", status->kernel_release);
	detail_time(out, "started at", status->started_at);
	detail(out, "programs", "%" PRIu64, status->programs);
	detail(out, "links", "%" PRIu64 " on %" PRIu64 " interfaces", status->links,
	       status->interfaces);
	detail(out, "maps", "%" PRIu64, status->maps);
	detail(out, "since its start",
	       "%" PRIu64 " loads (%" PRIu64 " failed), %" PRIu64 " attachments", status->loads,
	       status->loads_failed, status->attaches);
	detail(out, "connections", "%" PRIu64, status->connections);
	if (status->process_count) {
		(void)fputc('\n', out);
		if (processes_show(out, status, width) < 0)
			return -ENOMEM;
	}
	if (!status->feature_count)
		return 0;
	(void)fputc('\n', out);
	return features_show(out, status, width);
}
