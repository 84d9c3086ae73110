/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What lies beside an image, as a registry gives it: payloads, annotations, bundles, and the parts
 * of those that only a good signature leads to. The first byte says which; the trusted root is made
 * anew. */
#include "image/json.h"
#include "tests/unit/keyless_maker.h"
#include "workers/verifier/certificate.h"
#include "workers/verifier/log_entry.h"
#include "workers/verifier/sct.h"
#include "workers/verifier/signature.h"
#include "workers/verifier/timestamp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trusted_root root;
static struct made made;
static struct signed_image image;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static const struct maker_options options = { .form = MAKER_ANNOTATIONS };
	char *text;

	(void)count;
	(void)arguments;
	maker_make(&options, &made);
	text = json_dumps(made.root, 0);
	assert(trusted_root_read(text, strlen(text), &root, NULL) == 0);
	free(text);
	image.bytes = made.image;
	image.size = strlen(made.image);
	memcpy(image.digest, made.digest, DIGEST_SIZE);
	return 0;
}

/* Nothing that was not made with the keys of this run is good. */
static void signature_check(struct signature *signature, bool is_read, struct reason *reason)
{
	if (is_read) {
		assert(!signature_verify_key(signature, root.logs[0].key, reason));
		assert(!signature_verify_identity(signature, &root, MAKER_IDENTITY, MAKER_ISSUER,
		                                  reason));
	}
	assert(reason->text[0]);
	signature_clear(signature);
}

static void payload_fuzz(const uint8_t *data, size_t size)
{
	struct signature signature = {};
	struct reason reason = {};
	json_t *annotations = json_pack("{s:s}", "dev.cosignproject.cosign/signature", "QUJD");

	signature_check(&signature,
	                signature_read_simple(data, size, annotations, &image, &signature, &reason),
	                &reason);
	json_decref(annotations);
}

static void annotations_fuzz(const uint8_t *data, size_t size)
{
	struct signature signature = {};
	struct reason reason = {};
	json_t *annotations = NULL;

	if (json_read(data, size, JSON_DOCUMENT_MAX, "it", ERROR_UNTRUSTED, &annotations, NULL) ==
	    0)
		signature_check(&signature,
		                signature_read_simple(made.payload, made.payload_size, annotations,
		                                      &image, &signature, &reason),
		                &reason);
	json_decref(annotations);
}

static void bundle_fuzz(const uint8_t *data, size_t size)
{
	struct signature signature = {};
	struct reason reason = {};

	signature_check(&signature, signature_read_bundle(data, size, &image, &signature, &reason),
	                &reason);
}

static void entry_fuzz(const uint8_t *data, size_t size)
{
	struct log_entry entry = {};
	struct reason reason = {};
	json_t *json = NULL;
	int64_t time_s;

	if (json_read(data, size, JSON_DOCUMENT_MAX, "it", ERROR_UNTRUSTED, &json, NULL) == 0 &&
	    log_entry_of_bundle(json, &entry) == 0) {
		(void)log_proof_verify(&entry.proof, &entry.body);
		if (entry.proof.checkpoint)
			assert(!checkpoint_verify(entry.proof.checkpoint, &root.logs[0],
			                          entry.proof.size, &entry.proof.root));
		assert(!log_entry_verify(&entry, &root, &time_s, &reason));
	}
	log_entry_clear(&entry);
	json_decref(json);
}

static void body_fuzz(const uint8_t *data, size_t size)
{
	struct bytes body = { (uint8_t *)(uintptr_t)data, size };
	struct bytes signature = { (uint8_t *)(uintptr_t) "ABC", 3 };
	X509 *certificate = X509_new();
	struct logged logged = { .certificate = certificate,
		                 .signature = &signature,
		                 .is_envelope = true };
	struct reason reason = {};

	(void)log_body_verify(&body, &logged, &reason);
	X509_free(certificate);
}

static void timestamp_fuzz(const uint8_t *data, size_t size)
{
	struct bytes response = { (uint8_t *)(uintptr_t)data, size };
	struct bytes about = { (uint8_t *)(uintptr_t) "ABC", 3 };
	struct reason reason = {};
	int64_t time_s;

	assert(!timestamp_verify(&response, &about, root.timestamp_authorities,
	                         root.timestamp_count, &time_s, &reason));
}

static void certificate_fuzz(const uint8_t *data, size_t size)
{
	X509 *certificate = certificate_of_der(data, size);
	struct reason reason = {};
	int64_t time_s = MAKER_TIME_S;
	X509 *issuer = NULL;

	if (!certificate)
		return;
	assert(!certificate_chain_verify(certificate, root.authorities, root.authority_count,
	                                 &time_s, 1, &issuer, &reason));
	(void)certificate_identity_verify(certificate, MAKER_IDENTITY, MAKER_ISSUER, &reason);
	assert(!sct_verify(certificate, certificate, root.certificate_logs, root.certificate_count,
	                   &reason));
	X509_free(certificate);
}

static void root_fuzz(const uint8_t *data, size_t size)
{
	static struct trusted_root read;
	struct error error;

	if (trusted_root_read(data, size, &read, &error) == 0)
		trusted_root_clear(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(const uint8_t *data, size_t size) = {
		payload_fuzz, annotations_fuzz, bundle_fuzz,      entry_fuzz,
		body_fuzz,    timestamp_fuzz,   certificate_fuzz, root_fuzz
	};

	if (size > 0 && data[0] >= '0' && data[0] < '0' + sizeof(parts) / sizeof(parts[0]))
		parts[data[0] - '0'](data + 1, size - 1);
	return 0;
}
