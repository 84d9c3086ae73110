/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/keyless_certificates.h"

#include <openssl/ct.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_S (INT64_C(365) * 86400)

EVP_PKEY *maker_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	MUST(key);
	return key;
}

struct blob maker_sign(EVP_PKEY *key, const void *data, size_t size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct blob out = { .size = sizeof(out.data) };

	MUST(context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1);
	MUST(EVP_DigestSign(context, out.data, &out.size, data, size) == 1);
	EVP_MD_CTX_free(context);
	return out;
}

static struct blob blob_take(uint8_t *der, int size)
{
	struct blob out = {};

	MUST(size > 0 && (size_t)size <= sizeof(out.data));
	memcpy(out.data, der, (size_t)size);
	out.size = (size_t)size;
	OPENSSL_free(der);
	return out;
}

struct blob maker_public(EVP_PKEY *key)
{
	uint8_t *der = NULL;
	int size = i2d_PUBKEY(key, &der);

	return blob_take(der, size);
}

struct blob maker_der(const X509 *certificate)
{
	uint8_t *der = NULL;
	int size = i2d_X509(certificate, &der);

	return blob_take(der, size);
}

void maker_digest(const void *data, size_t size, uint8_t digest[DIGEST_SIZE])
{
	MUST(EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL) == 1);
}

static void extension_add(X509 *certificate, X509 *issuer, const char *name, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf(NULL, &context, name, value);
	MUST(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static X509 *certificate_make(const char *name, X509 *issuer, EVP_PKEY *key, int64_t start_s,
                              int64_t end_s)
{
	static long serial = 1;
	X509 *certificate = X509_new();
	X509_NAME *subject;

	MUST(certificate && X509_set_version(certificate, X509_VERSION_3) == 1);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++) == 1);
	MUST(ASN1_TIME_set(X509_getm_notBefore(certificate), start_s));
	MUST(ASN1_TIME_set(X509_getm_notAfter(certificate), end_s));
	MUST(X509_set_pubkey(certificate, key) == 1);
	subject = X509_get_subject_name(certificate);
	if (name)
		MUST(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		                                (const unsigned char *)name, -1, -1, 0) == 1);
	MUST(X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) ==
	     1);
	return certificate;
}

void authority_make(struct authority *authority, const char *name, const char *use)
{
	int64_t start_s = MAKER_TIME_S - YEAR_S, end_s = MAKER_TIME_S + YEAR_S;
	char root_name[64];

	(void)snprintf(root_name, sizeof(root_name), "%s root", name);
	authority->root_key = maker_key();
	authority->key = maker_key();
	authority->root = certificate_make(root_name, NULL, authority->root_key, start_s, end_s);
	extension_add(authority->root, authority->root, "basicConstraints", "critical,CA:TRUE");
	extension_add(authority->root, authority->root, "keyUsage", "critical,keyCertSign");
	MUST(X509_sign(authority->root, authority->root_key, EVP_sha256()));
	authority->certificate =
		certificate_make(name, authority->root, authority->key, start_s, end_s);
	if (strstr(use, "timeStamping")) {
		extension_add(authority->certificate, authority->root, "keyUsage",
		              "critical,digitalSignature");
	} else {
		extension_add(authority->certificate, authority->root, "basicConstraints",
		              "critical,CA:TRUE,pathlen:0");
		extension_add(authority->certificate, authority->root, "keyUsage",
		              "critical,keyCertSign");
	}
	extension_add(authority->certificate, authority->root, "extendedKeyUsage", use);
	MUST(X509_sign(authority->certificate, authority->root_key, EVP_sha256()));
}

void authority_clear(struct authority *authority)
{
	EVP_PKEY_free(authority->root_key);
	EVP_PKEY_free(authority->key);
	X509_free(authority->root);
	X509_free(authority->certificate);
}

/* ---- the signer's ---- */

static void raw_extension_add(X509 *certificate, const char *oid, const uint8_t *data, int size)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	MUST(object && octets && ASN1_OCTET_STRING_set(octets, data, size) == 1);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
	MUST(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
}

static void issuer_add(X509 *certificate, const char *issuer, bool old)
{
	ASN1_UTF8STRING *string = ASN1_UTF8STRING_new();
	uint8_t *der = NULL;
	int size;

	if (old) {
		raw_extension_add(certificate, "1.3.6.1.4.1.57264.1.1", (const uint8_t *)issuer,
		                  (int)strlen(issuer));
	} else {
		MUST(string && ASN1_STRING_set(string, issuer, -1) == 1);
		size = i2d_ASN1_UTF8STRING(string, &der);
		MUST(size > 0);
		raw_extension_add(certificate, "1.3.6.1.4.1.57264.1.8", der, size);
		OPENSSL_free(der);
	}
	ASN1_UTF8STRING_free(string);
}

/* RFC 6962, 3.2, written down here once more and not as the verifier does it. */
static struct blob sct_text(X509 *certificate, X509 *issuer, uint64_t time_ms)
{
	struct blob out = {}, key;
	uint8_t *der = NULL, *tbs = NULL, head[12] = {};
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &der);
	int tbs_size;

	key = blob_take(der, size);
	/* the encoding that is kept is of before the last change */
	tbs_size = i2d_re_X509_tbs(certificate, &tbs);
	MUST(tbs_size > 0);
	for (int i = 0; i < 8; i++)
		head[2 + i] = (uint8_t)(time_ms >> (56 - 8 * i));
	head[11] = 1;
	memcpy(out.data, head, sizeof(head));
	maker_digest(key.data, key.size, out.data + 12);
	out.data[45] = (uint8_t)(tbs_size >> 8);
	out.data[46] = (uint8_t)tbs_size;
	memcpy(out.data + 47, tbs, (size_t)tbs_size);
	out.size = 47 + (size_t)tbs_size + 2;
	OPENSSL_free(tbs);
	return out;
}

