/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/registry_ask.h"

#include "common/cleanup.h"
#include "image/json.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define TOKEN_ANSWER_MAX 65536
#define BASIC_PLAIN_SIZE (IMAGE_USERNAME_SIZE + IMAGE_PASSWORD_SIZE)

/* "Basic " and base64 of name and password. */
static void basic_make(const struct registry *registry, char *out)
{
	char plain[BASIC_PLAIN_SIZE];
	int length =
		snprintf(plain, sizeof(plain), "%s:%s", registry->username, registry->password);

	int prefix = sprintf(out, "Basic ");

	(void)EVP_EncodeBlock((unsigned char *)out + prefix, (const unsigned char *)plain, length);
	OPENSSL_cleanse(plain, sizeof(plain));
}

/* A token goes into a header field: visible ASCII alone. */
static bool token_ok(const char *token)
{
	for (const char *at = token; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f)
			return false;
	}
	return token[0] != '\0';
}

static int token_read(const struct registry *registry, const struct registry_buffer *body,
                      char token[REGISTRY_TOKEN_SIZE], struct error *error)
{
	_cleanup_json_ json_t *object = NULL;
	int result = json_read(body->bytes, body->size, TOKEN_ANSWER_MAX,
	                       "the token server's answer", ERROR_REGISTRY, &object, error);

	if (result < 0)
		return result;
	result = json_member_text(object, "token", token, REGISTRY_TOKEN_SIZE);
	if (result == -ENOENT)
		result = json_member_text(object, "access_token", token, REGISTRY_TOKEN_SIZE);
	if (result < 0 || !token_ok(token))
		return error_set(error, -EBADMSG, ERROR_REGISTRY,
		                 "the token server of %s answers without a usable token",
		                 registry->host);
	return 0;
}

/* May this token server be asked, and be told the password? */
static int realm_check(const struct registry *registry, const struct challenges *challenges,
                       struct error *error)
{
	struct http_origin from, to;

	if (http_origin_read(registry->base, &from) < 0 ||
	    http_origin_read(challenges->realm, &to) < 0)
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "%s names a token server that is no URL for us", registry->host);
	int result = http_step_ok(registry->http, registry->base, challenges->realm, error);

	if (result < 0)
		return result;
	if (registry->username[0] && !http_origin_related(&from, &to))
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "%s wants the user name and the password sent to %s, which is "
		                 "another's host: they were not sent",
		                 registry->host, to.host);
	return 0;
}

static int token_url(const struct registry *registry, const struct challenges *challenges,
                     char url[HTTP_URL_SIZE], struct error *error)
{
	CURLU *parsed = curl_url();
	char query[REFERENCE_REPOSITORY_SIZE + 64], service[CHALLENGE_SERVICE_SIZE + 16];
	char *text = NULL;
	const unsigned int flags = CURLU_APPENDQUERY | CURLU_URLENCODE;

	(void)snprintf(service, sizeof(service), "service=%s", challenges->service);
	(void)snprintf(query, sizeof(query), "scope=repository:%s:%s",
	               registry->reference->repository, registry->push ? "pull,push" : "pull");
	bool made = parsed && curl_url_set(parsed, CURLUPART_URL, challenges->realm, 0) == 0 &&
	            (!challenges->service[0] ||
	             curl_url_set(parsed, CURLUPART_QUERY, service, flags) == 0) &&
	            curl_url_set(parsed, CURLUPART_QUERY, query, flags) == 0 &&
	            curl_url_get(parsed, CURLUPART_URL, &text, 0) == 0 &&
	            strlen(text) < HTTP_URL_SIZE;

	if (made)
		memcpy(url, text, strlen(text) + 1);
	curl_free(text);
	curl_url_cleanup(parsed);
	return made ? 0
	            : error_set(error, -EACCES, ERROR_REGISTRY,
	                        "%s names a token server whose URL is too long", registry->host);
}

static int token_refusal(const struct registry *registry, const struct http_answer *answer,
                         const char *what, struct error *error)
{
	if (answer->status != 401 && answer->status != 403)
		return error_set(error, -EIO, ERROR_REGISTRY,
		                 "%s's token server answers the request for %s with status %ld",
		                 registry->host, what, answer->status);
	return error_set(
		error, -EACCES, ERROR_REGISTRY,
		registry->username[0]
			? "%s's token server refuses the user name or the password, for %s: "
			  "look at them"
			: "%s's token server gives no token without a user name and a "
			  "password, for %s: name a user",
		registry->host, what);
}

static int token_fetch(struct registry *registry, const struct challenges *challenges,
                       const char *what, struct error *error)
{
	char url[HTTP_URL_SIZE], token[REGISTRY_TOKEN_SIZE];
	struct registry_buffer body = {};
	struct http_answer answer;
	struct http_request request = { .url = url,
		                        .accept = "application/json",
		                        .answer_max = TOKEN_ANSWER_MAX,
		                        .take = registry_buffer_take,
		                        .context = &body };
	int result = realm_check(registry, challenges, error);

	if (result == 0)
		result = token_url(registry, challenges, url, error);
	if (result < 0)
		return result;
	if (registry->username[0]) {
		basic_make(registry, registry->authorization);
		request.authorization = registry->authorization;
	}
	result = registry_buffer_open(&body, TOKEN_ANSWER_MAX, error);
	if (result == 0)
		result = http_exchange(registry->http, &request, &answer, error);
	registry->authorization[0] = '\0';
	if (result == 0 && answer.status != 200)
		result = token_refusal(registry, &answer, what, error);
	if (result == 0)
		result = token_read(registry, &body, token, error);
	if (result == 0)
		(void)snprintf(registry->authorization, sizeof(registry->authorization),
		               "Bearer %s", token);
	free(body.bytes);
	return result;
}

int registry_authorize(struct registry *registry, const struct http_answer *answer,
                       const char *what, struct error *error)
{
	const struct challenges *challenges = &answer->challenges;

	registry->authorization[0] = '\0';
	if (challenges->bearer && challenges->realm[0] && !answer->redirected)
		return token_fetch(registry, challenges, what, error);
	if (challenges->basic && registry->username[0] && !answer->redirected) {
		basic_make(registry, registry->authorization);
		return 0;
	}
	if (challenges->basic && !answer->redirected)
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "%s wants a user name and a password for %s: name a user",
		                 registry->host, what);
	return error_set(error, -EACCES, ERROR_REGISTRY,
	                 "%s refuses %s and names no way of identification that bpfd knows (Basic "
	                 "or Bearer)",
	                 registry->host, what);
}
