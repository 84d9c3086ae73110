/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Images: who is asked before one is loaded, and what becomes of the verdict. The broker sees a
 * reference, a digest and a verdict; the object and the evidence pass through it unread.
 */
#include "broker/broker.h"

#include "broker/validate.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void digest_print(const uint8_t digest[DIGEST_SIZE], char out[2 * DIGEST_SIZE + 1])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static int text_append(char *out, size_t size, int used, const char *name, const char *text)
{
	char escaped[IMAGE_REFERENCE_SIZE + 64];

	if (!text[0] || used < 0 || (size_t)used >= size)
		return used;
	return used + snprintf(out + used, size - (size_t)used, " %s=\"%s\"", name,
	                       log_escape(text, escaped, sizeof(escaped)));
}

void image_detail(const struct record_image_name *image, const struct record_verdict *verdict,
                  char *out, size_t size)
{
	static const char *const verdicts[] = { [IMAGE_VERDICT_NONE] = "none",
		                                [IMAGE_VERDICT_VERIFIED] = "verified",
		                                [IMAGE_VERDICT_REFUSED] = "refused" };
	char digest[2 * DIGEST_SIZE + 1], reference[IMAGE_REFERENCE_SIZE + 64];
	int used;

	digest_print(image->digest, digest);
	used = snprintf(out, size, "image=\"%s\" digest=sha256:%s verdict=%s",
	                log_escape(image->reference, reference, sizeof(reference)), digest,
	                verdicts[verdict->verdict]);
	used = text_append(out, size, used, "key", verdict->key);
	used = text_append(out, size, used, "identity", verdict->identity);
	(void)text_append(out, size, used, "issuer", verdict->issuer);
}

/* ---- loads ---- */

int image_file_check(const struct broker *broker, struct error *error)
{
	if (!broker->settings.signed_only)
		return 0;
	return error_set(error, -EPERM, ERROR_UNTRUSTED,
	                 "only images that a rule in policy.d has verified are loaded here "
	                 "([images] signed-only = yes in bpfd.conf), and this is a file: build an "
	                 "image of it, sign it, and load that");
}

int image_restore_check(const struct broker *broker, const struct load_job *job,
                        struct error *error)
{
	if (!broker->settings.signed_only || job->verdict.verdict == IMAGE_VERDICT_VERIFIED)
		return 0;
	return error_set(error, -EPERM, ERROR_UNTRUSTED,
	                 "no signature of it was verified when it was loaded, and now only signed "
	                 "images are ([images] signed-only = yes): load it again as one");
}

static int verify_load(struct broker *broker, struct load_job *load, int evidence_fd,
                       struct error *error)
{
	struct verify_job *job = calloc(1, sizeof(*job));

	if (!job)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	job->load = load;
	job->object_fd = -1;
	job->evidence_fd = evidence_fd;
	job->question.image = load->image;
	job->question.demand = broker->settings.signed_only;
	job->deadline_ms = load->deadline_ms;
	if (verifier_push(broker, job))
		return 0;
	free(job);
	return error_set(error, -EBUSY, ERROR_UNAVAILABLE,
	                 "%d images are waiting to be verified already: try again later",
	                 VERIFIER_QUEUE_MAX);
}

int image_load_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_load_image *request = message->body;
	struct load_job *job = NULL;
	struct error error;
	int result = validate_load_image(request);

	if (!result)
		result = validate_evidence(message->descriptors[1]);
	if (!result)
		result = load_admit(broker, message, &request->load, &request->image, &job);
	if (result || !job)
		return result;
	if (!verifier_wanted(broker)) {
		load_push(broker, job);
		return 0;
	}
	result = verify_load(broker, job, message->descriptors[1], &error);
	if (result)
		load_fail(broker, job, &error);
	else
		message->descriptors[1] = -1;
	return 0;
}

/* ---- questions ---- */

static struct origin question_origin(const struct verify_job *job)
{
	return (struct origin){
		.message_id = job->message_id,
		.operation = STORE_OPERATION_VERIFY,
		.peer = job->peer,
	};
}

static void question_refuse(struct broker *broker, const struct verify_job *job,
                            const struct error *error)
{
	struct record_verdict verdict = { .verdict = IMAGE_VERDICT_REFUSED };
	struct origin origin = question_origin(job);
	char detail[IMAGE_DETAIL_SIZE];

	image_detail(&job->question.image, &verdict, detail, sizeof(detail));
	answer_refused(broker, &origin, error, detail);
}

static void question_answer(struct broker *broker, const struct verify_job *job,
                            const struct record_verdict *verdict)
{
	struct origin origin = question_origin(job);
	char detail[IMAGE_DETAIL_SIZE];

	image_detail(&job->question.image, verdict, detail, sizeof(detail));
	answer_verdict(broker, &origin, verdict, detail);
}

/* Where no verifier runs, there is no rule that it could have met. */
static void question_settle(struct broker *broker, const struct verify_job *job)
{
	static const struct record_verdict none;
	struct error error;

	if (!job->question.demand) {
		question_answer(broker, job, &none);
		return;
	}
	(void)error_set(&error, -ENOENT, ERROR_UNTRUSTED,
	                "no rule says whose signatures count, so none can be verified: write one "
	                "into policy.d, see bpfd-policy.d(5), and run \"bpfctl reload\"");
	question_refuse(broker, job, &error);
}

static struct verify_job *question_make(const struct broker *broker,
                                        struct channel_message *message)
{
	const struct frontend_verify_image *request = message->body;
	struct verify_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->message_id = message->id;
	job->peer = request->peer;
	job->question.image = request->image;
	job->question.demand = request->demand || broker->settings.signed_only;
	job->object_fd = steal_fd(&message->descriptors[0]);
	job->evidence_fd = steal_fd(&message->descriptors[1]);
	job->deadline_ms = clock_now_ms() + broker->settings.load_timeout_ms;
	return job;
}

int image_verify_request(struct broker *broker, struct channel_message *message)
{
	struct verify_job *job = NULL;
	struct error error = { ERROR_UNAVAILABLE, "bpfd is out of memory: try again" };
	int result = validate_verify_image(message->body);

	if (!result)
		result = validate_object(message->descriptors[0]);
	if (!result)
		result = validate_evidence(message->descriptors[1]);
	if (result)
		return result;
	job = question_make(broker, message);
	if (!job) {
		answer_question_refused(broker, message->id, &error);
		return 0;
	}
	if (verifier_wanted(broker) && verifier_push(broker, job))
		return 0;
	(void)error_set(&error, -EBUSY, ERROR_UNAVAILABLE,
	                "%d images are waiting to be verified already: try again later",
	                VERIFIER_QUEUE_MAX);
	if (verifier_wanted(broker))
		question_refuse(broker, job, &error);
	else
		question_settle(broker, job);
	verify_job_free(job);
	return 0;
}

/* ---- verdicts ---- */

void verify_refused(struct broker *broker, struct verify_job *job, const struct error *error)
{
	struct load_job *load = steal_ptr(&job->load);

	if (load) {
		load->verdict.verdict = IMAGE_VERDICT_REFUSED; /* for the audit line */
		load_fail(broker, load, error);
	} else {
		question_refuse(broker, job, error);
	}
	verify_job_free(job);
}

void verify_passed(struct broker *broker, struct verify_job *job,
                   const struct record_verdict *verdict)
{
	struct load_job *load = steal_ptr(&job->load);

	if (load) {
		load->verdict = *verdict;
		load->deadline_ms = clock_now_ms() + broker->settings.load_timeout_ms;
		load_push(broker, load);
	} else {
		question_answer(broker, job, verdict);
	}
	verify_job_free(job);
}
