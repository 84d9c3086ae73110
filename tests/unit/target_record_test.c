/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Targets as records: their rows, their form, the place they mean and how it is told. */
#include "common/target.h"

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void rows_are_well_formed(void **state)
{
	(void)state;
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		const struct target_field_row *row = target_field_row(field);

		assert_non_null(row->name);
		assert_int_equal(target_field_by_name(row->name), field);
		assert_int_equal(row->kind == TARGET_KIND_TEXT, row->text_ok && row->allowed);
		assert_int_equal(row->kind == TARGET_KIND_WORD, row->words != NULL);
		if (row->kind != TARGET_KIND_TEXT)
			assert_true(row->size == 4 || row->size == 8);
		if (row->kind == TARGET_KIND_NUMBER)
			assert_true(row->least < row->most);
		for (uint32_t before = 0; before < field; before++) {
			const struct target_field_row *other = target_field_row(before);

			assert_true(row->offset >= other->offset + other->size ||
			            other->offset >= row->offset + row->size);
		}
	}
	assert_int_equal(target_field_by_name(""), TARGET_FIELD_END);
	assert_int_equal(target_field_by_name("interfaces"), TARGET_FIELD_END);
	assert_int_equal(target_field_by_name("Interface"), TARGET_FIELD_END);
}

/* Records are compared and stored as bytes: every byte of a target belongs to a member. */
static void targets_have_no_holes(void **state)
{
	struct record_target target;
	size_t named = sizeof(target.netns_id) + sizeof(target.ifindex) + sizeof(target.given) +
	               sizeof(target.reserved);

	(void)state;
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++)
		named += target_field_row(field)->size;
	assert_int_equal(named, sizeof(target));
}

static void numbers_keep_their_size(void **state)
{
	struct record_target target = {}, untouched = {};

	(void)state;
	target_number_set(&target, TARGET_PRIORITY, INT32_MIN);
	assert_int_equal(target.priority, INT32_MIN);
	assert_int_equal(target_number(&target, TARGET_PRIORITY), INT32_MIN);
	target.priority = 0;
	target_number_set(&target, TARGET_OFFSET, INT64_MAX);
	assert_true(target.offset == INT64_MAX);
	assert_true(target_number(&target, TARGET_OFFSET) == INT64_MAX);
	target.offset = (uint64_t)INT64_MAX + 1;
	assert_true(target_number(&target, TARGET_OFFSET) == -1);
	target.offset = 0;
	target_number_set(&target, TARGET_PID, UINT32_MAX);
	assert_true(target_number(&target, TARGET_PID) == UINT32_MAX);
	target.pid = 0;
	assert_memory_equal(&target, &untouched, sizeof(target));
}

/* The last that a flag or a word may be. */
static int64_t last_number(const struct target_field_row *row)
{
	int64_t last = 1;

	while (row->kind == TARGET_KIND_WORD && row->words[last + 1])
		last++;
	return last;
}

/* What no sibling gets wrong: any byte of a text's tail, any word, any flag, any reserved member.
 */
static void forms_are_judged(void **state)
{
	struct record_target target = {};

	(void)state;
	assert_true(target_well_formed(&target));
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		const struct target_field_row *row = target_field_row(field);
		char *at = (char *)&target + row->offset;

		if (row->kind == TARGET_KIND_TEXT) {
			at[row->size - 1] = 'x'; /* after the end */
			assert_false(target_well_formed(&target));
			memset(at, 'x', row->size); /* no end */
			assert_false(target_well_formed(&target));
			at[row->size - 1] = '\0';
			assert_true(target_well_formed(&target));
		} else if (row->kind == TARGET_KIND_FLAG || row->kind == TARGET_KIND_WORD) {
			int64_t last = last_number(row);

			target_number_set(&target, field, last);
			assert_true(target_well_formed(&target));
			target_number_set(&target, field, last + 1);
			assert_false(target_well_formed(&target));
			target_number_set(&target, field, UINT32_MAX);
			assert_false(target_well_formed(&target));
		}
		memset(&target, 0, sizeof(target));
		target.given = TARGET_BIT(field);
		assert_true(target_well_formed(&target));
		target.given = 0;
	}
	target.given = 1u << TARGET_FIELD_END;
	assert_false(target_well_formed(&target));
	target.given = 1u << 31;
	assert_false(target_well_formed(&target));
	target.given = 0;
	target.reserved[0] = 1;
	assert_false(target_well_formed(&target));
	target.reserved[0] = 0;
	target.reserved[1] = 1;
	assert_false(target_well_formed(&target));
}

