/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Persistent programs after a reboot: each load is done again, in the order of ids, by a gate and a
 * loader like any other, with the object that was kept; then their links are attached again. What
 * cannot be restored keeps its record and says why. bpfd is ready when all was tried, and after
 * RESTORE_READY_MS in any case.
 */
#include "broker/broker.h"

#include "broker/map_share.h"
#include "broker/objects.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORE_READY_MS 20000 /* the launcher gives up after 30 s */

/* The first program that is still to be restored, or NULL. */
static const struct program_entry *program_next(const struct registry *registry)
{
	for (size_t i = 0; i < registry->program_count; i++) {
		if (registry->programs[i].state == PROGRAM_STATE_RESTORING)
			return &registry->programs[i];
	}
	return NULL;
}

static size_t programs_loaded(const struct registry *registry)
{
	size_t count = 0;

	for (size_t i = 0; i < registry->program_count; i++)
		count += registry->programs[i].fd >= 0;
	return count;
}

/* Within a change of its own. A store that cannot be written now is found the same at the next
 * start. */
static void program_state_store(struct broker *broker, struct record_program *program,
                                uint32_t state, const struct error *reason)
{
	struct error error;

	program->state = state;
	program->kernel_id = 0;
	for (uint32_t i = 0; i < program->map_count; i++)
		program->maps[i].kernel_id = 0; /* whatever has their ids now */
	persist_reason(program->reason, reason);
	store_begin(broker->store);
	store_program_put(broker->store, program);
	if (store_commit(broker->store, &error) < 0)
		log_warning("%s", error.message);
	registry_program_set(&broker->registry, program, -1);
	view_program(broker, program);
}

static void program_failed(struct broker *broker, uint64_t id, const struct error *error)
{
	const struct program_entry *entry = registry_program(&broker->registry, id);
	struct record_program program;
	struct error ignored;
	char reason[ERROR_MESSAGE_MAX];

	/* it may have been unloaded meanwhile */
	if (!entry || entry->state != PROGRAM_STATE_RESTORING)
		return;
	log_warning("audit operation=restore result=failed program=%llu reason=\"%s\"",
	            (unsigned long long)id, log_escape(error->message, reason, sizeof(reason)));
	if (store_program_get(broker->store, id, &program, &ignored) == 0)
		program_state_store(broker, &program, PROGRAM_STATE_FAILED, error);
	else
		registry_program(&broker->registry, id)->state = PROGRAM_STATE_FAILED;
}

void restore_failed(struct broker *broker, const struct load_job *job, const struct error *error)
{
	for (uint32_t i = 0; i < job->request.program_count; i++)
		program_failed(broker, job->restores[i], error);
	restore_next(broker);
}

void restore_mark(struct broker *broker, uint64_t id)
{
	static const struct error none;
	struct record_program program;
	struct error error;

	if (store_program_get(broker->store, id, &program, &error) == 0)
		program_state_store(broker, &program, PROGRAM_STATE_RESTORING, &none);
}

static void request_add(struct load_job *job, const struct record_program *program)
{
	uint32_t at = job->request.program_count++;
	struct frontend_load_program *asked = &job->request.programs[at];

	job->restores[at] = program->id;
	memcpy(asked->function, program->name, sizeof(asked->function));
	memcpy(asked->target, program->target, sizeof(asked->target));
	asked->type = program->type;
	asked->exclusive = program->exclusive;
}

static int request_head(struct broker *broker, struct load_job *job,
                        const struct record_program *program, struct error *error)
{
	struct frontend_load *request = &job->request;
	int result = store_globals_get(broker->store, program->id, &request->globals, error);

	if (result && result != -ENOENT)
		return result;
	request->peer.uid = program->owner_uid;
	request->peer.gid = program->owner_gid;
	request->persist = 1;
	request->map_owner = program->map_owner;
	request->metadata = program->metadata;
	memcpy(request->application, program->application, sizeof(request->application));
	memcpy(request->source_name, program->source_name, sizeof(request->source_name));
	memcpy(job->digest, program->digest, sizeof(job->digest));
	job->image = program->image;
	job->verdict = program->verdict;
	job->load_id = program->load_id;
	return 0;
}

