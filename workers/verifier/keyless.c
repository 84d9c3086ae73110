/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A signature by a key that lived for minutes: a certificate says whose it was, a log or an
 * authority for timestamps says that it was used within those minutes, and another log that the
 * certificate was not issued in secret. All of it is beside the signature; the network is not
 * asked.
 */
#include "image/digest.h"
#include "image/json.h"
#include "workers/verifier/certificate.h"
#include "workers/verifier/key.h"
#include "workers/verifier/log_entry.h"
#include "workers/verifier/member.h"
#include "workers/verifier/sct.h"
#include "workers/verifier/signature.h"
#include "workers/verifier/timestamp.h"

#include <string.h>

#define TIMES_MAX 8

/* What came beside the signature, and what was found out. */
struct material {
	X509 *certificate;
	struct log_entry entry;
	json_t *document; /* of an annotation, which `entry` points into; otherwise NULL */
	struct bytes timestamps[TIMES_MAX];
	size_t timestamp_count;
	int64_t times[TIMES_MAX + 1]; /* that somebody vouches for */
	size_t time_count;
};

static void material_clear(struct material *material)
{
	X509_free(material->certificate);
	log_entry_clear(&material->entry);
	json_decref(material->document);
	for (size_t i = 0; i < TIMES_MAX; i++)
		bytes_free(&material->timestamps[i]);
}

static bool timestamp_add(struct material *material, const json_t *object, const char *key)
{
	return material->timestamp_count < TIMES_MAX &&
	       member_bytes(object, key, &material->timestamps[material->timestamp_count++]) == 0;
}

static json_t *annotation_read(const json_t *annotations, const char *key)
{
	const char *text = member_text(annotations, key);
	json_t *object = NULL;

	if (text)
		(void)json_read(text, strlen(text), SIGNATURE_BUNDLE_MAX, "the annotation",
		                ERROR_UNTRUSTED, &object, NULL);
	return object;
}

/* cosign 2: everything is in annotations. The chain beside the certificate does not count, the
 * trusted root has it. */
static bool material_of_annotations(const json_t *annotations, struct material *material,
                                    struct reason *reason)
{
	static const char stamp_key[] = "dev.sigstore.cosign/rfc3161timestamp";
	const char *pem = member_text(annotations, "dev.sigstore.cosign/certificate");
	_cleanup_json_ json_t *stamp = annotation_read(annotations, stamp_key);

	if (!pem)
		return reason_set(reason, REASON_KIND, "it is by a key, not by an identity");
	material->certificate = certificate_of_pem(pem, strlen(pem));
	if (!material->certificate)
		return reason_set(reason, REASON_FORM, "its certificate cannot be read");
	material->document = annotation_read(annotations, "dev.sigstore.cosign/bundle");
	if (!material->document)
		return reason_set(reason, REASON_LOG,
		                  "the log's entry is not beside it (dev.sigstore.cosign/bundle): "
		                  "sign with the transparency log");
	if (log_entry_of_annotation(material->document, &material->entry) < 0)
		return reason_set(reason, REASON_FORM, "the log's entry beside it cannot be read");
	if (json_object_get(annotations, stamp_key) &&
	    !timestamp_add(material, stamp, "SignedRFC3161Timestamp"))
		return reason_set(reason, REASON_FORM, "its timestamp cannot be read");
	return true;
}

/* Bundles up to 0.2 have a chain, of which the first is the signer's. */
static const json_t *bundle_certificate(const json_t *given)
{
	const json_t *chain = json_member_array(json_member_object(given, "x509CertificateChain"),
	                                        "certificates");

	return chain ? json_array_get(chain, 0) : json_member_object(given, "certificate");
}

static bool timestamps_read(const json_t *given, struct material *material)
{
	const json_t *data = json_member_object(given, "timestampVerificationData");
	const json_t *list = json_member_array(data, "rfc3161Timestamps");
	const json_t *stamp;
	size_t i;

	json_array_foreach(list, i, stamp)
	{
		if (!timestamp_add(material, stamp, "signedTimestamp"))
			return false;
	}
	return true;
}

static bool material_of_bundle(const json_t *bundle, struct material *material,
                               struct reason *reason)
{
	_cleanup_bytes_ struct bytes der = {};
	const json_t *given = json_member_object(bundle, "verificationMaterial");
	const json_t *certificate = bundle_certificate(given);
	const json_t *entries = json_member_array(given, "tlogEntries");

