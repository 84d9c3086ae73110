/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * OpenSSL checks SCTs too, but takes the logs from a file only.
 */
#include "workers/verifier/sct.h"

#include "image/digest.h"
#include "workers/verifier/base64.h"
#include "workers/verifier/key.h"

#include <openssl/ct.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_PRECERTIFICATE 1
#define TBS_SIZE_MAX 0xffffff
#define EXTENSIONS_SIZE_MAX 0xffff

struct writer {
	uint8_t *next;
};

static void write_number(struct writer *writer, uint64_t value, unsigned int bytes)
{
	while (bytes-- > 0)
		*writer->next++ = (uint8_t)(value >> (8 * bytes));
}

static void write_bytes(struct writer *writer, const void *bytes, size_t size)
{
	memcpy(writer->next, bytes, size);
	writer->next += size;
}

/* What the authority showed the log: the certificate without the log's answer. */
static int precertificate_make(X509 *certificate, struct bytes *tbs)
{
	X509 *copy = X509_dup(certificate);
	int index = copy ? X509_get_ext_by_NID(copy, NID_ct_precert_scts, -1) : -1;
	int size = -1;

	if (index >= 0) {
		X509_EXTENSION_free(X509_delete_ext(copy, index));
		size = i2d_re_X509_tbs(copy, &tbs->data);
	}
	X509_free(copy);
	if (size < 0 || size > TBS_SIZE_MAX)
		return -1;
	tbs->size = (size_t)size;
	return 0;
}

static int issuer_digest(X509 *issuer, uint8_t digest[DIGEST_SIZE])
{
	uint8_t *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &der);
	int result = size < 0 ? -1 : digest_of_bytes(der, (size_t)size, digest);

	OPENSSL_free(der);
	return result;
}

/* RFC 6962, 3.2: what is signed. */
static int signed_make(const SCT *sct, const uint8_t issuer[DIGEST_SIZE], const struct bytes *tbs,
                       struct bytes *out)
{
	uint8_t *extensions;
	size_t extensions_size = SCT_get0_extensions(sct, &extensions);
	struct writer writer;

	if (extensions_size > EXTENSIONS_SIZE_MAX)
		return -1;
	out->size = 1 + 1 + 8 + 2 + DIGEST_SIZE + 3 + tbs->size + 2 + extensions_size;
	out->data = malloc(out->size);
	if (!out->data)
		return -1;
	writer.next = out->data;
	write_number(&writer, 0, 1); /* version 1 */
	write_number(&writer, 0, 1); /* a certificate's timestamp */
	write_number(&writer, SCT_get_timestamp(sct), 8);
	write_number(&writer, ENTRY_PRECERTIFICATE, 2);
	write_bytes(&writer, issuer, DIGEST_SIZE);
	write_number(&writer, tbs->size, 3);
	write_bytes(&writer, tbs->data, tbs->size);
	write_number(&writer, extensions_size, 2);
	if (extensions_size)
		write_bytes(&writer, extensions, extensions_size);
	return 0;
}

static const struct trusted_log *log_find(const SCT *sct, const struct trusted_log *logs,
                                          uint32_t count)
{
	uint8_t *id;
	size_t size = SCT_get0_log_id(sct, &id);
	int64_t time_s = (int64_t)(SCT_get_timestamp(sct) / 1000);

	for (uint32_t i = 0; i < count; i++) {
		if (size == DIGEST_SIZE && digest_equal(id, logs[i].key_digest) &&
		    time_span_holds(&logs[i].span, time_s))
			return &logs[i];
	}
	return NULL;
}

static bool one_verify(const SCT *sct, const uint8_t issuer[DIGEST_SIZE], const struct bytes *tbs,
                       const struct trusted_log *log)
{
	_cleanup_bytes_ struct bytes text = {};
	int kind = SCT_get_signature_nid(sct);
	unsigned char *signature;
	size_t size = SCT_get0_signature(sct, &signature);

	return SCT_get_version(sct) == SCT_VERSION_V1 &&
	       (kind == NID_ecdsa_with_SHA256 || kind == NID_sha256WithRSAEncryption) &&
	       signed_make(sct, issuer, tbs, &text) == 0 &&
	       key_verify(log->key, text.data, text.size, signature, size);
}

static bool list_verify(const STACK_OF(SCT) * list, X509 *certificate, X509 *issuer,
                        const struct trusted_log *logs, uint32_t count, struct reason *reason)
{
	uint8_t digest[DIGEST_SIZE];
	struct bytes tbs = {};
	bool good = false;

	if (issuer_digest(issuer, digest) < 0 || precertificate_make(certificate, &tbs) < 0)
		return reason_set(reason, REASON_CERTIFICATE_LOG,
		                  "its certificate's entry in a log cannot be followed");
	(void)reason_set(reason, REASON_CERTIFICATE_LOG,
	                 "its certificate is in no log (ctlogs) of the trusted root");
	for (int i = 0; i < sk_SCT_num(list) && !good; i++) {
		const SCT *sct = sk_SCT_value(list, i);
		const struct trusted_log *log = log_find(sct, logs, count);

		if (!log)
			continue;
		good = one_verify(sct, digest, &tbs, log);
		if (!good)
			(void)reason_set(reason, REASON_CERTIFICATE_LOG,
			                 "the log's word (SCT) in its certificate is wrong");
	}
	OPENSSL_free(tbs.data);
	return good;
}

bool sct_verify(X509 *certificate, X509 *issuer, const struct trusted_log *logs, uint32_t count,
                struct reason *reason)
{
	STACK_OF(SCT) *list = X509_get_ext_d2i(certificate, NID_ct_precert_scts, NULL, NULL);
	bool good = list ? list_verify(list, certificate, issuer, logs, count, reason)
	                 : reason_set(reason, REASON_CERTIFICATE_LOG,
	                              "its certificate holds no log's word (SCT)");

	SCT_LIST_free(list);
	ERR_clear_error();
	return good;
}