/* The programs of one load share their maps: those that are still there are loaded together. */
static int request_fill(struct broker *broker, struct load_job *job, uint64_t load_id,
                        struct error *error)
{
	const struct registry *registry = &broker->registry;
	int result = 0;

	for (size_t i = 0; i < registry->program_count && !result; i++) {
		const struct program_entry *entry = &registry->programs[i];
		struct record_program program;

		if (entry->load_id != load_id || entry->state != PROGRAM_STATE_RESTORING ||
		    job->request.program_count == LOAD_PROGRAMS_MAX)
			continue;
		result = store_program_get(broker->store, entry->id, &program, error);
		if (!result && job->request.program_count == 0)
			result = request_head(broker, job, &program, error);
		if (!result)
			request_add(job, &program);
	}
	return result;
}

static int limit_check(const struct broker *broker, const struct load_job *job, struct error *error)
{
	if (programs_loaded(&broker->registry) + job->request.program_count <=
	    broker->settings.programs_max)
		return 0;
	return error_set(error, -EDQUOT, ERROR_LIMIT,
	                 "bpfd may hold %u programs: unload some, or raise the limit in its "
	                 "configuration",
	                 broker->settings.programs_max);
}

static int job_push(struct broker *broker, struct load_job *job, struct error *error)
{
	int result = limit_check(broker, job, error);

	if (result)
		return result;
	job->object_fd = object_open(broker->objects_fd, job->digest, error);
	if (job->object_fd < 0)
		return job->object_fd;
	if (!load_queue_push(&broker->loads.queue, job))
		return error_set(error, -EBUSY, ERROR_UNAVAILABLE,
		                 "too many loads were waiting: start bpfd again");
	return 0;
}

/* One load on its way to a loader; false when there was none to start. */
static bool load_start(struct broker *broker, const struct program_entry *first)
{
	struct load_job *job = calloc(1, sizeof(*job));
	uint64_t id = first->id;
	struct error error;
	int result;

	if (!job) {
		(void)error_set(&error, -ENOMEM, ERROR_UNAVAILABLE, "bpfd was out of memory");
		program_failed(broker, id, &error);
		return false;
	}
	job->object_fd = -1;
	job->iterator = -1;
	job->deadline_ms = clock_now_ms() + broker->settings.load_timeout_ms;
	result = request_fill(broker, job, first->load_id, &error);
	if (!result)
		result = image_restore_check(broker, job, &error);
	if (!result)
		result = map_owner_restored(broker, job->request.map_owner, &error);
	if (!result)
		result = job_push(broker, job, &error);
	if (!result)
		return true;
	program_failed(broker, id, &error);
	for (uint32_t i = 0; i < job->request.program_count; i++)
		program_failed(broker, job->restores[i], &error);
	load_job_free(job);
	return false;
}

static void restore_end(struct broker *broker)
{
	broker->restore.active = false;
	restore_links(broker);
	if (broker->launcher_state == LAUNCHER_STATE_STARTING)
		broker_ready(broker);
}

void restore_next(struct broker *broker)
{
	const struct program_entry *entry;

	while (broker->restore.active) {
		entry = program_next(&broker->registry);
		if (!entry)
			restore_end(broker);
		else if (load_start(broker, entry))
			return;
	}
}

void restore_begin(struct broker *broker)
{
	broker->restore.active = true;
	broker->restore.ready_at_ms = clock_now_ms() + RESTORE_READY_MS;
	restore_next(broker);
}

int restore_tick(struct broker *broker)
{
	uint64_t now_ms = clock_now_ms();

	if (!broker->restore.active || broker->launcher_state != LAUNCHER_STATE_STARTING)
		return -1;
	if (now_ms < broker->restore.ready_at_ms)
		return (int)(broker->restore.ready_at_ms - now_ms);
	log_warning("restoring programs takes long: bpfd serves meanwhile");
	broker_ready(broker);
	return -1;
}

void restore_done(struct broker *broker, const struct load_job *job)
{
	for (uint32_t i = 0; i < job->request.program_count; i++)
		log_info("audit operation=restore result=done program=%llu",
		         (unsigned long long)job->restores[i]);
	restore_next(broker);
}
