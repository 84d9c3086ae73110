/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/keyless_maker.h"

#include "tests/unit/keyless_certificates.h"
#include "workers/verifier/base64.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX 16
#define PAYLOAD_TYPE "application/vnd.in-toto+json"

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

static json_t *text_json(char *text)
{
	json_t *value = json_string(text);

	MUST(value);
	free(text);
	return value;
}

static json_t *base64(const void *data, size_t size)
{
	return text_json(base64_encode(data, size));
}

static json_t *base64_blob(const struct blob *blob)
{
	return base64(blob->data, blob->size);
}

static json_t *hex(const uint8_t digest[DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return json_string(text);
}

static char *canonical(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	MUST(text);
	json_decref(value);
	return text;
}

/* ---- the trusted root ---- */

static json_t *span(void)
{
	return json_pack("{s:s}", "start", "2021-01-12T11:53:27.000Z");
}

static json_t *log_json(EVP_PKEY *key)
{
	struct blob public = maker_public(key);
	uint8_t id[DIGEST_SIZE];

	maker_digest(public.data, public.size, id);
	return json_pack("{s:{s:o}, s:{s:o, s:s, s:o}}", "logId", "keyId", base64(id, sizeof(id)),
	                 "publicKey", "rawBytes", base64_blob(&public), "keyDetails",
	                 "PKIX_ECDSA_P256_SHA_256", "validFor", span());
}

static json_t *certificate_json(const X509 *certificate)
{
	struct blob der = maker_der(certificate);

	return json_pack("{s:o}", "rawBytes", base64_blob(&der));
}

static json_t *authority_json(const struct authority *authority)
{
	return json_pack("{s:{s:[o, o]}, s:o}", "certChain", "certificates",
	                 certificate_json(authority->certificate),
	                 certificate_json(authority->root), "validFor", span());
}

static json_t *root_json(const struct maker *maker)
{
	return json_pack("{s:s, s:[o], s:[o], s:[o], s:[o]}", "mediaType",
	                 "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs",
	                 log_json(maker->rekor), "ctlogs", log_json(maker->ct),
	                 "certificateAuthorities", authority_json(&maker->fulcio),
	                 "timestampAuthorities", authority_json(&maker->stamps));
}

/* ---- what is signed ---- */

static void image_make(const struct maker *maker)
{
	struct made *made = maker->made;

	(void)snprintf(made->image, sizeof(made->image), "the bytes of a manifest");
	maker_digest(made->image, strlen(made->image), made->digest);
	if (maker->options->digest)
		memcpy(made->digest, maker->options->digest, DIGEST_SIZE);
}

static json_t *subject_digest(const struct maker *maker)
{
	uint8_t digest[DIGEST_SIZE];

	memcpy(digest, maker->made->digest, sizeof(digest));
	digest[0] ^= maker->options->other_image;
	return hex(digest);
}

static void simple_make(struct maker *maker)
{
	json_t *digest = subject_digest(maker);
	char named[128];

	(void)snprintf(named, sizeof(named), "sha256:%s", json_string_value(digest));
	json_decref(digest);
	maker->made->payload = canonical(json_pack("{s:{s:{s:s}, s:s}, s:n}", "critical", "image",
	                                           "docker-manifest-digest", named, "type",
	                                           "cosign container image signature", "optional"));
	maker->made->payload_size = strlen(maker->made->payload);
	maker->text.size = maker->made->payload_size;
	memcpy(maker->text.data, maker->made->payload, maker->text.size);
}

static void envelope_make(struct maker *maker)
{
	char *statement = canonical(json_pack(
		"{s:s, s:[{s:{s:o}}], s:s, s:{}}", "_type", "https://in-toto.io/Statement/v1",
		"subject", "digest", "sha256", subject_digest(maker), "predicateType",
		"https://sigstore.dev/cosign/sign/v1", "predicate"));

	maker->payload.size = strlen(statement);
	memcpy(maker->payload.data, statement, maker->payload.size);
	maker->text.size = (size_t)snprintf((char *)maker->text.data, sizeof(maker->text.data),
	                                    "DSSEv1 %zu " PAYLOAD_TYPE " %zu %s",
	                                    strlen(PAYLOAD_TYPE), maker->payload.size, statement);
	free(statement);
}

/* ---- the log's entry ---- */

static json_t *pem_json(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long size;
	json_t *value;

	MUST(bio && PEM_write_bio_X509(bio, certificate) == 1);
	size = BIO_get_mem_data(bio, &pem);
	value = base64(pem, (size_t)size);
	BIO_free(bio);
	return value;
}

static json_t *logged_signature(const struct maker *maker)
{
	struct blob signature = maker->signature;

	signature.data[signature.size - 1] ^= maker->options->other_signature_logged;
	return base64_blob(&signature);
}

static json_t *der_verifier(X509 *certificate)
{
	return json_pack("{s:s, s:o}", "keyDetails", "PKIX_ECDSA_P256_SHA_256", "x509Certificate",
	                 certificate_json(certificate));
}

static json_t *body_json(const struct maker *maker)
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
		                 "sha256", "value", hex(digest), "signature", "content",
		                 logged_signature(maker), "publicKey", "content",
		                 pem_json(certificate));
	case MAKER_RECORD_2:
		return json_pack("{s:s, s:s, s:{s:{s:{s:s, s:o}, s:{s:o, s:o}}}}", "kind", kind,
		                 "apiVersion", "0.0.2", "spec", "hashedRekordV002", "data",
		                 "algorithm", "SHA2_256", "digest", base64(digest, sizeof(digest)),
		                 "signature", "content", logged_signature(maker), "verifier",
		                 der_verifier(certificate));
	case MAKER_ENVELOPE_1:
		return json_pack("{s:s, s:s, s:{s:{s:s, s:o}, s:[{s:o, s:o}]}}", "kind", kind,
		                 "apiVersion", "0.0.1", "spec", "payloadHash", "algorithm",
		                 "sha256", "value", hex(digest), "signatures", "signature",
		                 logged_signature(maker), "verifier", pem_json(certificate));
	default:
		return json_pack("{s:s, s:s, s:{s:{s:{s:s, s:o}, s:[{s:o, s:o}]}}}", "kind", kind,
		                 "apiVersion", "0.0.2", "spec", "dsseV002", "payloadHash",
		                 "algorithm", "SHA2_256", "digest", base64(digest, sizeof(digest)),
		                 "signatures", "content", logged_signature(maker), "verifier",
		                 der_verifier(certificate));
	}
}

