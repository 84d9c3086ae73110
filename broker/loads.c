/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Load jobs on their way to a loader. One session is kept warm; a job takes it, and the next one is
 * started when the job is done, for the two would compete for the processor; or earlier, if the job
 * takes long or another one comes. Jobs that find none wait in the queue.
 */
#include "broker/broker.h"

#include "broker/map_share.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/program_type.h"

#include <limits.h>
#include <string.h>

/* A job that takes longer does not keep a later one waiting. Not sooner: to start a session takes a
 * processor, which the job needs, and a job that waits has one started at once. */
#define SPARE_DURING_JOB_MS 1000
#define SPARE_AFTER_JOB_MS 3 /* by then the answer is with the client */

static struct session_settings session_settings_make(const struct broker *broker)
{
	return (struct session_settings){
		.launcher = &broker->settings,
		.kernel_release = broker->status.kernel_release,
		.possible_cpus = broker->possible_cpus,
		.extension_targets = { { BPF_PROG_TYPE_XDP, xdp_template_fd(broker->xdp),
		                         xdp_template_btf_id(broker->xdp) },
		                       { BPF_PROG_TYPE_SCHED_CLS, tc_template_fd(broker->tc),
		                         tc_template_btf_id(broker->tc) } },
	};
}

static struct load_slot *slot_free(struct loads *loads)
{
	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (!loads->slots[i].session)
			return &loads->slots[i];
	}
	return NULL;
}

/* The session without a job: warming or warm. There is at most one. */
static struct load_slot *slot_spare(struct loads *loads)
{
	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (loads->slots[i].session && !loads->slots[i].job && !loads->slots[i].answered)
			return &loads->slots[i];
	}
	return NULL;
}

/* Ends a session; the launcher is told too, because a loader that went wild does not notice that
 * its gate is gone. */
static void slot_clear(struct broker *broker, struct load_slot *slot)
{
	uint64_t id = session_id(slot->session);

	session_free(slot->session);
	*slot = (struct load_slot){};
	if (channel_send(&broker->launcher, LAUNCHER_WORKER_KILL, id, NULL, NULL) < 0)
		broker->failed = true;
}

static void death_note(struct broker *broker, const char *reason)
{
	struct loads *loads = &broker->loads;

	loads->deaths++;
	loads->start_at_ms = clock_now_ms() + load_backoff_ms(loads->deaths);
	log_warning("a loader died before it had a job (%u in a row): %s", loads->deaths, reason);
}

static uint64_t start_time_ms(const struct loads *loads)
{
	if (loads->queue.first || loads->spare_at_ms < loads->start_at_ms)
		return loads->start_at_ms;
	return loads->spare_at_ms;
}

/*
 * The gate's fork has left every page of this process to be copied at the next write: what a load
 * writes to is copied now.
 */
static void memory_retake(struct broker *broker)
{
	memory_touch_stack();
	memory_touch_heap(broker->heap);
	memory_touch(&broker->buffer, sizeof(broker->buffer));
	store_touch(broker->store);
}

bool loads_running(const struct broker *broker)
{
	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (broker->loads.slots[i].job)
			return true;
	}
	return broker->loads.queue.count > 0;
}

void loads_start_session(struct broker *broker)
{
	struct loads *loads = &broker->loads;
	struct session_settings settings = session_settings_make(broker);
	struct load_slot *slot = slot_free(loads);

	if (!slot || slot_spare(loads) || broker->failed || clock_now_ms() < start_time_ms(loads))
		return;

	int result =
		session_start(&settings, &broker->launcher, ++broker->worker_ids, &slot->session);

	if (result < 0) {
		slot->session = NULL;
		death_note(broker, strerror(-result));
		return;
	}
	slot->deadline_ms = clock_now_ms() + broker->settings.load_timeout_ms;
	result = loop_watch_slot(broker, (size_t)(slot - loads->slots));
	if (result < 0) {
		death_note(broker, strerror(-result));
		slot_clear(broker, slot);
	}
	memory_retake(broker);
}

