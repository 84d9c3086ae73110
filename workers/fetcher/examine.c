/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "common/cleanup.h"
#include "image/json.h"
#include "image/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void image_close(struct image *image)
{
	if (image->evidence_fd >= 0)
		(void)close(image->evidence_fd);
	if (image->object.fd >= 0)
		(void)close(image->object.fd);
	image->evidence_fd = image->object.fd = -1;
}

static int part_missing(struct error *error)
{
	return error_set(error, -EBADMSG, ERROR_INTERNAL, "a part of the image is missing");
}

/* One manifest or index, whose bytes have that digest. */
static int document_read(const struct evidence *evidence, uint32_t part, const char *what,
                         const uint8_t digest[DIGEST_SIZE], void **bytes, size_t *size,
                         struct error *error)
{
	_cleanup_free_ void *read = NULL;
	uint8_t got[DIGEST_SIZE];
	int result;

	if (part >= evidence->count)
		return part_missing(error);
	result = evidence_read(evidence, part, JSON_DOCUMENT_MAX, &read, size);
	if (result == 0)
		result = digest_of_bytes(read, *size, got);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "%s cannot be read: %s", what,
		                 strerror(-result));
	result = digest_expect(what, got, digest, error);
	if (result == 0)
		*bytes = steal_ptr(&read);
	return result;
}

/* From the index to the digest of this machine's manifest. */
static int index_follow(const struct evidence *evidence, const uint8_t digest[DIGEST_SIZE],
                        uint8_t manifest[DIGEST_SIZE], struct error *error)
{
	static struct index index;
	_cleanup_free_ void *bytes = NULL;
	const struct index_entry *entry = NULL;
	size_t size = 0;
	int result = document_read(evidence, 0, "the index", digest, &bytes, &size, error);

	if (result == 0)
		result = index_read(bytes, size, NULL, &index, error);
	if (result == 0)
		result = index_choose(&index, architecture_host(), &entry, error);
	if (result == 0)
		memcpy(manifest, entry->descriptor.digest, DIGEST_SIZE);
	return result;
}

static int manifest_follow(const struct evidence *evidence, uint32_t part,
                           const uint8_t digest[DIGEST_SIZE], struct manifest *manifest,
                           struct error *error)
{
	_cleanup_free_ void *bytes = NULL;
	size_t size = 0;
	int result = document_read(evidence, part, "the manifest", digest, &bytes, &size, error);

	if (result == 0)
		result = manifest_read(bytes, size, NULL, manifest, error);
	if (result == 0)
		result = manifest_check_bytecode(manifest, error);
	return result;
}

static int layer_follow(const struct evidence *evidence, uint32_t number,
                        const struct descriptor *layer, struct layer_object *object,
                        struct error *error)
{
	uint8_t got[DIGEST_SIZE];
	const struct evidence_part *part = &evidence->parts[number];
	int result;

	if (number >= evidence->count || part->kind != EVIDENCE_LAYER || part->size != layer->size)
		return part_missing(error);
	result = digest_of_fd(evidence->fd, part->offset, part->size, got);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "the layer cannot be read: %s",
		                 strerror(-result));
	result = digest_expect("the layer", got, layer->digest, error);
	if (result == 0)
		result = layer_open(evidence->fd, part->offset, part->size, object, error);
	return result;
}

static uint32_t signatures_count(const struct evidence *evidence)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < evidence->count; i++)
		count += evidence->parts[i].kind == EVIDENCE_SIGNATURE_BLOB;
	return count;
}

int image_examine(struct image *image, const uint8_t digest[DIGEST_SIZE], struct error *error)
{
	static struct evidence evidence;
	static struct manifest manifest;
	struct record_image *record = &image->record;
	uint32_t part = 0;
	int result = evidence_open(image->evidence_fd, &evidence, error);

	if (result < 0)
		return result;
	memcpy(record->digest, digest, DIGEST_SIZE);
	memcpy(record->manifest, digest, DIGEST_SIZE);
	if (evidence.count && evidence.parts[0].kind == EVIDENCE_INDEX) {
		result = index_follow(&evidence, digest, record->manifest, error);
		part = 1;
	}
	if (result == 0)
		result = manifest_follow(&evidence, part, record->manifest, &manifest, error);
	if (result == 0)
		result = layer_follow(&evidence, part + 1, &manifest.layers[0], &image->object,
		                      error);
	if (result == 0)
		result = image_object_check(image->object.fd, image->object.size, error);
	if (result < 0)
		return result;
	memcpy(record->layer, manifest.layers[0].digest, DIGEST_SIZE);
	memcpy(record->object, image->object.digest, DIGEST_SIZE);
	record->object_size = image->object.size;
	record->signature_count = signatures_count(&evidence);
	return 0;
}
