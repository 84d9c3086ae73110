/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/cache.h"

#include "common/sort.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What references lead to. */
struct wanted {
	const struct cache *cache;
	size_t count;
	char names[CACHE_REFERENCES_MAX][CACHE_NAME_SIZE]; /* of images, ascending */
};

static int wanted_step(void *context, const struct cache_reference *reference)
{
	struct wanted *wanted = context;

	/* more than there should be: nothing can be said of any image */
	if (wanted->count == CACHE_REFERENCES_MAX)
		return 1;
	cache_image_name(reference->digest, wanted->names[wanted->count++]);
	return 0;
}

static int name_compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

static int orphan_remove(void *context, const char *name)
{
	const struct wanted *wanted = context;

	if (!bsearch(name, wanted->names, wanted->count, CACHE_NAME_SIZE, name_compare))
		(void)cache_file_remove(wanted->cache, name);
	return 0;
}

static void orphans_remove(struct wanted *wanted)
{
	const struct cache *cache = wanted->cache;

	if (cache_reference_each(cache, wanted_step, wanted) != 0)
		return;
	sort_items(wanted->names, wanted->count, CACHE_NAME_SIZE, name_compare);
	(void)cache_files_each(cache, cache_name_is_image, orphan_remove, wanted);
}

static int leftover_remove(void *context, const char *name)
{
	const struct wanted *wanted = context;

	(void)cache_file_remove(wanted->cache, name);
	return 0;
}

/* Whoever writes holds the lock: what is not finished while this process has it never will be. */
void cache_clean(const struct cache *cache)
{
	static struct wanted wanted;

	if (flock(cache->directory_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	wanted.cache = cache;
	wanted.count = 0;
	(void)cache_files_each(cache, cache_name_is_temporary, leftover_remove, &wanted);
	orphans_remove(&wanted);
	cache_unlock(cache);
}
