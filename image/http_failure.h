/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BPFD_IMAGE_HTTP_FAILURE_H
#define BPFD_IMAGE_HTTP_FAILURE_H

#include "common/error.h"

#include <curl/curl.h>

/*
 * What libcurl's code means to a user: the negative errno of http_exchange(), and the sentence.
 * `detail` is libcurl's own text, which may quote the server; `ca_file` whom the user may trust.
 */
int http_failure_set(CURLcode code, const char *host, const char *detail, const char *ca_file,
                     struct error *error);

/* Copies a stranger's text for a sentence: what is not printable ASCII becomes "?". Returns `out`.
 */
const char *http_text_tame(const char *text, char *out, size_t size);

#endif
