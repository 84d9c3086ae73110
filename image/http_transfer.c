/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http_transfer.h"

#include "common/cleanup.h"
#include "image/http_failure.h"

#include <inttypes.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

static inline void curl_slist_free_all_cleanup(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

uint64_t http_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_success(const struct http_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

/* libcurl's callbacks: what they answer other than they should ends the transfer. */

static size_t field_take(char *line, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	int result = http_field_take(&exchange->fields, line, size * count, exchange->answer);

	if (result == 0)
		return size * count;
	exchange->result =
		error_set(exchange->error, result, ERROR_REGISTRY,
	                  result == -EMSGSIZE ? "%s answers with too many header fields"
	                                      : "%s answers with header fields that are there "
	                                        "twice, too long or not written as HTTP says",
	                  exchange->host);
	return 0;
}

static size_t refusal_take(struct exchange *exchange, const char *bytes, size_t size)
{
	struct http_answer *answer = exchange->answer;
	size_t have = strnlen(answer->text, sizeof(answer->text) - 1);
	size_t more = sizeof(answer->text) - 1 - have;

	for (size_t i = 0; i < size && i < more; i++)
		answer->text[have + i] = (char)(bytes[i] ? bytes[i] : '?');
	answer->size += size;
	exchange->is_cut = answer->size > HTTP_REFUSAL_MAX;
	return exchange->is_cut ? 0 : size;
}

static size_t body_take(char *bytes, size_t unit, size_t count, void *context)
{
	struct exchange *exchange = context;
	const struct http_request *request = exchange->request;
	size_t size = unit * count;

	if (!is_success(exchange->answer))
		return refusal_take(exchange, bytes, size);
	exchange->answer->size += size;
	if (exchange->answer->size > request->answer_max)
		exchange->result =
			error_set(exchange->error, -EMSGSIZE, ERROR_REGISTRY,
		                  "%s sends more than the %" PRIu64 " bytes that there may be",
		                  exchange->host, request->answer_max);
	else if (request->take)
		exchange->result = request->take(request->context, bytes, size, exchange->error);
	return exchange->result ? 0 : size;
}

/* Both directions count. Called many times in a second. */
static int progress_take(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                         curl_off_t up)
{
	struct http *http = context;
	struct exchange *exchange = &http->exchange;
	const struct http_settings *settings = &http->settings;
	uint64_t now = http_now_ms(), bytes = (uint64_t)down + (uint64_t)up;

	(void)down_total;
	(void)up_total;
	if (now - exchange->window_ms >= settings->stall_timeout_ms) {
		if (bytes - exchange->window_bytes < HTTP_STALL_BYTES) {
			exchange->is_stale = true;
			return 1;
		}
		exchange->window_ms = now;
		exchange->window_bytes = bytes;
	}
	if (settings->progress && now - exchange->told_ms >= HTTP_PROGRESS_INTERVAL_MS) {
		exchange->told_ms = now;
		exchange->result = settings->progress(settings->context, bytes);
	}
	return exchange->result ? 1 : 0;
}

static CURLcode context_take(CURL *handle, void *tls_context, void *context)
{
	const struct http *http = context;

	(void)handle;
	SSL_CTX_set1_cert_store(tls_context, http->store);
	return CURLE_OK;
}

/* Setting options fails for want of memory alone, and then the exchange does. */
void http_options_fix(struct http *http)
{
	CURL *handle = http->handle;

	curl_easy_reset(handle); /* its connections stay */
	(void)curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	/* a name server that is silent does not hold up the end */
	(void)curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
	(void)curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	(void)curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(handle, CURLOPT_PROXY, ""); /* none from the environment */
	(void)curl_easy_setopt(handle, CURLOPT_USERAGENT, "bpfd/" BPFD_VERSION);
	(void)curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* the CA bundle was read when nobody waited for it: context_take() */
	(void)curl_easy_setopt(handle, CURLOPT_CAINFO, NULL);
	(void)curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
	(void)curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, context_take);
	(void)curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, http);
	(void)curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, http->detail);
	(void)curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, field_take);
	(void)curl_easy_setopt(handle, CURLOPT_HEADERDATA, &http->exchange);
	(void)curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, body_take);
	(void)curl_easy_setopt(handle, CURLOPT_WRITEDATA, &http->exchange);
	(void)curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress_take);
	(void)curl_easy_setopt(handle, CURLOPT_XFERINFODATA, http);
}

