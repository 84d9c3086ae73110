/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the keyless maker's own parts share. */
#ifndef BPFD_TESTS_KEYLESS_PARTS_H
#define BPFD_TESTS_KEYLESS_PARTS_H

#include "tests/unit/keyless_certificates.h"

struct maker {
	const struct maker_options *options;
	struct made *made;
	struct authority fulcio, other_fulcio, stamps, other_stamps;
	EVP_PKEY *signer, *ct, *other_ct, *rekor, *other_rekor;
	X509 *leaf, *other_leaf;
	struct blob text; /* under the signature */
	struct blob payload;
	struct blob signature;
	char *body; /* the log's entry */
};

/* JSON texts. */
json_t *maker_base64(const void *data, size_t size);
json_t *maker_base64_blob(const struct blob *blob);
json_t *maker_hex(const uint8_t digest[DIGEST_SIZE]);
json_t *maker_certificate_json(const X509 *certificate);
/* Sorted and without spaces; takes the value. */
char *maker_canonical(json_t *value);

/* keyless_log.c: the log's entry, its promise, and the proof that it is in the tree. */
void maker_log_id(const struct maker *maker, uint8_t id[DIGEST_SIZE]);
json_t *maker_body(const struct maker *maker);
json_t *maker_promise(const struct maker *maker);
json_t *maker_proof(const struct maker *maker);

#endif
