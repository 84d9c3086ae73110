/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/load_queue.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MOST_MS 30000u

struct load_job *load_job_new(const struct frontend_load *request, uint64_t message_id,
                              int object_fd, uint64_t deadline_ms)
{
	struct load_job *job = malloc(sizeof(*job));

	if (!job)
		return NULL;
	/* Field by field: a value of the whole structure would first be made on the stack. */
	job->next = NULL;
	memset(job->restores, 0, sizeof(job->restores));
	job->load_id = 0;
	memcpy(&job->request, request, sizeof(job->request));
	memset(&job->image, 0, sizeof(job->image));
	memset(&job->verdict, 0, sizeof(job->verdict));
	job->object_fd = object_fd;
	job->iterator = -1;
	job->deadline_ms = deadline_ms;
	job->waiter_count = 1;
	job->waiters[0] = message_id;
	return job;
}

void load_job_free(struct load_job *job)
{
	if (!job)
		return;
	if (job->object_fd >= 0)
		(void)close(job->object_fd);
	free(job);
}

bool load_job_matches(const struct load_job *job, const struct frontend_load *request)
{
	static const uint8_t none[REQUEST_ID_SIZE];

	return memcmp(request->request_id, none, sizeof(none)) != 0 &&
	       memcmp(request->request_id, job->request.request_id, REQUEST_ID_SIZE) == 0 &&
	       request->peer.uid == job->request.peer.uid;
}

bool load_job_join(struct load_job *job, uint64_t message_id)
{
	if (job->waiter_count == LOAD_WAITERS_MAX)
		return false;
	job->waiters[job->waiter_count++] = message_id;
	return true;
}

bool load_queue_push(struct load_queue *queue, struct load_job *job)
{
	struct load_job **end = &queue->first;

	if (queue->count == LOAD_QUEUE_MAX)
		return false;
	while (*end)
		end = &(*end)->next;
	job->next = NULL;
	*end = job;
	queue->count++;
	return true;
}

void load_queue_return(struct load_queue *queue, struct load_job *job)
{
	job->next = queue->first;
	queue->first = job;
	queue->count++;
}

struct load_job *load_queue_pop(struct load_queue *queue)
{
	struct load_job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	queue->count--;
	job->next = NULL;
	return job;
}

struct load_job *load_queue_pop_expired(struct load_queue *queue, uint64_t now_ms)
{
	if (!queue->first || queue->first->deadline_ms > now_ms)
		return NULL;
	return load_queue_pop(queue);
}

struct load_job *load_queue_find(const struct load_queue *queue,
                                 const struct frontend_load *request)
{
	for (struct load_job *job = queue->first; job; job = job->next) {
		if (load_job_matches(job, request))
			return job;
	}
	return NULL;
}

uint64_t load_backoff_ms(unsigned int deaths)
{
	if (deaths <= 1)
		return 0;

	unsigned int doublings = deaths - 2;
	uint64_t wait_ms = BACKOFF_FIRST_MS;

	if (doublings > 10)
		return BACKOFF_MOST_MS;
	wait_ms <<= doublings;
	return wait_ms < BACKOFF_MOST_MS ? wait_ms : BACKOFF_MOST_MS;
}