static void sct_add(X509 *certificate, X509 *issuer, EVP_PKEY *log_key, bool wrong)
{
	uint64_t time_ms = (uint64_t)MAKER_TIME_S * 1000;
	struct blob public = maker_public(log_key);
	struct blob text = sct_text(certificate, issuer, time_ms);
	struct blob signature;
	uint8_t id[DIGEST_SIZE];
	STACK_OF(SCT) *list = sk_SCT_new_null();
	SCT *sct = SCT_new();

	text.data[40] ^= wrong;
	signature = maker_sign(log_key, text.data, text.size);
	maker_digest(public.data, public.size, id);
	MUST(list && sct && SCT_set_version(sct, SCT_VERSION_V1) == 1);
	MUST(SCT_set1_log_id(sct, id, sizeof(id)) == 1);
	SCT_set_timestamp(sct, time_ms);
	MUST(SCT_set_signature_nid(sct, NID_ecdsa_with_SHA256) == 1);
	MUST(SCT_set1_signature(sct, signature.data, signature.size) == 1);
	MUST(sk_SCT_push(list, sct) == 1);
	MUST(X509_add1_ext_i2d(certificate, NID_ct_precert_scts, list, 0, X509V3_ADD_DEFAULT) == 1);
	SCT_LIST_free(list);
}

X509 *maker_leaf(const struct maker_options *options, const struct authority *authority,
                 EVP_PKEY *key, EVP_PKEY *log_key)
{
	int64_t start_s = options->certificate_start_s ? options->certificate_start_s : -60;
	int64_t end_s = options->certificate_end_s ? options->certificate_end_s : 540;
	const char *identity = options->identity ? options->identity : MAKER_IDENTITY;
	X509 *leaf = certificate_make(NULL, authority->certificate, key, MAKER_TIME_S + start_s,
	                              MAKER_TIME_S + end_s);
	char name[256];

	(void)snprintf(name, sizeof(name), "critical,%s:%s", options->email ? "email" : "URI",
	               options->email && !options->identity ? MAKER_EMAIL : identity);
	extension_add(leaf, authority->certificate, "keyUsage", "critical,digitalSignature");
	extension_add(leaf, authority->certificate, "extendedKeyUsage",
	              options->no_code_signing ? "clientAuth" : "codeSigning");
	extension_add(leaf, authority->certificate, "subjectAltName", name);
	if (options->is_authority)
		extension_add(leaf, authority->certificate, "basicConstraints", "CA:TRUE");
	if (!options->no_issuer)
		issuer_add(leaf, options->issuer ? options->issuer : MAKER_ISSUER,
		           options->old_issuer);
	/* signed once so that the algorithm is in it, which the log's word covers */
	MUST(X509_sign(leaf, authority->key, EVP_sha256()));
	if (!options->no_sct)
		sct_add(leaf, authority->certificate, log_key, options->wrong_sct);
	MUST(X509_sign(leaf, authority->key, EVP_sha256()));
	return leaf;
}

/* ---- timestamps ---- */

static int64_t stamp_time_s;

static int stamp_time(TS_RESP_CTX *context, void *data, long *seconds, long *micro)
{
	(void)context;
	(void)data;
	*seconds = stamp_time_s;
	*micro = 0;
	return 1;
}

static ASN1_INTEGER *stamp_serial(TS_RESP_CTX *context, void *data)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	(void)context;
	(void)data;
	MUST(serial && ASN1_INTEGER_set(serial, 7) == 1);
	return serial;
}

static BIO *request_make(const void *data, size_t size)
{
	TS_REQ *request = TS_REQ_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	uint8_t digest[DIGEST_SIZE];
	BIO *bio = BIO_new(BIO_s_mem());

	maker_digest(data, size, digest);
	MUST(request && imprint && algorithm && bio);
	X509_ALGOR_set_md(algorithm, EVP_sha256());
	MUST(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1);
	MUST(TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof(digest)) == 1);
	MUST(TS_REQ_set_version(request, 1) == 1 && TS_REQ_set_msg_imprint(request, imprint) == 1);
	MUST(TS_REQ_set_cert_req(request, 1) == 1);
	MUST(i2d_TS_REQ_bio(bio, request) == 1);
	TS_REQ_free(request);
	TS_MSG_IMPRINT_free(imprint);
	X509_ALGOR_free(algorithm);
	return bio;
}

struct blob maker_timestamp(const struct authority *authority, const void *data, size_t size,
                            int64_t time_s)
{
	TS_RESP_CTX *context = TS_RESP_CTX_new();
	BIO *request = request_make(data, size);
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
	TS_RESP *response;
	uint8_t *der = NULL;

	stamp_time_s = time_s;
	MUST(context && policy);
	TS_RESP_CTX_set_time_cb(context, stamp_time, NULL);
	TS_RESP_CTX_set_serial_cb(context, stamp_serial, NULL);
	MUST(TS_RESP_CTX_set_signer_cert(context, authority->certificate) == 1);
	MUST(TS_RESP_CTX_set_signer_key(context, authority->key) == 1);
	MUST(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()) == 1);
	MUST(TS_RESP_CTX_set_def_policy(context, policy) == 1);
	MUST(TS_RESP_CTX_add_md(context, EVP_sha256()) == 1);
	response = TS_RESP_create_response(context, request);
	MUST(response && TS_RESP_get_tst_info(response));

	int length = i2d_TS_RESP(response, &der);
	struct blob out = blob_take(der, length);

	TS_RESP_free(response);
	TS_RESP_CTX_free(context);
	ASN1_OBJECT_free(policy);
	BIO_free(request);
	return out;
}
