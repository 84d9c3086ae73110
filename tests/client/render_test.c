/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of bpfctl that need no daemon: values, texts made fit for a terminal, tables of a given
 * width. */
#include "bpfctl/json.h"
#include "bpfctl/object.h"
#include "bpfctl/show.h"
#include "bpfctl/text.h"
#include "bpfctl/value.h"
#include "bpfctl/words.h"
#include "client/run_command.h"

#include <cmocka.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		_Bool ok;
		uint64_t value;
	} rows[] = {
		{ "1", 1, 1 },
		{ "100", 1, 100 },
		{ "007", 1, 7 },
		{ "0", 0, 0 },
		{ "101", 0, 0 },
		{ "", 0, 0 },
		{ "-1", 0, 0 },
		{ "+1", 0, 0 },
		{ " 1", 0, 0 },
		{ "1 ", 0, 0 },
		{ "0x10", 0, 0 },
		{ "1e1", 0, 0 },
		{ "18446744073709551616", 0, 0 },
		{ "18446744073709551617", 0, 0 },
	};
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		number = 4711;
		assert_int_equal(number_parse(rows[i].text, 1, 100, &number), rows[i].ok);
		assert_int_equal(number, rows[i].ok ? rows[i].value : 4711);
	}
	assert_true(id_parse("9223372036854775807", &number));
	assert_int_equal(number, INT64_MAX);
	assert_false(id_parse("9223372036854775808", &number));
	assert_false(id_parse("0", &number));
}

static void test_hex(void **state)
{
	static const char *const wrong[] = { "",   "0x",  "1",    "123", "0x1",   "zz",
		                             "0g", "a b", "0X0a", "-1",  "12\xff" };
	char in_place[] = "0x0A00ffFF";
	uint8_t bytes[8] = {};
	size_t size = 0;

	(void)state;
	assert_true(hex_parse("0a000000", bytes, &size));
	assert_int_equal(size, 4);
	assert_memory_equal(bytes, "\x0a\0\0\0", 4);
	assert_true(hex_parse(in_place, (uint8_t *)in_place, &size));
	assert_int_equal(size, 4);
	assert_memory_equal(in_place, "\x0a\0\xff\xff", 4);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size = 4711;
		assert_false(hex_parse(wrong[i], bytes, &size));
		assert_int_equal(size, 4711);
	}
}

static void test_pairs_and_paths(void **state)
{
	char pair[] = "key=a=b", bare[] = "key", nameless[] = "=v";
	const char *key;
	char *value;

	(void)state;
	assert_true(pair_split(pair, &key, &value));
	assert_string_equal(key, "key");
	assert_string_equal(value, "a=b");
	assert_false(pair_split(bare, &key, &value));
	assert_false(pair_split(nameless, &key, &value));
	assert_string_equal(nameless, "=v");
	assert_string_equal(path_base("/a/b.o"), "b.o");
	assert_string_equal(path_base("b.o"), "b.o");
}