static EVP_PKEY *log_key(const struct maker *maker)
{
	return maker->options->other_log ? maker->other_rekor : maker->rekor;
}

static void log_id(const struct maker *maker, uint8_t id[DIGEST_SIZE])
{
	struct blob public = maker_public(log_key(maker));

	maker_digest(public.data, public.size, id);
}

static json_t *promise_json(const struct maker *maker)
{
	uint8_t id[DIGEST_SIZE];
	json_t *payload;
	struct blob signature;
	char *text;

	log_id(maker, id);
	payload =
		json_pack("{s:o, s:I, s:o, s:i}", "body", base64(maker->body, strlen(maker->body)),
	                  "integratedTime", (json_int_t)MAKER_TIME_S, "logID", hex(id), "logIndex",
	                  (int)maker->options->leaf);
	text = canonical(payload);
	text[strlen(text) - 2] ^= maker->options->wrong_promise;
	signature = maker_sign(log_key(maker), text, strlen(text));
	free(text);
	return base64_blob(&signature);
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
	MUST(json_array_append_new(path, base64(sibling, sizeof(sibling))) == 0);
}

static json_t *checkpoint_json(const struct maker *maker, uint32_t count,
                               const uint8_t root[DIGEST_SIZE])
{
	char *encoded = base64_encode(root, DIGEST_SIZE), *line, *note;
	uint8_t id[DIGEST_SIZE];
	struct blob signature, hinted = { .size = 4 };
	json_t *value;

	log_id(maker, id);
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

static json_t *proof_json(const struct maker *maker)
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
	                 "treeSize", (int)count, "rootHash", base64(root, sizeof(root)), "hashes",
	                 path, "checkpoint", checkpoint_json(maker, count, root));
}

/* ---- what lies beside the image ---- */

static json_t *stamp_json(const struct maker *maker)
{
	const struct maker_options *options = maker->options;
	struct blob about = maker->signature;

	about.data[about.size - 1] ^= options->timestamp_of_another;
	struct blob stamp = maker_timestamp(
		options->other_timestamp_authority ? &maker->other_stamps : &maker->stamps,
		about.data, about.size, MAKER_TIME_S + options->timestamp_s);

	return base64_blob(&stamp);
}

static void annotation_set(json_t *annotations, const char *key, json_t *value)
{
	char *text = canonical(value);

	MUST(json_object_set_new(annotations, key, json_string(text)) == 0);
	free(text);
}

static json_t *annotations_json(const struct maker *maker)
{
	json_t *annotations = json_pack("{s:o}", "dev.cosignproject.cosign/signature",
	                                base64_blob(&maker->signature));
	uint8_t id[DIGEST_SIZE];
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long size;

	MUST(bio && PEM_write_bio_X509(bio, maker->leaf) == 1);
	size = BIO_get_mem_data(bio, &pem);
	MUST(json_object_set_new(annotations, "dev.sigstore.cosign/certificate",
	                         json_stringn(pem, (size_t)size)) == 0);
	BIO_free(bio);
	log_id(maker, id);
	annotation_set(annotations, "dev.sigstore.cosign/bundle",
	               json_pack("{s:o, s:{s:o, s:I, s:i, s:o}}", "SignedEntryTimestamp",
	                         promise_json(maker), "Payload", "body",
	                         base64(maker->body, strlen(maker->body)), "integratedTime",
	                         (json_int_t)MAKER_TIME_S, "logIndex", (int)maker->options->leaf,
	                         "logID", hex(id)));
	if (maker->options->timestamp)
		annotation_set(annotations, "dev.sigstore.cosign/rfc3161timestamp",
		               json_pack("{s:o}", "SignedRFC3161Timestamp", stamp_json(maker)));
	return annotations;
}

