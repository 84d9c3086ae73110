/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/cleanup.h"
#include "common/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static struct record_image record; /* what is sent now: it is large */
static struct job current;

static int end_send(const struct fetcher *fetcher, uint32_t count)
{
	const struct fetcher_done done = { .count = count, .cached = 1 };

	return channel_send(&fetcher->channel, FETCHER_MESSAGE_DONE, 0, &done, NULL);
}

/* Sends one image of the cache under that reference. -ENOENT: it is not there any more. */
static int image_send(const struct fetcher *fetcher, const struct cache_reference *reference)
{
	static struct cache_image image;
	_cleanup_close_ int fd = cache_image_open(&fetcher->cache, reference->digest);
	int result = fd < 0 ? fd : cache_image_read(fd, reference->digest, &image, NULL);

	if (result < 0)
		return result;
	record = image.record;
	memcpy(record.reference, reference->reference, sizeof(record.reference));
	record.pulled_at_s = reference->pulled_at_s;
	return channel_send(&fetcher->channel, FETCHER_MESSAGE_IMAGE, 0, &record, NULL);
}

struct listing {
	const struct fetcher *fetcher;
	const uint8_t *digest; /* only what leads to this; NULL: all */
	uint32_t count;
};

static int listing_step(void *context, const struct cache_reference *reference)
{
	struct listing *listing = context;
	int result;

	if (listing->digest && !digest_equal(listing->digest, reference->digest))
		return 0;
	result = image_send(listing->fetcher, reference);
	if (result == 0)
		listing->count++;
	return result == -EPIPE || result == -ECONNRESET ? result : 0;
}

static int list(struct job *job, struct error *error)
{
	struct listing listing = { .fetcher = job->fetcher };
	int result = cache_reference_each(&job->fetcher->cache, listing_step, &listing);

	if (result < 0)
		return error_set(error, result, ERROR_STORE,
		                 "the cache of images cannot be listed: %s", strerror(-result));
	return end_send(job->fetcher, listing.count);
}

static int not_cached(const struct job *job, struct error *error)
{
	return error_set(error, -ENOENT, ERROR_NOT_FOUND,
	                 "the cache has no image %s; `bpfctl image list` shows what it has",
	                 job->name);
}

/* By "sha256:...": the references that lead to it. */
static int inspect_digest(struct job *job, const uint8_t digest[DIGEST_SIZE], struct error *error)
{
	struct listing listing = { .fetcher = job->fetcher, .digest = digest };
	int result = cache_reference_each(&job->fetcher->cache, listing_step, &listing);

	if (result < 0)
		return error_set(error, result, ERROR_STORE,
		                 "the cache of images cannot be read: %s", strerror(-result));
	return listing.count ? end_send(job->fetcher, listing.count) : not_cached(job, error);
}

/* 0: it is one; and the name for sentences is made. */
static int digest_asked(struct job *job, uint8_t digest[DIGEST_SIZE])
{
	int result = digest_parse(job->asked->reference, digest);

	if (result == 0)
		memcpy(job->name, job->asked->reference, sizeof(job->name));
	return result;
}

static int reference_asked(struct job *job, struct error *error)
{
	int result = reference_parse(job->asked->reference, &job->reference, error);

	if (result == 0)
		reference_format(&job->reference, job->name);
	return result;
}

static int inspect(struct job *job, struct error *error)
{
	struct cache_reference found;
	uint8_t digest[DIGEST_SIZE];

	if (digest_asked(job, digest) == 0)
		return inspect_digest(job, digest, error);
	int result = reference_asked(job, error);

	if (result < 0)
		return result;
	if (cache_reference_read(&job->fetcher->cache, job->name, &found) < 0 ||
	    image_send(job->fetcher, &found) < 0)
		return not_cached(job, error);
	return end_send(job->fetcher, 1);
}

/* What goes is said before it does: nobody could describe it afterwards. A damaged image, which
 * cannot be described, goes as well. */
static int forget_digest(struct job *job, const uint8_t digest[DIGEST_SIZE], uint32_t *count,
                         struct error *error)
{
	struct listing listing = { .fetcher = job->fetcher, .digest = digest };

	(void)cache_reference_each(&job->fetcher->cache, listing_step, &listing);
	*count = listing.count;
	return cache_forget_image(&job->fetcher->cache, digest, error);
}

static int forget_reference(struct job *job, uint32_t *count, struct error *error)
{
	struct cache_reference found;
	int result = reference_asked(job, error);

	if (result < 0)
		return result;
	if (cache_reference_read(&job->fetcher->cache, job->name, &found) == 0 &&
	    image_send(job->fetcher, &found) == 0)
		*count = 1;
	return cache_forget_reference(&job->fetcher->cache, job->name, error);
}

static int forget(struct job *job, struct error *error)
{
	uint8_t digest[DIGEST_SIZE];
	uint32_t count = 0;
	int result = digest_asked(job, digest) == 0 ? forget_digest(job, digest, &count, error)
	                                            : forget_reference(job, &count, error);

	if (result == -ENOENT)
		return not_cached(job, error);
	return result < 0 ? result : end_send(job->fetcher, count);
}

static int pull(struct job *job, struct error *error)
{
	int result = reference_asked(job, error);

	return result < 0 ? result : job_pull(job, error);
}

static int (*const operations[])(struct job *job, struct error *error) = {
	[FETCHER_PULL] = pull,       [FETCHER_OBJECT] = pull,   [FETCHER_LIST] = list,
	[FETCHER_INSPECT] = inspect, [FETCHER_REMOVE] = forget,
};

void job_prepare(void)
{
	memory_touch(&current, sizeof(current));
	pull_prepare();
}

int job_run(struct fetcher *fetcher, const struct fetcher_job *asked, struct error *error)
{
	current.fetcher = fetcher;
	current.asked = asked;
	current.signatures = asked->signatures || fetcher->settings.signatures;
	return operations[asked->operation](&current, error);
}
