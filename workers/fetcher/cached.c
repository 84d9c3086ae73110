/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PREPARED_MAX 4
/* Bytes of an image's file, and of its object: they are in memory until there is a job. */
#define PREPARED_SIZE_MAX (512 << 10)

/* An image that was opened before anybody asked for it, and one of the references to it. */
struct prepared {
	struct cache_held file; /* none: nothing is here */
	struct image image;
	struct cache_held reference_file; /* none: no reference */
	struct cache_reference reference;
};

static struct prepared prepared[PREPARED_MAX] = {
	[0 ... PREPARED_MAX -
	 1] = { .file = { .fd = -1 }, .image = IMAGE_INIT, .reference_file = { .fd = -1 } },
};

static int file_open(int fd, const uint8_t digest[DIGEST_SIZE], struct image *image)
{
	static struct cache_image kept;
	struct error error = {};
	int result = cache_image_read(fd, digest, &kept, &image->evidence_fd);

	if (result == 0) {
		image->record = kept.record;
		image->signatures_fetched = kept.signatures_fetched;
		result = image_examine(image, digest, &error);
	}
	if (result == 0 && !digest_equal(image->object.digest, kept.record.object))
		result = -EBADMSG;
	if (result == 0)
		return 0;
	image_close(image);
	log_warning("an image of the cache is damaged, and not used: %s",
	            error.message[0] ? error.message : strerror(-result));
	return -ENOENT;
}

/* True: it is handed on. What changed meanwhile is not taken. */
static bool prepared_take(const struct cache *cache, struct prepared *one, struct image *image)
{
	if (!cache_held_is_current(cache, &one->file))
		return false;
	cache_held_close(&one->file);
	*image = one->image;
	one->image.evidence_fd = one->image.object.fd = -1;
	return true;
}

static struct prepared *prepared_by_digest(const uint8_t digest[DIGEST_SIZE])
{
	for (size_t i = 0; i < PREPARED_MAX; i++) {
		if (prepared[i].file.fd >= 0 &&
		    digest_equal(prepared[i].image.record.digest, digest))
			return &prepared[i];
	}
	return NULL;
}

static struct prepared *prepared_by_reference(const char *reference)
{
	for (size_t i = 0; i < PREPARED_MAX; i++) {
		if (prepared[i].file.fd >= 0 && prepared[i].reference_file.fd >= 0 &&
		    strcmp(prepared[i].reference.reference, reference) == 0)
			return &prepared[i];
	}
	return NULL;
}

int cached_open(const struct cache *cache, const uint8_t digest[DIGEST_SIZE], struct image *image)
{
	struct image opened = IMAGE_INIT;
	struct prepared *one = prepared_by_digest(digest);

	if (one && prepared_take(cache, one, image))
		return 0;
	_cleanup_close_ int fd = cache_image_open(cache, digest);

	if (fd < 0 || file_open(fd, digest, &opened) < 0)
		return -ENOENT;
	*image = opened;
	return 0;
}

int cached_find(const struct cache *cache, const char *reference, struct cache_reference *found,
                struct image *image)
{
	struct prepared *one = prepared_by_reference(reference);
	struct cache_reference read;

	if (one && cache_held_is_current(cache, &one->reference_file) &&
	    prepared_take(cache, one, image)) {
		*found = one->reference;
		return 0;
	}
	if (cache_reference_read(cache, reference, &read) < 0 ||
	    cached_open(cache, read.digest, image) < 0)
		return -ENOENT;
	*found = read;
	return 0;
}

/* The small images that were used last, the very last first. */
struct recent {
	const struct cache *cache;
	size_t count;
	struct timespec times[PREPARED_MAX];
	char names[PREPARED_MAX][CACHE_NAME_SIZE];
};

static bool is_later(struct timespec one, struct timespec other)
{
	return one.tv_sec != other.tv_sec ? one.tv_sec > other.tv_sec : one.tv_nsec > other.tv_nsec;
}

static int recent_step(void *context, const char *name)
{
	struct recent *recent = context;
	struct stat status;
	size_t at = recent->count;

	if (fstatat(recent->cache->directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    status.st_size > PREPARED_SIZE_MAX)
		return 0;
	for (; at > 0 && is_later(status.st_mtim, recent->times[at - 1]); at--) {
		if (at < PREPARED_MAX) {
			recent->times[at] = recent->times[at - 1];
			memcpy(recent->names[at], recent->names[at - 1], CACHE_NAME_SIZE);
		}
	}
	if (at == PREPARED_MAX)
		return 0;
	recent->times[at] = status.st_mtim;
	(void)snprintf(recent->names[at], CACHE_NAME_SIZE, "%s", name);
	if (recent->count < PREPARED_MAX)
		recent->count++;
	return 0;
}

static void prepared_open(const struct cache *cache, const char *name, struct prepared *one)
{
	uint8_t digest[DIGEST_SIZE];

	if (cache_name_digest(name, digest) < 0 || cache_held_open(cache, name, &one->file) < 0)
		return;
	if (file_open(one->file.fd, digest, &one->image) == 0) {
		if (one->image.object.size <= PREPARED_SIZE_MAX)
			return;
		image_close(&one->image);
	}
	cache_held_close(&one->file);
}

/* What is held is read, not what was read before it was held. */
static void prepared_name(const struct cache *cache, const char *reference, struct prepared *one)
{
	char name[CACHE_NAME_SIZE];

	if (cache_reference_name(reference, name) < 0 ||
	    cache_held_open(cache, name, &one->reference_file) < 0)
		return;
	if (cache_reference_take(one->reference_file.fd, &one->reference) < 0 ||
	    !digest_equal(one->reference.digest, one->image.record.digest))
		cache_held_close(&one->reference_file);
}

static int reference_step(void *context, const struct cache_reference *reference)
{
	const struct cache *cache = context;
	struct prepared *one = prepared_by_digest(reference->digest);

	if (one && one->reference_file.fd < 0)
		prepared_name(cache, reference->reference, one);
	return 0;
}

void cached_prepare(const struct cache *cache)
{
	struct cache walked = *cache;
	struct recent recent = { .cache = cache };

	if (cache_files_each(cache, cache_name_is_image, recent_step, &recent) < 0)
		return;
	for (size_t i = 0; i < recent.count; i++)
		prepared_open(cache, recent.names[i], &prepared[i]);
	(void)cache_reference_each(cache, reference_step, &walked);
}
