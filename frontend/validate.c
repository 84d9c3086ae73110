/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/validate.h"

#include "common/log.h"

#include <errno.h>
#include <string.h>

#define SHOWN_SIZE 200 /* of a value, in an error */

#define refuse(error, ...) error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT, __VA_ARGS__)

static bool byte_is_word(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_';
}

static bool byte_is_symbol(unsigned char byte)
{
	return byte_is_word(byte) || byte == '.' || byte == '$';
}

static bool byte_is_reference(unsigned char byte)
{
	return byte_is_word(byte) || (byte && strchr(".:/@-[]", byte));
}

static bool byte_is_text(unsigned char byte)
{
	return byte >= 0x20 && byte != 0x7f;
}

struct text_row {
	size_t least;
	size_t most;
	bool (*allows)(unsigned char byte);
	const char *allowed;
};

static const struct text_row text_rows[TEXT_RULE_COUNT] = {
#define X(name, least_, most_, allows_, allowed_)                                              \
	[TEXT_##name] = {                                                                      \
		.least = (least_), .most = (most_), .allows = (allows_), .allowed = (allowed_) \
	},
	TEXT_RULES(X)
#undef X
};

static bool bytes_allowed(const struct text_row *row, const char *value)
{
	for (; *value; value++) {
		if (!row->allows((unsigned char)*value))
			return false;
	}
	return true;
}

int text_take(enum text_rule rule, const char *field, const char *value, char *out, size_t size,
              struct error *error)
{
	const struct text_row *row = &text_rows[rule];
	size_t length = strlen(value);
	char shown[SHOWN_SIZE];

	if (size != row->most + 1)
		return -EINVAL;
	if (length < row->least)
		return refuse(error, "%s is empty: it must have %zu to %zu bytes", field,
		              row->least, row->most);
	log_escape(value, shown, sizeof(shown));
	if (length > row->most)
		return refuse(error, "%s \"%s\" is %zu bytes long: at most %zu are allowed", field,
		              shown, length, row->most);
	if (!bytes_allowed(row, value))
		return refuse(error,
		              "%s \"%s\" has characters that are not allowed: it may have %s",
		              field, shown, row->allowed);
	memset(out, 0, size);
	memcpy(out, value, length + 1);
	return 0;
}

int request_id_check(bool mutation, const uint8_t *bytes, size_t size, struct error *error)
{
	static const uint8_t none[REQUEST_ID_SIZE];

	if (size == 0 && !mutation)
		return 0;
	if (size != REQUEST_ID_SIZE)
		return refuse(error, "request_id has %zu bytes: it must have %d%s", size,
		              REQUEST_ID_SIZE,
		              mutation ? ", chosen at random for each change" : " or none");
	if (mutation && memcmp(bytes, none, sizeof(none)) == 0)
		return refuse(error,
		              "request_id is all zero: it must be %d random bytes, which tell a "
		              "repeated request from a new one",
		              REQUEST_ID_SIZE);
	return 0;
}

int id_check(const char *field, uint64_t id, struct error *error)
{
	if (id == 0)
		return refuse(error, "%s is 0 or not given: ids start at 1", field);
	return 0;
}

int count_check(const char *noun, size_t count, size_t least, size_t most, struct error *error)
{
	if (count < least)
		return refuse(error, "no %s are given: at least %zu must be", noun, least);
	if (count > most)
		return refuse(error, "%zu %s are given: at most %zu are allowed", count, noun,
		              most);
	return 0;
}

int object_size_check(size_t size_bytes, struct error *error)
{
	if (size_bytes == 0)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object is empty: load.object must hold the bytes of an ELF "
		                 "object file");
	if (size_bytes > OBJECT_SIZE_MAX)
		return error_set(error, -EINVAL, ERROR_BAD_OBJECT,
		                 "the object is %zu bytes long: at most %u are allowed", size_bytes,
		                 OBJECT_SIZE_MAX);
	return 0;
}
