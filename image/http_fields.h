/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The header lines of one answer, as libcurl hands them on one by one. Pure, and fuzzed. */
#ifndef BPFD_IMAGE_HTTP_FIELDS_H
#define BPFD_IMAGE_HTTP_FIELDS_H

#include "image/http.h"

struct http_fields {
	size_t count;
	size_t size; /* bytes, of all lines */
};

/*
 * Takes one line with its line end into `answer`. A status line begins anew (there are answers
 * before the last one, as 100). 0; -EMSGSIZE: too many or too much; -EBADMSG: a field that matters
 * here is there twice, does not fit or is not written as it must be.
 */
int http_field_take(struct http_fields *fields, const char *line, size_t length,
                    struct http_answer *answer);

#endif
