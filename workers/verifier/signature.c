/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/signature.h"

#include "image/digest.h"
#include "image/json.h"
#include "workers/verifier/key.h"
#include "workers/verifier/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bytes_copy(const void *data, size_t size, struct bytes *bytes)
{
	bytes->data = malloc(size + 1);
	if (!bytes->data)
		return -ENOMEM;
	memcpy(bytes->data, data, size);
	bytes->size = size;
	return 0;
}

static bool simple_is_about(const json_t *payload, const struct signed_image *image,
                            struct reason *reason)
{
	const json_t *critical = json_member_object(payload, "critical");
	uint8_t digest[DIGEST_SIZE];

	if (!member_is(critical, "type", "cosign container image signature") ||
	    json_member_digest(json_member_object(critical, "image"), "docker-manifest-digest",
	                       digest) < 0)
		return reason_set(reason, REASON_FORM, "it is no signature on a container image");
	if (!digest_equal(digest, image->digest))
		return reason_set(reason, REASON_IMAGE, "it is about another image");
	return true;
}

static bool simple_read(const void *payload, size_t size, json_t *annotations,
                        const struct signed_image *image, struct signature *signature,
                        struct reason *reason)
{
	_cleanup_json_ json_t *json = NULL;

	signature->form = SIGNATURE_SIMPLE;
	if (json_read(payload, size, SIGNATURE_PAYLOAD_MAX, "the payload", ERROR_UNTRUSTED, &json,
	              NULL) < 0)
		return reason_set(reason, REASON_FORM, "its payload cannot be read");
	if (!simple_is_about(json, image, reason))
		return false;
	if (member_bytes(annotations, "dev.cosignproject.cosign/signature", &signature->signature) <
	    0)
		return reason_set(
			reason, REASON_FORM,
			"its annotation dev.cosignproject.cosign/signature is not there or "
			"no base64");
	signature->document = json_incref(annotations);
	return bytes_copy(payload, size, &signature->text) == 0 ||
	       reason_set(reason, REASON_FORM, "there is no memory for it");
}

bool signature_read_simple(const void *payload, size_t size, json_t *annotations,
                           const struct signed_image *image, struct signature *signature,
                           struct reason *reason)
{
	*signature = (struct signature){};
	if (simple_read(payload, size, annotations, image, signature, reason))
		return true;
	signature_clear(signature);
	return false;
}

static bool subject_is(const json_t *statement, const uint8_t wanted[DIGEST_SIZE])
{
	const json_t *list = json_member_array(statement, "subject");
	const json_t *subject;
	char hex[DIGEST_HEX_SIZE];
	size_t i;

	digest_hex(wanted, hex);
	json_array_foreach(list, i, subject)
	{
		if (member_is(json_member_object(subject, "digest"), "sha256", hex))
			return true;
	}
	return false;
}

static bool statement_is_about(const struct bytes *payload, const struct signed_image *image,
                               struct reason *reason)
{
	_cleanup_json_ json_t *statement = NULL;

	if (json_read(payload->data, payload->size, SIGNATURE_BUNDLE_MAX, "the statement",
	              ERROR_UNTRUSTED, &statement, NULL) < 0)
		return reason_set(reason, REASON_FORM, "its statement cannot be read");
	if (!member_is(statement, "_type", "https://in-toto.io/Statement/v1") ||
	    !member_is(statement, "predicateType", "https://sigstore.dev/cosign/sign/v1"))
		return reason_set(reason, REASON_FORM,
		                  "it states something else about the image, it does not sign it");
	if (!subject_is(statement, image->digest))
		return reason_set(reason, REASON_IMAGE, "it is about another image");
	return true;
}

/* DSSE's pre-authentication encoding. */
static int envelope_text(const char *type, const struct bytes *payload, struct bytes *text)
{
	char *head;
	int length = asprintf(&head, "DSSEv1 %zu %s %zu ", strlen(type), type, payload->size);

	if (length < 0)
		return -ENOMEM;
	text->size = (size_t)length + payload->size;
	text->data = malloc(text->size + 1);
	if (text->data) {
		memcpy(text->data, head, (size_t)length);
		memcpy(text->data + length, payload->data, payload->size);
	}
	free(head);
	return text->data ? 0 : -ENOMEM;
}

