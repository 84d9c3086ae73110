/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One request to one server, as libcurl makes it: what http.c, which follows redirects, is made of.
 */
#ifndef BPFD_IMAGE_HTTP_TRANSFER_H
#define BPFD_IMAGE_HTTP_TRANSFER_H

#include "image/http.h"
#include "image/http_fields.h"

#include <curl/curl.h>
#include <openssl/types.h>

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

uint64_t http_now_ms(void);

/* What all requests have in common; also for a handle that is to be warmed up. */
void http_options_fix(struct http *http);

/* As http_exchange(), to this URL, and a redirect is an answer. */
int http_transfer(struct http *http, const struct http_request *request, const char *url,
                  const struct http_origin *origin, struct http_answer *answer,
                  struct error *error);

#endif
