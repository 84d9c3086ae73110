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

/* An image that was opened before anybody asked for it. */
struct prepared {
	int file_fd; /* -1: nothing */
	struct image image;
};

static struct prepared prepared[PREPARED_MAX] = { [0 ... PREPARED_MAX -
	                                           1] = { .file_fd = -1, .image = IMAGE_INIT } };

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

/* True: it was there, and is handed on. What changed meanwhile is not taken. */
static bool prepared_take(const struct cache *cache, const uint8_t digest[DIGEST_SIZE],
                          struct image *image)
{
	for (size_t i = 0; i < PREPARED_MAX; i++) {
		struct prepared *one = &prepared[i];

		if (one->file_fd < 0 || !digest_equal(one->image.record.digest, digest))
			continue;
		if (!cache_image_is_current(cache, digest, one->file_fd))
			return false;
		(void)close(steal_fd(&one->file_fd));
		*image = one->image;
		one->image.evidence_fd = one->image.object.fd = -1;
		return true;
	}
	return false;
}

int cached_open(const struct cache *cache, const uint8_t digest[DIGEST_SIZE], struct image *image)
{
	struct image opened = IMAGE_INIT;

	if (prepared_take(cache, digest, image))
		return 0;
	_cleanup_close_ int fd = cache_image_open(cache, digest);

	if (fd < 0 || file_open(fd, digest, &opened) < 0)
		return -ENOENT;
	*image = opened;
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

	if (cache_name_digest(name, digest) < 0)
		return;
	one->file_fd = cache_image_open(cache, digest);
	if (one->file_fd < 0)
		return;
	if (file_open(one->file_fd, digest, &one->image) == 0) {
		if (one->image.object.size <= PREPARED_SIZE_MAX)
			return;
		image_close(&one->image);
	}
	(void)close(steal_fd(&one->file_fd));
}

void cached_prepare(const struct cache *cache)
{
	struct recent recent = { .cache = cache };

	if (cache_files_each(cache, cache_name_is_image, recent_step, &recent) < 0)
		return;
	for (size_t i = 0; i < recent.count; i++)
		prepared_open(cache, recent.names[i], &prepared[i]);
}
