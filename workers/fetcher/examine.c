/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/fetcher/fetcher.h"

#include "image/chain.h"
#include "image/object.h"

#include <string.h>
#include <unistd.h>

void image_close(struct image *image)
{
	if (image->evidence_fd >= 0)
		(void)close(image->evidence_fd);
	if (image->object.fd >= 0)
		(void)close(image->object.fd);
	image->evidence_fd = image->object.fd = -1;
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
	static struct chain chain;
	struct record_image *record = &image->record;
	int result = chain_open(image->evidence_fd, digest, &chain, error);

	if (result < 0)
		return result;
	image->object = chain.object;
	result = image_object_check(image->object.fd, image->object.size, error);
	if (result < 0)
		return result;
	memcpy(record->digest, digest, DIGEST_SIZE);
	memcpy(record->manifest, chain.manifest, DIGEST_SIZE);
	memcpy(record->layer, chain.layer, DIGEST_SIZE);
	memcpy(record->object, image->object.digest, DIGEST_SIZE);
	record->object_size = image->object.size;
	record->signature_count = signatures_count(&chain.evidence);
	return 0;
}
