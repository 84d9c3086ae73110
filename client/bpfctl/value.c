/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/value.h"

#include <string.h>

_Bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	uint64_t value = 0;

	if (!*text)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return 0;
	}
	if (value < least || value > most)
		return 0;
	*number = value;
	return 1;
}

_Bool id_parse(const char *text, uint64_t *id)
{
	return number_parse(text, 1, INT64_MAX, id);
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

_Bool hex_ok(const char *text)
{
	const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	size_t length = strlen(digits);

	if (length == 0 || length % 2 != 0)
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (digit_value(digits[i]) < 0)
			return 0;
	}
	return 1;
}

_Bool hex_parse(const char *text, uint8_t *bytes, size_t *size)
{
	const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	size_t length = strlen(digits);

	if (!hex_ok(text))
		return 0;
	for (size_t i = 0; i < length / 2; i++) {
		unsigned high = (unsigned)digit_value(digits[2 * i]);
		unsigned low = (unsigned)digit_value(digits[2 * i + 1]);

		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*size = length / 2;
	return 1;
}

_Bool pair_split(char *text, const char **key, char **value)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return 0;
	*equals = '\0';
	*key = text;
	*value = equals + 1;
	return 1;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