static void options_method(CURL *handle, const struct http_request *request)
{
	if (request->method == HTTP_HEAD)
		(void)curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
	if (request->method == HTTP_GET || request->method == HTTP_HEAD)
		return;
	(void)curl_easy_setopt(handle, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
	(void)curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	if (request->method == HTTP_PUT)
		(void)curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "PUT");
}

static int list_add(struct curl_slist **list, const char *name, const char *value)
{
	_cleanup_free_ char *line = NULL;
	struct curl_slist *longer;

	if (!value)
		return 0;
	if (asprintf(&line, "%s:%s%s", name, *value ? " " : "", value) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	longer = curl_slist_append(*list, line);
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

/* An empty value means that libcurl does not send the field by itself. */
static int fields_make(const struct http_request *request, struct curl_slist **list)
{
	int result = list_add(list, "Accept", request->accept);

	if (result == 0)
		result = list_add(list, "Authorization", request->authorization);
	if (result == 0 && request->body_size)
		result = list_add(list, "Content-Type", request->content_type);
	if (result == 0)
		result = list_add(list, "Expect", "");
	return result;
}

/* Why the transfer ended as it did. */
static int transfer_result(struct http *http, const struct http_origin *origin, CURLcode code,
                           struct error *error)
{
	const struct exchange *exchange = &http->exchange;
	const struct http_settings *settings = &http->settings;

	if (exchange->result)
		return exchange->result;
	if (code == CURLE_OK || exchange->is_cut)
		return exchange->answer->status ? 0
		                                : http_failure_set(CURLE_GOT_NOTHING, origin->name,
		                                                   "", settings->ca_file, error);
	if (code == CURLE_OPERATION_TIMEDOUT && http_now_ms() >= http->deadline_ms)
		return error_set(error, -ETIMEDOUT, ERROR_TIMEOUT,
		                 "%s has not sent everything within the %u ms that a whole job may "
		                 "take: try again",
		                 origin->name, settings->total_timeout_ms);
	if (code == CURLE_OPERATION_TIMEDOUT || exchange->is_stale)
		return error_set(error, -ETIMEDOUT, ERROR_TIMEOUT,
		                 "%s sent nothing, or next to nothing, for %u ms: try again",
		                 origin->name,
		                 exchange->request->probing ? HTTP_PROBE_TIMEOUT_MS
		                                            : settings->stall_timeout_ms);
	return http_failure_set(code, origin->name, http->detail, settings->ca_file, error);
}

static long least(uint64_t one, uint64_t other)
{
	return (long)(one < other ? one : other);
}

int http_transfer(struct http *http, const struct http_request *request, const char *url,
                  const struct http_origin *origin, struct http_answer *answer, struct error *error)
{
	_cleanup_(curl_slist_free_all) struct curl_slist *fields = NULL;
	uint64_t now = http_now_ms(), stall = http->settings.stall_timeout_ms;
	CURL *handle = http->handle;

	if (now >= http->deadline_ms)
		return error_set(error, -ETIMEDOUT, ERROR_TIMEOUT,
		                 "the job took longer than the %u ms that it may: try again",
		                 http->settings.total_timeout_ms);
	if (fields_make(request, &fields) < 0)
		return error_set(error, -ENOMEM, ERROR_LIMIT, "no memory for a request");
	memset(answer, 0, sizeof(*answer));
	http->exchange = (struct exchange){ .request = request,
		                            .answer = answer,
		                            .host = origin->name,
		                            .error = error,
		                            .window_ms = now,
		                            .told_ms = now };
	http->detail[0] = '\0';
	http_options_fix(http);
	options_method(handle, request);
	(void)curl_easy_setopt(handle, CURLOPT_URL, url);
	(void)curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields);
	(void)curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(http->deadline_ms - now));
	(void)curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
	                       least(stall, request->probing ? HTTP_PROBE_TIMEOUT_MS : stall));
	if (request->method != HTTP_HEAD)
		(void)curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE,
		                       (curl_off_t)(request->answer_max > HTTP_REFUSAL_MAX
		                                            ? request->answer_max
		                                            : HTTP_REFUSAL_MAX));
	return transfer_result(http, origin, curl_easy_perform(handle), error);
}
