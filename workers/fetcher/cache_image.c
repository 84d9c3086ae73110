/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/cache.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "proto/evidence.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGE_MAGIC UINT64_C(0x31676d6964667062) /* "bpfdimg1" */

/* What an image's file begins with; the evidence follows it. */
struct image_file {
	uint64_t magic;
	uint64_t evidence_size;
	struct cache_image image;
	uint8_t check[DIGEST_SIZE]; /* SHA-256 of all before it */
};

uint64_t cache_image_size(int evidence_fd)
{
	size_t size = 0;

	return memfd_check(evidence_fd, &size) < 0 ? 0 : sizeof(struct image_file) + size;
}

static int check_make(const struct image_file *file, uint8_t check[DIGEST_SIZE])
{
	return digest_of_bytes(file, offsetof(struct image_file, check), check);
}

static int evidence_copy(int fd, uint64_t size)
{
	_cleanup_close_ int memfd = memfd_open("bpfd-evidence");
	int result =
		memfd < 0 ? memfd : cache_file_copy(fd, sizeof(struct image_file), size, memfd);

	if (result == 0)
		result = memfd_seal(memfd);
	return result < 0 ? result : steal_fd(&memfd);
}

static int header_read(int fd, const uint8_t digest[DIGEST_SIZE], struct image_file *file)
{
	uint8_t check[DIGEST_SIZE];
	struct stat status;
	int result = fstat(fd, &status) < 0 ? -errno : 0;

	if (result == 0)
		result = cache_file_read(fd, file, sizeof(*file), 0);
	if (result == 0)
		result = check_make(file, check);
	if (result < 0)
		return result;
	if (file->magic != IMAGE_MAGIC || !digest_equal(check, file->check) ||
	    !digest_equal(digest, file->image.record.digest) ||
	    file->evidence_size > EVIDENCE_SIZE_MAX ||
	    (uint64_t)status.st_size != sizeof(*file) + file->evidence_size)
		return -ENOENT;
	file->image.record.stored_size = (uint64_t)status.st_size;
	file->image.record.used_at_s = (uint64_t)status.st_mtim.tv_sec;
	return 0;
}

int cache_image_open(const struct cache *cache, const uint8_t digest[DIGEST_SIZE])
{
	char name[CACHE_NAME_SIZE];

	cache_image_name(digest, name);
	int fd = openat(cache->directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cache_image_read(int fd, const uint8_t digest[DIGEST_SIZE], struct cache_image *image,
                     int *evidence_fd)
{
	static struct image_file file;
	int result = header_read(fd, digest, &file);

	if (result == 0 && evidence_fd) {
		int copy = evidence_copy(fd, file.evidence_size);

		if (copy < 0)
			return copy;
		*evidence_fd = copy;
	}
	if (result == 0)
		*image = file.image;
	return result;
}

void cache_image_touch(const struct cache *cache, const uint8_t digest[DIGEST_SIZE])
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	char name[CACHE_NAME_SIZE];

	cache_image_name(digest, name);
	(void)utimensat(cache->directory_fd, name, now, AT_SYMLINK_NOFOLLOW);
}

int cache_image_write(const struct cache *cache, const struct cache_image *image, int evidence_fd)
{
	static struct image_file file;
	char name[CACHE_NAME_SIZE], temporary[CACHE_NAME_SIZE];
	size_t size = 0;
	int fd, result = memfd_check(evidence_fd, &size);

	if (result == 0 && sizeof(file) + size > cache->size_max)
		result = -EFBIG;
	if (result < 0)
		return result;
	memset(&file, 0, sizeof(file));
	file.magic = IMAGE_MAGIC;
	file.evidence_size = size;
	file.image = *image;
	memset(file.image.record.reference, 0, sizeof(file.image.record.reference));
	file.image.record.pulled_at_s = file.image.record.used_at_s = 0;
	file.image.record.stored_size = 0;
	result = check_make(&file, file.check);
	if (result < 0)
		return result;
	fd = cache_file_begin(cache, temporary);
	if (fd < 0)
		return fd;
	result = cache_file_write(fd, &file, sizeof(file));
	if (result == 0)
		result = cache_file_copy(evidence_fd, 0, size, fd);
	cache_image_name(image->record.digest, name);
	return cache_file_finish(cache, fd, temporary, name, result);
}

int cache_image_remove(const struct cache *cache, const uint8_t digest[DIGEST_SIZE])
{
	char name[CACHE_NAME_SIZE];

	cache_image_name(digest, name);
	return cache_file_remove(cache, name);
}
