/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/certificate.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define AUTH_LEVEL 2 /* 112 bits: no SHA-1, no RSA below 2048 bits */
#define CHAIN_DEPTH_MAX 4

X509 *certificate_of_der(const void *der, size_t size)
{
	const unsigned char *next = der;
	X509 *certificate = size <= LONG_MAX ? d2i_X509(NULL, &next, (long)size) : NULL;

	ERR_clear_error();
	if (certificate && next != (const unsigned char *)der + size) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

X509 *certificate_of_pem(const void *pem, size_t size)
{
	BIO *bio = size <= INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, (char[]){ "" }) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return certificate;
}

bool certificate_equal(const X509 *one, const X509 *other)
{
	return X509_cmp(one, other) == 0;
}

static bool is_for_code(X509 *certificate)
{
	uint32_t flags = X509_get_extension_flags(certificate);

	return (flags & EXFLAG_XKUSAGE) &&
	       (X509_get_extended_key_usage(certificate) & (XKU_CODE_SIGN | XKU_ANYEKU));
}

/* What is above it may be limited to code signing, but not to something else. */
static bool chain_is_for_code(const STACK_OF(X509) * chain)
{
	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *above = sk_X509_value(chain, i);

		if ((X509_get_extension_flags(above) & EXFLAG_XKUSAGE) && !is_for_code(above))
			return false;
	}
	return true;
}

/* 0, or OpenSSL's number of what is wrong. *issuer may be NULL. */
static int chain_build(X509 *certificate, const struct trusted_authority *authority, int64_t time_s,
                       X509 **issuer)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int problem = X509_V_ERR_UNSPECIFIED;

	if (!context || X509_STORE_CTX_init(context, authority->roots, certificate,
	                                    authority->intermediates) != 1)
		goto out;

	X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);

	X509_VERIFY_PARAM_set_time(parameters, time_s);
	X509_VERIFY_PARAM_set_auth_level(parameters, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(parameters, CHAIN_DEPTH_MAX);
	if (X509_verify_cert(context) != 1) {
		problem = X509_STORE_CTX_get_error(context);
		goto out;
	}

	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);

	if (sk_X509_num(chain) < 2 || !chain_is_for_code(chain)) {
		problem = X509_V_ERR_INVALID_PURPOSE;
		goto out;
	}
	*issuer = sk_X509_value(chain, 1);
	X509_up_ref(*issuer);
	problem = X509_V_OK;
out:
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return problem;
}

/* At all of the times, by one authority. */
static bool authority_verify(X509 *certificate, const struct trusted_authority *authority,
                             const int64_t *times, size_t count, X509 **issuer,
                             struct reason *reason)
{
	_cleanup_certificate_ X509 *above = NULL;

	for (size_t i = 0; i < count; i++) {
		X509_free(above);
		above = NULL;

		int problem = chain_build(certificate, authority, times[i], &above);
		char when[TIME_TEXT_SIZE];

		time_format(times[i], when);
		if (problem)
			return reason_set(
				reason, REASON_CHAIN,
				"its certificate was not good when it was made, at %s: %s", when,
				X509_verify_cert_error_string(problem));
		if (!time_span_holds(&authority->span, times[i]))
			return reason_set(
				reason, REASON_CHAIN,
				"the authority that issued its certificate is not trusted "
				"for %s, when it was made",
				when);
	}
	*issuer = above;
	above = NULL;
	return true;
}

bool certificate_chain_verify(X509 *certificate, const struct trusted_authority *authorities,
                              uint32_t count, const int64_t *times, size_t time_count,
                              X509 **issuer, struct reason *reason)
{
	if (time_count == 0)
		return reason_set(reason, REASON_CHAIN, "nobody says when it was made");
	if (X509_get_extension_flags(certificate) & EXFLAG_CA || !is_for_code(certificate))
		return reason_set(reason, REASON_CHAIN,
		                  "its certificate is not one for signing code");
	for (uint32_t i = 0; i < count; i++) {
		if (authority_verify(certificate, &authorities[i], times, time_count, issuer,
		                     reason))
			return true;
	}
	return false;
}

/* Fulcio's number 1.8 is a UTF8String; the older 1.1 is the bare text. */
static const struct {
	const char *oid;
	bool encoded;
} issuer_extensions[] = {
	{ "1.3.6.1.4.1.57264.1.8", true },
	{ "1.3.6.1.4.1.57264.1.1", false },
};

static const ASN1_OCTET_STRING *extension_find(const X509 *certificate, const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int index = object ? X509_get_ext_by_OBJ(certificate, object, -1) : -1;
	/* two of a kind are no certificate's */
	int second = index < 0 ? -1 : X509_get_ext_by_OBJ(certificate, object, index);

	ASN1_OBJECT_free(object);
	if (index < 0 || second >= 0)
		return NULL;
	return X509_EXTENSION_get_data(X509_get_ext(certificate, index));
}

static bool string_is(const ASN1_STRING *string, const char *text)
{
	size_t length = strlen(text);

	return string && (size_t)ASN1_STRING_length(string) == length &&
	       memcmp(ASN1_STRING_get0_data(string), text, length) == 0;
}

static bool encoded_is(const ASN1_OCTET_STRING *data, const char *text)
{
	const unsigned char *next = ASN1_STRING_get0_data(data);
	const unsigned char *end = next + ASN1_STRING_length(data);
	ASN1_UTF8STRING *string = d2i_ASN1_UTF8STRING(NULL, &next, ASN1_STRING_length(data));
	bool same = string && next == end && string_is(string, text);

	ASN1_UTF8STRING_free(string);
	ERR_clear_error();
	return same;
}

/* The newer extension alone counts where it is there. */
static bool issuer_is(const X509 *certificate, const char *issuer)
{
	for (size_t i = 0; i < sizeof(issuer_extensions) / sizeof(issuer_extensions[0]); i++) {
		const ASN1_OCTET_STRING *data =
			extension_find(certificate, issuer_extensions[i].oid);

		if (data)
			return issuer_extensions[i].encoded ? encoded_is(data, issuer)
			                                    : string_is(data, issuer);
	}
	return false;
}

static const ASN1_STRING *name_text(const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

	return type == GEN_URI || type == GEN_EMAIL ? value : NULL;
}

static bool names_have(const GENERAL_NAMES *names, const char *identity, struct reason *reason)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const ASN1_STRING *text = name_text(sk_GENERAL_NAME_value(names, i));

		if (string_is(text, identity))
			return true;
		if (text)
			(void)reason_set(reason, REASON_IDENTITY, "it is by %.*s",
			                 ASN1_STRING_length(text),
			                 (const char *)ASN1_STRING_get0_data(text));
	}
	return false;
}

bool certificate_identity_verify(X509 *certificate, const char *identity, const char *issuer,
                                 struct reason *reason)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	(void)reason_set(reason, REASON_IDENTITY, "its certificate names no URI and no email");

	bool has = names_have(names, identity, reason);

	GENERAL_NAMES_free(names);
	ERR_clear_error();
	if (!has)
		return false;
	if (!issuer_is(certificate, issuer))
		return reason_set(reason, REASON_IDENTITY,
		                  "it is by that identity, but not as that issuer vouches for it");
	return true;
}
