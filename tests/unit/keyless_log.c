/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The transparency log's part of a signature by an identity. */
#include "tests/unit/keyless_parts.h"
#include "workers/verifier/base64.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX 16

/* ---- the log's entry ---- */

static json_t *pem_json(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long size;
	json_t *value;

	MUST(bio && PEM_write_bio_X509(bio, certificate) == 1);
	size = BIO_get_mem_data(bio, &pem);
	value = maker_base64(pem, (size_t)size);
	BIO_free(bio);
	return value;
}

static json_t *logged_signature(const struct maker *maker)
{
	struct blob signature = maker->signature;

	signature.data[signature.size - 1] ^= maker->options->other_signature_logged;
	return maker_base64_blob(&signature);
}

static json_t *der_verifier(X509 *certificate)
{
	return json_pack("{s:s, s:o}", "keyDetails", "PKIX_ECDSA_P256_SHA_256", "x509Certificate",
	                 maker_certificate_json(certificate));
}

json_t *maker_body(const struct maker *maker)
{
	const struct maker_options *options = maker->options;
	X509 *certificate = options->other_certificate_logged ? maker->other_leaf : maker->leaf;
	bool envelope = options->body == MAKER_ENVELOPE_1 || options->body == MAKER_ENVELOPE_2;
	const struct blob *bytes = envelope ? &maker->payload : &maker->text;
	const char *kind = options->body_kind ? options->body_kind
	                   : envelope         ? "dsse"
	                                      : "hashedrekord";
	uint8_t digest[DIGEST_SIZE];

	maker_digest(bytes->data, bytes->size, digest);
	digest[5] ^= options->other_bytes_logged;
	switch (options->body) {
	case MAKER_RECORD_1:
		return json_pack("{s:s, s:s, s:{s:{s:{s:s, s:o}}, s:{s:o, s:{s:o}}}}", "kind", kind,
		                 "apiVersion", "0.0.1", "spec", "data", "hash", "algorithm",
		                 "sha256", "value", maker_hex(digest), "signature", "content",
		                 logged_signature(maker), "publicKey", "content",
		                 pem_json(certificate));
	case MAKER_RECORD_2:
		return json_pack("{s:s, s:s, s:{s:{s:{s:s, s:o}, s:{s:o, s:o}}}}", "kind", kind,
		                 "apiVersion", "0.0.2", "spec", "hashedRekordV002", "data",
		                 "algorithm", "SHA2_256", "digest",
		                 maker_base64(digest, sizeof(digest)), "signature", "content",
		                 logged_signature(maker), "verifier", der_verifier(certificate));
	case MAKER_ENVELOPE_1:
		return json_pack("{s:s, s:s, s:{s:{s:s, s:o}, s:[{s:o, s:o}]}}", "kind", kind,
		                 "apiVersion", "0.0.1", "spec", "payloadHash", "algorithm",
		                 "sha256", "value", maker_hex(digest), "signatures", "signature",
		                 logged_signature(maker), "verifier", pem_json(certificate));
	default:
		return json_pack("{s:s, s:s, s:{s:{s:{s:s, s:o}, s:[{s:o, s:o}]}}}", "kind", kind,
		                 "apiVersion", "0.0.2", "spec", "dsseV002", "payloadHash",
		                 "algorithm", "SHA2_256", "digest",
		                 maker_base64(digest, sizeof(digest)), "signatures", "content",
		                 logged_signature(maker), "verifier", der_verifier(certificate));
	}
}

static EVP_PKEY *log_key(const struct maker *maker)
{
	return maker->options->other_log ? maker->other_rekor : maker->rekor;
}

void maker_log_id(const struct maker *maker, uint8_t id[DIGEST_SIZE])
{
	struct blob public = maker_public(log_key(maker));

	maker_digest(public.data, public.size, id);
}

json_t *maker_promise(const struct maker *maker)
{
	uint8_t id[DIGEST_SIZE];
	json_t *payload;
	struct blob signature;
	char *text;

	maker_log_id(maker, id);
	payload = json_pack("{s:o, s:I, s:o, s:i}", "body",
	                    maker_base64(maker->body, strlen(maker->body)), "integratedTime",
	                    (json_int_t)MAKER_TIME_S, "logID", maker_hex(id), "logIndex",
	                    (int)maker->options->leaf);
	text = maker_canonical(payload);
	if (maker->options->wrong_promise)
		text[strlen(text) - 2] = '9';
	signature = maker_sign(log_key(maker), text, strlen(text));
	free(text);
	return maker_base64_blob(&signature);
}

