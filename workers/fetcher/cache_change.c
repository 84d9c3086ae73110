/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/cache.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What a directory's files take, and which of them was not touched longest. */
struct survey {
	const struct cache *cache;
	const char *spared; /* a name, or empty */
	uint64_t count;
	uint64_t size;
	char oldest[CACHE_NAME_SIZE]; /* empty: there is none but the spared one */
	struct timespec oldest_time;
};

static bool is_earlier(struct timespec one, struct timespec other)
{
	return one.tv_sec != other.tv_sec ? one.tv_sec < other.tv_sec : one.tv_nsec < other.tv_nsec;
}

static int survey_step(void *context, const char *name)
{
	struct survey *survey = context;
	struct stat status;

	if (fstatat(survey->cache->directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	survey->count++;
	survey->size += (uint64_t)status.st_size;
	if (strcmp(name, survey->spared) == 0)
		return 0;
	if (!survey->oldest[0] || is_earlier(status.st_mtim, survey->oldest_time)) {
		(void)snprintf(survey->oldest, sizeof(survey->oldest), "%s", name);
		survey->oldest_time = status.st_mtim;
	}
	return 0;
}

/* The references that lead to an image. */
struct leading {
	const struct cache *cache;
	const uint8_t *digest;
};

static int leading_remove(void *context, const struct cache_reference *reference)
{
	const struct leading *leading = context;

	if (digest_equal(leading->digest, reference->digest))
		(void)cache_reference_remove(leading->cache, reference->reference);
	return 0;
}

/* References first: one that leads nowhere is nothing, an image without one takes room. */
static int image_forget(const struct cache *cache, const uint8_t digest[DIGEST_SIZE])
{
	struct leading leading = { cache, digest };
	int result = cache_reference_each(cache, leading_remove, &leading);

	return result < 0 ? result : cache_image_remove(cache, digest);
}

static int room_make(const struct cache *cache, const uint8_t spared[DIGEST_SIZE])
{
	char name[CACHE_NAME_SIZE];
	uint8_t digest[DIGEST_SIZE];

	cache_image_name(spared, name);
	for (;;) {
		struct survey survey = { .cache = cache, .spared = name };
		int result = cache_files_each(cache, cache_name_is_image, survey_step, &survey);

		if (result < 0 || survey.size <= cache->size_max || !survey.oldest[0])
			return result;
		if (cache_name_digest(survey.oldest, digest) < 0)
			return -EINVAL;
		result = image_forget(cache, digest);
		if (result < 0)
			return result;
	}
}

/* One image may have as many names as somebody thinks of. */
static void references_limit(const struct cache *cache)
{
	for (;;) {
		struct survey survey = { .cache = cache, .spared = "" };

		if (cache_files_each(cache, cache_name_is_reference, survey_step, &survey) < 0 ||
		    survey.count < cache->references_max ||
		    cache_file_remove(cache, survey.oldest) < 0)
			return;
	}
}

static uint64_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

/* The reference leads there from now on; what it led to goes, if nothing else leads to it. */
static int reference_point(const struct cache *cache, const char *reference,
                           const uint8_t digest[DIGEST_SIZE])
{
	struct cache_reference before, now = { .pulled_at_s = now_s() };
	bool had = cache_reference_read(cache, reference, &before) == 0;
	int result;

	(void)snprintf(now.reference, sizeof(now.reference), "%s", reference);
	memcpy(now.digest, digest, DIGEST_SIZE);
	if (!had)
		references_limit(cache);
	result = cache_reference_write(cache, &now);
	if (result == 0 && had && !digest_equal(before.digest, digest) &&
	    !cache_reference_any(cache, before.digest))
		(void)cache_image_remove(cache, before.digest);
	return result;
}

static int store_failed(struct error *error, int result)
{
	return error_set(error, result, ERROR_STORE, "the cache of images cannot be changed: %s",
	                 strerror(-result));
}

int cache_keep(const struct cache *cache, const char *reference, const struct cache_image *image,
               int evidence_fd, struct error *error)
{
	int result = cache_lock(cache);

	if (result < 0)
		return store_failed(error, result);
	result = cache_image_write(cache, image, evidence_fd);
	if (result == 0)
		result = reference_point(cache, reference, image->record.digest);
	if (result == 0)
		result = room_make(cache, image->record.digest);
	cache_unlock(cache);
	if (result == -EFBIG)
		return error_set(error, result, ERROR_LIMIT,
		                 "the image alone takes more than the %" PRIu64
		                 " bytes that the cache may have: raise cache-size in bpfd.conf",
		                 cache->size_max);
	return result < 0 ? store_failed(error, result) : 0;
}

int cache_point(const struct cache *cache, const char *reference, const uint8_t digest[DIGEST_SIZE],
                struct error *error)
{
	int result = cache_lock(cache);

	if (result < 0)
		return store_failed(error, result);
	result = reference_point(cache, reference, digest);
	cache_unlock(cache);
	return result < 0 ? store_failed(error, result) : 0;
}

int cache_forget_reference(const struct cache *cache, const char *reference, struct error *error)
{
	struct cache_reference before;
	int result = cache_lock(cache);

	if (result < 0)
		return store_failed(error, result);
	result = cache_reference_read(cache, reference, &before);
	if (result == 0)
		result = cache_reference_remove(cache, reference);
	if (result == 0 && !cache_reference_any(cache, before.digest))
		(void)cache_image_remove(cache, before.digest);
	cache_unlock(cache);
	return result < 0 && result != -ENOENT ? store_failed(error, result) : result;
}

int cache_forget_image(const struct cache *cache, const uint8_t digest[DIGEST_SIZE],
                       struct error *error)
{
	int result = cache_lock(cache);

	if (result < 0)
		return store_failed(error, result);
	result = image_forget(cache, digest);
	cache_unlock(cache);
	return result < 0 && result != -ENOENT ? store_failed(error, result) : result;
}