static struct gate_job *gate_job_make(struct broker *broker, const struct load_job *asked_for)
{
	const struct frontend_load *request = &asked_for->request;
	bool extension = xdp_extension_errno(broker->xdp) == 0;
	struct gate_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->program_count = request->program_count;
	job->map_memory_max = broker->settings.map_memory_max;
	job->map_sharing = map_sharing_wanted(broker, asked_for);
	for (uint32_t i = 0; i < request->program_count; i++) {
		const struct frontend_load_program *asked = &request->programs[i];

		memcpy(job->programs[i].function, asked->function, sizeof(asked->function));
		memcpy(job->programs[i].target, asked->target, sizeof(asked->target));
		job->programs[i].type = asked->type;
		job->programs[i].form = !asked->exclusive && extension ? PROGRAM_FORM_EXTENSION
		                                                       : PROGRAM_FORM_NATIVE;
	}
	return job;
}

/* Hands the job to the warm session in `slot`, which owns it from then on. */
static void slot_submit(struct broker *broker, struct load_slot *slot, struct load_job *job)
{
	struct gate_job *work = gate_job_make(broker, job);
	int result =
		work ? session_submit(slot->session, work, &job->request.globals, job->object_fd)
		     : -ENOMEM;

	free(work);
	slot->job = job;
	broker->loads.spare_at_ms = clock_now_ms() + SPARE_DURING_JOB_MS;
	slot->deadline_ms = job->deadline_ms;
	broker->loads.deaths = 0;
	if (result < 0) {
		struct error error;

		(void)error_set(&error, result, ERROR_UNAVAILABLE,
		                "the loader does not take the job (%s): try again",
		                strerror(-result));
		load_answer_refused(broker, job, &error, -1, 0);
		load_job_free(job);
		slot_clear(broker, slot);
	}
}

/* With a job waiting there is no reason to wait: the slots and the processor are needed. */
static void slots_answered_clear(struct broker *broker)
{
	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (broker->loads.slots[i].answered)
			slot_clear(broker, &broker->loads.slots[i]);
	}
}

/* Gives the oldest waiting job to the warm session, and starts the next session when it is time. */
static void queue_serve(struct broker *broker)
{
	struct loads *loads = &broker->loads;
	struct load_slot *slot = slot_spare(loads);

	if (loads->queue.first && slot && session_is_warm(slot->session))
		slot_submit(broker, slot, load_queue_pop(&loads->queue));
	if (loads->queue.first)
		slots_answered_clear(broker);
	loads_start_session(broker);
}

struct load_job *loads_find(const struct broker *broker, const struct frontend_load *request)
{
	const struct loads *loads = &broker->loads;

	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (loads->slots[i].job && load_job_matches(loads->slots[i].job, request))
			return loads->slots[i].job;
	}
	return load_queue_find(&loads->queue, request);
}

/* Of clients' loads: bpfd's own are not theirs to wonder about. */
static void failure_count(struct broker *broker, const struct load_job *job)
{
	if (job->iterator >= 0)
		return;
	broker->status.loads_failed++;
	view_status(broker);
}

void load_fail(struct broker *broker, struct load_job *job, const struct error *error)
{
	failure_count(broker, job);
	load_answer_refused(broker, job, error, -1, 0);
	load_job_free(job);
}

void load_push(struct broker *broker, struct load_job *job)
{
	struct error error;

	if (load_queue_push(&broker->loads.queue, job)) {
		queue_serve(broker);
		return;
	}
	(void)error_set(&error, -EBUSY, ERROR_UNAVAILABLE,
	                "%d loads are waiting already: try again later", LOAD_QUEUE_MAX);
	load_fail(broker, job, &error);
}

static void slot_failed(struct broker *broker, struct load_slot *slot)
{
	struct session_result *result = session_result(slot->session);
	struct load_job *job = steal_ptr(&slot->job);

	result->error.message[sizeof(result->error.message) - 1] = '\0';
	if (job) {
		failure_count(broker, job);
		load_answer_refused(broker, job, &result->error, result->log_fd, result->log_size);
		load_job_free(job);
	} else {
		char reason[ERROR_MESSAGE_MAX];

		death_note(broker, log_escape(result->error.message, reason, sizeof(reason)));
	}
	slot_clear(broker, slot);
}

static void slot_finished(struct broker *broker, struct load_slot *slot)
{
	struct load_job *job = steal_ptr(&slot->job);

	if (!job)
		death_note(broker, "it finished a job that it did not have");
	else if (!load_finish(broker, job, session_result(slot->session))) {
		log_debug("a load is done again: its map by name is another load's meanwhile");
		load_queue_return(&broker->loads.queue, steal_ptr(&job));
	}
	load_job_free(job);
	slot->answered = true;
	slot->deadline_ms = clock_now_ms() + SPARE_AFTER_JOB_MS;
	broker->loads.spare_at_ms = slot->deadline_ms;
}