/* ---- the tree: RFC 9162, 2.1, as it is defined there and not as the verifier walks it ---- */

static void tree_digest(uint8_t (*leaves)[DIGEST_SIZE], uint32_t count, uint8_t out[DIGEST_SIZE])
{
	uint8_t node[1 + 2 * DIGEST_SIZE] = { 1 };
	uint32_t left = 1;

	if (count == 1) {
		memcpy(out, leaves[0], DIGEST_SIZE);
		return;
	}
	while (2 * left < count)
		left *= 2;
	tree_digest(leaves, left, node + 1);
	tree_digest(leaves + left, count - left, node + 1 + DIGEST_SIZE);
	maker_digest(node, sizeof(node), out);
}

static void tree_path(uint8_t (*leaves)[DIGEST_SIZE], uint32_t count, uint32_t at, json_t *path)
{
	uint8_t sibling[DIGEST_SIZE];
	uint32_t left = 1;

	if (count == 1)
		return;
	while (2 * left < count)
		left *= 2;
	if (at < left) {
		tree_path(leaves, left, at, path);
		tree_digest(leaves + left, count - left, sibling);
	} else {
		tree_path(leaves + left, count - left, at - left, path);
		tree_digest(leaves, left, sibling);
	}
	MUST(json_array_append_new(path, maker_base64(sibling, sizeof(sibling))) == 0);
}

static json_t *checkpoint_json(const struct maker *maker, uint32_t count,
                               const uint8_t root[DIGEST_SIZE])
{
	char *encoded = base64_encode(root, DIGEST_SIZE), *line, *note;
	uint8_t id[DIGEST_SIZE];
	struct blob signature, hinted = { .size = 4 };
	json_t *value;

	maker_log_id(maker, id);
	MUST(asprintf(&note, "rekor.example.org - 1\n%" PRIu32 "\n%s\n",
	              count + maker->options->checkpoint_of_another_tree, encoded) > 0);
	signature = maker_sign(log_key(maker), note, strlen(note));
	signature.data[signature.size - 1] ^= maker->options->wrong_checkpoint;
	memcpy(hinted.data, id, 4);
	memcpy(hinted.data + 4, signature.data, signature.size);
	hinted.size += signature.size;
	free(encoded);
	encoded = base64_encode(hinted.data, hinted.size);
	MUST(asprintf(&line, "%s\n\xe2\x80\x94 rekor.example.org %s\n", note, encoded) > 0);
	value = json_pack("{s:s}", "envelope", line);
	free(encoded);
	free(line);
	free(note);
	return value;
}

json_t *maker_proof(const struct maker *maker)
{
	uint32_t count = maker->options->leaves ? maker->options->leaves : 5;
	uint8_t leaves[LEAVES_MAX][DIGEST_SIZE], root[DIGEST_SIZE];
	char leaf[8192];
	json_t *path = json_array();

	MUST(count <= LEAVES_MAX && maker->options->leaf < count);
	for (uint32_t i = 0; i < count; i++) {
		int size = snprintf(leaf, sizeof(leaf), "%c%s%" PRIu32, 0, "another ", i);

		if (i == maker->options->leaf)
			size = 1 + snprintf(leaf + 1, sizeof(leaf) - 1, "%s", maker->body);
		maker_digest(leaf, (size_t)size, leaves[i]);
	}
	tree_digest(leaves, count, root);
	leaves[(maker->options->leaf + 1) % count][0] ^= maker->options->wrong_proof;
	tree_path(leaves, count, maker->options->leaf, path);
	return json_pack("{s:i, s:i, s:o, s:o, s:o}", "logIndex", (int)maker->options->leaf,
	                 "treeSize", (int)count, "rootHash", maker_base64(root, sizeof(root)),
	                 "hashes", path, "checkpoint", checkpoint_json(maker, count, root));
}
