/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/pull.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "image/digest.h"
#include "image/json.h"
#include "workers/fetcher/cache.h"

#include <errno.h>
#include <string.h>

static int copy_failed(struct error *error, int result)
{
	return error_set(error, result, ERROR_INTERNAL, "a part of the image cannot be copied: %s",
	                 strerror(-result));
}

static int document_copy(const struct evidence *evidence, uint32_t part,
                         struct evidence_writer *writer, struct error *error)
{
	_cleanup_free_ void *bytes = NULL;
	size_t size = 0;
	int result = evidence_read(evidence, part, JSON_DOCUMENT_MAX, &bytes, &size);

	if (result < 0)
		return copy_failed(error, result);
	return evidence_add(writer, evidence->parts[part].kind, bytes, size, error);
}

/* Not through this process's memory: a layer is large. */
static int layer_copy(const struct evidence *evidence, uint32_t part,
                      struct evidence_writer *writer, struct error *error)
{
	const struct evidence_part *layer = &evidence->parts[part];
	_cleanup_close_ int fd = memfd_open("bpfd-layer");
	int result = fd < 0 ? fd : cache_file_copy(evidence->fd, layer->offset, layer->size, fd);

	if (result < 0)
		return copy_failed(error, result);
	return evidence_add_fd(writer, layer->kind, fd, layer->size, error);
}

int evidence_copy_image(int evidence_fd, struct evidence_writer *writer, struct error *error)
{
	static struct evidence evidence;
	int result = evidence_open(evidence_fd, &evidence, error);

	for (uint32_t i = 0; result == 0 && i < evidence.count; i++) {
		switch (evidence.parts[i].kind) {
		case EVIDENCE_INDEX:
		case EVIDENCE_MANIFEST:
			result = document_copy(&evidence, i, writer, error);
			break;
		case EVIDENCE_LAYER:
			result = layer_copy(&evidence, i, writer, error);
			break;
		default:
			break;
		}
	}
	return result;
}

bool evidence_equal(int one_fd, int other_fd)
{
	size_t one_size = 0, other_size = 0;
	uint8_t one[DIGEST_SIZE], other[DIGEST_SIZE];

	return memfd_check(one_fd, &one_size) == 0 && memfd_check(other_fd, &other_size) == 0 &&
	       one_size == other_size && digest_of_fd(one_fd, 0, one_size, one) == 0 &&
	       digest_of_fd(other_fd, 0, other_size, other) == 0 && digest_equal(one, other);
}
