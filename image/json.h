/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A stranger's JSON, with a bound on what reading it can cost: size, structure and text are
 * measured in one pass without memory before jansson sees a byte. Duplicate keys, NUL characters,
 * bad UTF-8 and anything behind the value are refused.
 */
#ifndef BPFD_IMAGE_JSON_H
#define BPFD_IMAGE_JSON_H

#include "common/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DOCUMENT_MAX (4u << 20) /* bytes of a manifest, index, config */
#define JSON_TOKENS_MAX 40000        /* of the characters {[,: outside texts */
#define JSON_NESTING_MAX 32
#define JSON_TEXT_MAX (256u << 10) /* bytes of one text, as written */

static inline void json_cleanup(json_t **value)
{
	json_decref(*value);
}
#define _cleanup_json_ __attribute__((cleanup(json_cleanup)))

/*
 * Reads one object. `what` says in errors what it is ("the manifest"); `code` is what an error is
 * given: REGISTRY, UNTRUSTED, ... `size_max` is at most JSON_DOCUMENT_MAX. 0 and *object, which the
 * caller gives back; or -errno: -EMSGSIZE (too large, too deep, too many), -EBADMSG (no JSON, no
 * object), -ENOMEM.
 */
int json_read(const void *bytes, size_t size, size_t size_max, const char *what,
              enum error_code code, json_t **object, struct error *error);

/*
 * Members of an object. 0; -ENOENT where there is none (or null); -EBADMSG where it has another
 * type or, as a text, does not fit. `out` is untouched unless 0. They make no sentence: the caller
 * knows what the member is for.
 */
int json_member_text(const json_t *object, const char *key, char *out, size_t size);
int json_member_size(const json_t *object, const char *key, uint64_t *out); /* not negative */
int json_member_digest(const json_t *object, const char *key, uint8_t *digest);
/* NULL where there is none of this type. */
json_t *json_member_object(const json_t *object, const char *key);
json_t *json_member_array(const json_t *object, const char *key);

#endif
