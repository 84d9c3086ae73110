/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/log.h"
#include "common/memory.h"
#include "image/warm.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <nss.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static struct channel_buffer buffer;

#define HEAP_BLOCK_MAX (512 * 1024)
#define HEAP_KEPT_MAX (4 * 1024 * 1024)
#define END_PAUSE_MS 30
#define THREAD_STACK_SIZE (256u << 10)

/*
 * One arena, without which each thread that asks for a name would set one up. What is small stays
 * in the heap, whose pages are there after the rehearsal; a large manifest is given back at once.
 */
static void heap_keep(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MAX);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_MAX);
}

/* libcurl's thread for a name: with the usual stack it would not fit into the policy's memory. */
static int thread_stack_limit(void)
{
	pthread_attr_t attributes;
	int result = -pthread_attr_init(&attributes);

	if (result < 0)
		return result;
	result = -pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
	if (result == 0)
		result = -pthread_setattr_default_np(&attributes);
	(void)pthread_attr_destroy(&attributes);
	return result;
}

int fetcher_open(struct fetcher *fetcher, struct error *error)
{
	const struct fetcher_settings *settings = &fetcher->settings;
	const struct http_settings http = {
		.ca_file = settings->ca_file,
		.insecure = { settings->insecure, settings->insecure_count },
		.total_timeout_ms = settings->total_timeout_ms,
		.stall_timeout_ms = settings->stall_timeout_ms,
		.progress = fetcher_progress,
		.context = fetcher,
	};
	int result;

	heap_keep();
	(void)signal(SIGPIPE, SIG_IGN);
	/* other sources of names that the host may have load code into whoever asks them */
	(void)__nss_configure_lookup("hosts", "files dns");
	(void)res_init();
	tzset();
	result = thread_stack_limit();
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL,
		                 "threads cannot be given a smaller stack: %s", strerror(-result));
	result = image_warm();
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "OpenSSL cannot be used");
	result = http_open(&http, &fetcher->http, error);
	if (result < 0)
		return result;
	return cache_open(settings->cache_directory, settings->cache_size_max, &fetcher->cache,
	                  error);
}

int fetcher_progress(void *context, uint64_t done_bytes)
{
	const struct fetcher *fetcher = context;
	const struct fetcher_progress progress = { .stage = fetcher->stage,
		                                   .done_bytes = done_bytes,
		                                   .total_bytes = fetcher->total_bytes };

	return channel_send(&fetcher->channel, FETCHER_MESSAGE_PROGRESS, 0, &progress, NULL);
}

/* Only what the frontend cannot send: it checks what clients send. */
static bool job_ok(const struct fetcher_job *job)
{
	bool pulls = job->operation == FETCHER_PULL || job->operation == FETCHER_OBJECT;

	return job->operation >= FETCHER_PULL && job->operation <= FETCHER_REMOVE &&
	       job->pull_policy <= IMAGE_PULL_NEVER && (job->pull_policy || !pulls) &&
	       job->signatures <= 1 && channel_text_ok(job->reference, sizeof(job->reference)) &&
	       channel_text_ok(job->username, sizeof(job->username)) &&
	       channel_text_ok(job->password, sizeof(job->password));
}

/* glibc reads this file when its time or number changes, which the sandbox forbids for a new file.
 */
static const char resolver_file[] = "/etc/resolv.conf";

static void resolver_note(struct stat *status)
{
	if (stat(resolver_file, status) < 0)
		memset(status, 0, sizeof(*status));
}

/* A name was not found because the host's name servers changed while this process was waiting. */
static int resolver_check(const struct stat *before, int result, struct error *error)
{
	struct stat now;

	resolver_note(&now);
	if (result != -EHOSTUNREACH ||
	    (before->st_dev == now.st_dev && before->st_ino == now.st_ino))
		return result;
	return error_set(error, -EAGAIN, ERROR_UNAVAILABLE,
	                 "%s was replaced while this fetcher was waiting for work: try again, the "
	                 "next one has read it",
	                 resolver_file);
}

static int job_wait(const struct fetcher *fetcher, struct fetcher_job *job)
{
	struct channel_message message;
	int result = channel_receive(&fetcher->channel, FETCHER_STATE_WARM, &buffer, &message);

	if (result < 0)
		return result;
	memcpy(job, message.body, sizeof(*job));
	return job_ok(job) ? 0 : -EPROTO;
}

/* To tear this process's memory down takes a processor for milliseconds, just when the frontend's
 * next steps want it: what the job was for is given time to happen. */
static void end_wait(const struct fetcher *fetcher)
{
	struct channel_message message;

	(void)channel_receive(&fetcher->channel, 0, &buffer, &message);
	(void)poll(NULL, 0, END_PAUSE_MS);
}

int fetcher_run(struct fetcher *fetcher, const struct error *failed)
{
	static struct fetcher_job job;
	static struct fetcher_failed answer;
	struct stat resolver;
	int result;

	if (failed) {
		answer.error = *failed;
		(void)channel_send(&fetcher->channel, FETCHER_MESSAGE_FAILED, 0, &answer, NULL);
		return EXIT_FAILURE;
	}
	resolver_note(&resolver);
	memory_touch(&buffer, sizeof(buffer));
	memory_touch(&job, sizeof(job));
	job_prepare();
	memory_touch_stack();
	cached_prepare(&fetcher->cache); /* behind the sandbox: strangers made these images */
	if (channel_send(&fetcher->channel, FETCHER_MESSAGE_WARM, 0, NULL, NULL) < 0)
		return EXIT_FAILURE;
	/* a frontend that ends before it had a job is no failure: bpfd stops */
	result = job_wait(fetcher, &job);
	if (result == -EPIPE)
		return EXIT_SUCCESS;
	if (result < 0) {
		log_error("a job that is none: %s", strerror(-result));
		return EXIT_FAILURE;
	}
	http_start(fetcher->http);
	result = job_run(fetcher, &job, &answer.error);
	if (resolver_check(&resolver, result, &answer.error) < 0)
		(void)channel_send(&fetcher->channel, FETCHER_MESSAGE_FAILED, 0, &answer, NULL);
	end_wait(fetcher);
	return EXIT_SUCCESS;
}
