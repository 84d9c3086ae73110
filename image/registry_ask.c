/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/registry_ask.h"

#include "common/cleanup.h"
#include "image/http_failure.h"
#include "image/json.h"

#include <string.h>

int registry_buffer_open(struct registry_buffer *buffer, size_t size_max, struct error *error)
{
	/* as large as it may become: pages that are not written to cost nothing */
	buffer->bytes = malloc(size_max + 1);
	buffer->size = 0;
	buffer->size_max = size_max;
	return buffer->bytes ? 0
	                     : error_set(error, -ENOMEM, ERROR_LIMIT,
	                                 "no memory for a registry's answer");
}

int registry_buffer_take(void *context, const void *bytes, size_t size, struct error *error)
{
	struct registry_buffer *buffer = context;

	if (size > buffer->size_max - buffer->size)
		return error_set(error, -EMSGSIZE, ERROR_REGISTRY,
		                 "the registry sends more than %zu bytes", buffer->size_max);
	memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
	return 0;
}

/* "CODE: message" of the first error in the body, which the specification gives a form, or empty.
 */
static void reason_read(const struct http_answer *answer, char *out, size_t size)
{
	_cleanup_json_ json_t *body = NULL;
	char code[64] = "", message[160] = "", text[240];

	out[0] = '\0';
	if (json_read(answer->text, strlen(answer->text), sizeof(answer->text), "a refusal",
	              ERROR_REGISTRY, &body, NULL) < 0)
		return;
	const json_t *first = json_array_get(json_member_array(body, "errors"), 0);

	if (!json_is_object(first))
		return;
	(void)json_member_text(first, "code", code, sizeof(code));
	(void)json_member_text(first, "message", message, sizeof(message));
	(void)snprintf(text, sizeof(text), " (%s%s%s)", code, code[0] && message[0] ? ": " : "",
	               message);
	if (code[0] || message[0])
		(void)http_text_tame(text, out, size);
}

int registry_refusal(const struct registry *registry, const struct http_answer *answer,
                     const char *what, struct error *error)
{
	char reason[240];

	reason_read(answer, reason, sizeof(reason));
	switch (answer->status) {
	case 401:
		return error_set(
			error, -EACCES, ERROR_REGISTRY,
			registry->username[0]
				? "%s refuses the user name or the password for %s%s: look at them"
				: "%s does not give %s to anybody%s: name a user",
			registry->host, what, reason);
	case 403:
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "%s does not let this user at %s%s: ask who runs it",
		                 registry->host, what, reason);
	case 404:
		return error_set(error, -ENOENT, ERROR_NOT_FOUND, "%s has no %s%s", registry->host,
		                 what, reason);
	case 429:
		return error_set(error, -EIO, ERROR_REGISTRY,
		                 "%s says that it was asked too often: try %s again later%s",
		                 registry->host, what, reason);
	default:
		return error_set(error, -EIO, ERROR_REGISTRY,
		                 "%s answers the request for %s with status %ld%s", registry->host,
		                 what, answer->status, reason);
	}
}

/* Speaks http instead, if that is allowed and https did not work for want of it. */
static bool scheme_fall_back(struct registry *registry, int result)
{
	/* one port speaks one of the two; without a port there are two */
	bool is_absent = result == -EPROTONOSUPPORT || result == -ETIMEDOUT ||
	                 (result == -ECONNREFUSED && !strchr(registry->host, ':'));
	size_t length = strlen(registry->base);

	if (registry->is_settled || !is_absent || !http_insecure_ok(registry->http, registry->base))
		return false;
	memmove(registry->base + 4, registry->base + 5, length - 4);
	registry->is_settled = true;
	return true;
}

static int url_make(const struct registry *registry, const char *path, char url[HTTP_URL_SIZE],
                    struct error *error)
{
	bool is_whole = strncmp(path, "https:", 6) == 0 || strncmp(path, "http:", 5) == 0;

	if (snprintf(url, HTTP_URL_SIZE, "%s%s", is_whole ? "" : registry->base, path) >=
	    HTTP_URL_SIZE)
		return error_set(error, -EIO, ERROR_REGISTRY, "%s names a URL that is too long",
		                 registry->host);
	return 0;
}

/* Once the scheme is known. */
static int exchange(struct registry *registry, struct http_request *request, const char *path,
                    struct http_answer *answer, struct error *error)
{
	char url[HTTP_URL_SIZE];
	struct http_origin home, there;
	bool is_home;
	int result;

	do {
		result = url_make(registry, path, url, error);
		if (result < 0)
			return result;
		request->url = url;
		request->probing =
			!registry->is_settled && http_insecure_ok(registry->http, registry->base);
		is_home = http_origin_read(registry->base, &home) == 0 &&
		          http_origin_read(url, &there) == 0 && http_origin_equal(&home, &there);
		request->authorization =
			is_home && registry->authorization[0] ? registry->authorization : NULL;
		result = http_exchange(registry->http, request, answer, error);
	} while (result < 0 && scheme_fall_back(registry, result));
	if (result < 0)
		return result;
	registry->is_settled = true;
	answer->redirected |= !is_home; /* an upload that the registry sent elsewhere */
	return 0;
}

int registry_ask(struct registry *registry, const struct http_request *request, const char *path,
                 const char *what, struct http_answer *answer, struct error *error)
{
	struct http_request asked = *request;
	int result = exchange(registry, &asked, path, answer, error);

	if (result < 0 || answer->status != 401)
		return result;
	result = registry_authorize(registry, answer, what, error);
	if (result == 0)
		result = exchange(registry, &asked, path, answer, error);
	if (result == 0 && answer->status == 401)
		result = registry_refusal(registry, answer, what, error);
	return result;
}

int registry_open(struct http *http, const struct reference *reference, const char *username,
                  const char *password, bool push, struct registry *registry, struct error *error)
{
	for (const char *at = username; *at; at++) {
		if (*at == ':' || (unsigned char)*at < ' ' || *at == 0x7f)
			return error_set(
				error, -EINVAL, ERROR_INVALID_ARGUMENT,
				"the user name holds a colon or a control character, which "
				"no registry's can");
	}
	if (strlen(username) >= IMAGE_USERNAME_SIZE || strlen(password) >= IMAGE_PASSWORD_SIZE)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the user name or the password is too long");
	*registry = (struct registry){ .http = http,
		                       .reference = reference,
		                       .username = username,
		                       .password = password,
		                       .push = push };
	(void)snprintf(registry->host, sizeof(registry->host), "%s", reference_host(reference));
	(void)snprintf(registry->base, sizeof(registry->base), "https://%s/v2/%s", registry->host,
	               reference->repository);
	return 0;
}
