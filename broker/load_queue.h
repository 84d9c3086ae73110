/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Load jobs and the order in which they are served: first come, first served, with a bounded number
 * waiting. A job has one waiter per message that asked for it: a client's repetition of its request
 * joins the job instead of making a second one.
 */
#ifndef BPFD_BROKER_LOAD_QUEUE_H
#define BPFD_BROKER_LOAD_QUEUE_H

#include "proto/channel_frontend.h"

#include <stdbool.h>
#include <stddef.h>

#define LOAD_QUEUE_MAX 64
#define LOAD_WAITERS_MAX 8

struct load_job {
	struct load_job *next;
	struct frontend_load request;
	int object_fd;
	int iterator; /* enum kernel_kind: bpfd loads it for itself, nobody waits; -1: a client's */
	uint64_t deadline_ms; /* of CLOCK_MONOTONIC */
	uint64_t
		restores[LOAD_PROGRAMS_MAX]; /* ids of the programs that are loaded again, else 0 */
	uint64_t load_id;                    /* with restores: theirs */
	uint8_t digest[DIGEST_SIZE];         /* with restores: what the object must have */
	struct record_image_name image;      /* an empty reference: out of a file */
	struct record_verdict verdict;       /* on the image */
	size_t waiter_count;                 /* with restores: none */
	uint64_t waiters[LOAD_WAITERS_MAX];  /* ids of the frontend's messages */
};

struct load_queue {
	struct load_job *first;
	size_t count;
};

/* A job with one waiter; takes `object_fd` on success. NULL: no memory. */
struct load_job *load_job_new(const struct frontend_load *request, uint64_t message_id,
                              int object_fd, uint64_t deadline_ms);
void load_job_free(struct load_job *job);

/* Is this the same request of the same user? Never true for a request without id. */
bool load_job_matches(const struct load_job *job, const struct frontend_load *request);
/* False when the job has as many waiters as it may. */
bool load_job_join(struct load_job *job, uint64_t message_id);

/* False when the queue is full; else it owns the job. */
bool load_queue_push(struct load_queue *queue, struct load_job *job);
/* Puts one back that is to be done again: it is the next. The queue owns it. */
void load_queue_return(struct load_queue *queue, struct load_job *job);
/* The oldest job, now the caller's; NULL when there is none. */
struct load_job *load_queue_pop(struct load_queue *queue);
/* The oldest job if its time is over, now the caller's. All jobs have the same time to live: the
 * oldest goes first. */
struct load_job *load_queue_pop_expired(struct load_queue *queue, uint64_t now_ms);
struct load_job *load_queue_find(const struct load_queue *queue,
                                 const struct frontend_load *request);

/*
 * How long to wait before the next loader is started after `deaths` of them in a row: at once after
 * the first, then growing to half a minute, so that a loader that cannot live is no busy loop.
 */
uint64_t load_backoff_ms(unsigned int deaths);

#endif