static void descriptions(void **state)
{
	static const struct {
		struct record_target target;
		const char *text;
	} rows[] = {
		{ {}, "" },
		{ { .interface = "eth0" }, "eth0" },
		{ { .interface = "eth0", .netns = "/n", .direction = 1 }, "eth0 ingress" },
		{ { .interface = "eth0", .direction = 2, .priority = 3, .mode = 1 },
		  "eth0 egress" },
		{ { .group = "sched", .name = "sched_switch" }, "sched/sched_switch" },
		{ { .name = "sched_switch" }, "sched_switch" },
		{ { .path = "/bin/bash" }, "/bin/bash" },
		{ { .path = "/bin/bash", .function = "readline", .offset = 16 },
		  "/bin/bash+0x10 (readline)" },
		{ { .path = "/bin/bash", .offset = 0x1234 }, "/bin/bash+0x1234" },
		{ { .function = "vfs_read", .offset = 16 }, "vfs_read+0x10" },
		{ { .function = "vfs_read" }, "vfs_read" },
		{ { .family = 1, .hook = 2 }, "ipv4 input" },
		{ { .family = 2, .hook = 5 }, "ipv6 postrouting" },
		{ { .netns = "/run/netns/blue" }, "/run/netns/blue" },
		{ { .name = "a", .cpu = 3, .pid = 5, .follow = 1 }, "a" },
		/* numbers that are no words do not lead out of the tables */
		{ { .interface = "eth0", .direction = 3 }, "eth0 " },
		{ { .interface = "eth0", .direction = UINT32_MAX }, "eth0 " },
		{ { .family = UINT32_MAX, .hook = UINT32_MAX }, " " },
	};
	char text[TARGET_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		target_describe(&rows[i].target, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* The longest texts fit. */
static void descriptions_are_whole(void **state)
{
	struct record_target target = { .offset = UINT64_MAX };
	char text[TARGET_TEXT_SIZE + 1], wanted[TARGET_TEXT_SIZE + 1];

	(void)state;
	memset(target.path, 'p', sizeof(target.path) - 1);
	memset(target.function, 'f', sizeof(target.function) - 1);
	text[TARGET_TEXT_SIZE] = 'x';
	target_describe(&target, text);
	(void)snprintf(wanted, sizeof(wanted), "%s+0xffffffffffffffff (%s)", target.path,
	               target.function);
	assert_string_equal(text, wanted);
	assert_int_equal(text[TARGET_TEXT_SIZE], 'x');
}

/* Two targets are one place when nothing differs but what is not the place. */
static void places(void **state)
{
	const uint32_t not_the_place = TARGET_BIT(TARGET_PRIORITY) | TARGET_BIT(TARGET_PROCEED_ON) |
	                               TARGET_BIT(TARGET_MODE) | TARGET_BIT(TARGET_FOLLOW) |
	                               TARGET_BIT(TARGET_EXCLUSIVE) |
	                               TARGET_BIT(TARGET_FUNCTION); /* beside a path */
	struct record_target one = {}, other;

	(void)state;
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++)
		memset((char *)&one + target_field_row(field)->offset, '1', 1);
	other = one;
	assert_true(target_same(&one, &other));
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		other = one;
		memset((char *)&other + target_field_row(field)->offset, 0,
		       target_field_row(field)->size);
		assert_int_equal(target_same(&one, &other), (not_the_place >> field) & 1);
		assert_int_equal(target_same(&other, &one), (not_the_place >> field) & 1);
	}
	other = one;
	other.given = 1;
	assert_true(target_same(&one, &other));
	one.cpu = other.cpu = 0; /* the first processor, and every one */
	one.given = TARGET_BIT(TARGET_CPU);
	assert_false(target_same(&one, &other));
	other.given |= TARGET_BIT(TARGET_CPU);
	assert_true(target_same(&one, &other));
	memset(one.path, 0, sizeof(one.path));
	other = one;
	other.function[0]++;
	assert_false(target_same(&one, &other)); /* a kernel function */
	other = one;
	other.netns_id = 5; /* another namespace under the same path */
	assert_false(target_same(&one, &other));
}

/* An interface that is found has one number, whatever it is called and reached by. */
static void interfaces_are_their_numbers(void **state)
{
	struct record_target one = { .interface = "eth0", .ifindex = 3, .direction = 1 };
	struct record_target other = { .interface = "renamed", .ifindex = 3, .direction = 1 };

	(void)state;
	assert_true(target_same(&one, &other));
	memcpy(other.netns, "/run/netns/a", 12);
	assert_true(target_same(&one, &other));
	other.direction = 2;
	assert_false(target_same(&one, &other));
	other.direction = 1;
	other.ifindex = 4;
	assert_false(target_same(&one, &other));
	other.ifindex = 3;
	other.netns_id = 9;
	assert_false(target_same(&one, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_well_formed),
		cmocka_unit_test(targets_have_no_holes),
		cmocka_unit_test(numbers_keep_their_size),
		cmocka_unit_test(forms_are_judged),
		cmocka_unit_test(descriptions),
		cmocka_unit_test(descriptions_are_whole),
		cmocka_unit_test(places),
		cmocka_unit_test(interfaces_are_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
