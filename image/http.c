/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http.h"

#include "image/http_transfer.h"
#include "image/http_trust.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int origin_of(const struct http *http, const char *url, struct http_origin *origin,
                     struct error *error)
{
	if (http_origin_read(url, origin) < 0)
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "the server names a place that is neither https nor http");
	if (origin->is_https && !http->store)
		return error_set(
			error, -EPROTONOSUPPORT, ERROR_REGISTRY,
			"%s cannot be spoken to by https: the bundle of those who may vouch "
			"for its name, %s, is not there (install ca-certificates)",
			origin->name, http->settings.ca_file);
	return 0;
}

static bool is_redirect(const struct http_request *request, const struct http_answer *answer)
{
	long status = answer->status;

	return request->redirects && answer->location[0] &&
	       (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

int http_exchange(struct http *http, const struct http_request *request, struct http_answer *answer,
                  struct error *error)
{
	struct http_request step = *request;
	struct http_origin origin, next;
	char url[HTTP_URL_SIZE];
	bool redirected = false;
	int result = 0;

	if (snprintf(url, sizeof(url), "%s", request->url) >= (int)sizeof(url))
		return error_set(error, -EACCES, ERROR_REGISTRY, "a URL is too long");
	result = origin_of(http, url, &origin, error);
	for (int count = 0; result == 0; count++) {
		result = http_transfer(http, &step, url, &origin, answer, error);
		if (result < 0 || !is_redirect(request, answer))
			break;
		if (count == HTTP_REDIRECTS_MAX)
			return error_set(error, -EACCES, ERROR_REGISTRY,
			                 "%s sends us on more than %d times", origin.name,
			                 HTTP_REDIRECTS_MAX);
		if (http_url_join(url, answer->location, url) < 0)
			return error_set(error, -EACCES, ERROR_REGISTRY,
			                 "%s sends us on to something that is no URL for us",
			                 origin.name);
		result = origin_of(http, url, &next, error);
		if (result == 0)
			result = http_step_check(&http->settings.insecure, &origin, &next, error);
		if (result == 0 && !http_origin_equal(&origin, &next)) {
			step.authorization = NULL;
			redirected = true;
		}
		origin = next;
		step.probing = false;
	}
	if (result == 0) {
		memcpy(answer->url, url, sizeof(answer->url));
		answer->redirected = redirected;
	}
	return result;
}

bool http_insecure_ok(const struct http *http, const char *url)
{
	struct http_origin origin;

	return http_origin_read(url, &origin) == 0 &&
	       http_origin_insecure_ok(&http->settings.insecure, &origin);
}

int http_step_ok(const struct http *http, const char *from, const char *to, struct error *error)
{
	struct http_origin one, other;

	if (http_origin_read(from, &one) < 0 || http_origin_read(to, &other) < 0)
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "the server names a place that is neither https nor http");
	return http_step_check(&http->settings.insecure, &one, &other, error);
}

void http_start(struct http *http)
{
	http->deadline_ms = http_now_ms() + http->settings.total_timeout_ms;
}

/* What libcurl and libc do once for a process, some of which opens files. */
static void libraries_warm(struct http *http)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *addresses = NULL;

	if (getaddrinfo("localhost", NULL, &hints, &addresses) == 0)
		freeaddrinfo(addresses);
	http_options_fix(http);
	(void)curl_easy_setopt(http->handle, CURLOPT_URL, "https://");
	(void)curl_easy_perform(http->handle); /* which goes nowhere */
	http_trust_warm(http->store);
}

int http_open(const struct http_settings *settings, struct http **http, struct error *error)
{
	struct http *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		return error_set(error, -ENOMEM, ERROR_LIMIT, "no memory for a connection");
	made->settings = *settings;
	result = http_trust_read(settings->ca_file, &made->store, error);
	if (result == 0 && (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	                    !(made->handle = curl_easy_init())))
		result = error_set(error, -ENOMEM, ERROR_INTERNAL, "libcurl cannot be used");
	if (result < 0) {
		http_close(made);
		return result;
	}
	libraries_warm(made);
	*http = made;
	return 0;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->handle);
	X509_STORE_free(http->store);
	free(http);
}
