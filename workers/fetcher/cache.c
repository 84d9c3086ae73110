/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/cache.h"

#include "common/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What is in it is nobody else's to read or change. */
static int owner_check(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	return status.st_uid == geteuid() && (status.st_mode & 077) == 0 ? 0 : -EPERM;
}

int cache_open(const char *directory, uint64_t size_max, struct cache *cache, struct error *error)
{
	struct cache opened = { .size_max = size_max,
		                .references_max = CACHE_REFERENCES_MAX,
		                .directory_fd =
		                        open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int result = opened.directory_fd < 0 ? -errno : owner_check(opened.directory_fd);

	if (result < 0) {
		cache_close(&opened);
		return error_set(error, result, ERROR_STORE,
		                 "the cache of images, %s, cannot be used: %s", directory,
		                 result == -EPERM
		                         ? "it must belong to the fetcher's user, with mode "
		                           "0700"
		                         : strerror(-result));
	}
	cache_clean(&opened);
	*cache = opened;
	return 0;
}

void cache_close(struct cache *cache)
{
	if (cache->directory_fd >= 0)
		(void)close(cache->directory_fd);
	cache->directory_fd = -1;
}
