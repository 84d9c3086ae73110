/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libbpfd: bytecode images. bpfd fetches them from a registry, keeps them by their digests, and has
 * their signatures verified by the rules of its administrator. <bpfd/bpfd.h> includes this, and
 * says how errors, texts and what is given out are to be read.
 */
#ifndef BPFD_IMAGE_H
#define BPFD_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFD_DIGEST_SIZE 32
#define BPFD_IMAGE_TIMEOUT_MS \
	600000u /* for a call that may fetch an image: see bpfd_client_set_timeout() */

struct bpfd_client;
struct bpfd_error;

enum bpfd_pull_policy {
	BPFD_PULL_DEFAULT = 0,        /* IF_NOT_PRESENT */
	BPFD_PULL_ALWAYS = 1,         /* ask the registry what the tag is now */
	BPFD_PULL_IF_NOT_PRESENT = 2, /* only where the cache does not know the reference */
	BPFD_PULL_NEVER = 3           /* the cache or nothing */
};

/* "Always", "IfNotPresent", "Never"; NULL for a number that has none. */
const char *bpfd_pull_policy_name(enum bpfd_pull_policy policy);
/* And back, in upper or lower case, also as "if-not-present": true, and the number is set; false
 * for an unknown word. */
bool bpfd_pull_policy_parse(const char *name, enum bpfd_pull_policy *policy);

/* Where an image comes from. The credentials go to its registry alone, and are forgotten
 * afterwards. */
struct bpfd_image_source {
	const char *reference; /* registry/repository[:tag][@sha256:digest] */
	enum bpfd_pull_policy pull_policy;
	const char *username; /* NULL: anonymous */
	const char *password; /* or a token; NULL: none */
};

/* Whose signature was found good, and by what. */
struct bpfd_verification {
	const char *key;      /* the file of the public key, as the rule names it; or "" */
	const char *identity; /* of the certificate; or "" */
	const char *issuer;   /* of that identity; or "" */
	bool verified;        /* false: no rule wanted a signature, none was looked at */
};

struct bpfd_image_program {
	const char *name; /* the function's */
	const char *type; /* as the image's label or the object's section calls it */
};

struct bpfd_image_map {
	const char *name;
	const char *type; /* "hash", "array", ... */
};

/* An image in the cache. */
struct bpfd_image {
	const char *reference;            /* registry/repository[:tag][@sha256:digest] */
	uint8_t digest[BPFD_DIGEST_SIZE]; /* SHA-256 of what the reference led to: an index or a
	                                     manifest */
	uint8_t manifest_digest[BPFD_DIGEST_SIZE]; /* of this machine's manifest */
	uint8_t layer_digest[BPFD_DIGEST_SIZE];
	uint8_t object_digest[BPFD_DIGEST_SIZE]; /* of the ELF object in the layer */
	uint64_t object_size;                    /* bytes */
	uint64_t stored_size;                    /* bytes in the cache */
	uint64_t pulled_at;
	uint64_t used_at;
	uint32_t signature_count;  /* found beside it; nobody has verified them */
	const char *architecture;  /* as OCI names it; "" if the image does not say */
	const char *programs_from; /* "label" or "object": where the programs' names are from */
	const struct bpfd_image_program *programs;
	size_t program_count;
	const struct bpfd_image_map *maps;
	size_t map_count;
};

/* One image, and what was found out about it. */
struct bpfd_image_details {
	struct bpfd_image image;
	struct bpfd_verification verification; /* of bpfd_image_pull() and bpfd_image_verify() */
	bool cached;                           /* of bpfd_image_pull(): nothing was fetched */
};

struct bpfd_images {
	const struct bpfd_image *items;
	size_t count;
};

/*
 * Fetches an image into the cache, and has it verified where a rule wants that. With the request id
 * (NULL: made by the library) come the events of its progress. Errors beside those of
 * <bpfd/bpfd.h>: BPFD_ERROR_REGISTRY, BPFD_ERROR_UNTRUSTED. It takes as long as the registry: see
 * BPFD_IMAGE_TIMEOUT_MS.
 */
int bpfd_image_pull(struct bpfd_client *client, const struct bpfd_image_source *source,
                    const uint8_t *request_id, struct bpfd_image_details **details,
                    struct bpfd_error **error);

/* The same, and a signature is wanted in any case: by the rules of its repository or, where those
 * want none, by any rule. */
int bpfd_image_verify(struct bpfd_client *client, const struct bpfd_image_source *source,
                      const uint8_t *request_id, struct bpfd_image_details **details,
                      struct bpfd_error **error);

/* What the cache has of a reference, or of "sha256:" and a digest in hexadecimal. Asks no
 * registry. */
int bpfd_image_inspect(struct bpfd_client *client, const char *reference,
                       struct bpfd_image_details **details, struct bpfd_error **error);
void bpfd_image_details_free(struct bpfd_image_details *details);

int bpfd_image_list(struct bpfd_client *client, struct bpfd_images **images,
                    struct bpfd_error **error);

/* Takes an image, named as for bpfd_image_inspect(), out of the cache; `removed` (may be NULL) are
 * those that are gone. Programs that were loaded from it stay as they are. */
int bpfd_image_remove(struct bpfd_client *client, const char *reference, const uint8_t *request_id,
                      struct bpfd_images **removed, struct bpfd_error **error);

/*
 * Has the rules about signatures (bpfd-policy.d(5)) read again: 0, and they are in force. `demands`
 * is how many want a signature, `changed` is 1 if they are not as they were; either may be NULL.
 * Where a file of them is wrong they stay as they were, and `error` names file and line.
 */
int bpfd_rules_read(struct bpfd_client *client, uint32_t *demands, int *changed,
                    struct bpfd_error **error);
void bpfd_images_free(struct bpfd_images *images);

#ifdef __cplusplus
}
#endif

#endif
