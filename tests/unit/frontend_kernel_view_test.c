/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records of what the kernel has: those that are, and those that cannot be. */
#include "frontend/kernel_view.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static struct kernel_program programs[3];
static struct kernel_table table;

static int programs_reset(void **state)
{
	(void)state;
	memset(programs, 0, sizeof(programs));
	memset(&table, 0, sizeof(table));
	for (uint32_t i = 0; i < 3; i++) {
		programs[i].id = 10 * (i + 1);
		programs[i].map_count = KERNEL_PROGRAM_MAPS_MAX;
		memcpy(programs[i].name, "program", 8);
	}
	return 0;
}

static void records_are_taken_and_found(void **state)
{
	struct kernel_view view = {};

	(void)state;
	assert_int_equal(kernel_table_take(KERNEL_KIND_PROGRAM, programs, sizeof(programs), &table),
	                 0);
	assert_int_equal(table.count, 3);
	view.tables[KERNEL_KIND_PROGRAM] = table;
	assert_ptr_equal(kernel_view_program(&view, 10), &programs[0]);
	assert_ptr_equal(kernel_view_program(&view, 20), &programs[1]);
	assert_ptr_equal(kernel_view_program(&view, 30), &programs[2]);
	for (uint32_t id = 0; id < 40; id++)
		assert_true(id % 10 == 0 || !kernel_view_program(&view, id));
	assert_null(kernel_view_program(&view, 0));
	assert_null(kernel_view_program(&view, UINT32_MAX));
	assert_null(kernel_view_map(&view, 10));
	assert_int_equal(kernel_last_id(KERNEL_KIND_PROGRAM, programs, sizeof(programs)), 30);
	assert_int_equal(kernel_last_id(KERNEL_KIND_PROGRAM, programs, 0), 0);
}

static void nothing_is_a_table(void **state)
{
	struct kernel_view view = {};

	(void)state;
	for (uint32_t kind = 0; kind < KERNEL_KIND_COUNT; kind++)
		assert_int_equal(kernel_table_take(kind, NULL, 0, &view.tables[kind]), 0);
	assert_null(kernel_view_program(&view, 1));
	assert_null(kernel_view_map(&view, 1));
}

static void what_cannot_be_is_refused(void **state)
{
	const struct kernel_table untouched = {};

	(void)state;
	/* part of a record */
	assert_int_equal(
		kernel_table_take(KERNEL_KIND_PROGRAM, programs, sizeof(programs) - 1, &table),
		-EPROTO);
	assert_int_equal(kernel_table_take(KERNEL_KIND_PROGRAM, programs, 1, &table), -EPROTO);
	/* no id, the same id twice, ids that go down */
	for (uint32_t id = 0; id <= 10; id += 5) {
		programs[1].id = id;
		assert_int_equal(
			kernel_table_take(KERNEL_KIND_PROGRAM, programs, sizeof(programs), &table),
			-EPROTO);
	}
	programs[1].id = 20;
	programs[0].id = 0;
	assert_int_equal(kernel_table_take(KERNEL_KIND_PROGRAM, programs, sizeof(programs), &table),
	                 -EPROTO);
	programs[0].id = 10;
	/* more maps than there is room for */
	programs[2].map_count = KERNEL_PROGRAM_MAPS_MAX + 1;
	assert_int_equal(kernel_table_take(KERNEL_KIND_PROGRAM, programs, sizeof(programs), &table),
	                 -EPROTO);
	assert_memory_equal(&table, &untouched, sizeof(table));
}

static void names_are_cleaned(void **state)
{
	(void)state;
	memset(programs[0].name, 'x', sizeof(programs[0].name)); /* without an end */
	memcpy(programs[1].name, "a\x1b[2J\xff\n", 8);
	memcpy(programs[2].name, "a b~", 5);
	assert_int_equal(kernel_table_take(KERNEL_KIND_PROGRAM, programs, sizeof(programs), &table),
	                 0);
	assert_string_equal(programs[0].name, "xxxxxxxxxxxxxxx");
	assert_string_equal(programs[1].name, "a?[2J??");
	assert_string_equal(programs[2].name, "a b~");
}

static void other_kinds(void **state)
{
	struct kernel_map maps[2] = { { .id = 1, .name = "one" }, { .id = UINT32_MAX } };
	struct kernel_link links[2] = { { .id = 5 }, { .id = 6, .program_id = 3 } };
	struct kernel_view view = {};

	(void)state;
	assert_int_equal(kernel_table_take(KERNEL_KIND_MAP, maps, sizeof(maps),
	                                   &view.tables[KERNEL_KIND_MAP]),
	                 0);
	assert_int_equal(kernel_table_take(KERNEL_KIND_LINK, links, sizeof(links),
	                                   &view.tables[KERNEL_KIND_LINK]),
	                 0);
	assert_ptr_equal(kernel_view_map(&view, UINT32_MAX), &maps[1]);
	assert_int_equal(view.tables[KERNEL_KIND_LINK].count, 2);
	links[1].id = 5;
	assert_int_equal(kernel_table_take(KERNEL_KIND_LINK, links, sizeof(links), &table),
	                 -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(records_are_taken_and_found, programs_reset),
		cmocka_unit_test_setup(nothing_is_a_table, programs_reset),
		cmocka_unit_test_setup(what_cannot_be_is_refused, programs_reset),
		cmocka_unit_test_setup(names_are_cleaned, programs_reset),
		cmocka_unit_test(other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
