/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signatures as cosign leaves them in a registry, a stranger's in all their parts. */
#ifndef BPFD_WORKERS_VERIFIER_SIGNATURE_H
#define BPFD_WORKERS_VERIFIER_SIGNATURE_H

#include "proto/limits.h"
#include "workers/verifier/base64.h"
#include "workers/verifier/reason.h"
#include "workers/verifier/trusted_root.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>

#define SIGNATURES_MAX 64
#define SIGNATURE_PAYLOAD_MAX (64u << 10)
#define SIGNATURE_BUNDLE_MAX (512u << 10)

#define MEDIA_SIMPLE_SIGNING "application/vnd.dev.cosign.simplesigning.v1+json"

enum signature_form {
	SIGNATURE_SIMPLE = 1,   /* cosign 2: over a payload, the rest in annotations */
	SIGNATURE_ENVELOPE = 2, /* cosign 3: a bundle with a DSSE envelope */
	SIGNATURE_MESSAGE = 3   /* a bundle with a signature over the image's own bytes */
};

/* One that says that it is about the image; nothing of it has been verified. */
struct signature {
	enum signature_form form;
	struct bytes text;    /* the bytes under the signature */
	struct bytes payload; /* ENVELOPE */
	struct bytes signature;
	json_t *document; /* SIMPLE: the layer's annotations; else the bundle */
};

/* What is signed: the digest, as the verifier hashed it, and the bytes that have it. */
struct signed_image {
	uint8_t digest[DIGEST_SIZE];
	const void *bytes;
	size_t size;
};

/*
 * Reads a payload with its annotations, or a bundle. True, and `signature` is filled, to be given
 * back with signature_clear(); false with the reason where it cannot be read, or is about another
 * image.
 */
bool signature_read_simple(const void *payload, size_t size, json_t *annotations,
                           const struct signed_image *image, struct signature *signature,
                           struct reason *reason);
bool signature_read_bundle(const void *bundle, size_t size, const struct signed_image *image,
                           struct signature *signature, struct reason *reason);

void signature_clear(struct signature *signature);

/* Whether it is by this key. */
bool signature_verify_key(const struct signature *signature, EVP_PKEY *key, struct reason *reason);

/* Whether it is by this identity, as this issuer vouches, and a log of the trusted root has it. */
bool signature_verify_identity(const struct signature *signature, const struct trusted_root *root,
                               const char *identity, const char *issuer, struct reason *reason);

#endif
