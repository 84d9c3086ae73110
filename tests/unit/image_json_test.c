/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A stranger's JSON: what is measured before it is read, and what is refused. */
#include "image/json.h"

#include <cmocka.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int read_bytes(const void *bytes, size_t size, struct error *error)
{
	json_t *object = NULL;
	int result;

	*error = (struct error){};
	result = json_read(bytes, size, JSON_DOCUMENT_MAX, "the thing", ERROR_REGISTRY, &object,
	                   error);
	assert_true((result == 0) == (object != NULL));
	if (result < 0)
		assert_int_equal(strncmp(error->message, "the thing ", 10), 0);
	json_decref(object);
	return result;
}

static int read_text(const char *text, struct error *error)
{
	return read_bytes(text, strlen(text), error);
}

static const struct {
	const char *text;
	int result;
} rows[] = {
	{ "{}", 0 },
	{ " {\n} ", 0 },
	{ "{\"a\": [1, -2, 3.5, true, false, null, \"\\u00e4\\n\", {}]}", 0 },
	{ "{\"a\": 9223372036854775807}", 0 },
	{ "{\"brackets in a text\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"}", 0 },
	{ "", -EBADMSG },
	{ " ", -EBADMSG },
	{ "[]", -EBADMSG },
	{ "\"a\"", -EBADMSG },
	{ "1", -EBADMSG },
	{ "null", -EBADMSG },
	{ "{", -EBADMSG },
	{ "}", -EBADMSG },
	{ "{}}", -EBADMSG },
	{ "{} {}", -EBADMSG },
	{ "{}x", -EBADMSG },
	{ "{\"a\"}", -EBADMSG },
	{ "{\"a\":1,}", -EBADMSG },
	{ "{a:1}", -EBADMSG },
	{ "{'a':1}", -EBADMSG },
	{ "{\"a\":1 /* c */}", -EBADMSG },
	{ "{\"a", -EBADMSG },
	{ "{\"a\\", -EBADMSG },
	{ "{\"a\\\"", -EBADMSG },
	{ "{\"a\":\"\\x\"}", -EBADMSG },
	{ "{\"a\":\"\n\"}", -EBADMSG },
	{ "{\"a\":1,\"a\":1}", -EBADMSG },
	{ "{\"a\":{\"b\":1,\"b\":2}}", -EBADMSG },
	{ "{\"a\":1,\"\\u0061\":2}", -EBADMSG },
	{ "{\"a\":9223372036854775808}", -EBADMSG },
	{ "{\"a\":-9223372036854775809}", -EBADMSG },
	{ "{\"a\":99999999999999999999999999999999999999999999}", -EBADMSG },
	{ "{\"a\":1e999}", -EBADMSG },
	{ "{\"a\":-1e999}", -EBADMSG },
	{ "{\"a\":0x10}", -EBADMSG },
	{ "{\"a\":NaN}", -EBADMSG },
	{ "{\"a\":Infinity}", -EBADMSG },
	{ "{\"a\":01}", -EBADMSG },
	{ "{\"a\":\"\\u0000\"}", -EBADMSG },
	{ "{\"a\\u0000b\":1}", -EBADMSG },
	{ "{\"a\":\"\\ud800\"}", -EBADMSG },
	{ "{\"a\":\"\xff\"}", -EBADMSG },
	{ "{\"a\":\"\xc0\x80\"}", -EBADMSG },
	{ "{\"a\":\"\xed\xa0\x80\"}", -EBADMSG },
	{ "\xef\xbb\xbf{}", -EBADMSG },
};

static void only_whole_objects_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error;
		int result = read_text(rows[i].text, &error);

		if (result != rows[i].result)
			fail_msg("%s: %d, %s", rows[i].text, result, error.message);
		assert_int_equal(error.code, result < 0 ? ERROR_REGISTRY : ERROR_NONE);
	}
}

static void zeroes_are_no_end(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(read_bytes("{}\0", 3, &error), -EBADMSG);
	assert_int_equal(read_bytes("{}\0{}", 5, &error), -EBADMSG);
	assert_int_equal(read_bytes("{\"a\0\":1}", 8, &error), -EBADMSG);
	assert_int_equal(read_bytes("\0", 1, &error), -EBADMSG);
}

