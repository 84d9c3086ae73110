/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bytecode images, as bpfd's processes speak of them. Fixed sizes, as in proto/records.h. */
#ifndef BPFD_PROTO_IMAGE_RECORDS_H
#define BPFD_PROTO_IMAGE_RECORDS_H

#include "proto/limits.h"

#include <stdint.h>

enum image_pull_policy {
	IMAGE_PULL_ALWAYS = 1,         /* ask the registry what the tag is, fetch what is missing */
	IMAGE_PULL_IF_NOT_PRESENT = 2, /* only where the cache does not know the reference */
	IMAGE_PULL_NEVER = 3           /* the cache or nothing */
};

enum image_programs_from {
	IMAGE_PROGRAMS_FROM_LABEL = 1, /* io.ebpf.programs, or the older labels */
	IMAGE_PROGRAMS_FROM_OBJECT = 2 /* the object's ELF sections */
};

struct record_image_program {
	char name[FUNCTION_NAME_SIZE];
	char type[IMAGE_TYPE_SIZE]; /* the label's word, or the ELF section's name, cut */
};

struct record_image_map {
	char name[MAP_NAME_SIZE];
	char type[IMAGE_TYPE_SIZE]; /* "hash", "array", ... */
};

/* An image in the cache. */
struct record_image {
	char reference[IMAGE_REFERENCE_SIZE]; /* normal form: registry/repository[:tag][@sha256:...]
	                                       */
	uint8_t digest[DIGEST_SIZE];   /* of what the reference led to: an index or a manifest */
	uint8_t manifest[DIGEST_SIZE]; /* of this machine's manifest; the same, without an index */
	uint8_t layer[DIGEST_SIZE];
	uint8_t object[DIGEST_SIZE]; /* SHA-256 of the ELF object */
	uint64_t object_size;        /* bytes */
	uint64_t stored_size;        /* bytes in the cache, shared ones counted */
	uint64_t pulled_at_s;        /* Unix time */
	uint64_t used_at_s;
	uint32_t signature_count; /* found beside it; nobody has verified them */
	uint32_t programs_from;   /* enum image_programs_from */
	uint32_t program_count;
	uint32_t map_count;
	uint32_t programs_more; /* that have no room in `programs` */
	uint32_t maps_more;
	char architecture[IMAGE_TYPE_SIZE]; /* as OCI names it; empty: the image does not say */
	struct record_image_program programs[LOAD_PROGRAMS_MAX];
	struct record_image_map maps[LOAD_MAPS_MAX];
};

/* Which image, for the broker. The digest is what the reference led to. */
struct record_image_name {
	char reference[IMAGE_REFERENCE_SIZE]; /* normal form */
	uint8_t digest[DIGEST_SIZE];
};

enum image_verdict {
	IMAGE_VERDICT_NONE = 0,     /* no rule wanted a signature, none was looked at */
	IMAGE_VERDICT_VERIFIED = 1, /* a rule's key or identity has signed it */
	IMAGE_VERDICT_REFUSED = 2
};

enum image_rule_kind { IMAGE_RULE_NONE = 0, IMAGE_RULE_KEY = 1, IMAGE_RULE_KEYLESS = 2 };

/* What a verifier found out about one object. */
struct record_verdict {
	uint32_t verdict;                    /* enum image_verdict */
	uint32_t kind;                       /* enum image_rule_kind: of the rule that was met */
	uint8_t object[DIGEST_SIZE];         /* SHA-256 of the object that this is about */
	uint8_t image[DIGEST_SIZE];          /* the digest that was signed */
	char key[IMAGE_RULE_TEXT_SIZE];      /* KEY: the key's file, as the rule names it */
	char identity[IMAGE_RULE_TEXT_SIZE]; /* KEYLESS */
	char issuer[IMAGE_RULE_TEXT_SIZE];
};

#endif
