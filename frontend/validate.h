/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the values of a request may be: one row per kind of text, and the rules that are no row.
 * Pure functions; every refusal names the field, shows the value and says the rule.
 */
#ifndef BPFD_FRONTEND_VALIDATE_H
#define BPFD_FRONTEND_VALIDATE_H

#include "bpfd.pb-c.h"
#include "common/error.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, least bytes, most bytes, bytes that are allowed, as people read it) */
#define TEXT_RULES(X)                                                                        \
	X(FUNCTION, 1, FUNCTION_NAME_SIZE - 1, byte_is_symbol, "letters, digits and _ . $")  \
	X(GLOBAL, 1, GLOBAL_NAME_SIZE - 1, byte_is_symbol, "letters, digits and _ . $")      \
	X(METADATA_KEY, 1, METADATA_KEY_SIZE - 1, byte_is_text, "no control characters")     \
	X(METADATA_VALUE, 0, METADATA_VALUE_SIZE - 1, byte_is_text, "no control characters") \
	X(APPLICATION, 0, APPLICATION_SIZE - 1, byte_is_text, "no control characters")       \
	X(SOURCE_NAME, 0, 127, byte_is_text, "no control characters")                        \
	X(REFERENCE, 1, IMAGE_REFERENCE_SIZE - 1, byte_is_reference,                         \
	  "letters, digits and _ . : / @ - [ ]")                                             \
	X(MAP, 1, MAP_NAME_SIZE - 1, byte_is_symbol, "letters, digits and _ . $")            \
	X(LOAD_TARGET, 0, FUNCTION_NAME_SIZE - 1, byte_is_symbol, "letters, digits and _ . $")

enum text_rule {
#define X(name, ...) TEXT_##name,
	TEXT_RULES(X)
#undef X
		TEXT_RULE_COUNT
};

/*
 * Copies `value` (UTF-8) to `out`, zero-filled to `size` bytes, which is the rule's most + 1.
 * `field` names it in errors. 0, or -EINVAL with `error`; -EINVAL too if `size` is not the rule's
 * (a defect).
 */
int text_take(enum text_rule rule, const char *field, const char *value, char *out, size_t size,
              struct error *error);

/* `mutation`: 16 bytes, not all zero; otherwise none or 16 bytes. */
int request_id_check(bool mutation, const uint8_t *bytes, size_t size, struct error *error);

/* Ids start at 1. */
int id_check(const char *field, uint64_t id, struct error *error);

/* `least` to `most` elements. `noun` is the plural that the error shows. */
int count_check(const char *noun, size_t count, size_t least, size_t most, struct error *error);

int object_size_check(size_t size_bytes, struct error *error);

#endif
