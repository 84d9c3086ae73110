/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From an image's digest to its object, by hashing alone. The fetcher goes this way with what a
 * registry sent and with what its cache kept, a verifier with what the fetcher handed on.
 */
#ifndef BPFD_IMAGE_CHAIN_H
#define BPFD_IMAGE_CHAIN_H

#include "common/error.h"
#include "image/evidence.h"
#include "image/layer.h"

#include <stdint.h>

struct chain {
	struct evidence evidence;
	uint8_t manifest[DIGEST_SIZE]; /* of this machine's manifest */
	uint8_t layer[DIGEST_SIZE];
	uint32_t next; /* the part of the evidence that is behind the layer */
	struct layer_object object;
};

/*
 * The evidence is an index, where the digest is one's, the manifest of this machine's architecture,
 * its layer, and whatever else. Each is hashed, and has the digest that the one before it names.
 * 0, and the object is known by size and digest, but has no descriptor; or -errno with a sentence:
 * -EBADMSG where a digest is another, and what the readers of the parts return. Not reentrant: what
 * the parts say is kept in memory of its own, which is large.
 */
int chain_follow(int evidence_fd, const uint8_t digest[DIGEST_SIZE], struct chain *chain,
                 struct error *error);

/* The same, and the object's descriptor is the caller's to close. */
int chain_open(int evidence_fd, const uint8_t digest[DIGEST_SIZE], struct chain *chain,
               struct error *error);

/* Makes sure of the memory for what the parts say: what is used for the first time costs more. */
void chain_prepare(void);

#endif
