/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Questions on their way to verifiers, and their verdicts. A verifier that dies, takes too long or
 * breaks the protocol has refused its question, and nothing else happens.
 */
#include "broker/broker.h"

#include "broker/validate.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The next verifier's start takes a processor, and so does this one's end: the verdict and the load
 * behind it come first. */
#define SPARE_AFTER_MS 20

bool verifier_wanted(const struct broker *broker)
{
	return broker->settings.image_rules || broker->settings.signed_only;
}

void verifiers_open(struct verifiers *verifiers)
{
	for (size_t i = 0; i < VERIFIER_SLOTS; i++)
		verifiers->slots[i].channel.fd = -1;
}

static struct verifier_slot *slot_free(struct verifiers *verifiers)
{
	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		if (verifiers->slots[i].channel.fd < 0)
			return &verifiers->slots[i];
	}
	return NULL;
}

/* The one without a question: warming or warm. There is at most one. */
static struct verifier_slot *slot_spare(struct verifiers *verifiers)
{
	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		const struct verifier_slot *slot = &verifiers->slots[i];

		if (slot->channel.fd >= 0 && !slot->job && !slot->answered)
			return &verifiers->slots[i];
	}
	return NULL;
}

/* The launcher is told too: a verifier that went wild does not notice that its channel is gone. */
static void slot_clear(struct broker *broker, struct verifier_slot *slot)
{
	uint64_t id = slot->id;

	(void)close(slot->channel.fd);
	*slot = (struct verifier_slot){ .channel = { .fd = -1 } };
	if (channel_send(&broker->launcher, LAUNCHER_WORKER_KILL, id, NULL, NULL) < 0)
		broker->failed = true;
}

static void death_note(struct broker *broker, const char *reason)
{
	struct verifiers *verifiers = &broker->verifiers;

	verifiers->deaths++;
	verifiers->start_at_ms = clock_now_ms() + load_backoff_ms(verifiers->deaths);
	log_warning("a verifier died before it had a question (%u in a row): %s", verifiers->deaths,
	            reason);
}

static int slot_start(struct broker *broker, struct verifier_slot *slot)
{
	static const struct launcher_worker_start start = { .kind = WORKER_VERIFIER };
	_cleanup_close_ int own = -1, other = -1;
	uint64_t id = ++broker->worker_ids;
	int pair[2];
	int result = channel_pair(pair);

	if (result < 0)
		return result;
	own = pair[0];
	other = pair[1];
	result = channel_send(&broker->launcher, LAUNCHER_WORKER_START, id, &start, &other);
	if (result < 0)
		return result;
	*slot = (struct verifier_slot){
		.channel = { steal_fd(&own), CHANNEL_UPPER, &channel_verifier },
		.id = id,
		.state = VERIFIER_STATE_WARMING,
		.deadline_ms = clock_now_ms() + broker->settings.load_timeout_ms,
	};
	return loop_watch_verifier(broker, (size_t)(slot - broker->verifiers.slots));
}

static uint64_t start_time_ms(const struct verifiers *verifiers)
{
	if (verifiers->first || verifiers->spare_at_ms < verifiers->start_at_ms)
		return verifiers->start_at_ms;
	return verifiers->spare_at_ms;
}

/* A question that was taken when there were rules is answered, too. */
static bool start_possible(struct broker *broker)
{
	return (verifier_wanted(broker) || broker->verifiers.first) && !broker->failed &&
	       !slot_spare(&broker->verifiers) && slot_free(&broker->verifiers);
}

static void spare_start(struct broker *broker)
{
	struct verifier_slot *slot = slot_free(&broker->verifiers);
	int result;

	if (!start_possible(broker) || clock_now_ms() < start_time_ms(&broker->verifiers))
		return;
	result = slot_start(broker, slot);
	if (result < 0) {
		death_note(broker, strerror(-result));
		if (slot->channel.fd >= 0)
			slot_clear(broker, slot);
	}
}

static struct verify_job *queue_pop(struct verifiers *verifiers)
{
	struct verify_job *job = verifiers->first;

	verifiers->first = job->next;
	verifiers->waiting--;
	job->next = NULL;
	return job;
}

