/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json_value.h"
#include "bpfctl/words.h"

#include <stdlib.h>

json_t *id_json(uint64_t id)
{
	return id ? json_integer((json_int_t)id) : json_null();
}

json_t *number_json(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *count_json(uint64_t count)
{
	return count ? number_json(count) : json_null();
}

json_t *text_json(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

json_t *hex_json(const char *prefix, const uint8_t *bytes, size_t size)
{
	char *text = hex_text(prefix, bytes, size);
	json_t *json = text ? json_string(text) : NULL;

	free(text);
	return json;
}

json_t *time_json(uint64_t seconds)
{
	char text[TIME_TEXT_SIZE];

	return time_text(seconds, text) ? json_string(text) : json_null();
}