static void what_is_quoted_is_printable(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(read_text("{\"a\":\x1b[31m\x07}", &error), -EBADMSG);
	for (const char *at = error.message; *at; at++)
		assert_true(*at >= ' ' && *at <= '~');
}

static char *repeated(const char *start, const char *part, size_t count, const char *end)
{
	char *text = malloc(strlen(start) + count * strlen(part) + strlen(end) + 1), *at;

	at = stpcpy(text, start);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, part);
	(void)stpcpy(at, end);
	return text;
}

static int read_repeated(const char *start, const char *part, size_t count, const char *end,
                         struct error *error)
{
	char *text = repeated(start, part, count, end);
	int result = read_text(text, error);

	free(text);
	return result;
}

static void depth_has_a_bound(void **state)
{
	struct error error;
	char end[JSON_NESTING_MAX + 1] = "";

	(void)state;
	memset(end, ']', JSON_NESTING_MAX - 1);
	end[JSON_NESTING_MAX - 1] = '}';
	assert_int_equal(read_repeated("{\"a\":", "[", JSON_NESTING_MAX - 1, end, &error), 0);
	assert_int_equal(read_repeated("{\"a\":", "[", JSON_NESTING_MAX, end, &error), -EMSGSIZE);
	assert_non_null(strstr(error.message, "nested 33 deep, at most 32"));
	assert_int_equal(read_repeated("", "[", 1000000, "", &error), -EMSGSIZE);
	assert_int_equal(read_repeated("", "{\"a\":", 100000, "", &error), -EMSGSIZE);
	/* closing what was never opened does not make room */
	assert_int_equal(read_repeated("", "]", 100, "[[[[[", &error), -EBADMSG);
}

static void tokens_have_a_bound(void **state)
{
	struct error error;

	(void)state;
	/* one "{", one ":", one "[" and the commas */
	assert_int_equal(read_repeated("{\"a\":[", "1,", JSON_TOKENS_MAX - 3, "1]}", &error), 0);
	assert_int_equal(read_repeated("{\"a\":[", "1,", JSON_TOKENS_MAX - 2, "1]}", &error),
	                 -EMSGSIZE);
	assert_non_null(strstr(error.message, "more than 40000 values"));
	assert_int_equal(read_repeated("{\"a\":[", "{},", JSON_TOKENS_MAX, "1]}", &error),
	                 -EMSGSIZE);
	/* those in texts are none */
	assert_int_equal(read_repeated("{\"a\":\"", ",:[{", 50000, "\"}", &error), 0);
}

static void texts_have_a_bound(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(read_repeated("{\"a\":\"", "x", JSON_TEXT_MAX, "\"}", &error), 0);
	assert_int_equal(read_repeated("{\"a\":\"", "x", JSON_TEXT_MAX + 1, "\"}", &error),
	                 -EMSGSIZE);
	assert_non_null(strstr(error.message, "a text of 262145 bytes"));
	assert_int_equal(read_repeated("{\"", "x", JSON_TEXT_MAX + 1, "\":1}", &error), -EMSGSIZE);
	assert_int_equal(read_repeated("{\"", "x", JSON_TEXT_MAX + 1, "", &error), -EMSGSIZE);
	/* as it is written: an escape is as long as it looks */
	assert_int_equal(
		read_repeated("{\"a\":\"", "\\u0041", JSON_TEXT_MAX / 6 + 1, "\"}", &error),
		-EMSGSIZE);
}

static void documents_have_a_bound(void **state)
{
	struct error error;
	json_t *object = NULL;

	(void)state;
	assert_int_equal(read_repeated("{", " ", JSON_DOCUMENT_MAX - 2, "}", &error), 0);
	assert_int_equal(read_repeated("{", " ", JSON_DOCUMENT_MAX - 1, "}", &error), -EMSGSIZE);
	assert_non_null(strstr(error.message, "4194305 bytes, at most 4194304"));
	assert_int_equal(json_read("{   }", 5, 4, "it", ERROR_UNTRUSTED, &object, &error),
	                 -EMSGSIZE);
	assert_int_equal(error.code, ERROR_UNTRUSTED);
	assert_null(object);
}

static size_t peak;
static size_t used;

static void *counted_malloc(size_t size)
{
	size_t *memory = malloc(size + 16);

	*memory = size;
	used += size;
	if (used > peak)
		peak = used;
	return (char *)memory + 16;
}

