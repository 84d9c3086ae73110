/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A signature by an identity, with all that belongs to it, made anew with keys of its own: a
 * certificate authority, a log of certificates, a transparency log, an authority for timestamps and
 * their trusted root. What a test wants to be wrong it says beforehand.
 */
#ifndef BPFD_TESTS_KEYLESS_MAKER_H
#define BPFD_TESTS_KEYLESS_MAKER_H

#include "proto/limits.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAKER_IDENTITY "https://example.org/builds/release.yaml@refs/heads/main"
#define MAKER_EMAIL "somebody@example.org"
#define MAKER_ISSUER "https://issuer.example.org"
#define MAKER_TIME_S INT64_C(1700000000) /* when it was signed */

enum maker_form { MAKER_ANNOTATIONS, MAKER_BUNDLE };
enum maker_body { MAKER_RECORD_1, MAKER_RECORD_2, MAKER_ENVELOPE_1, MAKER_ENVELOPE_2 };

/* All zero: everything is right. */
struct maker_options {
	enum maker_form form;
	enum maker_body body;
	/* the certificate */
	const char *identity; /* NULL: MAKER_IDENTITY */
	const char *issuer;   /* NULL: MAKER_ISSUER */
	bool email;           /* the identity is an address */
	bool old_issuer;      /* in Fulcio's older extension */
	bool no_issuer;
	bool no_code_signing;
	bool is_authority;
	int64_t certificate_start_s; /* relative to MAKER_TIME_S; 0: a minute before */
	int64_t certificate_end_s;   /* 0: nine minutes after */
	bool other_authority;        /* issued by one that the root does not have */
	bool no_sct;
	bool other_sct_log;
	bool wrong_sct;
	/* the transparency log */
	bool no_promise;
	bool wrong_promise;
	bool no_proof;
	bool wrong_proof;
	bool wrong_checkpoint;
	bool checkpoint_of_another_tree;
	bool other_log;
	bool other_signature_logged;
	bool other_certificate_logged;
	bool other_bytes_logged;
	const char *body_kind; /* NULL: the right one */
	uint32_t leaves;       /* in the tree; 0: 5 */
	uint32_t leaf;         /* which one it is */
	/* timestamps */
	bool timestamp;
	bool other_timestamp_authority;
	bool timestamp_of_another;
	int64_t timestamp_s; /* relative */
	/* the rest */
	bool wrong_signature;
	bool other_image;
	const uint8_t *digest; /* the image's; NULL: of bytes that the maker has */
};

struct made {
	json_t *root;        /* trusted_root.json */
	json_t *annotations; /* ANNOTATIONS */
	json_t *bundle;      /* BUNDLE */
	char *payload;       /* ANNOTATIONS */
	size_t payload_size;
	char image[64]; /* the bytes that are signed */
	uint8_t digest[DIGEST_SIZE];
};

void maker_make(const struct maker_options *options, struct made *made);
void made_clear(struct made *made);

#endif
