/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a request may go. https goes anywhere; http only to this machine itself and to hosts that
 * the administrator listed; what began as https stays https. Pure.
 */
#ifndef BPFD_IMAGE_HTTP_URL_H
#define BPFD_IMAGE_HTTP_URL_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_URL_SIZE 4096
#define HTTP_HOST_SIZE 256
#define HTTP_LISTED_SIZE 128

/* Hosts that may be spoken to by http: host, which means any port, or host:port. */
struct http_listed {
	const char (*hosts)[HTTP_LISTED_SIZE];
	size_t count;
};

struct http_origin {
	bool is_https;
	char host[HTTP_HOST_SIZE];     /* an IPv6 address in [] */
	char port[8];                  /* always there */
	char name[HTTP_HOST_SIZE + 8]; /* for sentences: host, or host:port where the URL had one */
};

/* 0 for an http or https URL without a user in it; -EINVAL. */
int http_origin_read(const char *url, struct http_origin *origin);

bool http_origin_equal(const struct http_origin *one, const struct http_origin *other);

/* Whether http may be spoken to it, when the user named it himself. */
bool http_origin_insecure_ok(const struct http_listed *listed, const struct http_origin *origin);

/*
 * Whether an answer from `from` may send us to `to`. 0, or -EACCES and REGISTRY with what is wrong.
 * A stranger does not get at this machine's own http services that way.
 */
int http_step_check(const struct http_listed *listed, const struct http_origin *from,
                    const struct http_origin *to, struct error *error);

/*
 * Whether credentials for `from` may go to `to`, which `from` named: the same host on any port,
 * both this machine itself, or hosts under one name that somebody registered (auth.docker.io and
 * registry-1.docker.io). Where that name ends is guessed on the strict side: two labels, three
 * where the last two look like co.uk.
 */
bool http_origin_related(const struct http_origin *from, const struct http_origin *to);

/* `location`, as it stands in an answer from `base`, as a whole URL. 0 or -EINVAL. */
int http_url_join(const char *base, const char *location, char out[HTTP_URL_SIZE]);

#endif