static void counted_free(void *pointer)
{
	if (!pointer)
		return;
	used -= *(size_t *)((char *)pointer - 16);
	free((char *)pointer - 16);
}

/* The most expensive of what passes the measure: jansson alone, counted. */
static void what_passes_costs_little(void **state)
{
	static const struct {
		const char *start;
		const char *part;
		size_t count;
		const char *end;
	} costs[] = {
		{ "{\"a\":[", "[],", JSON_TOKENS_MAX / 2 - 2, "1]}" },
		{ "{\"a\":[", "{},", JSON_TOKENS_MAX / 2 - 2, "1]}" },
		{ "{\"a\":[", "\"\",", JSON_TOKENS_MAX - 3, "1]}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		char *text = repeated(costs[i].start, costs[i].part, costs[i].count, costs[i].end);
		struct error error;
		json_t *value;

		assert_int_equal(read_text(text, &error), 0);
		json_set_alloc_funcs(counted_malloc, counted_free);
		peak = used = 0;
		value = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(value);
		json_decref(value);
		assert_int_equal(used, 0);
		assert_true(peak < (12u << 20));
		json_set_alloc_funcs(malloc, free);
		free(text);
	}
}

static void members_are_what_they_should_be(void **state)
{
	static const char text[] =
		"{\"t\":\"abcd\",\"e\":\"\",\"n\":null,\"z\":0,\"i\":7,\"m\":-1,\"r\":1.0,\"o\":{},"
		"\"l\":[],"
		"\"big\":9223372036854775807,\"d\":"
		"\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}";
	json_t *object = NULL;
	struct error error = {};
	uint8_t digest[32] = { 9 };
	uint64_t size = 5;
	char out[5] = "zzzz";

	(void)state;
	assert_int_equal(json_read(text, strlen(text), 1000, "it", ERROR_REGISTRY, &object, &error),
	                 0);
	assert_int_equal(json_member_text(object, "x", out, sizeof(out)), -ENOENT);
	assert_int_equal(json_member_text(object, "n", out, sizeof(out)), -ENOENT);
	assert_int_equal(json_member_text(object, "i", out, sizeof(out)), -EBADMSG);
	assert_int_equal(json_member_text(object, "o", out, sizeof(out)), -EBADMSG);
	assert_int_equal(json_member_text(object, "t", out, 4), -EBADMSG);
	assert_int_equal(json_member_text(NULL, "t", out, sizeof(out)), -ENOENT);
	assert_string_equal(out, "zzzz");
	assert_int_equal(json_member_text(object, "t", out, sizeof(out)), 0);
	assert_string_equal(out, "abcd");
	assert_int_equal(json_member_text(object, "e", out, sizeof(out)), 0);
	assert_string_equal(out, "");

	assert_int_equal(json_member_size(object, "x", &size), -ENOENT);
	assert_int_equal(json_member_size(object, "m", &size), -EBADMSG);
	assert_int_equal(json_member_size(object, "r", &size), -EBADMSG);
	assert_int_equal(json_member_size(object, "t", &size), -EBADMSG);
	assert_int_equal(size, 5);
	assert_int_equal(json_member_size(object, "z", &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(json_member_size(object, "big", &size), 0);
	assert_true(size == INT64_MAX);

	assert_int_equal(json_member_digest(object, "x", digest), -ENOENT);
	assert_int_equal(json_member_digest(object, "t", digest), -EBADMSG);
	assert_int_equal(json_member_digest(object, "i", digest), -EBADMSG);
	assert_int_equal(digest[0], 9);
	assert_int_equal(json_member_digest(object, "d", digest), 0);
	assert_int_equal(digest[0], 0xba);

	assert_non_null(json_member_object(object, "o"));
	assert_null(json_member_object(object, "l"));
	assert_null(json_member_object(NULL, "l"));
	assert_non_null(json_member_array(object, "l"));
	assert_null(json_member_array(object, "o"));
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_objects_are_read),
		cmocka_unit_test(zeroes_are_no_end),
		cmocka_unit_test(what_is_quoted_is_printable),
		cmocka_unit_test(depth_has_a_bound),
		cmocka_unit_test(tokens_have_a_bound),
		cmocka_unit_test(texts_have_a_bound),
		cmocka_unit_test(documents_have_a_bound),
		cmocka_unit_test(what_passes_costs_little),
		cmocka_unit_test(members_are_what_they_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