	if (!certificate)
		return reason_set(reason, REASON_KIND, "it is by a key, not by an identity");
	if (member_bytes(certificate, "rawBytes", &der) == 0)
		material->certificate = certificate_of_der(der.data, der.size);
	if (!material->certificate)
		return reason_set(reason, REASON_FORM, "its certificate cannot be read");
	if (json_array_size(entries) != 1)
		return reason_set(reason, REASON_LOG,
		                  "beside it are %zu entries of logs, one is wanted: sign with the "
		                  "transparency log",
		                  json_array_size(entries));
	if (log_entry_of_bundle(json_array_get(entries, 0), &material->entry) < 0)
		return reason_set(reason, REASON_FORM, "the log's entry beside it cannot be read");
	if (!timestamps_read(given, material))
		return reason_set(reason, REASON_FORM, "its timestamps cannot be read");
	return true;
}

static bool certificate_signed(const struct signature *signature, X509 *certificate,
                               struct reason *reason)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	return (key && key_verify(key, signature->text.data, signature->text.size,
	                          signature->signature.data, signature->signature.size)) ||
	       reason_set(reason, REASON_SIGNATURE, "it is not by the certificate beside it");
}

static bool body_verify(const struct signature *signature, const struct material *material,
                        struct reason *reason)
{
	struct logged logged = { .certificate = material->certificate,
		                 .signature = &signature->signature,
		                 .is_envelope = signature->form == SIGNATURE_ENVELOPE };

	if (digest_of_bytes(signature->text.data, signature->text.size, logged.signed_digest) < 0 ||
	    digest_of_bytes(signature->payload.data ? signature->payload.data : (const uint8_t *)"",
	                    signature->payload.size, logged.payload_digest) < 0)
		return reason_set(reason, REASON_LOG, "there is no memory for it");
	return log_body_verify(&material->entry.body, &logged, reason);
}

/* Each time that somebody vouches for counts: the certificate has to be good at all of them. */
static bool times_verify(const struct signature *signature, struct material *material,
                         const struct trusted_root *root, struct reason *reason)
{
	int64_t logged_s;

	if (!log_entry_verify(&material->entry, root, &logged_s, reason))
		return false;
	if (logged_s)
		material->times[material->time_count++] = logged_s;
	for (size_t i = 0; i < material->timestamp_count; i++) {
		if (!timestamp_verify(&material->timestamps[i], &signature->signature,
		                      root->timestamp_authorities, root->timestamp_count,
		                      &material->times[material->time_count], reason))
			return false;
		material->time_count++;
	}
	return material->time_count > 0 ||
	       reason_set(reason, REASON_LOG,
	                  "nobody says when it was made: neither the log's promise nor a timestamp "
	                  "is beside it");
}

/* A timestamp of an authority that the trusted root does not have is passed over where the log says
 * when; one that it has must be right. */
static void timestamps_drop(struct material *material, const struct trusted_root *root)
{
	if (root->timestamp_count == 0 && material->entry.promise.size)
		material->timestamp_count = 0;
}

static bool material_verify(const struct signature *signature, struct material *material,
                            const struct trusted_root *root, struct reason *reason)
{
	_cleanup_certificate_ X509 *issuer = NULL;

	timestamps_drop(material, root);
	return certificate_signed(signature, material->certificate, reason) &&
	       body_verify(signature, material, reason) &&
	       times_verify(signature, material, root, reason) &&
	       certificate_chain_verify(material->certificate, root->authorities,
	                                root->authority_count, material->times,
	                                material->time_count, &issuer, reason) &&
	       sct_verify(material->certificate, issuer, root->certificate_logs,
	                  root->certificate_count, reason);
}

bool signature_verify_identity(const struct signature *signature, const struct trusted_root *root,
                               const char *identity, const char *issuer, struct reason *reason)
{
	struct material material = {};
	bool good = signature->form == SIGNATURE_SIMPLE
	                    ? material_of_annotations(signature->document, &material, reason)
	                    : material_of_bundle(signature->document, &material, reason);

	good = good && material_verify(signature, &material, root, reason) &&
	       certificate_identity_verify(material.certificate, identity, issuer, reason);
	material_clear(&material);
	return good;
}