/* The gate wants to know of a map that the load shares. A gate that is not there any more is seen
 * as such. */
static void slot_answer(struct broker *broker, const struct load_slot *slot)
{
	_cleanup_close_ int fd = -ENOENT;

	if (slot->job)
		fd = map_share_find(broker, slot->job, session_question(slot->session));
	(void)session_answer(slot->session, fd);
}

void loads_session_ready(struct broker *broker, size_t index)
{
	struct load_slot *slot = &broker->loads.slots[index];

	if (!slot->session)
		return;
	if (slot->answered) { /* its gate did not wait for the deadline */
		slot_clear(broker, slot);
		return;
	}
	switch (session_receive(slot->session)) {
	case SESSION_PENDING:
	case SESSION_WARM:
		break;
	case SESSION_ASKS:
		slot_answer(broker, slot);
		break;
	case SESSION_FINISHED:
		slot_finished(broker, slot);
		break;
	case SESSION_FAILED:
		slot_failed(broker, slot);
		break;
	}
	queue_serve(broker);
}

static void slot_expire(struct broker *broker, struct load_slot *slot)
{
	struct load_job *job = steal_ptr(&slot->job);
	struct error error;

	if (slot->answered) {
		slot_clear(broker, slot);
		return;
	}
	if (!job) {
		death_note(broker, "it did not become ready in time");
		slot_clear(broker, slot);
		return;
	}
	(void)error_set(
		&error, -ETIMEDOUT, ERROR_TIMEOUT,
		"the load took longer than %u ms and was ended: load a smaller object, or raise "
		"load_timeout in the configuration",
		broker->settings.load_timeout_ms);
	load_fail(broker, job, &error);
	slot_clear(broker, slot);
}

static void queue_expire(struct broker *broker, uint64_t now_ms)
{
	struct load_job *job;
	struct error error;

	(void)error_set(&error, -ETIMEDOUT, ERROR_UNAVAILABLE,
	                "no loader was free within %u ms: try again; if that does not help, bpfd's "
	                "log says "
	                "why no loader starts",
	                broker->settings.load_timeout_ms);
	while ((job = load_queue_pop_expired(&broker->loads.queue, now_ms))) {
		load_answer_refused(broker, job, &error, -1, 0);
		load_job_free(job);
	}
}

/* A warm session waits for as long as it takes; every other one has a deadline. */
static bool slot_has_deadline(const struct load_slot *slot)
{
	return slot->session && (slot->job || !session_is_warm(slot->session));
}

static uint64_t next_deadline_ms(struct loads *loads)
{
	uint64_t next_ms = loads->queue.first ? loads->queue.first->deadline_ms : UINT64_MAX;

	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (slot_has_deadline(&loads->slots[i]) && loads->slots[i].deadline_ms < next_ms)
			next_ms = loads->slots[i].deadline_ms;
	}
	if (!slot_spare(loads) && slot_free(loads) && start_time_ms(loads) < next_ms)
		next_ms = start_time_ms(loads);
	return next_ms;
}

int loads_tick(struct broker *broker)
{
	struct loads *loads = &broker->loads;
	uint64_t now_ms = clock_now_ms();

	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		if (slot_has_deadline(&loads->slots[i]) && loads->slots[i].deadline_ms <= now_ms)
			slot_expire(broker, &loads->slots[i]);
	}
	queue_expire(broker, now_ms);
	queue_serve(broker);

	uint64_t next_ms = next_deadline_ms(loads);

	if (next_ms == UINT64_MAX)
		return -1;
	if (next_ms <= now_ms)
		return 0;
	return next_ms - now_ms < INT_MAX ? (int)(next_ms - now_ms) : INT_MAX;
}

void loads_close(struct broker *broker)
{
	struct load_job *job;

	for (size_t i = 0; i < LOAD_SLOTS; i++) {
		load_job_free(broker->loads.slots[i].job);
		session_free(broker->loads.slots[i].session);
		broker->loads.slots[i] = (struct load_slot){};
	}
	while ((job = load_queue_pop(&broker->loads.queue)))
		load_job_free(job);
}
