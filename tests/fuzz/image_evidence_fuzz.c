/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The evidence of an image, as a subverted fetcher may write it; and the way through it, from the
 * digest of whatever it has in the place of an index or a manifest. */
#include "common/memfd.h"
#include "image/chain.h"
#include "image/digest.h"
#include "image/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void error_check(const struct error *error)
{
	assert(error->message[0] && error->code != ERROR_NONE);
	for (const char *at = error->message; *at; at++)
		assert(*at >= ' ' && *at <= '~');
}

/* The parts lie in the file, one after the other. */
static void parts_check(const struct evidence *evidence, size_t size)
{
	uint64_t end =
		sizeof(struct evidence_header) + evidence->count * sizeof(struct evidence_entry);

	assert(evidence->count <= EVIDENCE_ENTRIES_MAX);
	for (uint32_t i = 0; i < evidence->count; i++) {
		const struct evidence_part *part = &evidence->parts[i];
		void *bytes;
		size_t got;

		assert(part->kind >= EVIDENCE_INDEX && part->kind <= EVIDENCE_SIGNATURE_BLOB);
		assert(part->offset == end && part->size <= size - end);
		end += (part->size + 7) / 8 * 8;
		assert(evidence_read(evidence, i, size, &bytes, &got) == 0);
		assert(got == part->size);
		free(bytes);
	}
	assert(end == size);
}

/* Who knows its digest gets by an index or manifest; a chain that holds is a good object's. */
static void chain_fuzz(int fd, const struct evidence *evidence)
{
	struct chain chain = {};
	struct error error = {};
	uint8_t digest[DIGEST_SIZE] = {};

	if (evidence->count)
		assert(digest_of_fd(fd, evidence->parts[0].offset, evidence->parts[0].size,
		                    digest) == 0);
	if (chain_open(fd, digest, &chain, &error) < 0) {
		error_check(&error);
		return;
	}
	assert(chain.next <= chain.evidence.count);
	(void)close(chain.object.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_from_bytes("evidence", data, size);
	struct evidence evidence;
	struct error error = {};

	assert(fd >= 0);
	if (evidence_open(fd, &evidence, &error) < 0) {
		error_check(&error);
	} else {
		parts_check(&evidence, size);
		chain_fuzz(fd, &evidence);
	}
	(void)close(fd);
	return 0;
}
