/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Members of JSON objects beyond image/json.h, as the JSON form of protocol buffers has them. */
#ifndef BPFD_WORKERS_VERIFIER_MEMBER_H
#define BPFD_WORKERS_VERIFIER_MEMBER_H

#include "workers/verifier/base64.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The text, which is the document's; NULL: none there, or of another type. `object` may be NULL. */
const char *member_text(const json_t *object, const char *key);

/* Whether it is this very text. */
bool member_is(const json_t *object, const char *key, const char *text);

/* Base64 in a text, to bytes. 0, -EBADMSG, -ENOMEM. */
int member_bytes(const json_t *object, const char *key, struct bytes *bytes);

/* A number that is not negative, as a number or in a text, as protocol buffers write 64 bits. 0 or
 * -EBADMSG. */
int member_number(const json_t *object, const char *key, int64_t *number);

#endif
