/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The registry protocol (OCI distribution specification 1.1): manifests and blobs of one
 * repository, to read and to write. Everything that comes is hashed here; what a registry says of
 * digests counts for nothing.
 *
 * Credentials go to the host that the user named, once it has asked for them, and to the token
 * server that it names then, if that is the same host, or, by https, under the same registered name
 * (http_origin_related()). A redirect never takes them elsewhere. Without credentials any https
 * host may be the token server: it learns nothing. http is spoken to this machine itself and to
 * listed hosts only, after https was tried.
 */
#ifndef BPFD_IMAGE_REGISTRY_H
#define BPFD_IMAGE_REGISTRY_H

#include "image/digest.h"
#include "image/http.h"
#include "image/manifest.h"
#include "image/reference.h"

#define REGISTRY_BASE_SIZE 1024
#define REGISTRY_TOKEN_SIZE 16384 /* with its zero */
#define REGISTRY_AUTHORIZATION_SIZE (REGISTRY_TOKEN_SIZE + 16)

struct registry {
	struct http *http;
	const struct reference *reference;
	const char *username; /* empty: anonymous */
	const char *password;
	bool push;
	bool is_settled; /* `base` has answered: its scheme stays */
	char host[REFERENCE_REGISTRY_SIZE];
	char base[REGISTRY_BASE_SIZE]; /* https://host/v2/repository */
	char authorization[REGISTRY_AUTHORIZATION_SIZE];
};

/* A manifest, or a small blob. */
struct registry_document {
	void *bytes; /* free() */
	size_t size;
	uint8_t digest[DIGEST_SIZE];       /* SHA-256 of the bytes */
	char content_type[HTTP_TYPE_SIZE]; /* as the registry said; empty: it did not */
};

/* Asks nothing yet. What is pointed to must outlive it. 0, or -EINVAL with a sentence: a user name
 * with ":" or control characters. */
int registry_open(struct http *http, const struct reference *reference, const char *username,
                  const char *password, bool push, struct registry *registry, struct error *error);

/*
 * All of the following: 0, or -errno with a sentence: what http_exchange() says, -ENOENT and
 * NOT_FOUND: the registry has no such thing; -EACCES: it wants (other) credentials, or refuses;
 * -EBADMSG: what came is not what was asked for; -EIO: it answers anything else.
 */

/* A manifest or index by a tag or by "sha256:..."; `wanted` is the digest that it must have, NULL
 * for a tag. At most `size_max` bytes. */
int registry_manifest_get(struct registry *registry, const char *name, const uint8_t *wanted,
                          size_t size_max, struct registry_document *document, struct error *error);

/* The index of what refers to that manifest. -ENOENT too where the registry has no such interface.
 */
int registry_referrers_get(struct registry *registry, const uint8_t digest[DIGEST_SIZE],
                           size_t size_max, struct registry_document *document,
                           struct error *error);

/* A blob, given to `take` piece by piece: its size and digest are the descriptor's if this returns
 * 0; no more bytes than that are given. */
int registry_blob_get(struct registry *registry, const struct descriptor *descriptor,
                      int (*take)(void *context, const void *bytes, size_t size,
                                  struct error *error),
                      void *context, struct error *error);

/* The same, into memory: at most `size_max` bytes. */
int registry_blob_read(struct registry *registry, const struct descriptor *descriptor,
                       size_t size_max, struct registry_document *document, struct error *error);

/* Uploads a blob that the registry has not got yet: asks first. *uploaded is false where it was
 * there. */
int registry_blob_put(struct registry *registry, const struct descriptor *descriptor,
                      const void *bytes, bool *uploaded, struct error *error);

/* Uploads a manifest or index under a tag or its "sha256:...", after everything that it names. */
int registry_manifest_put(struct registry *registry, const char *name,
                          const struct descriptor *descriptor, const void *bytes,
                          struct error *error);

#endif
