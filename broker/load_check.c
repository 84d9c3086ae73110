/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/load_check.h"

#include "broker/kernel.h"
#include "broker/map_share.h"
#include "broker/validate.h"

#include <errno.h>
#include <string.h>

static int distrust(struct error *error, const char *what)
{
	return error_set(error, -EBADMSG, ERROR_INTERNAL,
	                 "the loader's result was not accepted: %s; nothing was loaded", what);
}

/* Fills the session's maps as records, in the session's order. */
static int maps_check(struct broker *broker, const struct load_job *job,
                      const struct session_result *result, struct record_map *maps,
                      struct error *error)
{
	for (size_t i = 0; i < result->map_count; i++) {
		if (!validate_map_name(result->maps[i].name))
			return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
			                 "a map's name has other characters than letters, digits, "
			                 "'_' and '.': "
			                 "bpfd cannot pin it");
		memcpy(maps[i].name, result->maps[i].name, sizeof(maps[i].name));

		int failure = kernel_map_info(result->maps[i].fd, &maps[i]);

		if (failure)
			return distrust(error, "a map's descriptor is none");
		failure = map_share_settle(broker, job, &result->maps[i], &maps[i], error);
		if (failure)
			return failure;
	}
	return 0;
}

/* The program's maps must all be of this session. */
static int program_maps_check(const struct session_result *result, const struct record_map *maps,
                              struct loaded *loaded, struct error *error)
{
	uint32_t ids[LOAD_MAPS_MAX];
	size_t count = 0;

	if (kernel_program_map_ids(loaded->fd, ids, &count) < 0)
		return distrust(error, "a program's maps cannot be read");
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < result->map_count && maps[at].kernel_id != ids[i])
			at++;
		if (at == result->map_count)
			return distrust(error, "a program uses a map of somebody else's");
		loaded->record.maps[i] = maps[at];
		loaded->map_fds[i] = result->maps[at].fd;
	}
	loaded->record.map_count = (uint32_t)count;
	return 0;
}

/* The kernel cuts a program's name to 15 characters. */
static bool name_matches(const struct record_program *record)
{
	return strncmp(record->kernel_name, record->name, sizeof(record->kernel_name) - 1) == 0;
}

static int kernel_facts_check(const struct session_program *program, struct loaded *loaded,
                              struct error *error)
{
	struct record_program *record = &loaded->record;
	uint32_t native = program_type_row(record->type)->bpf_type;

	if (kernel_program_info(program->fd, record) < 0)
		return distrust(error, "a program's descriptor is none");
	if (record->kernel_type == BPF_PROG_TYPE_EXT && program_type_row(record->type)->dispatched)
		record->form = PROGRAM_FORM_EXTENSION;
	else if (record->kernel_type == native)
		record->form = PROGRAM_FORM_NATIVE;
	else
		return distrust(error, "a program is of another type than asked for");
	if (!name_matches(record))
		return distrust(error, "a program has another name than asked for");
	return 0;
}

static bool form_matches(const struct broker *broker, const struct frontend_load_program *asked,
                         uint32_t type, uint32_t form)
{
	bool extension = program_type_row(type)->dispatched && !asked->exclusive &&
	                 xdp_extension_errno(broker->xdp) == 0;

	return form == (extension ? PROGRAM_FORM_EXTENSION : PROGRAM_FORM_NATIVE);
}

/* What is the same for all programs of the load. */
static void record_common(const struct load_job *job, const struct session_result *result,
                          struct record_program *record)
{
	record->owner_uid = job->request.peer.uid;
	record->owner_gid = job->request.peer.gid;
	record->loaded_at_s = clock_now_s();
	memcpy(record->digest, result->digest, sizeof(record->digest));
	memcpy(record->application, job->request.application, sizeof(record->application));
	memcpy(record->source_name, job->request.source_name, sizeof(record->source_name));
	record->image = job->image;
	record->verdict = job->verdict;
	record->persist = job->request.persist;
	record->map_owner = job->request.map_owner;
	record->metadata.count = job->request.metadata.count;
	memcpy(record->metadata.entries, job->request.metadata.entries,
	       record->metadata.count * sizeof(record->metadata.entries[0]));
}

static int program_check(const struct broker *broker, const struct load_job *job,
                         const struct session_result *result, const struct record_map *maps,
                         const struct session_program *program, struct loaded *all,
                         struct error *error)
{
	if (program->index >= job->request.program_count || all[program->index].fd >= 0)
		return distrust(error, "a program was not asked for");

	const struct frontend_load_program *asked = &job->request.programs[program->index];
	struct loaded *loaded = &all[program->index];

	loaded->fd = program->fd;
	record_common(job, result, &loaded->record);
	loaded->record.type = program->type;
	memcpy(loaded->record.target, program->target, sizeof(loaded->record.target));
	loaded->record.exclusive = asked->exclusive;
	memcpy(loaded->record.name, asked->function, sizeof(loaded->record.name));
	loaded->record.xdp = program->xdp;

	if (asked->type && asked->type != program->type)
		return distrust(error, "a program is of another type than asked for");

	int failure = kernel_facts_check(program, loaded, error);

	if (failure)
		return failure;
	if (!form_matches(broker, asked, loaded->record.type, loaded->record.form))
		return distrust(error, "a program is not in the form asked for");
	return program_maps_check(result, maps, loaded, error);
}

/* Maps of the load's own have no origin yet. */
static bool maps_shared(const struct loaded *loaded)
{
	for (uint32_t i = 0; i < loaded->record.map_count; i++) {
		if (loaded->record.maps[i].origin)
			return true;
	}
	return false;
}

/* Who names an owner wants to share at least one of its maps. */
static int owner_check(struct broker *broker, const struct load_job *job, const struct loaded *all,
                       struct error *error)
{
	int failure = map_owner_check(broker, &job->request, error);

	if (failure || !job->request.map_owner)
		return failure;
	for (uint32_t i = 0; i < job->request.program_count; i++) {
		if (maps_shared(&all[i]))
			return 0;
	}
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "no map of the object is one of program %llu's, by its name: \"bpfctl map "
	                 "list %llu\" shows those",
	                 (unsigned long long)job->request.map_owner,
	                 (unsigned long long)job->request.map_owner);
}

int load_check(struct broker *broker, const struct load_job *job,
               const struct session_result *result, struct loaded *all, struct error *error)
{
	struct record_map maps[LOAD_MAPS_MAX] = {};
	int failure;

	if (job->restores[0] && memcmp(result->digest, job->digest, sizeof(job->digest)) != 0)
		return error_set(error, -EBADMSG, ERROR_STORE,
		                 "its object in the state directory is damaged (it has another "
		                 "digest than when it was loaded): load it again");
	if (job->verdict.verdict == IMAGE_VERDICT_VERIFIED &&
	    memcmp(result->digest, job->verdict.object, sizeof(result->digest)) != 0)
		return distrust(error, "it says that it has loaded another object than was "
		                       "verified");
	if (result->program_count != job->request.program_count)
		return distrust(error, "it has another number of programs than asked for");
	failure = maps_check(broker, job, result, maps, error);
	for (size_t i = 0; i < result->program_count && !failure; i++)
		failure =
			program_check(broker, job, result, maps, &result->programs[i], all, error);
	if (!failure && !job->restores[0])
		failure = owner_check(broker, job, all, error);
	return failure;
}
