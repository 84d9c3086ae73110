/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of functions, files and events. */
#include "common/attach_point.h"

#include <cmocka.h>
#include <linux/perf_event.h>
#include <string.h>

static void kernel_functions(void **state)
{
	static const struct {
		const char text[24];
		bool ok;
	} rows[] = {
		{ "do_nanosleep", true },
		{ "_x.isra.0", true },
		{ "ext4:ext4_open", true },
		{ "a$b", true },
		{ "", false },
		{ "do nanosleep", false },
		{ "a/b", false },
		{ "a\n", false },
		{ "a+4", false },
		{ "a\0b", false },
		{ "\xc3\xa9", false },
		{ "abcdefghijklmnopqrstuvwx", false }, /* not terminated */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(kernel_function_ok(rows[i].text, sizeof(rows[i].text)),
		                 rows[i].ok);
}

static void target_paths(void **state)
{
	static const struct {
		const char text[16];
		bool ok;
	} rows[] = {
		{ "/bin/ls", true }, { "/a b", true },    { "/\xc3\xa9", true },
		{ "/a/../b", true }, { "/", false },      { "/a/", false },
		{ "", false },       { "bin/ls", false }, { "/a\nb", false },
		{ "/a\x7f", false }, { "/a\0b", false },  { "/bcdefghijklmnop", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(target_path_ok(rows[i].text, sizeof(rows[i].text)), rows[i].ok);
}

static void sampled_events(void **state)
{
	const struct sampled_event *clock = sampled_event_by_name("cpu-clock");

	(void)state;
	assert_non_null(clock);
	assert_int_equal(clock->type, PERF_TYPE_SOFTWARE);
	assert_int_equal(clock->config, PERF_COUNT_SW_CPU_CLOCK);
	assert_ptr_equal(sampled_event_by_number(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK),
	                 clock);
	assert_string_equal(
		sampled_event_by_number(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES)->name,
		"cpu-cycles");
	assert_null(sampled_event_by_name("cpu-clocks"));
	assert_null(sampled_event_by_name(""));
	/* not to be sampled: dummy, BPF's own output, other kinds of event */
	assert_null(sampled_event_by_number(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY));
	assert_null(sampled_event_by_number(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_BPF_OUTPUT));
	assert_null(sampled_event_by_number(PERF_TYPE_HARDWARE, PERF_COUNT_HW_MAX));
	assert_null(sampled_event_by_number(PERF_TYPE_RAW, 0));
	assert_null(sampled_event_by_number(PERF_TYPE_BREAKPOINT, 0));
	assert_null(sampled_event_by_number(PERF_TYPE_SOFTWARE, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_functions),
		cmocka_unit_test(target_paths),
		cmocka_unit_test(sampled_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
