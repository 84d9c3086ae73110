/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A list of any bytes: a path that is found lies within it, whole. */
#include "client/lib/library_cache.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *path = NULL, *other = NULL;
	int result = library_cache_find(bytes, size, "libc", &path, &other);

	if (result == 0 && (*path != '/' || path + strlen(path) >= (const char *)bytes + size))
		abort();
	if (path && ((const uint8_t *)path < bytes || (const uint8_t *)path >= bytes + size))
		abort();
	return 0;
}
