/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/keyless_maker.h"

#include "tests/unit/keyless_parts.h"
#include "workers/verifier/base64.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_TYPE "application/vnd.in-toto+json"

static json_t *text_json(char *text)
{
	json_t *value = json_string(text);

	MUST(value);
	free(text);
	return value;
}

json_t *maker_base64(const void *data, size_t size)
{
	return text_json(base64_encode(data, size));
}

json_t *maker_base64_blob(const struct blob *blob)
{
	return maker_base64(blob->data, blob->size);
}

json_t *maker_hex(const uint8_t digest[DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return json_string(text);
}

char *maker_canonical(json_t *value)
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
	return json_pack("{s:{s:o}, s:{s:o, s:s, s:o}}", "logId", "keyId",
	                 maker_base64(id, sizeof(id)), "publicKey", "rawBytes",
	                 maker_base64_blob(&public), "keyDetails", "PKIX_ECDSA_P256_SHA_256",
	                 "validFor", span());
}

json_t *maker_certificate_json(const X509 *certificate)
{
	struct blob der = maker_der(certificate);

	return json_pack("{s:o}", "rawBytes", maker_base64_blob(&der));
}

static json_t *authority_json(const struct authority *authority)
{
	return json_pack("{s:{s:[o, o]}, s:o}", "certChain", "certificates",
	                 maker_certificate_json(authority->certificate),
	                 maker_certificate_json(authority->root), "validFor", span());
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
	return maker_hex(digest);
}

static void simple_make(struct maker *maker)
{
	json_t *digest = subject_digest(maker);
	char named[128];

	(void)snprintf(named, sizeof(named), "sha256:%s", json_string_value(digest));
	json_decref(digest);
	maker->made->payload = maker_canonical(
		json_pack("{s:{s:{s:s}, s:s}, s:n}", "critical", "image", "docker-manifest-digest",
	                  named, "type", "cosign container image signature", "optional"));
	maker->made->payload_size = strlen(maker->made->payload);
	maker->text.size = maker->made->payload_size;
	memcpy(maker->text.data, maker->made->payload, maker->text.size);
}

static void envelope_make(struct maker *maker)
{
	char *statement = maker_canonical(json_pack(
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

/* ---- what lies beside the image ---- */

static json_t *stamp_json(const struct maker *maker)
{
	const struct maker_options *options = maker->options;
	struct blob about = maker->signature;

	about.data[about.size - 1] ^= options->timestamp_of_another;
	struct blob stamp = maker_timestamp(
		options->other_timestamp_authority ? &maker->other_stamps : &maker->stamps,
		about.data, about.size, MAKER_TIME_S + options->timestamp_s);

	return maker_base64_blob(&stamp);
}

static void annotation_set(json_t *annotations, const char *key, json_t *value)
{
	char *text = maker_canonical(value);

	MUST(json_object_set_new(annotations, key, json_string(text)) == 0);
	free(text);
}

static json_t *annotations_json(const struct maker *maker)
{
	json_t *annotations = json_pack("{s:o}", "dev.cosignproject.cosign/signature",
	                                maker_base64_blob(&maker->signature));
	uint8_t id[DIGEST_SIZE];
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long size;

	MUST(bio && PEM_write_bio_X509(bio, maker->leaf) == 1);
	size = BIO_get_mem_data(bio, &pem);
	MUST(json_object_set_new(annotations, "dev.sigstore.cosign/certificate",
	                         json_stringn(pem, (size_t)size)) == 0);
	BIO_free(bio);
	maker_log_id(maker, id);
	annotation_set(annotations, "dev.sigstore.cosign/bundle",
	               json_pack("{s:o, s:{s:o, s:I, s:i, s:o}}", "SignedEntryTimestamp",
	                         maker_promise(maker), "Payload", "body",
	                         maker_base64(maker->body, strlen(maker->body)), "integratedTime",
	                         (json_int_t)MAKER_TIME_S, "logIndex", (int)maker->options->leaf,
	                         "logID", maker_hex(id)));
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

	maker_log_id(maker, id);
	(void)snprintf(index, sizeof(index), "%" PRIu32, maker->options->leaf);
	(void)snprintf(time, sizeof(time), "%" PRId64, MAKER_TIME_S);
	entry = json_pack("{s:s, s:{s:o}, s:s, s:o}", "logIndex", index, "logId", "keyId",
	                  maker_base64(id, sizeof(id)), "integratedTime", time, "canonicalizedBody",
	                  maker_base64(maker->body, strlen(maker->body)));
	if (!maker->options->no_promise)
		MUST(json_object_set_new(entry, "inclusionPromise",
		                         json_pack("{s:o}", "signedEntryTimestamp",
		                                   maker_promise(maker))) == 0);
	if (!maker->options->no_proof)
		MUST(json_object_set_new(entry, "inclusionProof", maker_proof(maker)) == 0);
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
	                 "certificate", maker_certificate_json(maker->leaf), "tlogEntries",
	                 entry_json(maker), "timestampVerificationData", "rfc3161Timestamps",
	                 stamps, "dsseEnvelope", "payload", maker_base64_blob(&maker->payload),
	                 "payloadType", PAYLOAD_TYPE, "signatures", "sig",
	                 maker_base64_blob(&maker->signature));
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
	maker.body = maker_canonical(maker_body(&maker));
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
