/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/chain.h"

#include "common/cleanup.h"
#include "common/memory.h"
#include "image/digest.h"
#include "image/json.h"
#include "image/manifest.h"

#include <errno.h>
#include <string.h>

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

/* layer_open() or layer_measure(). */
typedef int (*layer_take)(int fd, uint64_t offset, uint64_t size, struct layer_object *object,
                          struct error *error);

static int layer_follow(const struct evidence *evidence, uint32_t number,
                        const struct descriptor *layer, layer_take take,
                        struct layer_object *object, struct error *error)
{
	const struct evidence_part *part =
		number < evidence->count ? &evidence->parts[number] : NULL;
	uint8_t got[DIGEST_SIZE];
	int result;

	if (!part || part->kind != EVIDENCE_LAYER || part->size != layer->size)
		return part_missing(error);
	result = digest_of_fd(evidence->fd, part->offset, part->size, got);
	if (result < 0)
		return error_set(error, result, ERROR_INTERNAL, "the layer cannot be read: %s",
		                 strerror(-result));
	result = digest_expect("the layer", got, layer->digest, error);
	if (result == 0)
		result = take(evidence->fd, part->offset, part->size, object, error);
	return result;
}

/* The manifest's part, behind the index where there is one. */
static int root_follow(const uint8_t digest[DIGEST_SIZE], struct chain *chain, uint32_t *part,
                       struct error *error)
{
	const struct evidence *evidence = &chain->evidence;

	memcpy(chain->manifest, digest, DIGEST_SIZE);
	*part = 0;
	if (evidence->count == 0 || evidence->parts[0].kind != EVIDENCE_INDEX)
		return 0;
	*part = 1;
	return index_follow(evidence, digest, chain->manifest, error);
}

static struct manifest read_manifest;

void chain_prepare(void)
{
	memory_touch(&read_manifest, sizeof(read_manifest));
}

static int follow(int evidence_fd, const uint8_t digest[DIGEST_SIZE], layer_take take,
                  struct chain *chain, struct error *error)
{
	uint32_t part = 0;
	int result = evidence_open(evidence_fd, &chain->evidence, error);

	if (result == 0)
		result = root_follow(digest, chain, &part, error);
	if (result == 0)
		result = manifest_follow(&chain->evidence, part, chain->manifest, &read_manifest,
		                         error);
	if (result == 0)
		result = layer_follow(&chain->evidence, part + 1, &read_manifest.layers[0], take,
		                      &chain->object, error);
	if (result < 0)
		return result;
	memcpy(chain->layer, read_manifest.layers[0].digest, DIGEST_SIZE);
	chain->next = part + 2;
	return 0;
}

int chain_follow(int evidence_fd, const uint8_t digest[DIGEST_SIZE], struct chain *chain,
                 struct error *error)
{
	return follow(evidence_fd, digest, layer_measure, chain, error);
}

int chain_open(int evidence_fd, const uint8_t digest[DIGEST_SIZE], struct chain *chain,
               struct error *error)
{
	return follow(evidence_fd, digest, layer_open, chain, error);
}
