/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/cache.h"

#include "common/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define BLOCK_SIZE 65536
#define HEX_LENGTH (DIGEST_HEX_SIZE - 1)
#define TEMPORARY_PREFIX "new."
#define TEMPORARY_LENGTH (sizeof(TEMPORARY_PREFIX) - 1 + 16)

static const char image_end[] = ".image", reference_end[] = ".reference";

static bool is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	}
	return true;
}

static bool is_digest_with(const char *name, const char *end)
{
	return strlen(name) == HEX_LENGTH + strlen(end) && is_hex(name, HEX_LENGTH) &&
	       strcmp(name + HEX_LENGTH, end) == 0;
}

bool cache_name_is_image(const char *name)
{
	return is_digest_with(name, image_end);
}

bool cache_name_is_reference(const char *name)
{
	return is_digest_with(name, reference_end);
}

bool cache_name_is_temporary(const char *name)
{
	const size_t prefix = sizeof(TEMPORARY_PREFIX) - 1;

	return strlen(name) == TEMPORARY_LENGTH && memcmp(name, TEMPORARY_PREFIX, prefix) == 0 &&
	       is_hex(name + prefix, TEMPORARY_LENGTH - prefix);
}

static void name_make(const uint8_t digest[DIGEST_SIZE], const char *end,
                      char name[CACHE_NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(digest, hex);
	(void)snprintf(name, CACHE_NAME_SIZE, "%s%s", hex, end);
}

void cache_image_name(const uint8_t digest[DIGEST_SIZE], char name[CACHE_NAME_SIZE])
{
	name_make(digest, image_end, name);
}

int cache_reference_name(const char *reference, char name[CACHE_NAME_SIZE])
{
	uint8_t digest[DIGEST_SIZE];
	int result = digest_of_bytes(reference, strlen(reference), digest);

	if (result == 0)
		name_make(digest, reference_end, name);
	return result;
}

int cache_name_digest(const char *name, uint8_t digest[DIGEST_SIZE])
{
	char text[DIGEST_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "sha256:%.*s", (int)HEX_LENGTH, name);
	return digest_parse(text, digest);
}

int cache_file_begin(const struct cache *cache, char name[CACHE_NAME_SIZE])
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -EIO;
	(void)snprintf(name, CACHE_NAME_SIZE, TEMPORARY_PREFIX "%016" PRIx64, number);
	int fd = openat(cache->directory_fd, name,
	                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

int cache_file_finish(const struct cache *cache, int fd, const char *temporary, const char *name,
                      int result)
{
	if (result == 0 && fsync(fd) < 0)
		result = -errno;
	if (result == 0 && renameat(cache->directory_fd, temporary, cache->directory_fd, name) < 0)
		result = -errno;
	if (result < 0)
		(void)unlinkat(cache->directory_fd, temporary, 0);
	else if (fsync(cache->directory_fd) < 0)
		result = -errno;
	(void)close(fd);
	return result;
}

int cache_held_open(const struct cache *cache, const char *name, struct cache_held *held)
{
	_cleanup_close_ int fd =
		openat(cache->directory_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	(void)snprintf(held->name, sizeof(held->name), "%s", name);
	held->number = status.st_ino;
	held->fd = steal_fd(&fd);
	return 0;
}

/* A file's number is not given again while it is open. */
bool cache_held_is_current(const struct cache *cache, const struct cache_held *held)
{
	struct stat status;

	return fstatat(cache->directory_fd, held->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       status.st_ino == held->number;
}

void cache_held_close(struct cache_held *held)
{
	if (held->fd >= 0)
		(void)close(held->fd);
	held->fd = -1;
}

int cache_file_remove(const struct cache *cache, const char *name)
{
	return unlinkat(cache->directory_fd, name, 0) < 0 ? -errno : 0;
}

int cache_file_write(int fd, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

int cache_file_read(int fd, void *bytes, size_t size, uint64_t offset)
{
	unsigned char *at = bytes;

	for (size_t done = 0; done < size;) {
		ssize_t got = pread(fd, at + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ENOENT;
		done += (size_t)got;
	}
	return 0;
}

int cache_file_copy(int from, uint64_t offset, uint64_t size, int to)
{
	static unsigned char block[BLOCK_SIZE];

	while (size) {
		size_t part = size < sizeof(block) ? (size_t)size : sizeof(block);
		int result = cache_file_read(from, block, part, offset);

		if (result == 0)
			result = cache_file_write(to, block, part);
		if (result < 0)
			return result;
		offset += part;
		size -= part;
	}
	return 0;
}

/* A descriptor of its own for the reading: the position of the other one is everybody's. */
int cache_files_each(const struct cache *cache, bool (*is_wanted)(const char *name),
                     int (*each)(void *context, const char *name), void *context)
{
	int fd = openat(cache->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;

	if (!directory) {
		result = -errno;
		if (fd >= 0)
			(void)close(fd);
		return result;
	}
	for (const struct dirent *entry; result == 0 && (entry = readdir(directory));) {
		if (is_wanted(entry->d_name))
			result = each(context, entry->d_name);
	}
	(void)closedir(directory);
	return result;
}

int cache_lock(const struct cache *cache)
{
	while (flock(cache->directory_fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

void cache_unlock(const struct cache *cache)
{
	(void)flock(cache->directory_fd, LOCK_UN);
}
