/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/trusted_root.h"

#include "image/digest.h"
#include "image/json.h"
#include "proto/trust.h"
#include "workers/verifier/base64.h"
#include "workers/verifier/certificate.h"
#include "workers/verifier/key.h"
#include "workers/verifier/member.h"

#include <errno.h>
#include <string.h>

/* What is read, for the sentence about what is wrong in it. */
struct place {
	const char *list;
	size_t number;
	struct error *error;
};

static int place_refuse(const struct place *place, const char *why)
{
	return error_set(place->error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "the trusted root's %s number %zu %s: install a trusted_root.json as "
	                 "`cosign trusted-root create` makes it",
	                 place->list, place->number + 1, why);
}

static int end_read(const json_t *valid, int64_t *end_s)
{
	const char *text = member_text(valid, "end");

	*end_s = INT64_MAX;
	return text ? time_parse(text, end_s) : 0;
}

/* A start has to be there: what was always valid was never checked. */
static int span_read(const json_t *owner, struct time_span *span, const struct place *place)
{
	const json_t *valid = json_member_object(owner, "validFor");
	const char *start = valid ? member_text(valid, "start") : NULL;

	if (!start || time_parse(start, &span->start_s) < 0 || end_read(valid, &span->end_s) < 0)
		return place_refuse(place,
		                    "does not say from when on it is valid (validFor.start)");
	return 0;
}

static int log_id_read(const json_t *object, struct trusted_log *log, const struct place *place)
{
	_cleanup_bytes_ struct bytes id = {};

	if (member_bytes(json_member_object(object, "logId"), "keyId", &id) < 0 || id.size == 0 ||
	    id.size > LOG_ID_MAX)
		return place_refuse(place, "has no id (logId.keyId)");
	memcpy(log->id, id.data, id.size);
	log->id_size = id.size;
	return 0;
}

static int log_key_read(const json_t *object, struct trusted_log *log, const struct place *place)
{
	_cleanup_bytes_ struct bytes der = {};
	const json_t *key = json_member_object(object, "publicKey");

	if (member_bytes(key, "rawBytes", &der) < 0)
		return place_refuse(place, "has no key (publicKey.rawBytes)");
	if (digest_of_bytes(der.data, der.size, log->key_digest) < 0)
		return place_refuse(place, "cannot be read for want of memory");
	log->key = key_of_der(der.data, der.size);
	if (!log->key)
		return place_refuse(place, "has a key that is neither P-256, P-384, RSA of 2048 "
		                           "bits or more nor Ed25519");
	return span_read(key, &log->span, place);
}

static int logs_read(const json_t *root, const char *name, struct trusted_log *logs,
                     uint32_t *count, struct error *error)
{
	struct place place = { .list = name, .error = error };
	const json_t *list = json_member_array(root, name);
	const json_t *object;

	json_array_foreach(list, place.number, object)
	{
		if (place.number >= TRUSTED_ROOT_LOGS_MAX)
			return place_refuse(&place, "is one too many (16 are read)");

		struct trusted_log *log = &logs[(*count)++];
		int result = log_id_read(object, log, &place);

		if (result == 0)
			result = log_key_read(object, log, &place);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Self-signed ones are anchors, the others help to get there. */
static int certificate_add(const json_t *object, struct trusted_authority *authority)
{
	_cleanup_bytes_ struct bytes der = {};
	_cleanup_certificate_ X509 *certificate = NULL;

	if (member_bytes(object, "rawBytes", &der) < 0)
		return -EBADMSG;
	certificate = certificate_of_der(der.data, der.size);
	if (!certificate)
		return -EBADMSG;
	if (X509_self_signed(certificate, 1) == 1)
		return X509_STORE_add_cert(authority->roots, certificate) == 1 ? 0 : -ENOMEM;
	return X509_add_cert(authority->intermediates, certificate, X509_ADD_FLAG_UP_REF) == 1
	               ? 0
	               : -ENOMEM;
}

static int authority_read(const json_t *object, struct trusted_authority *authority,
                          const struct place *place)
{
	const json_t *chain =
		json_member_array(json_member_object(object, "certChain"), "certificates");
	const json_t *certificate;
	size_t i;

	authority->roots = X509_STORE_new();
	authority->intermediates = sk_X509_new_null();
	if (!authority->roots || !authority->intermediates)
		return place_refuse(place, "cannot be read for want of memory");
	json_array_foreach(chain, i, certificate)
	{
		if (certificate_add(certificate, authority) < 0)
			return place_refuse(place, "has a certificate that cannot be read");
	}
	if (sk_X509_OBJECT_num(X509_STORE_get0_objects(authority->roots)) <= 0)
		return place_refuse(place, "has no self-signed certificate in its certChain");
	return span_read(object, &authority->span, place);
}

static int authorities_read(const json_t *root, const char *name,
                            struct trusted_authority *authorities, uint32_t *count,
                            struct error *error)
{
	struct place place = { .list = name, .error = error };
	const json_t *list = json_member_array(root, name);
	const json_t *object;

	json_array_foreach(list, place.number, object)
	{
		if (place.number >= TRUSTED_ROOT_AUTHORITIES_MAX)
			return place_refuse(&place, "is one too many (16 are read)");

		int result = authority_read(object, &authorities[(*count)++], &place);

		if (result < 0)
			return result;
	}
	return 0;
}

static int lists_read(const json_t *json, struct trusted_root *root, struct error *error)
{
	int result = logs_read(json, "tlogs", root->logs, &root->log_count, error);

	if (result == 0)
		result = logs_read(json, "ctlogs", root->certificate_logs, &root->certificate_count,
		                   error);
	if (result == 0)
		result = authorities_read(json, "certificateAuthorities", root->authorities,
		                          &root->authority_count, error);
	if (result == 0)
		result = authorities_read(json, "timestampAuthorities", root->timestamp_authorities,
		                          &root->timestamp_count, error);
	return result;
}

int trusted_root_read(const void *bytes, size_t size, struct trusted_root *root,
                      struct error *error)
{
	_cleanup_json_ json_t *json = NULL;
	int result = json_read(bytes, size, TRUST_FILE_SIZE_MAX, "the trusted root",
	                       ERROR_INVALID_ARGUMENT, &json, error);

	if (result < 0)
		return result;
	*root = (struct trusted_root){};
	result = lists_read(json, root, error);
	if (result == 0 && (!root->log_count || !root->certificate_count || !root->authority_count))
		result = error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                   "the trusted root names no %s: install a trusted_root.json as "
		                   "`cosign trusted-root create` makes it",
		                   !root->authority_count
		                           ? "certificate authority (certificateAuthorities)"
		                   : !root->log_count ? "transparency log (tlogs)"
		                                      : "log of certificates (ctlogs)");
	if (result < 0)
		trusted_root_clear(root);
	return result;
}

static void logs_clear(struct trusted_log *logs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		EVP_PKEY_free(logs[i].key);
}

static void authorities_clear(struct trusted_authority *authorities, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		X509_STORE_free(authorities[i].roots);
		sk_X509_pop_free(authorities[i].intermediates, X509_free);
	}
}

void trusted_root_clear(struct trusted_root *root)
{
	logs_clear(root->logs, root->log_count);
	logs_clear(root->certificate_logs, root->certificate_count);
	authorities_clear(root->authorities, root->authority_count);
	authorities_clear(root->timestamp_authorities, root->timestamp_count);
	*root = (struct trusted_root){};
}
