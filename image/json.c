/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/json.h"

#include "image/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct measure {
	const char *bytes;
	size_t size;
	size_t at;
	size_t tokens;
	size_t nesting;
	size_t deepest;
	size_t longest; /* text */
};

/* From the character behind a text's opening quote to its end. */
static void text_measure(struct measure *measure)
{
	size_t start = measure->at;

	while (measure->at < measure->size && measure->bytes[measure->at] != '"')
		measure->at += measure->bytes[measure->at] == '\\' ? 2 : 1;
	if (measure->at > measure->size)
		measure->at = measure->size;
	if (measure->at - start > measure->longest)
		measure->longest = measure->at - start;
}

static void document_measure(struct measure *measure)
{
	for (; measure->at < measure->size; measure->at++) {
		switch (measure->bytes[measure->at]) {
		case '"':
			measure->at++;
			text_measure(measure);
			break;
		case '{':
		case '[':
			measure->tokens++;
			if (++measure->nesting > measure->deepest)
				measure->deepest = measure->nesting;
			break;
		case '}':
		case ']':
			if (measure->nesting)
				measure->nesting--;
			break;
		case ',':
		case ':':
			measure->tokens++;
			break;
		default:
			break;
		}
	}
}

static int document_check(const void *bytes, size_t size, size_t size_max, const char *what,
                          enum error_code code, struct error *error)
{
	struct measure measure = { .bytes = bytes, .size = size };

	if (size > size_max)
		return error_set(
			error, -EMSGSIZE, code,
			"%s has %zu bytes, at most %zu are read: it is not what bpfd can use", what,
			size, size_max);
	document_measure(&measure);
	if (measure.tokens > JSON_TOKENS_MAX)
		return error_set(error, -EMSGSIZE, code,
		                 "%s has more than %d values: it is not what bpfd can use", what,
		                 JSON_TOKENS_MAX);
	if (measure.deepest > JSON_NESTING_MAX)
		return error_set(
			error, -EMSGSIZE, code,
			"%s is nested %zu deep, at most %d levels are read: it is not what "
			"bpfd can use",
			what, measure.deepest, JSON_NESTING_MAX);
	if (measure.longest > JSON_TEXT_MAX)
		return error_set(
			error, -EMSGSIZE, code,
			"%s holds a text of %zu bytes, at most %u are read: it is not what "
			"bpfd can use",
			what, measure.longest, JSON_TEXT_MAX);
	return 0;
}

static bool memory_is_short; /* jansson wanted some, and calls that an invalid token */

static void *memory_get(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		memory_is_short = true;
	return memory;
}

/* jansson repeats what it did not like: only what can be printed goes into a sentence */
static void text_make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
	}
}

int json_read(const void *bytes, size_t size, size_t size_max, const char *what,
              enum error_code code, json_t **object, struct error *error)
{
	_cleanup_json_ json_t *value = NULL;
	json_error_t why = {};
	int result = document_check(bytes, size, size_max, what, code, error);

	if (result < 0)
		return result;
	memory_is_short = false;
	json_set_alloc_funcs(memory_get, free);
	value = json_loadb(size ? bytes : "", size, JSON_REJECT_DUPLICATES, &why);
	if (!value && memory_is_short)
		return error_set(error, -ENOMEM, ERROR_LIMIT,
		                 "no memory to read %s: %zu bytes, and what is in them takes more",
		                 what, size);
	text_make_printable(why.text);
	if (!value)
		return error_set(error, -EBADMSG, code,
		                 "%s is no JSON that bpfd takes: %s (line %d, byte %d)", what,
		                 why.text, why.line, why.position);
	if (!json_is_object(value))
		return error_set(error, -EBADMSG, code, "%s is no JSON object", what);
	*object = json_incref(value);
	return 0;
}

static bool member_is_there(const json_t *object, const char *key, const json_t **member)
{
	*member = json_object_get(object, key);
	return *member && !json_is_null(*member);
}

int json_member_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *member;

	if (!member_is_there(object, key, &member))
		return -ENOENT;
	if (!json_is_string(member) || json_string_length(member) >= size)
		return -EBADMSG;
	memcpy(out, json_string_value(member), json_string_length(member) + 1);
	return 0;
}

int json_member_size(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *member;

	if (!member_is_there(object, key, &member))
		return -ENOENT;
	if (!json_is_integer(member) || json_integer_value(member) < 0)
		return -EBADMSG;
	*out = (uint64_t)json_integer_value(member);
	return 0;
}

int json_member_digest(const json_t *object, const char *key, uint8_t *digest)
{
	const json_t *member;

	if (!member_is_there(object, key, &member))
		return -ENOENT;
	if (!json_is_string(member) || digest_parse(json_string_value(member), digest) < 0)
		return -EBADMSG;
	return 0;
}

json_t *json_member_object(const json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	return json_is_object(member) ? member : NULL;
}

json_t *json_member_array(const json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	return json_is_array(member) ? member : NULL;
}
