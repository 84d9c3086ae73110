/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http.h"

#include "common/cleanup.h"
#include "image/http_failure.h"
#include "image/http_fields.h"
#include "image/http_trust.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

/* An exchange that runs. */
struct exchange {
	const struct http_request *request;
	struct http_answer *answer;
	const char *host;
	struct error *error;
	struct http_fields fields;
	int result;    /* why it was ended from here, or 0 */
	bool is_cut;   /* a refusal's body was long enough */
	bool is_stale; /* next to nothing came */
	uint64_t window_ms;
	uint64_t window_bytes;
	uint64_t told_ms;
};

struct http {
	CURL *handle;
	X509_STORE *store;
	struct http_settings settings;
	uint64_t deadline_ms;
	struct exchange exchange;
	char detail[CURL_ERROR_SIZE];
};

static inline void curl_slist_free_all_cleanup(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static uint64_t now_ms(void)
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
		answer->text[have + i] = bytes[i] ? bytes[i] : '?';
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
	uint64_t now = now_ms(), bytes = (uint64_t)down + (uint64_t)up;

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
static void options_fix(struct http *http)
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
		                                : http_failure_set(CURLE_GOT_NOTHING, origin->host,
		                                                   "", settings->ca_file, error);
	if (code == CURLE_OPERATION_TIMEDOUT && now_ms() >= http->deadline_ms)
		return error_set(error, -ETIMEDOUT, ERROR_TIMEOUT,
		                 "%s has not sent everything within the %u ms that a whole job may "
		                 "take",
		                 origin->host, settings->total_timeout_ms);
	if (code == CURLE_OPERATION_TIMEDOUT || exchange->is_stale)
		return error_set(error, -ETIMEDOUT, ERROR_TIMEOUT,
		                 "%s sent nothing, or next to nothing, for %u ms", origin->host,
		                 exchange->request->probing ? HTTP_PROBE_TIMEOUT_MS
		                                            : settings->stall_timeout_ms);
	return http_failure_set(code, origin->host, http->detail, settings->ca_file, error);
}

static long least(uint64_t one, uint64_t other)
{
	return (long)(one < other ? one : other);
}

static int transfer(struct http *http, const struct http_request *request, const char *url,
                    const struct http_origin *origin, struct http_answer *answer,
                    struct error *error)
{
	_cleanup_(curl_slist_free_all) struct curl_slist *fields = NULL;
	uint64_t now = now_ms(), stall = http->settings.stall_timeout_ms;
	CURL *handle = http->handle;

	if (now >= http->deadline_ms)
		return error_set(error, -ETIMEDOUT, ERROR_TIMEOUT,
		                 "the job took longer than the %u ms that it may",
		                 http->settings.total_timeout_ms);
	if (fields_make(request, &fields) < 0)
		return error_set(error, -ENOMEM, ERROR_LIMIT, "no memory for a request");
	memset(answer, 0, sizeof(*answer));
	http->exchange = (struct exchange){ .request = request,
		                            .answer = answer,
		                            .host = origin->host,
		                            .error = error,
		                            .window_ms = now,
		                            .told_ms = now };
	http->detail[0] = '\0';
	options_fix(http);
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

static int origin_of(const struct http *http, const char *url, struct http_origin *origin,
                     struct error *error)
{
	if (http_origin_read(url, origin) < 0)
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "the server names a place that is neither https nor http");
	if (origin->is_https && !http->store)
		return error_set(
			error, -EKEYREJECTED, ERROR_REGISTRY,
			"%s cannot be spoken to by https: the bundle of those who may vouch "
			"for its name, %s, is not there (install ca-certificates)",
			origin->host, http->settings.ca_file);
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
		result = transfer(http, &step, url, &origin, answer, error);
		if (result < 0 || !is_redirect(request, answer))
			break;
		if (count == HTTP_REDIRECTS_MAX)
			return error_set(error, -EACCES, ERROR_REGISTRY,
			                 "%s sends us on more than %d times", origin.host,
			                 HTTP_REDIRECTS_MAX);
		if (http_url_join(url, answer->location, url) < 0)
			return error_set(error, -EACCES, ERROR_REGISTRY,
			                 "%s sends us on to something that is no URL for us",
			                 origin.host);
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
	http->deadline_ms = now_ms() + http->settings.total_timeout_ms;
}

/* What libcurl and libc do once for a process, some of which opens files. */
static void libraries_warm(struct http *http)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *addresses = NULL;

	if (getaddrinfo("localhost", NULL, &hints, &addresses) == 0)
		freeaddrinfo(addresses);
	options_fix(http);
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