/* Hands the question to the warm verifier. One that does not take it is seen to have ended. */
static void slot_submit(struct broker *broker, struct verifier_slot *slot, struct verify_job *job)
{
	const int descriptors[] = { job->load ? job->load->object_fd : job->object_fd,
		                    job->evidence_fd };
	struct error error;
	int result = channel_send(&slot->channel, VERIFIER_VERIFY, 0, &job->question, descriptors);

	broker->verifiers.deaths = 0;
	broker->verifiers.spare_at_ms = clock_now_ms() + SPARE_AFTER_MS;
	if (result == 0) {
		slot->job = job;
		slot->state = VERIFIER_STATE_WORKING;
		slot->deadline_ms = job->deadline_ms;
		return;
	}
	slot_clear(broker, slot);
	(void)error_set(&error, result, ERROR_UNAVAILABLE,
	                "the verifier does not take the image (%s): try again", strerror(-result));
	verify_refused(broker, job, &error);
}

/* Who waits for a verifier that could read the rules would wait in vain: the next one is tried
 * later. */
static void queue_refuse(struct broker *broker)
{
	struct verifiers *verifiers = &broker->verifiers;

	while (verifiers->first && verifiers->broken.message[0] && !slot_spare(verifiers))
		verify_refused(broker, queue_pop(verifiers), &verifiers->broken);
}

/* With a question waiting there is no reason to wait: the slots and the processor are needed. */
static void slots_answered_clear(struct broker *broker)
{
	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		if (broker->verifiers.slots[i].answered)
			slot_clear(broker, &broker->verifiers.slots[i]);
	}
}

static void queue_serve(struct broker *broker)
{
	struct verifiers *verifiers = &broker->verifiers;
	struct verifier_slot *slot = slot_spare(verifiers);

	if (verifiers->first && slot && slot->state == VERIFIER_STATE_WARM)
		slot_submit(broker, slot, queue_pop(verifiers));
	if (verifiers->first)
		slots_answered_clear(broker);
	spare_start(broker);
	queue_refuse(broker);
}

bool verifier_push(struct broker *broker, struct verify_job *job)
{
	struct verify_job **end = &broker->verifiers.first;

	if (broker->verifiers.waiting == VERIFIER_QUEUE_MAX)
		return false;
	while (*end)
		end = &(*end)->next;
	*end = job;
	broker->verifiers.waiting++;
	queue_serve(broker);
	return true;
}

void verifiers_renew(struct broker *broker)
{
	struct verifier_slot *spare = slot_spare(&broker->verifiers);

	if (spare)
		slot_clear(broker, spare);
	/* what was wrong with the old rules says nothing of the new ones */
	broker->verifiers.broken = (struct error){};
	broker->verifiers.deaths = 0;
	broker->verifiers.start_at_ms = 0;
	queue_serve(broker);
}

struct load_job *verifier_load_find(const struct broker *broker,
                                    const struct frontend_load *request)
{
	const struct verifiers *verifiers = &broker->verifiers;

	for (const struct verify_job *job = verifiers->first; job; job = job->next) {
		if (job->load && load_job_matches(job->load, request))
			return job->load;
	}
	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		const struct verify_job *job = verifiers->slots[i].job;

		if (job && job->load && load_job_matches(job->load, request))
			return job->load;
	}
	return NULL;
}

void verify_job_free(struct verify_job *job)
{
	if (!job)
		return;
	load_job_free(job->load);
	close_cleanup(&job->object_fd);
	close_cleanup(&job->evidence_fd);
	free(job);
}

/* ---- what verifiers say ---- */

/* The slot's end, with or without a question. */
static void slot_fail(struct broker *broker, struct verifier_slot *slot, enum error_code code,
                      const char *reason)
{
	struct verify_job *job = steal_ptr(&slot->job);
	struct error error;

	slot_clear(broker, slot);
	if (!job) {
		death_note(broker, reason);
		return;
	}
	(void)error_set(&error, -EIO, code,
	                "the image was not verified, for %s; nothing was loaded", reason);
	verify_refused(broker, job, &error);
}

static void verdict_take(struct broker *broker, struct verifier_slot *slot,
                         const struct verifier_answer *answer)
{
	struct verify_job *job;

	if (!validate_verifier_answer(answer, &slot->job->question)) {
		slot_fail(broker, slot, ERROR_INTERNAL, "the verifier's answer made no sense");
		return;
	}
	job = steal_ptr(&slot->job);
	slot->answered = true;
	slot->deadline_ms = broker->verifiers.spare_at_ms = clock_now_ms() + SPARE_AFTER_MS;
	if (answer->verdict.verdict == IMAGE_VERDICT_REFUSED)
		verify_refused(broker, job, &answer->error);
	else
		verify_passed(broker, job, &answer->verdict);
}

