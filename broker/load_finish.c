/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The end of a load: what the session left is checked against the kernel's own word, pinned, stored
 * and answered, all of it or nothing. The gate and its loader are not believed: type, form, name
 * and maps are read from the descriptors.
 */
#include "broker/broker.h"

#include "broker/kernel.h"
#include "broker/map_share.h"
#include "broker/objects.h"
#include "broker/own_pins.h"
#include "broker/validate.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One program of the load. */
struct loaded {
	int fd;                     /* the session's */
	int map_fds[LOAD_MAPS_MAX]; /* the session's, in the order of the record's maps */
	bool pinned;
	struct record_program record;
};

struct origin load_origin(const struct load_job *job, size_t waiter)
{
	struct origin origin = {
		.message_id = job->waiters[waiter],
		.operation = STORE_OPERATION_LOAD,
		.peer = job->request.peer,
	};

	memcpy(origin.request_id, job->request.request_id, REQUEST_ID_SIZE);
	return origin;
}

/* "source="x.o" programs=1,2"; the ids only once there are some. */
static void detail_make(const struct load_job *job, const struct store_answer *answer, char *out,
                        size_t size)
{
	char name[160];
	int used = snprintf(out, size, "source=\"%s\"",
	                    log_escape(job->request.source_name, name, sizeof(name)));

	if (job->image.reference[0]) {
		out[used++] = ' ';
		image_detail(&job->image, &job->verdict, out + used, size - (size_t)used);
	}
	used = (int)strlen(out);
	for (uint32_t i = 0; i < answer->count && used > 0 && (size_t)used < size; i++)
		used += snprintf(out + used, size - (size_t)used, "%s%llu",
		                 i ? "," : " programs=", (unsigned long long)answer->ids[i]);
}

void load_answer_refused(struct broker *broker, const struct load_job *job,
                         const struct error *error, int log_fd, uint32_t log_size)
{
	struct store_answer nothing = {};
	char detail[IMAGE_DETAIL_SIZE];

	if (job->iterator >= 0) {
		kernel_iterator_refused(broker, (uint32_t)job->iterator, error);
		return;
	}
	if (job->restores[0]) {
		restore_failed(broker, job, error);
		return;
	}

	detail_make(job, &nothing, detail, sizeof(detail));
	for (size_t i = 0; i < job->waiter_count; i++) {
		struct origin origin = load_origin(job, i);

		answer_refused_with_log(broker, &origin, error, log_fd, log_size, detail);
	}
}

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

static int result_check(struct broker *broker, const struct load_job *job,
                        const struct session_result *result, struct loaded *all,
                        struct error *error)
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

static void pins_undo(struct broker *broker, struct loaded *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!all[i].pinned)
			continue;
		(void)own_pins_program_remove(&broker->settings, all[i].record.id);
		map_shares_release(broker, &all[i].record);
	}
}

/* New ones, or those that they had. */
static void ids_give(struct broker *broker, const struct load_job *job, struct loaded *all)
{
	uint64_t id = store_next_program(broker->store);

	for (uint32_t i = 0; i < job->request.program_count; i++) {
		all[i].record.id = job->restores[i] ? job->restores[i] : id + i;
		all[i].record.load_id = job->restores[i] ? job->load_id : id;
		for (uint32_t map = 0; map < all[i].record.map_count; map++) {
			if (!all[i].record.maps[map].origin)
				all[i].record.maps[map].origin = all[i].record.load_id;
		}
	}
}

static int pins_make(struct broker *broker, struct loaded *all, size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		int failure = own_pins_program_make(&broker->settings, &all[i].record, all[i].fd,
		                                    all[i].map_fds, error);

		if (failure)
			return failure;
		all[i].pinned = true;
		failure = map_shares_pin(broker, &all[i].record, all[i].map_fds, error);
		if (failure)
			return failure;
	}
	return 0;
}

/* The commit is the moment from which the load has happened; pins without a record are removed at
 * the next start. */
static int programs_commit(struct broker *broker, const struct load_job *job,
                           const struct loaded *all, struct store_answer *answer,
                           struct error *error)
{
	store_begin(broker->store);
	for (uint32_t i = 0; i < job->request.program_count; i++) {
		answer->ids[answer->count++] = all[i].record.id;
		store_program_put(broker->store, &all[i].record);
		if (job->request.globals.count)
			store_globals_put(broker->store, all[i].record.id, &job->request.globals);
	}
	store_request_put(broker->store, job->request.request_id, job->request.peer.uid, answer);
	return store_commit(broker->store, error);
}

/* The load could not be made to last: it has not happened. */
static void programs_take_back(struct broker *broker, const struct load_job *job,
                               const struct loaded *all)
{
	struct error error;

	store_begin(broker->store);
	for (uint32_t i = 0; i < job->request.program_count; i++)
		store_program_delete(broker->store, all[i].record.id);
	store_request_delete(broker->store, job->request.request_id, job->request.peer.uid);
	if (store_commit(broker->store, &error) < 0)
		log_warning("%s", error.message);
}