static void test_text_clean(void **state)
{
	static const struct {
		const char *text;
		const char *clean;
	} rows[] = {
		{ "plain", "plain" },
		{ "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
		{ "a\x1b[2Jb", "a?[2Jb" },
		{ "a\nb\tc\r", "a?b?c?" },
		{ "a\x7f", "a?" },
		{ "a\xc2\x9b"
		  "31m",
		  "a?31m" },
		{ "\xc2\xa0", "\xc2\xa0" },
		/* NOLINTNEXTLINE(misc-misleading-bidirectional): they are what is tested */
		{ "\xe2\x80\xae"
		  "evil\xe2\x81\xa6",
		  "?evil?" },
		{ "cut\xe2\x82", "cut??" },
		{ "\xff", "?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *clean = text_clean(rows[i].text);

		assert_string_equal(clean, rows[i].clean);
		free(clean);
	}
}

static void test_lines_keep_newline_and_tab(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	lines_print(stream, "one\n\ttwo\0\x1b", 10);
	(void)fclose(stream);
	assert_string_equal(text, "one\n\ttwo??");
	free(text);
}

static void test_words(void **state)
{
	char text[TIME_TEXT_SIZE], word[WORD_SIZE];

	(void)state;
	assert_string_equal(time_text(1795348680, text), "2026-11-22T11:58:00Z");
	assert_string_equal(time_text(253402300799, text), "9999-12-31T23:59:59Z");
	assert_null(time_text(253402300800, text));
	assert_null(time_text(UINT64_MAX, text));
	assert_null(time_text(0, text));
	assert_string_equal(action_text(BPFD_PROGRAM_XDP, 31, word), "dispatcher_return");
	assert_string_equal(action_text(BPFD_PROGRAM_XDP, 17, word), "17");
	assert_string_equal(action_text(BPFD_PROGRAM_TC, -1, word), "unspec");
	assert_string_equal(action_text(BPFD_PROGRAM_XDP, -1, word), "-1");
	assert_string_equal(action_text(BPFD_PROGRAM_LSM, 0, word), "0");
}

static const int32_t many_actions[] = {
	0, 1, 2, 3, 4, 31, INT32_MIN, 5, 6, 7, 8, 9, 10, 11, 12, 13
};

_Static_assert(sizeof(many_actions) / sizeof(many_actions[0]) == 16, "counted in sample_links");

static const struct bpfd_link sample_links[] = {
	{ .id = 123456,
	  .program_id = 12,
	  .program_name = "a_function_with_a_very_long_name_that_does_not_fit",
	  .type = BPFD_PROGRAM_XDP,
	  .state = BPFD_LINK_ATTACHED,
	  .target = { .interface = "veth0123456789a",
	              .netns = "",
	              .priority_set = true,
	              .priority = 1000000,
	              .proceed_on = many_actions,
	              .proceed_on_count = 16,
	              .mode = BPFD_XDP_MODE_GENERIC },
	  .where = "veth0123456789a",
	  .running = true,
	  .position = 9 },
	{ .program_name = "",
	  .type = BPFD_PROGRAM_XDP,
	  .state = BPFD_LINK_REMOVED,
	  .target = { .interface = "eth0", .netns = "", .priority_set = true, .priority = -7 },
	  .where = "eth0" },
};

static void links_golden(size_t width, const char *golden)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_int_equal(links_show(stream, sample_links, 2, width), 0);
	(void)fclose(stream);
	golden_compare(golden, text);
	if (width) {
		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			assert_true((size_t)(strchr(line, '\n') - line) <= width);
	}
	free(text);
}

static void test_table_width(void **state)
{
	(void)state;
	links_golden(0, "links_pipe.txt");
	links_golden(120, "links_120.txt");
	links_golden(80, "links_80.txt");
}

static void test_empty_tables(void **state)
{
	struct bpfd_programs programs = {};
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(programs_show(stream, &programs, 0), 0);
	assert_int_equal(links_show(stream, NULL, 0, 0), 0);
	assert_int_equal(json_print(stream, programs_json(&programs)), 0);
	(void)fclose(stream);
	golden_compare("empty.txt", text);
	free(text);
}

static void test_object_read(void **state)
{
	unsigned char *bytes = NULL;
	char complaint[128];
	size_t size = 0;

	(void)state;
	assert_int_equal(object_read("/bin/true", &bytes, &size, complaint, sizeof(complaint)), 0);
	assert_true(size > 1000);
	assert_memory_equal(bytes, "\177ELF", 4);
	free(bytes);
	bytes = NULL;
	assert_int_equal(object_read("/dev/null", &bytes, &size, complaint, sizeof(complaint)),
	                 -ENODATA);
	assert_int_equal(object_read("/", &bytes, &size, complaint, sizeof(complaint)), -EISDIR);
	assert_int_equal(object_read("", &bytes, &size, complaint, sizeof(complaint)), -ENOENT);
	assert_int_equal(object_read("/proc/self/mem", &bytes, &size, complaint, sizeof(complaint)),
	                 -EIO);
	assert_null(bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_pairs_and_paths),
		cmocka_unit_test(test_text_clean),
		cmocka_unit_test(test_lines_keep_newline_and_tab),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_table_width),
		cmocka_unit_test(test_empty_tables),
		cmocka_unit_test(test_object_read),
	};

	(void)setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
