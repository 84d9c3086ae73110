/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/verifier/member.h"

#include <errno.h>
#include <string.h>

const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

bool member_is(const json_t *object, const char *key, const char *text)
{
	const char *value = member_text(object, key);

	return value && strcmp(value, text) == 0;
}

int member_bytes(const json_t *object, const char *key, struct bytes *bytes)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return -EBADMSG;
	return base64_decode(json_string_value(value), json_string_length(value), bytes);
}

static int number_parse(const char *text, int64_t *number)
{
	int64_t value = 0;

	if (!*text)
		return -EBADMSG;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return -EBADMSG;
	}
	*number = value;
	return 0;
}

int member_number(const json_t *object, const char *key, int64_t *number)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value))
		return number_parse(json_string_value(value), number);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return -EBADMSG;
	*number = json_integer_value(value);
	return 0;
}
