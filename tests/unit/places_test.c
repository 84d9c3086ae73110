/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several places under one link. */
#include <cmocka.h>

#include "common/places.h"
#include "common/program_type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct record_places functions(uint32_t count)
{
	struct record_places places = { .count = count };

	for (uint32_t i = 0; i < count; i++)
		(void)snprintf(places.entries[i].function, sizeof(places.entries[i].function),
		               "f%u", i);
	return places;
}

static void expect(uint32_t type, const struct record_target *target,
                   const struct record_places *places, const char *says)
{
	struct error error = {};
	int result = places_check(type, target, places, &error);

	assert_int_equal(result, says ? -EINVAL : 0);
	if (says && !strstr(error.message, says))
		fail_msg("\"%s\" is not in \"%s\"", says, error.message);
}

static void well_formed(void **state)
{
	struct record_places places = functions(PLACES_MAX - 1);

	(void)state;
	assert_true(places_well_formed(&places));
	places.count = PLACES_MAX;
	assert_false(places_well_formed(&places));
	places.count = UINT32_MAX;
	assert_false(places_well_formed(&places));
	places = functions(2);
	places.reserved = 1;
	assert_false(places_well_formed(&places));
	places = functions(2);
	places.entries[1].function[10] = 'x'; /* behind the end */
	assert_false(places_well_formed(&places));
	memset(places.entries[1].function, 'x', sizeof(places.entries[1].function));
	assert_false(places_well_formed(&places));
	places.count = 1;
	assert_true(places_well_formed(&places));
}

static void kernel_functions(void **state)
{
	const struct record_target first = { .function = "first" };
	struct record_places places = functions(PLACES_MAX - 1);

	(void)state;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);
		struct record_target any = first;

		if (!row || row->needs != TARGET_BIT(TARGET_FUNCTION))
			continue;
		expect(type, &any, &places, row->many ? NULL : "do not take");
	}
	places.entries[7] = places.entries[3];
	expect(PROGRAM_TYPE_KPROBE_MULTI, &first, &places, "f3 is there twice");
	places = functions(1);
	memcpy(places.entries[0].function, "first", 6);
	expect(PROGRAM_TYPE_KPROBE_MULTI, &first, &places, "first is there twice");
	memcpy(places.entries[0].function, "a b", 4);
	expect(PROGRAM_TYPE_KPROBE_MULTI, &first, &places, "function \"a b\" is not a symbol");
	memset(places.entries[0].function, 0, 4);
	expect(PROGRAM_TYPE_KPROBE_MULTI, &first, &places, "function is missing");
	places.entries[0].offset = 1;
	memcpy(places.entries[0].function, "f", 2);
	expect(PROGRAM_TYPE_KPROBE_MULTI, &first, &places, "offset is given");
	expect(PROGRAM_TYPE_END, &first, &places, "is unknown");
	expect(PROGRAM_TYPE_KPROBE_MULTI, &(struct record_target){}, &places,
	       "function is missing");
}

/* In a file an offset is the place, and the function a description. */
static void offsets(void **state)
{
	const struct record_target first = { .path = "/lib/x.so", .offset = 16 };
	struct record_places places = { .count = 2, .entries = { { "", 32 }, { "f", 48 } } };

	(void)state;
	expect(PROGRAM_TYPE_UPROBE_MULTI, &first, &places, NULL);
	expect(PROGRAM_TYPE_UPROBE, &first, &places, "do not take");
	places.entries[1].offset = 16;
	expect(PROGRAM_TYPE_UPROBE_MULTI, &first, &places, "/lib/x.so+0x10 (f) is there twice");
	places.entries[1].offset = 0;
	expect(PROGRAM_TYPE_UPROBE_MULTI, &first, &places, "offset is missing");
	places.entries[1].offset = UINT64_MAX;
	expect(PROGRAM_TYPE_UPROBE_MULTI, &first, &places, "out of range");
}

static void described(void **state)
{
	static const struct {
		uint32_t count;
		const char *text;
	} rows[] = {
		{ 0, "first" },
		{ 1, "first, f0" },
		{ 2, "first, f0, f1" },
		{ 3, "first, f0, f1 and 1 more" },
		{ 31, "first, f0, f1 and 29 more" },
	};
	struct record_target target = { .function = "first" };
	struct record_places places = { .count = 2, .entries = { { "", 32 }, { "f", 48 } } };
	char text[TARGET_TEXT_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record_places several = functions(rows[i].count);

		places_describe(&target, &several, text);
		assert_string_equal(text, rows[i].text);
	}
	places_describe(&target, NULL, text);
	assert_string_equal(text, "first");
	target = (struct record_target){ .path = "/x", .offset = 16, .function = "e" };
	places_describe(&target, &places, text);
	assert_string_equal(text, "/x+0x10 (e), +0x20, +0x30 (f)");

	/* the longest of all fits, or is cut */
	memset(target.path, 'p', sizeof(target.path) - 1);
	memset(target.function, 'f', sizeof(target.function) - 1);
	places.count = PLACES_MAX - 1;
	for (size_t i = 0; i < PLACES_MAX - 1; i++) {
		memset(places.entries[i].function, 'g', sizeof(places.entries[i].function) - 1);
		places.entries[i].offset = UINT64_MAX;
	}
	memset(text, 'x', sizeof(text));
	places_describe(&target, &places, text);
	assert_true(strlen(text) < TARGET_TEXT_SIZE);
	assert_int_equal(text[TARGET_TEXT_SIZE], 'x');
}

static void same(void **state)
{
	struct record_target one = { .function = "f0" }, other = { .function = "f2" };
	struct record_places more = { .count = 2, .entries = { { "f1", 0 }, { "f2", 0 } } };
	struct record_places others = { .count = 2, .entries = { { "f0", 0 }, { "f1", 0 } } };

	(void)state;
	assert_true(places_same(&one, &more, &one, &more));
	assert_true(places_same(&one, &more, &other, &others)); /* in another order */
	others.count = 1;
	assert_false(places_same(&one, &more, &other, &others));
	assert_false(places_same(&other, &others, &one, &more));
	others.count = 2;
	memcpy(others.entries[1].function, "f3", 3);
	assert_false(places_same(&one, &more, &other, &others));
	assert_false(places_same(&other, &others, &one, &more));
	more.count = others.count = 0;
	assert_false(places_same(&one, &more, &other, &others));
	other = one;
	assert_true(places_same(&one, &more, &other, &others));
	other.pid = 7;
	assert_false(places_same(&one, &more, &other, &others));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed), cmocka_unit_test(kernel_functions),
		cmocka_unit_test(offsets),     cmocka_unit_test(described),
		cmocka_unit_test(same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