static json_t *entry_json(const struct maker *maker)
{
	uint8_t id[DIGEST_SIZE];
	char index[16], time[32];
	json_t *entry;

	log_id(maker, id);
	(void)snprintf(index, sizeof(index), "%" PRIu32, maker->options->leaf);
	(void)snprintf(time, sizeof(time), "%" PRId64, MAKER_TIME_S);
	entry = json_pack("{s:s, s:{s:o}, s:s, s:o}", "logIndex", index, "logId", "keyId",
	                  base64(id, sizeof(id)), "integratedTime", time, "canonicalizedBody",
	                  base64(maker->body, strlen(maker->body)));
	if (!maker->options->no_promise)
		MUST(json_object_set_new(
			     entry, "inclusionPromise",
			     json_pack("{s:o}", "signedEntryTimestamp", promise_json(maker))) == 0);
	if (!maker->options->no_proof)
		MUST(json_object_set_new(entry, "inclusionProof", proof_json(maker)) == 0);
	return entry;
}

static json_t *bundle_json(const struct maker *maker)
{
	json_t *stamps = json_array();

	if (maker->options->timestamp)
		MUST(json_array_append_new(stamps, json_pack("{s:o}", "signedTimestamp",
		                                             stamp_json(maker))) == 0);
	return json_pack("{s:s, s:{s:o, s:[o], s:{s:o}}, s:{s:o, s:s, s:[{s:o}]}}", "mediaType",
	                 "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial",
	                 "certificate", certificate_json(maker->leaf), "tlogEntries",
	                 entry_json(maker), "timestampVerificationData", "rfc3161Timestamps",
	                 stamps, "dsseEnvelope", "payload", base64_blob(&maker->payload),
	                 "payloadType", PAYLOAD_TYPE, "signatures", "sig",
	                 base64_blob(&maker->signature));
}

static void keys_make(struct maker *maker)
{
	EVP_PKEY **keys[] = { &maker->signer, &maker->ct, &maker->other_ct, &maker->rekor,
		              &maker->other_rekor };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		*keys[i] = maker_key();
	authority_make(&maker->fulcio, "fulcio", "codeSigning");
	authority_make(&maker->other_fulcio, "other", "codeSigning");
	authority_make(&maker->stamps, "stamps", "critical,timeStamping");
	authority_make(&maker->other_stamps, "other stamps", "critical,timeStamping");
}

static void maker_clear(struct maker *maker)
{
	EVP_PKEY *keys[] = { maker->signer, maker->ct, maker->other_ct, maker->rekor,
		             maker->other_rekor };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		EVP_PKEY_free(keys[i]);
	authority_clear(&maker->fulcio);
	authority_clear(&maker->other_fulcio);
	authority_clear(&maker->stamps);
	authority_clear(&maker->other_stamps);
	X509_free(maker->leaf);
	X509_free(maker->other_leaf);
	free(maker->body);
}

void maker_make(const struct maker_options *options, struct made *made)
{
	static struct maker maker;
	static const struct maker_options plain;
	const struct authority *authority;

	maker = (struct maker){ .options = options, .made = made };
	*made = (struct made){};
	keys_make(&maker);
	authority = options->other_authority ? &maker.other_fulcio : &maker.fulcio;
	maker.leaf = maker_leaf(options, authority, maker.signer,
	                        options->other_sct_log ? maker.other_ct : maker.ct);
	maker.other_leaf = maker_leaf(&plain, authority, maker.signer, maker.ct);
	image_make(&maker);
	if (options->form == MAKER_ANNOTATIONS)
		simple_make(&maker);
	else
		envelope_make(&maker);
	maker.signature = maker_sign(maker.signer, maker.text.data, maker.text.size);
	if (options->wrong_signature)
		maker.signature = maker_sign(maker.ct, maker.text.data, maker.text.size);
	maker.body = canonical(body_json(&maker));
	made->root = root_json(&maker);
	if (options->form == MAKER_ANNOTATIONS)
		made->annotations = annotations_json(&maker);
	else
		made->bundle = bundle_json(&maker);
	maker_clear(&maker);
}

void made_clear(struct made *made)
{
	json_decref(made->root);
	json_decref(made->annotations);
	json_decref(made->bundle);
	free(made->payload);
	*made = (struct made){};
}
