/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/http_fields.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* "HTTP/1.1 200 OK": 0 where it is none. */
static long status_of(const char *line, size_t length)
{
	const char *space =
		length > 5 && strncasecmp(line, "HTTP/", 5) == 0 ? memchr(line, ' ', length) : NULL;
	long status = 0;

	if (!space || (size_t)(line + length - space) < 4)
		return 0;
	for (int i = 1; i <= 3; i++) {
		if (space[i] < '0' || space[i] > '9')
			return 0;
		status = status * 10 + (space[i] - '0');
	}
	return status;
}

static int text_take(const char *value, size_t length, char *out, size_t size)
{
	if (out[0] || length >= size)
		return -EBADMSG;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)value[i] < ' ' || (unsigned char)value[i] >= 0x7f)
			return -EBADMSG;
	}
	memcpy(out, value, length);
	out[length] = '\0';
	return 0;
}

static int value_take(const char *name, size_t name_length, const char *value, size_t length,
                      struct http_answer *answer)
{
	const struct {
		const char *name;
		char *out;
		size_t size;
	} table[] = {
		{ "Content-Type", answer->content_type, sizeof(answer->content_type) },
		{ "Location", answer->location, sizeof(answer->location) },
	};
	static const char challenge[] = "WWW-Authenticate";

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i].name) == name_length &&
		    strncasecmp(table[i].name, name, name_length) == 0)
			return text_take(value, length, table[i].out, table[i].size);
	}
	if (name_length == sizeof(challenge) - 1 && strncasecmp(challenge, name, name_length) == 0)
		return challenge_read(value, length, &answer->challenges);
	return 0;
}

static void fields_begin(struct http_answer *answer, long status)
{
	answer->status = status;
	answer->content_type[0] = '\0';
	answer->location[0] = '\0';
	answer->challenges = (struct challenges){};
}

int http_field_take(struct http_fields *fields, const char *line, size_t length,
                    struct http_answer *answer)
{
	const char *colon = memchr(line, ':', length);
	long status = status_of(line, length);

	fields->size += length;
	if (++fields->count > HTTP_FIELDS_MAX || fields->size > HTTP_FIELDS_SIZE_MAX)
		return -EMSGSIZE;
	if (status) {
		fields_begin(answer, status);
		return 0;
	}
	if (!colon)
		return 0;
	const char *value = colon + 1, *end = line + length;

	while (value < end && is_blank(*value))
		value++;
	while (end > value && is_blank(end[-1]))
		end--;
	return value_take(line, (size_t)(colon - line), value, (size_t)(end - value), answer);
}