static bool envelope_read(const json_t *envelope, const struct signed_image *image,
                          struct signature *signature, struct reason *reason)
{
	static const char type[] = "application/vnd.in-toto+json";
	const json_t *list = json_member_array(envelope, "signatures");

	signature->form = SIGNATURE_ENVELOPE;
	if (!member_is(envelope, "payloadType", type) || json_array_size(list) != 1 ||
	    member_bytes(envelope, "payload", &signature->payload) < 0 ||
	    member_bytes(json_array_get(list, 0), "sig", &signature->signature) < 0)
		return reason_set(reason, REASON_FORM, "its envelope cannot be read");
	if (!statement_is_about(&signature->payload, image, reason))
		return false;
	return envelope_text(type, &signature->payload, &signature->text) == 0 ||
	       reason_set(reason, REASON_FORM, "there is no memory for it");
}

static bool message_read(const json_t *message, const struct signed_image *image,
                         struct signature *signature, struct reason *reason)
{
	_cleanup_bytes_ struct bytes digest = {};
	const json_t *stated = json_member_object(message, "messageDigest");

	signature->form = SIGNATURE_MESSAGE;
	if (member_bytes(message, "signature", &signature->signature) < 0 ||
	    member_bytes(stated, "digest", &digest) < 0)
		return reason_set(reason, REASON_FORM, "its signature cannot be read");
	if (!member_is(stated, "algorithm", "SHA2_256") || digest.size != DIGEST_SIZE ||
	    !digest_equal(digest.data, image->digest))
		return reason_set(reason, REASON_IMAGE, "it is about another image");
	return bytes_copy(image->bytes, image->size, &signature->text) == 0 ||
	       reason_set(reason, REASON_FORM, "there is no memory for it");
}

static bool media_type_is_known(const char *type)
{
	static const char *const types[] = {
		"application/vnd.dev.sigstore.bundle.v0.3+json",
		"application/vnd.dev.sigstore.bundle+json;version=0.3",
		"application/vnd.dev.sigstore.bundle+json;version=0.2",
		"application/vnd.dev.sigstore.bundle+json;version=0.1",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (type && strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

static bool bundle_read(const void *bundle, size_t size, const struct signed_image *image,
                        struct signature *signature, struct reason *reason)
{
	const json_t *envelope;
	const json_t *message;

	if (json_read(bundle, size, SIGNATURE_BUNDLE_MAX, "the bundle", ERROR_UNTRUSTED,
	              &signature->document, NULL) < 0)
		return reason_set(reason, REASON_FORM, "its bundle cannot be read");
	envelope = json_member_object(signature->document, "dsseEnvelope");
	message = json_member_object(signature->document, "messageSignature");
	if (!media_type_is_known(member_text(signature->document, "mediaType")) ||
	    !envelope == !message)
		return reason_set(
			reason, REASON_FORM,
			"its bundle is of a kind that bpfd does not know: versions 0.1 to "
			"0.3 are read");
	return envelope ? envelope_read(envelope, image, signature, reason)
	                : message_read(message, image, signature, reason);
}

bool signature_read_bundle(const void *bundle, size_t size, const struct signed_image *image,
                           struct signature *signature, struct reason *reason)
{
	*signature = (struct signature){};
	if (bundle_read(bundle, size, image, signature, reason))
		return true;
	signature_clear(signature);
	return false;
}

void signature_clear(struct signature *signature)
{
	bytes_free(&signature->text);
	bytes_free(&signature->payload);
	bytes_free(&signature->signature);
	json_decref(signature->document);
	*signature = (struct signature){};
}

bool signature_verify_key(const struct signature *signature, EVP_PKEY *key, struct reason *reason)
{
	if (key_verify(key, signature->text.data, signature->text.size, signature->signature.data,
	               signature->signature.size))
		return true;
	/* which OpenSSL has from 3.2 on */
	if (signature->form != SIGNATURE_SIMPLE && EVP_PKEY_is_a(key, "ED25519"))
		return reason_set(reason, REASON_SIGNATURE,
		                  "it is not by that key, or it is Ed25519ph, which cosign 3 makes "
		                  "with Ed25519 keys and bpfd does not verify: sign with a key on "
		                  "P-256");
	return reason_set(reason, REASON_SIGNATURE, "it is not by that key");
}
