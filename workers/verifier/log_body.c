/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What an entry of a log says: which bytes were signed, with which certificate, and how. */
#include "image/digest.h"
#include "image/json.h"
#include "workers/verifier/certificate.h"
#include "workers/verifier/log_entry.h"
#include "workers/verifier/member.h"

#include <string.h>

#define BODY_SIZE_MAX (256u << 10)

static bool bytes_equal(const struct bytes *one, const struct bytes *other)
{
	return one->size == other->size && memcmp(one->data, other->data, one->size) == 0;
}

static bool signature_is(const json_t *object, const char *key, const struct logged *logged)
{
	_cleanup_bytes_ struct bytes bytes = {};

	return member_bytes(object, key, &bytes) == 0 && bytes_equal(&bytes, logged->signature);
}

/* Version 0.0.1: a certificate's PEM in base64. */
static bool pem_is(const json_t *object, const char *key, const struct logged *logged)
{
	_cleanup_bytes_ struct bytes pem = {};
	_cleanup_certificate_ X509 *certificate = NULL;

	if (member_bytes(object, key, &pem) < 0)
		return false;
	certificate = certificate_of_pem(pem.data, pem.size);
	return certificate && certificate_equal(certificate, logged->certificate);
}

/* Version 0.0.2: its DER. */
static bool der_is(const json_t *verifier, const struct logged *logged)
{
	_cleanup_bytes_ struct bytes der = {};
	_cleanup_certificate_ X509 *certificate = NULL;

	if (member_bytes(json_member_object(verifier, "x509Certificate"), "rawBytes", &der) < 0)
		return false;
	certificate = certificate_of_der(der.data, der.size);
	return certificate && certificate_equal(certificate, logged->certificate);
}

/* Version 0.0.1: hexadecimal. */
static bool hex_is(const json_t *hash, const uint8_t digest[DIGEST_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(digest, hex);
	return member_is(hash, "algorithm", "sha256") && member_is(hash, "value", hex);
}

/* Version 0.0.2: base64. */
static bool raw_is(const json_t *hash, const uint8_t digest[DIGEST_SIZE])
{
	_cleanup_bytes_ struct bytes bytes = {};

	return member_is(hash, "algorithm", "SHA2_256") &&
	       member_bytes(hash, "digest", &bytes) == 0 && bytes.size == DIGEST_SIZE &&
	       digest_equal(bytes.data, digest);
}

static bool record_1_verify(const json_t *spec, const struct logged *logged)
{
	const json_t *hash = json_member_object(json_member_object(spec, "data"), "hash");
	const json_t *signature = json_member_object(spec, "signature");
	const json_t *key = json_member_object(signature, "publicKey");

	return hex_is(hash, logged->signed_digest) && signature_is(signature, "content", logged) &&
	       pem_is(key, "content", logged);
}

static bool record_2_verify(const json_t *spec, const struct logged *logged)
{
	const json_t *record = json_member_object(spec, "hashedRekordV002");
	const json_t *signature = json_member_object(record, "signature");

	return raw_is(json_member_object(record, "data"), logged->signed_digest) &&
	       signature_is(signature, "content", logged) &&
	       der_is(json_member_object(signature, "verifier"), logged);
}

/* An envelope has one signature: an entry with more is about something else. */
static const json_t *signature_only(const json_t *owner)
{
	const json_t *list = json_member_array(owner, "signatures");

	return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
}

static bool envelope_1_verify(const json_t *spec, const struct logged *logged)
{
	const json_t *signature = signature_only(spec);

	return logged->is_envelope &&
	       hex_is(json_member_object(spec, "payloadHash"), logged->payload_digest) &&
	       signature_is(signature, "signature", logged) &&
	       pem_is(signature, "verifier", logged);
}

static bool envelope_2_verify(const json_t *spec, const struct logged *logged)
{
	const json_t *envelope = json_member_object(spec, "dsseV002");
	const json_t *signature = signature_only(envelope);

	return logged->is_envelope &&
	       raw_is(json_member_object(envelope, "payloadHash"), logged->payload_digest) &&
	       signature_is(signature, "content", logged) &&
	       der_is(json_member_object(signature, "verifier"), logged);
}

static const struct {
	const char *kind;
	const char *version;
	bool (*verify)(const json_t *spec, const struct logged *logged);
} body_kinds[] = {
	{ "hashedrekord", "0.0.1", record_1_verify },
	{ "hashedrekord", "0.0.2", record_2_verify },
	{ "dsse", "0.0.1", envelope_1_verify },
	{ "dsse", "0.0.2", envelope_2_verify },
};

bool log_body_verify(const struct bytes *body, const struct logged *logged, struct reason *reason)
{
	_cleanup_json_ json_t *json = NULL;

	if (json_read(body->data, body->size, BODY_SIZE_MAX, "the log's entry", ERROR_UNTRUSTED,
	              &json, NULL) < 0)
		return reason_set(reason, REASON_LOG, "the log's entry cannot be read");
	for (size_t i = 0; i < sizeof(body_kinds) / sizeof(body_kinds[0]); i++) {
		if (!member_is(json, "kind", body_kinds[i].kind) ||
		    !member_is(json, "apiVersion", body_kinds[i].version))
			continue;
		if (body_kinds[i].verify(json_member_object(json, "spec"), logged))
			return true;
		return reason_set(reason, REASON_LOG, "the log's entry is about another signature");
	}
	return reason_set(reason, REASON_LOG,
	                  "the log's entry is of a kind that bpfd does not know: hashedrekord and "
	                  "dsse of versions 0.0.1 and 0.0.2 are read");
}
