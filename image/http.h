/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One HTTP exchange after the other with a server that may be hostile, over libcurl: bounded in
 * size and time, without proxies, cookies, decompression or any protocol but HTTP/1.1. Redirects
 * are followed here, not by libcurl, by http_url.h's rules.
 */
#ifndef BPFD_IMAGE_HTTP_H
#define BPFD_IMAGE_HTTP_H

#include "common/error.h"
#include "image/challenge.h"
#include "image/http_url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REDIRECTS_MAX 3
#define HTTP_TYPE_SIZE 128
#define HTTP_TEXT_SIZE 1024        /* kept of an answer that is a refusal */
#define HTTP_REFUSAL_MAX 65536     /* bytes read of one */
#define HTTP_FIELDS_MAX 128        /* header lines of an answer */
#define HTTP_FIELDS_SIZE_MAX 65536 /* bytes of them together */
#define HTTP_STALL_BYTES 1024      /* fewer in stall_timeout_ms are next to nothing */
#define HTTP_PROGRESS_INTERVAL_MS 250
/* Until a host that may also be spoken to by http has answered to https. */
#define HTTP_PROBE_TIMEOUT_MS 3000

struct http_settings {
	const char *ca_file; /* PEM bundle of those who may vouch for a server's name; must outlive
	                        struct http, as all here */
	struct http_listed insecure;
	uint32_t total_timeout_ms; /* from http_start() on */
	uint32_t stall_timeout_ms;
	/* Called a few times in a second with the bytes of this exchange; may be NULL. A negative
	 * errno ends the exchange with that result. */
	int (*progress)(void *context, uint64_t done_bytes);
	void *context;
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT };

struct http_request {
	enum http_method method;
	const char *url;
	const char *accept; /* each may be NULL */
	const char *content_type;
	const char *authorization; /* the field's value; dropped where a redirect leaves the origin
	                            */
	const void *body;          /* of POST and PUT */
	size_t body_size;
	bool redirects;      /* GET and HEAD: follow them; otherwise one is the answer */
	bool probing;        /* https that may not be there */
	uint64_t answer_max; /* bytes of the body of a 2xx answer; more is an error */
	/* Takes these as they come. 0, or a negative errno with a sentence, which ends the
	 * exchange. NULL: the body is dropped. */
	int (*take)(void *context, const void *bytes, size_t size, struct error *error);
	void *context;
};

struct http_answer {
	long status;
	bool redirected;         /* it is not from the host that was asked */
	uint64_t size;           /* of the body, as far as it was read */
	char url[HTTP_URL_SIZE]; /* what answered */
	char content_type[HTTP_TYPE_SIZE];
	char location[HTTP_URL_SIZE]; /* as it stands in the answer; empty: it has none */
	struct challenges challenges;
	char text[HTTP_TEXT_SIZE]; /* the beginning of a refusal's body */
};

struct http;

/*
 * Does everything that is expensive or opens files: libraries, the CA bundle, a first TLS context.
 * A CA bundle that is not there is an error only once https is spoken. 0 and *http, or -errno with
 * a sentence.
 */
int http_open(const struct http_settings *settings, struct http **http, struct error *error);
void http_close(struct http *http); /* NULL is fine */

/* The total timeout begins. */
void http_start(struct http *http);

/* Whether the user may name this URL with http. */
bool http_insecure_ok(const struct http *http, const char *url);

/* http_step_check() between two URLs. */
int http_step_ok(const struct http *http, const char *from, const char *to, struct error *error);

/*
 * 0 and *answer once the server has answered, whatever it said. Otherwise -errno with a sentence:
 * -EPROTONOSUPPORT: no TLS there, or no CA bundle here; -ECONNREFUSED: nobody there; -EHOSTUNREACH:
 * no such name; -EKEYREJECTED: its certificate is not good; -ETIMEDOUT (TIMEOUT); -EMSGSIZE: it
 * sent too much; -EIO: anything else that went wrong on the way; -EACCES: a redirect that is not
 * followed; -EBADMSG: fields that are none; what `take` and `progress` said.
 */
int http_exchange(struct http *http, const struct http_request *request, struct http_answer *answer,
                  struct error *error);

#endif
