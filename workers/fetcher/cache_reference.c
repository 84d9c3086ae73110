/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/cache.h"

#include "common/channel.h"
#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define REFERENCE_MAGIC UINT64_C(0x3166657264667062) /* "bpfdref1" */

struct reference_file {
	uint64_t magic;
	struct cache_reference reference;
	uint8_t check[DIGEST_SIZE]; /* SHA-256 of all before it */
};

static int check_make(const struct reference_file *file, uint8_t check[DIGEST_SIZE])
{
	return digest_of_bytes(file, offsetof(struct reference_file, check), check);
}

int cache_reference_take(int fd, struct cache_reference *found)
{
	struct reference_file file = {};
	uint8_t check[DIGEST_SIZE];
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	int result = cache_file_read(fd, &file, sizeof(file), 0);

	if (result == 0)
		result = check_make(&file, check);
	if (result < 0)
		return result;
	if (status.st_size != sizeof(file) || file.magic != REFERENCE_MAGIC ||
	    !digest_equal(check, file.check) ||
	    !channel_text_ok(file.reference.reference, sizeof(file.reference.reference)))
		return -ENOENT;
	*found = file.reference;
	return 0;
}

static int file_read(const struct cache *cache, const char *name, struct cache_reference *found)
{
	_cleanup_close_ int fd =
		openat(cache->directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : cache_reference_take(fd, found);
}

int cache_reference_read(const struct cache *cache, const char *reference,
                         struct cache_reference *found)
{
	struct cache_reference read;
	char name[CACHE_NAME_SIZE];
	int result = cache_reference_name(reference, name);

	if (result == 0)
		result = file_read(cache, name, &read);
	if (result < 0)
		return result;
	if (strcmp(read.reference, reference) != 0)
		return -ENOENT;
	*found = read;
	return 0;
}

struct walk {
	const struct cache *cache;
	int (*each)(void *context, const struct cache_reference *reference);
	void *context;
};

static int walk_step(void *context, const char *name)
{
	const struct walk *walk = context;
	struct cache_reference reference;

	if (file_read(walk->cache, name, &reference) < 0)
		return 0;
	return walk->each(walk->context, &reference);
}

int cache_reference_each(const struct cache *cache,
                         int (*each)(void *context, const struct cache_reference *reference),
                         void *context)
{
	struct walk walk = { cache, each, context };

	return cache_files_each(cache, cache_name_is_reference, walk_step, &walk);
}

int cache_reference_write(const struct cache *cache, const struct cache_reference *reference)
{
	struct reference_file file;
	char name[CACHE_NAME_SIZE], temporary[CACHE_NAME_SIZE];
	int fd, result = cache_reference_name(reference->reference, name);

	memset(&file, 0, sizeof(file));
	file.magic = REFERENCE_MAGIC;
	file.reference = *reference;
	if (result == 0)
		result = check_make(&file, file.check);
	if (result < 0)
		return result;
	fd = cache_file_begin(cache, temporary);
	if (fd < 0)
		return fd;
	result = cache_file_write(fd, &file, sizeof(file));
	return cache_file_finish(cache, fd, temporary, name, result);
}

int cache_reference_remove(const struct cache *cache, const char *reference)
{
	char name[CACHE_NAME_SIZE];
	int result = cache_reference_name(reference, name);

	if (result < 0)
		return result;
	return unlinkat(cache->directory_fd, name, 0) < 0 ? -errno : 0;
}

static int digest_compare(void *context, const struct cache_reference *reference)
{
	return digest_equal(context, reference->digest) ? 1 : 0;
}

bool cache_reference_any(const struct cache *cache, const uint8_t digest[DIGEST_SIZE])
{
	uint8_t wanted[DIGEST_SIZE];

	memcpy(wanted, digest, sizeof(wanted));
	return cache_reference_each(cache, digest_compare, wanted) == 1;
}
