/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The end of a load: what the session left is checked (load_check.c), pinned, stored and answered,
 * all of it or nothing. */
#include "broker/load_check.h"

#include "broker/map_share.h"
#include "broker/objects.h"
#include "broker/own_pins.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_SIZE (IMAGE_DETAIL_SIZE + 512)

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
	char name[160], image[IMAGE_DETAIL_SIZE] = "";
	int used;

	if (job->image.reference[0])
		image_detail(&job->image, &job->verdict, image, sizeof(image));
	used = snprintf(out, size, "source=\"%s\"%s%s",
	                log_escape(job->request.source_name, name, sizeof(name)),
	                image[0] ? " " : "", image);
	for (uint32_t i = 0; i < answer->count && used > 0 && (size_t)used < size; i++)
		used += snprintf(out + used, size - (size_t)used, "%s%llu",
		                 i ? "," : " programs=", (unsigned long long)answer->ids[i]);
}

void load_answer_refused(struct broker *broker, const struct load_job *job,
                         const struct error *error, int log_fd, uint32_t log_size)
{
	struct store_answer nothing = {};
	char detail[DETAIL_SIZE];

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
	int failure = load_check(broker, job, result, all, error);

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
	char detail[DETAIL_SIZE];
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
	for (size_t i = 0; i < job->waiter_count; i++) {
		struct origin origin = load_origin(job, i);

		answer_done_tell(broker, &origin, &answer);
	}
	detail_make(job, &answer, detail, sizeof(detail));
	for (size_t i = 0; i < job->waiter_count; i++) {
		struct origin origin = load_origin(job, i);

		answer_done_audit(&origin, detail);
	}
	view_status(broker); /* counts, which nobody waits for */
	return true;
}
