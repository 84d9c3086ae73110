/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http_url.h"

#include "common/cleanup.h"
#include "image/reference.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static inline void curl_url_cleanup_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

static inline void curl_free_cleanup(char **text)
{
	curl_free(*text);
}

/* One part of the URL, copied: 0 or -EINVAL. */
static int part_copy(CURLU *url, CURLUPart part, unsigned int flags, char *out, size_t size)
{
	_cleanup_(curl_free) char *text = NULL;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK || strlen(text) >= size)
		return -EINVAL;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

int http_origin_read(const char *url, struct http_origin *origin)
{
	_cleanup_(curl_url_cleanup) CURLU *parsed = curl_url();
	struct http_origin read = {};
	char scheme[16], port[8];

	if (!parsed || curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    part_copy(parsed, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) < 0 ||
	    part_copy(parsed, CURLUPART_HOST, 0, read.host, sizeof(read.host)) < 0 ||
	    part_copy(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, read.port, sizeof(read.port)) < 0)
		return -EINVAL;
	read.is_https = strcmp(scheme, "https") == 0;
	if (!read.is_https && strcmp(scheme, "http") != 0)
		return -EINVAL;
	if (part_copy(parsed, CURLUPART_PORT, 0, port, sizeof(port)) < 0)
		memcpy(read.name, read.host, sizeof(read.host));
	else
		(void)snprintf(read.name, sizeof(read.name), "%s:%s", read.host, port);
	*origin = read;
	return 0;
}

bool http_origin_equal(const struct http_origin *one, const struct http_origin *other)
{
	return one->is_https == other->is_https && strcasecmp(one->host, other->host) == 0 &&
	       strcmp(one->port, other->port) == 0;
}

/* An entry "host" or "host:port"; an IPv6 address is in []. */
static bool entry_matches(const char *entry, const struct http_origin *origin)
{
	size_t length = strlen(origin->host);

	if (strncasecmp(entry, origin->host, length) != 0)
		return false;
	return entry[length] == '\0' ||
	       (entry[length] == ':' && strcmp(entry + length + 1, origin->port) == 0);
}

static bool is_listed(const struct http_listed *listed, const struct http_origin *origin)
{
	for (size_t i = 0; i < listed->count; i++) {
		if (entry_matches(listed->hosts[i], origin))
			return true;
	}
	return false;
}

bool http_origin_insecure_ok(const struct http_listed *listed, const struct http_origin *origin)
{
	return reference_host_is_loopback(origin->host) || is_listed(listed, origin);
}

static bool both_loopback(const struct http_origin *one, const struct http_origin *other)
{
	return reference_host_is_loopback(one->host) && reference_host_is_loopback(other->host);
}

int http_step_check(const struct http_listed *listed, const struct http_origin *from,
                    const struct http_origin *to, struct error *error)
{
	if (to->is_https)
		return 0;
	if (from->is_https)
		return error_set(error, -EACCES, ERROR_REGISTRY,
		                 "%s sends us on to %s by plain http, which is not followed",
		                 from->name, to->name);
	if (strcasecmp(from->host, to->host) == 0 || both_loopback(from, to) ||
	    is_listed(listed, to))
		return 0;
	return error_set(error, -EACCES, ERROR_REGISTRY,
	                 "%s sends us on to %s by plain http, which that host is not listed for",
	                 from->name, to->name);
}

static bool is_address(const char *host)
{
	const char *last = strrchr(host, '.');

	return host[0] == '[' || (last && last[1] >= '0' && last[1] <= '9');
}

/* The end of the name that is one owner's, or NULL where the host has no such name. */
static const char *site_of(const char *host)
{
	const char *dots[3] = {};
	size_t count = 0;

	for (const char *at = host + strlen(host); at > host && count < 3; at--) {
		if (at[-1] == '.')
			dots[count++] = at - 1;
	}
	if (count == 0)
		return NULL;
	/* co.uk, com.au, ac.at: both labels short, the last one a country's */
	bool is_long = strlen(dots[0] + 1) == 2 && dots[0] - (count > 1 ? dots[1] + 1 : host) <= 3;

	if (!is_long)
		return count > 1 ? dots[1] + 1 : host;
	if (count == 1)
		return NULL;
	return count > 2 ? dots[2] + 1 : host;
}

bool http_origin_related(const struct http_origin *from, const struct http_origin *to)
{
	if (strcasecmp(from->host, to->host) == 0 || both_loopback(from, to))
		return true;
	if (is_address(from->host) || is_address(to->host))
		return false;
	const char *one = site_of(from->host), *other = site_of(to->host);

	return one && other && strcasecmp(one, other) == 0;
}

int http_url_join(const char *base, const char *location, char out[HTTP_URL_SIZE])
{
	_cleanup_(curl_url_cleanup) CURLU *url = curl_url();

	if (!url || curl_url_set(url, CURLUPART_URL, base, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, location, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
		return -EINVAL;
	return part_copy(url, CURLUPART_URL, 0, out, HTTP_URL_SIZE);
}
