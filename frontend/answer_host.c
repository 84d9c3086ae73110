/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/answer_host.h"

#include "common/sort.h"
#include "common/capability.h"
#include "common/kernel_release.h"
#include "common/program_type.h"
#include "proto/kernel_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECCOMP_FILTER 2 /* as /proc/<pid>/status has it */
#define MISSING_SIZE 1536

const char *iterators_detail(const struct record_status *status, struct arena *arena)
{
	static const char *const nouns[KERNEL_KIND_COUNT] = { "programs", "maps", "links" };
	char refused[64] = "";

	for (size_t i = 0, used = 0; i < KERNEL_KIND_COUNT; i++) {
		if (status->iterators_refused & 1u << i)
			used += (size_t)snprintf(refused + used, sizeof(refused) - used, "%s%s",
			                         used ? ", " : "", nouns[i]);
	}
	if (!refused[0])
		return status->iterators
		               ? "what others loaded is seen without CAP_SYS_ADMIN"
		               : "not tried yet: loaded when somebody first lists what others "
		                 "loaded";
	return arena_print(arena, "this kernel refuses bpfd's iterators over %s: %s", refused,
	                   status->opener ? "the opener lists them"
	                                  : "what others loaded is not seen without the opener");
}

const char *statistics_detail(const struct record_status *status,
                              [[maybe_unused]] struct arena *arena)
{
	switch (status->statistics) {
	case RECORD_STATISTICS_ALWAYS:
		return "runs are counted all the time (kernel.bpf_stats_enabled)";
	case RECORD_STATISTICS_WATCHED:
		return "runs are counted while somebody looks, as bpfctl top does";
	default:
		return "runs are not counted: that needs the opener, or the sysctl "
		       "kernel.bpf_stats_enabled";
	}
}

Bpfd__V1__Feature *answer_types_feature(const struct answer_source *source)
{
	Bpfd__V1__Feature *feature = arena_take(source->arena, sizeof(*feature));
	char missing[MISSING_SIZE] = "";
	size_t used = 0;

	if (!feature)
		return NULL;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END && used < sizeof(missing); type++) {
		const struct program_type_row *row = program_type_row(type);

		if (row && !kernel_release_is(source->view->status.kernel_release, row->since_major,
		                              row->since_minor))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used,
			                         "%s%s (Linux %u.%u)", used ? ", " : "", row->name,
			                         row->since_major, row->since_minor);
	}
	bpfd__v1__feature__init(feature);
	feature->name = text_const("program_types");
	feature->present = used == 0;
	feature->detail =
		used ? arena_print(source->arena, "this kernel is too old for %s", missing)
		     : text_const("this kernel is new enough for every type that bpfd knows");
	return feature->detail ? feature : NULL;
}

static int capabilities_fill(const struct answer_source *source, uint64_t mask,
                             Bpfd__V1__Process *process)
{
	process->capabilities =
		arena_take_array(source->arena, (size_t)__builtin_popcountll(mask), sizeof(char *));
	if (!process->capabilities)
		return -ENOMEM;
	for (; mask; mask &= mask - 1) {
		unsigned int number = (unsigned int)__builtin_ctzll(mask);
		const char *name = capability_name(number);
		char *text = name ? text_const(name)
		                  : arena_print(source->arena, "capability %u", number);

		if (!text)
			return -ENOMEM;
		process->capabilities[process->n_capabilities++] = text;
	}
	return 0;
}

int answer_processes_fill(const struct answer_source *source, Bpfd__V1__StatusResponse *status)
{
	const struct view *view = source->view;

	status->processes = arena_take_array(source->arena, view->process_count, sizeof(void *));
	if (!status->processes)
		return -ENOMEM;
	for (size_t i = 0; i < view->process_count; i++) {
		const struct launcher_process *row = &view->processes[i];
		Bpfd__V1__Process *process = arena_take(source->arena, sizeof(*process));

		if (!process)
			return -ENOMEM;
		bpfd__v1__process__init(process);
		process->role = text_const(row->role);
		process->pid = row->pid;
		process->uid = row->uid;
		process->seccomp = row->seccomp == SECCOMP_FILTER;
		process->no_new_privileges = row->no_new_privileges != 0;
		process->landlock_abi = row->landlock_abi;
		if (capabilities_fill(source, row->capabilities, process) < 0)
			return -ENOMEM;
		status->processes[status->n_processes++] = process;
	}
	return 0;
}

static int number_compare(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

uint64_t answer_map_count(const struct answer_source *source)
{
	const struct view_table *programs = &source->view->programs;
	size_t room = 0, used = 0;
	uint64_t count = 0;
	uint32_t *ids;

	for (size_t i = 0; i < programs->count; i++)
		room += ((const struct view_program *)programs->items[i])->head->map_count;
	ids = arena_take_array(source->arena, room, sizeof(*ids));
	if (!ids)
		return room; /* too many to be told apart */
	for (size_t i = 0; i < programs->count; i++) {
		const struct view_program *program = programs->items[i];

		for (uint32_t j = 0; j < program->head->map_count; j++)
			ids[used++] = program->maps[j].kernel_id;
	}
	sort_items(ids, used, sizeof(*ids), number_compare);
	for (size_t i = 0; i < used; i++)
		count += i == 0 || ids[i] != ids[i - 1];
	return count;
}
