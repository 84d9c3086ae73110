/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How loads come to be jobs: asked for by the frontend, as files or out of images, or by bpfd
 * itself. */
#include "broker/broker.h"

#include "broker/kernel_object.h"
#include "broker/map_share.h"
#include "broker/validate.h"
#include "common/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -EPROTO goes on; all else is answered. */
static int refuse(struct broker *broker, const struct origin *origin,
                  const struct record_image_name *image, int result, const struct error *error)
{
	static const struct record_verdict none;
	char detail[IMAGE_DETAIL_SIZE] = "";

	if (result == -EPROTO)
		return result;
	if (image)
		image_detail(image, &none, detail, sizeof(detail));
	answer_refused(broker, origin, error, detail);
	return 0;
}

static int capacity_check(struct broker *broker, const struct frontend_load *request,
                          struct error *error)
{
	if (broker->registry.program_count + request->program_count > broker->settings.programs_max)
		return error_set(error, -EDQUOT, ERROR_LIMIT,
		                 "bpfd holds %zu programs and may hold %u: unload some, or raise "
		                 "the limit in "
		                 "its configuration",
		                 broker->registry.program_count, broker->settings.programs_max);
	if (broker->loads.queue.count == LOAD_QUEUE_MAX)
		return error_set(error, -EBUSY, ERROR_UNAVAILABLE,
		                 "%d loads are waiting already: try again later", LOAD_QUEUE_MAX);
	return map_owner_check(broker, request, error);
}

/* Joins the request to the job that its first copy made. */
static bool job_join(struct broker *broker, const struct origin *origin,
                     const struct frontend_load *request)
{
	struct load_job *job = loads_find(broker, request);
	struct error error;

	if (!job)
		job = verifier_load_find(broker, request);
	if (!job)
		return false;
	if (!load_job_join(job, origin->message_id)) {
		(void)error_set(
			&error, -EBUSY, ERROR_UNAVAILABLE,
			"this load is in progress and was repeated too often: wait for its answer");
		answer_refused(broker, origin, &error, "");
	}
	return true;
}

static int admission_check(struct broker *broker, const struct frontend_load *request,
                           const struct record_image_name *image, struct error *error)
{
	int result = image ? 0 : image_file_check(broker, error);

	return result ? result : capacity_check(broker, request, error);
}

int load_admit(struct broker *broker, struct channel_message *message,
               const struct frontend_load *request, const struct record_image_name *image,
               struct load_job **job)
{
	struct origin origin = { message->id, STORE_OPERATION_LOAD, request->peer, {} };
	struct error error = {};
	int result = validate_load(request, &error);

	*job = NULL;
	memcpy(origin.request_id, request->request_id, REQUEST_ID_SIZE);
	if (!result)
		result = validate_object(message->descriptors[0]);
	if (result)
		return refuse(broker, &origin, image, result, &error);
	if (answer_repeated(broker, &origin) || job_join(broker, &origin, request))
		return 0;
	result = admission_check(broker, request, image, &error);
	if (result)
		return refuse(broker, &origin, image, result, &error);
	*job = load_job_new(request, message->id, message->descriptors[0],
	                    clock_now_ms() + broker->settings.load_timeout_ms);
	if (!*job)
		return refuse(
			broker, &origin, image, -ENOMEM,
			&(struct error){ ERROR_UNAVAILABLE, "bpfd is out of memory: try again" });
	message->descriptors[0] = -1;
	if (image)
		(*job)->image = *image;
	return 0;
}

int load_request(struct broker *broker, struct channel_message *message)
{
	struct load_job *job;
	int result = load_admit(broker, message, message->body, NULL, &job);

	if (job)
		load_push(broker, job);
	return result;
}

static struct load_job *iterator_job_make(const struct broker *broker, uint32_t kind)
{
	struct frontend_load *request = calloc(1, sizeof(*request));
	_cleanup_close_ int object_fd = request ? kernel_object_memfd() : -ENOMEM;
	struct load_job *job = NULL;

	if (object_fd >= 0) {
		struct frontend_load_program *program = &request->programs[0];

		request->program_count = 1;
		program->type = PROGRAM_TYPE_ITER;
		(void)snprintf(program->function, sizeof(program->function), "%s",
		               kernel_object_function(kind));
		job = load_job_new(request, 0, object_fd,
		                   clock_now_ms() + broker->settings.load_timeout_ms);
	}
	free(request);
	if (!job)
		return NULL;
	job->waiter_count = 0;
	job->iterator = (int)kind;
	(void)steal_fd(&object_fd);
	return job;
}

void load_iterator(struct broker *broker, uint32_t kind)
{
	struct load_job *job = iterator_job_make(broker, kind);
	struct error error;

	if (job) {
		load_push(broker, job);
		return;
	}
	(void)error_set(&error, -ENOMEM, ERROR_UNAVAILABLE, "bpfd is out of memory");
	kernel_iterator_refused(broker, kind, &error);
}
