/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/timestamp.h"

#include "workers/verifier/certificate.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ts.h>

#define DAY_S 86400

static TS_RESP *response_read(const struct bytes *bytes)
{
	const unsigned char *next = bytes->data;
	TS_RESP *response =
		bytes->size <= LONG_MAX ? d2i_TS_RESP(NULL, &next, (long)bytes->size) : NULL;

	if (response && next != bytes->data + bytes->size) {
		TS_RESP_free(response);
		return NULL;
	}
	return response;
}

static bool digest_is_strong(TS_TST_INFO *info)
{
	const ASN1_OBJECT *algorithm;

	X509_ALGOR_get0(&algorithm, NULL, NULL,
	                TS_MSG_IMPRINT_get_algo(TS_TST_INFO_get_msg_imprint(info)));

	int kind = OBJ_obj2nid(algorithm);

	return kind == NID_sha256 || kind == NID_sha384 || kind == NID_sha512;
}

/* Without the C library's calendar, which would look for the time zone. */
static bool info_time(const TS_TST_INFO *info, int64_t *time_s)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days;
	int seconds;
	bool good =
		epoch && ASN1_TIME_diff(&days, &seconds, epoch, TS_TST_INFO_get_time(info)) == 1;

	ASN1_TIME_free(epoch);
	if (good)
		*time_s = (int64_t)days * DAY_S + seconds;
	return good;
}

/* `flags` need the bytes as data to read, which the context then owns. */
static TS_VERIFY_CTX *context_make(const struct bytes *about,
                                   const struct trusted_authority *authority)
{
	TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
	STACK_OF(X509) *certificates = X509_chain_up_ref(authority->intermediates);
	BIO *data = about->size <= INT_MAX ? BIO_new_mem_buf(about->data, (int)about->size) : NULL;

	if (!context || !certificates || !data) {
		TS_VERIFY_CTX_free(context);
		sk_X509_pop_free(certificates, X509_free);
		BIO_free(data);
		return NULL;
	}
	(void)TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_DATA);
	(void)TS_VERIFY_CTX_set_data(context, data);
	(void)TS_VERIFY_CTX_set_certs(context, certificates);
	X509_STORE_up_ref(authority->roots);
	(void)TS_VERIFY_CTX_set_store(context, authority->roots);
	return context;
}

static bool authority_verify(TS_RESP *response, const struct bytes *about,
                             const struct trusted_authority *authority, int64_t time_s)
{
	TS_VERIFY_CTX *context;
	bool good;

	if (!time_span_holds(&authority->span, time_s))
		return false;
	/* the store is this authority's for timestamps alone, and asked one question at a time */
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(authority->roots), time_s);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(authority->roots), 2);
	context = context_make(about, authority);
	good = context && TS_RESP_verify_response(context, response) == 1;
	TS_VERIFY_CTX_free(context);
	return good;
}

static bool response_verify(TS_RESP *response, const struct bytes *about,
                            const struct trusted_authority *authorities, uint32_t count,
                            int64_t *time_s)
{
	TS_TST_INFO *info = TS_RESP_get_tst_info(response);
	int64_t time;

	if (!info || !digest_is_strong(info) || !info_time(info, &time))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (authority_verify(response, about, &authorities[i], time)) {
			*time_s = time;
			return true;
		}
	}
	return false;
}

bool timestamp_verify(const struct bytes *response, const struct bytes *about,
                      const struct trusted_authority *authorities, uint32_t count, int64_t *time_s,
                      struct reason *reason)
{
	TS_RESP *read = response_read(response);
	bool good = read && response_verify(read, about, authorities, count, time_s);

	TS_RESP_free(read);
	ERR_clear_error();
	return good || reason_set(reason, REASON_LOG,
	                          "its timestamp is by no authority (timestampAuthorities) of the "
	                          "trusted root, or about something else");
}
