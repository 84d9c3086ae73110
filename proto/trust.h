/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whose signatures count, from the launcher to each verifier: a sealed memfd. The header, `rules`
 * rules, `files` files, then the files' bytes one after the other, each filled up to a multiple of
 * 8. All of it is root's own: the launcher has read it from files that nobody else can write.
 */
#ifndef BPFD_PROTO_TRUST_H
#define BPFD_PROTO_TRUST_H

#include "proto/image_records.h"

#include <stdint.h>

#define TRUST_MAGIC UINT64_C(0x3174737572746662) /* "bftrust1" */
#define TRUST_RULES_MAX 64
#define TRUST_FILES_MAX 65
#define TRUST_FILE_SIZE_MAX (1u << 20)

struct trust_header {
	uint64_t magic;
	uint32_t rules;
	uint32_t files;
	uint32_t trusted_root; /* which file is the trusted_root.json, counted from 1; 0: none */
	uint32_t reserved;
};

/*
 * registry/repository, where "*" at the end matches any rest. The rules of the longest pattern that
 * matches count, and of these any one will do; one of kind NONE wants no signature.
 */
struct trust_rule {
	char pattern[IMAGE_RULE_TEXT_SIZE];
	uint32_t kind; /* enum image_rule_kind */
	uint32_t file; /* KEY: which file is the public key (PEM), counted from 1 */
	char key[IMAGE_RULE_TEXT_SIZE];      /* KEY: its name */
	char identity[IMAGE_RULE_TEXT_SIZE]; /* KEYLESS: both exactly as in the certificate */
	char issuer[IMAGE_RULE_TEXT_SIZE];
};

struct trust_file {
	uint64_t size; /* bytes */
};

#endif