/* Commits, and waits for the disk where the programs are to outlive the machine. */
static int programs_keep(struct broker *broker, const struct load_job *job,
                         const struct session_result *result, const struct loaded *all,
                         struct store_answer *answer, struct error *error)
{
	bool persist = job->request.persist && !job->restores[0];
	int failure = 0;

	if (persist)
		failure = object_keep(broker->objects_fd, result->digest, job->object_fd, error);
	if (!failure)
		failure = programs_commit(broker, job, all, answer, error);
	if (failure || !persist)
		return failure;
	failure = persist_copy(broker, true, error);
	if (failure)
		programs_take_back(broker, job, all);
	return failure;
}

/* What is restored may have been unloaded meanwhile. */
static int restores_check(const struct broker *broker, const struct load_job *job,
                          struct error *error)
{
	for (uint32_t i = 0; i < job->request.program_count && job->restores[0]; i++) {
		const struct program_entry *entry =
			registry_program(&broker->registry, job->restores[i]);

		if (!entry || entry->state != PROGRAM_STATE_RESTORING)
			return error_set(error, -ENOENT, ERROR_NOT_FOUND,
			                 "program %llu, of the same load, was unloaded meanwhile",
			                 (unsigned long long)job->restores[i]);
	}
	return 0;
}

static void programs_publish(struct broker *broker, const struct load_job *job,
                             struct session_result *result, const struct loaded *all)
{
	for (uint32_t i = 0; i < job->request.program_count; i++) {
		if (job->restores[i])
			registry_program_set(&broker->registry, &all[i].record, all[i].fd);
		else
			registry_program_add(&broker->registry, &all[i].record, all[i].fd);
		view_program(broker, &all[i].record);
		view_globals(broker, all[i].record.id, &job->request.globals);
	}
	/* The registry owns them now. */
	for (size_t i = 0; i < result->program_count; i++)
		result->programs[i].fd = -1;
	broker->status.loads++;
}

static int result_keep(struct broker *broker, const struct load_job *job,
                       struct session_result *result, struct loaded *all,
                       struct store_answer *answer, struct error *error)
{
	size_t count = job->request.program_count;
	int failure = result_check(broker, job, result, all, error);

	if (!failure)
		failure = restores_check(broker, job, error);
	/* Other loads may have ended since this one was let in. */
	if (!failure && !job->restores[0] &&
	    broker->registry.program_count + count > broker->settings.programs_max)
		failure = error_set(
			error, -EDQUOT, ERROR_LIMIT,
			"bpfd may hold %u programs: unload some, or raise the limit in its "
			"configuration",
			broker->settings.programs_max);
	if (!failure && registry_reserve(&broker->registry, count, 0, 0) < 0)
		failure = error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                    "bpfd is out of memory: try again");
	ids_give(broker, job, all);
	if (!failure)
		failure = pins_make(broker, all, count, error);
	if (!failure)
		failure = programs_keep(broker, job, result, all, answer, error);
	if (failure) {
		pins_undo(broker, all, count);
		if (job->request.persist && !job->restores[0])
			persist_object_release(broker, result->digest);
		return failure;
	}
	programs_publish(broker, job, result, all);
	return 0;
}

static int load_keep(struct broker *broker, const struct load_job *job,
                     struct session_result *result, struct store_answer *answer,
                     struct error *error)
{
	struct loaded *all = calloc(job->request.program_count, sizeof(*all));
	int failure;

	if (!all)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	for (uint32_t i = 0; i < job->request.program_count; i++)
		all[i].fd = -1;
	failure = result_keep(broker, job, result, all, answer, error);
	free(all);
	return failure;
}

bool load_finish(struct broker *broker, struct load_job *job, struct session_result *result)
{
	struct store_answer answer = { .operation = STORE_OPERATION_LOAD };
	struct error error = {};
	char detail[IMAGE_DETAIL_SIZE + 512];
	int failure;

	if (job->iterator >= 0) {
		kernel_iterator_loaded(broker, (uint32_t)job->iterator, result);
		return true;
	}
	failure = load_keep(broker, job, result, &answer, &error);
	if (failure == -EAGAIN)
		return false;
	if (failure) {
		broker->status.loads_failed++;
		view_status(broker);
		load_answer_refused(broker, job, &error, -1, 0);
		return true;
	}
	if (job->restores[0]) {
		restore_done(broker, job);
		return true;
	}
	detail_make(job, &answer, detail, sizeof(detail));
	for (size_t i = 0; i < job->waiter_count; i++) {
		struct origin origin = load_origin(job, i);

		answer_done(broker, &origin, &answer, detail);
	}
	view_status(broker); /* counts, which nobody waits for */
	return true;
}