/* It could not read its rules. */
static void failed_take(struct broker *broker, struct verifier_slot *slot,
                        const struct verifier_answer *answer)
{
	char reason[ERROR_MESSAGE_MAX] = "it broke its channel's protocol";

	if (channel_text_ok(answer->error.message, sizeof(answer->error.message)))
		(void)log_escape(answer->error.message, reason, sizeof(reason));
	(void)error_set(&broker->verifiers.broken, -EINVAL, ERROR_UNAVAILABLE,
	                "no signature can be verified, and nothing is loaded without that: %.380s",
	                reason);
	slot_fail(broker, slot, ERROR_INTERNAL, reason);
}

static void message_take(struct broker *broker, struct verifier_slot *slot,
                         const struct channel_message *message)
{
	switch (message->row->type) {
	case VERIFIER_WARM:
		slot->state = VERIFIER_STATE_WARM;
		broker->verifiers.broken = (struct error){};
		break;
	case VERIFIER_VERDICT:
		verdict_take(broker, slot, message->body);
		break;
	default: /* FAILED: the channel lets through nothing else */
		failed_take(broker, slot, message->body);
		break;
	}
}

void verifier_ready(struct broker *broker, size_t index)
{
	struct verifier_slot *slot = &broker->verifiers.slots[index];
	struct channel_message message;
	int result;

	if (slot->channel.fd < 0)
		return;
	if (slot->answered) { /* it did not wait for the deadline */
		slot_clear(broker, slot);
		queue_serve(broker);
		return;
	}
	result = channel_receive(&slot->channel, slot->state, &broker->buffer, &message);
	if (result == 0)
		message_take(broker, slot, &message);
	else if (result == -EPROTO)
		slot_fail(broker, slot, ERROR_INTERNAL,
		          "the verifier broke its channel's protocol");
	else if (result != -EAGAIN)
		slot_fail(broker, slot, ERROR_UNAVAILABLE,
		          "the verifier ended before it was done: try again");
	queue_serve(broker);
}

/* ---- time ---- */

/* A warm one waits for as long as it takes. */
static bool slot_has_deadline(const struct verifier_slot *slot)
{
	return slot->channel.fd >= 0 && slot->state != VERIFIER_STATE_WARM;
}

static void slots_expire(struct broker *broker, uint64_t now_ms)
{
	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		struct verifier_slot *slot = &broker->verifiers.slots[i];

		if (!slot_has_deadline(slot) || slot->deadline_ms > now_ms)
			continue;
		if (slot->answered)
			slot_clear(broker, slot);
		else
			slot_fail(broker, slot, ERROR_TIMEOUT,
			          "the verifier was not done within load-timeout, and was ended");
	}
}

/* All have the same time to live: the oldest goes first. */
static void queue_expire(struct broker *broker, uint64_t now_ms)
{
	struct verifiers *verifiers = &broker->verifiers;
	struct error error;

	(void)error_set(
		&error, -ETIMEDOUT, ERROR_UNAVAILABLE,
		"no verifier was free within %u ms, and nothing is loaded without a verdict: "
		"try again; if that does not help, bpfd's log says why no verifier starts",
		broker->settings.load_timeout_ms);
	while (verifiers->first && verifiers->first->deadline_ms <= now_ms)
		verify_refused(broker, queue_pop(verifiers), &error);
}

static uint64_t next_deadline_ms(struct broker *broker)
{
	struct verifiers *verifiers = &broker->verifiers;
	uint64_t next_ms = verifiers->first ? verifiers->first->deadline_ms : UINT64_MAX;

	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		if (slot_has_deadline(&verifiers->slots[i]) &&
		    verifiers->slots[i].deadline_ms < next_ms)
			next_ms = verifiers->slots[i].deadline_ms;
	}
	if (start_possible(broker) && start_time_ms(verifiers) < next_ms)
		next_ms = start_time_ms(verifiers);
	return next_ms;
}

int verifiers_tick(struct broker *broker)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t next_ms;

	slots_expire(broker, now_ms);
	queue_expire(broker, now_ms);
	queue_serve(broker);
	next_ms = next_deadline_ms(broker);
	if (next_ms == UINT64_MAX)
		return -1;
	if (next_ms <= now_ms)
		return 0;
	return next_ms - now_ms < INT_MAX ? (int)(next_ms - now_ms) : INT_MAX;
}

void verifiers_close(struct broker *broker)
{
	struct verifiers *verifiers = &broker->verifiers;

	while (verifiers->first)
		verify_job_free(queue_pop(verifiers));
	for (size_t i = 0; i < VERIFIER_SLOTS; i++) {
		verify_job_free(verifiers->slots[i].job);
		close_cleanup(&verifiers->slots[i].channel.fd);
	}
}
