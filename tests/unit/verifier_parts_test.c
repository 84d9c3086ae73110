/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the verifier stands on: base64, times, and which rules speak about a repository. */
#include "workers/verifier/base64.h"
#include "workers/verifier/rules.h"
#include "workers/verifier/time_span.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void base64(void **state)
{
	static const struct {
		const char *text;
		const char *bytes; /* NULL: no base64 */
	} rows[] = {
		{ "", "" },        { "QQ==", "A" },        { "QUI=", "AB" },
		{ "QUJD", "ABC" }, { "Pz8/", "?\?\?" },    { "fn5+", "~~~" },
		{ "QQ", NULL },    { "QQ=", NULL },        { "QR==", NULL },
		{ "QUJ=", NULL },  { "QUJD\n", NULL },     { " QUJD", NULL },
		{ "=", NULL },     { "====", NULL },       { "QQ==QUJD", NULL },
		{ "Pz8_", NULL },  { "fn5-", NULL },       { "Q=Q=", NULL },
		{ "Q", NULL },     { "\xc3\xa4QU", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_bytes_ struct bytes bytes = {};
		int result = base64_decode(rows[i].text, strlen(rows[i].text), &bytes);
		char *text;

		if (result != (rows[i].bytes ? 0 : -EBADMSG))
			fail_msg("\"%s\": %d", rows[i].text, result);
		if (!rows[i].bytes)
			continue;
		assert_int_equal(bytes.size, strlen(rows[i].bytes));
		assert_memory_equal(bytes.data, rows[i].bytes, bytes.size);
		text = base64_encode(bytes.data, bytes.size);
		assert_string_equal(text, rows[i].text);
		__builtin_free(text);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t time_s; /* -1: no time */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2021-10-07T13:56:59Z", 1633615019 },
		{ "2021-10-07T13:56:59.000Z", 1633615019 },
		{ "2024-02-29T00:00:00Z", 1709164800 },
		{ "2100-02-28T23:59:59Z", 4107542399 },
		{ "2023-02-29T00:00:00Z", -1 },
		{ "2021-13-07T13:56:59Z", -1 },
		{ "2021-10-32T13:56:59Z", -1 },
		{ "2021-10-07T24:56:59Z", -1 },
		{ "2021-10-07T13:60:59Z", -1 },
		{ "2021-10-07T13:56:59", -1 },
		{ "2021-10-07T13:56:59+01:00", -1 },
		{ "2021-10-07 13:56:59Z", -1 },
		{ "2021-10-07T13:56:59.Z", -1 },
		{ "2021-10-07T13:56:59Zx", -1 },
		{ " 2021-10-07T13:56:59Z", -1 },
		{ "21-10-07T13:56:59Z", -1 },
		{ "", -1 },
	};
	const struct time_span span = { 10, 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t time_s = -1;
		int result = time_parse(rows[i].text, &time_s);

		if (result != (rows[i].time_s < 0 ? -EBADMSG : 0) ||
		    (result == 0 && time_s != rows[i].time_s))
			fail_msg("\"%s\": %d, %lld", rows[i].text, result, (long long)time_s);
	}
	assert_true(time_span_holds(&span, 10) && time_span_holds(&span, 20));
	assert_false(time_span_holds(&span, 9) || time_span_holds(&span, 21));
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern;
		const char *repository;
		bool matches;
	} rows[] = {
		{ "*", "a.example/b", true },
		{ "a.example/b", "a.example/b", true },
		{ "a.example/b", "a.example/bc", false },
		{ "a.example/bc", "a.example/b", false },
		{ "a.example/*", "a.example/b/c", true },
		{ "a.example/b*", "a.example/bc", true },
		{ "a.example/*", "a.example", false },
		{ "a.example/*", "evil.example/a.example/b", false },
		{ "*/b", "a.example/b", false },
		{ "A.example/*", "a.example/b", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rule_matches(rows[i].pattern, rows[i].repository) != rows[i].matches)
			fail_msg("%s on %s", rows[i].pattern, rows[i].repository);
	}
}

static struct trust_rule rules[] = {
	{ .pattern = "*", .kind = IMAGE_RULE_KEY },            /* 0 */
	{ .pattern = "a/*", .kind = IMAGE_RULE_KEY },          /* 1 */
	{ .pattern = "a/*", .kind = IMAGE_RULE_KEYLESS },      /* 2 */
	{ .pattern = "a/b", .kind = IMAGE_RULE_NONE },         /* 3 */
	{ .pattern = "a/b*", .kind = IMAGE_RULE_KEY },         /* 4 */
	{ .pattern = "a/none/*", .kind = IMAGE_RULE_NONE },    /* 5 */
	{ .pattern = "a/none/*", .kind = IMAGE_RULE_KEY },     /* 6 */
	{ .pattern = "a/none/only", .kind = IMAGE_RULE_NONE }, /* 7 */
};

static void choices(void **state)
{
	static const struct {
		uint32_t first, count; /* of the rules that there are */
		const char *repository;
		bool demand;
		bool wanted;
		const char *chosen;
	} rows[] = {
		{ 0, 8, "x/y", false, true, "0" },
		{ 1, 7, "x/y", false, false, "" },
		{ 1, 7, "x/y", true, true, "" },
		{ 0, 0, "x/y", false, false, "" },
		{ 0, 8, "a/c", false, true, "12" },
		{ 0, 8, "a/c", true, true, "12" },
		{ 0, 8, "a/bc", false, true, "4" },
		/* the whole name is longer than the same with any rest, and wants none */
		{ 0, 8, "a/b", false, false, "" },
		{ 0, 8, "a/b", true, true, "0124" },
		{ 0, 8, "a/none/x", false, false, "" },
		{ 0, 8, "a/none/x", true, true, "6" },
		{ 0, 8, "a/none/only", true, true, "0126" },
		{ 3, 1, "a/b", true, true, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules_choice choice;
		char chosen[TRUST_RULES_MAX + 1] = "";

		rules_choose(rules + rows[i].first, rows[i].count, rows[i].repository,
		             rows[i].demand, &choice);
		for (uint32_t j = 0; j < choice.count; j++)
			chosen[j] = (char)('0' + rows[i].first + choice.rules[j]);
		if (choice.wanted != rows[i].wanted || strcmp(chosen, rows[i].chosen) != 0)
			fail_msg("row %zu: %d, %s", i, choice.wanted, chosen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64),
		cmocka_unit_test(times),
		cmocka_unit_test(patterns),
		cmocka_unit_test(choices),
	};

	return cmocka_run_group_tests_name("verifier's parts", tests, NULL, NULL);
}
