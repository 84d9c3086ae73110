/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/plain.h"

#include <stdint.h>
#include <string.h>

struct reader {
	const char *at;
	unsigned int depth;
};

static json_t *value_read(struct reader *reader);

static void blanks_skip(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

static _Bool sign_take(struct reader *reader, const char *signs)
{
	blanks_skip(reader);
	if (!*reader->at || !strchr(signs, *reader->at))
		return 0;
	reader->at++;
	return 1;
}

/* "text", with JSON's escapes. */
static json_t *quoted_read(struct reader *reader)
{
	const char *end = reader->at + 1;
	json_t *text;

	for (; *end && *end != '"'; end++) {
		if (*end == '\\' && end[1])
			end++;
	}
	if (!*end)
		return NULL;
	text = json_loadb(reader->at, (size_t)(end + 1 - reader->at), JSON_DECODE_ANY, NULL);
	if (text)
		reader->at = end + 1;
	return text;
}

static json_t *word_read(struct reader *reader)
{
	size_t length = strncmp(reader->at, "hex:", 4) == 0 ? 4 : 0;

	length += strcspn(reader->at + length, " \t\r\n,=:[]{}\"");
	json_t *word = length ? json_stringn(reader->at, length) : NULL;

	if (word)
		reader->at += length;
	return word;
}

static json_t *scalar_read(struct reader *reader)
{
	blanks_skip(reader);
	return *reader->at == '"' ? quoted_read(reader) : word_read(reader);
}

static json_t *list_read(struct reader *reader)
{
	json_t *list = json_array();

	if (sign_take(reader, "]"))
		return list;
	do {
		if (json_array_append_new(list, value_read(reader)) < 0)
			goto fail;
	} while (sign_take(reader, ","));
	if (sign_take(reader, "]"))
		return list;
fail:
	json_decref(list);
	return NULL;
}

static _Bool member_read(struct reader *reader, json_t *object)
{
	json_t *name = scalar_read(reader);
	_Bool taken = name && !json_object_get(object, json_string_value(name)) &&
	              sign_take(reader, "=:") &&
	              json_object_set_new(object, json_string_value(name), value_read(reader)) == 0;

	json_decref(name);
	return taken;
}

static json_t *object_read(struct reader *reader)
{
	json_t *object = json_object();

	if (sign_take(reader, "}"))
		return object;
	do {
		if (!member_read(reader, object))
			goto fail;
	} while (sign_take(reader, ","));
	if (sign_take(reader, "}"))
		return object;
fail:
	json_decref(object);
	return NULL;
}

static json_t *value_read(struct reader *reader)
{
	json_t *value = NULL;

	if (++reader->depth <= PLAIN_DEPTH_MAX) {
		if (sign_take(reader, "{"))
			value = object_read(reader);
		else if (sign_take(reader, "["))
			value = list_read(reader);
		else
			value = scalar_read(reader);
	}
	reader->depth--;
	return value;
}

json_t *plain_parse(const char *text, char *complaint, size_t complaint_size)
{
	struct reader reader = { .at = text };
	json_t *value = value_read(&reader);

	blanks_skip(&reader);
	if (value && !*reader.at)
		return value;
	json_decref(value);
	(void)snprintf(complaint, complaint_size,
	               "cannot be understood from \"%.40s\" on: write 100, NAME, \"text\", [1,2], "
	               "{a=1,b=2}, JSON, or hex: and bytes",
	               reader.at);
	return NULL;
}

static _Bool word_bare(const char *text)
{
	return *text && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                                  "0123456789_.+-")] == '\0';
}

/* A text that could be taken for something else goes in quotes. */
static void scalar_print(FILE *out, const json_t *value)
{
	if (json_is_string(value) && (word_bare(json_string_value(value)) ||
	                              strncmp(json_string_value(value), "hex:", 4) == 0)) {
		(void)fputs(json_string_value(value), out);
		return;
	}
	(void)json_dumpf(value, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

void plain_print(FILE *out, const json_t *value)
{
	const char *name, *separator = "";
	json_t *item;
	size_t i;

	if (json_is_array(value)) {
		(void)fputc('[', out);
		json_array_foreach(value, i, item)
		{
			(void)fputs(separator, out);
			plain_print(out, item);
			separator = ",";
		}
		(void)fputc(']', out);
		return;
	}
	if (!json_is_object(value)) {
		scalar_print(out, value);
		return;
	}
	(void)fputc('{', out);
	/* jansson's iteration takes no constant object, and changes none */
	json_object_foreach((json_t *)(uintptr_t)value, name, item)
	{
		(void)fprintf(out, "%s%s=", separator, name);
		plain_print(out, item);
		separator = ",";
	}
	(void)fputc('}', out);
}
