/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Targets: every field of every type that there is, given, missing, wrong, or meant for another
 * type. Types and fields that come later are judged too: a field without a sample fails.
 */
#include "common/program_type.h"
#include "common/target.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WRONG_MAX 8

struct wrong {
	const char *text;
	int64_t number;
	const char *message; /* exactly */
};

struct sample {
	const char *text; /* a good value */
	int64_t number;
	struct wrong wrong[WRONG_MAX];
};

#define EVENT " is not letters, digits, '_', '-', '.' and ':'"
#define SYMBOL " is not a symbol: letters, digits, '_', '.', '$', '@' and ':'"
#define INTERFACE " is not 1 to 15 characters without spaces, '/' and ':'"
#define NETNS " is not the absolute path of a network namespace's file"

/* clang-format off */
static const struct sample samples[TARGET_FIELD_END] = {
	[TARGET_INTERFACE] = { .text = "eth0.100@x", .wrong = {
		{ .text = "a b", .message = "interface \"a b\"" INTERFACE },
		{ .text = "a/b", .message = "interface \"a/b\"" INTERFACE },
		{ .text = "a:b", .message = "interface \"a:b\"" INTERFACE },
		{ .text = "a\tb", .message = "interface \"a\\x09b\"" INTERFACE },
		{ .text = "a\x7f", .message = "interface \"a\\x7f\"" INTERFACE },
		{ .text = ".", .message = "interface \".\"" INTERFACE },
		{ .text = "..", .message = "interface \"..\"" INTERFACE } } },
	[TARGET_NETNS] = { .text = "/run/netns/blue and green", .wrong = {
		{ .text = "blue", .message = "netns \"blue\"" NETNS },
		{ .text = "./blue", .message = "netns \"./blue\"" NETNS },
		{ .text = "/a\nb", .message = "netns \"/a\\x0ab\"" NETNS },
		{ .text = "/\x7f", .message = "netns \"/\\x7f\"" NETNS } } },
	[TARGET_FOLLOW] = { .number = 1 },
	[TARGET_DIRECTION] = { .number = 2, .wrong = {
		{ .number = 3, .message = "direction 3 is unknown: it is one of ingress, egress" },
		{ .number = UINT32_MAX, .message = "direction 4294967295 is unknown: it is one of ingress, egress" } } },
	[TARGET_PRIORITY] = { .number = 7 }, /* see priorities() */
	[TARGET_PROCEED_ON] = { .number = 4 }, /* see return_values() */
	[TARGET_MODE] = { .number = 2, .wrong = {
		{ .number = 3, .message = "mode 3 is unknown: it is one of native, generic" } } },
	[TARGET_EXCLUSIVE] = { .number = 1 },
	[TARGET_GROUP] = { .text = "sys-calls_1.a:b", .wrong = {
		{ .text = "..", .message = "group \"..\"" EVENT },
		{ .text = ".hidden", .message = "group \".hidden\"" EVENT },
		{ .text = "a..b", .message = "group \"a..b\"" EVENT },
		{ .text = "a/b", .message = "group \"a/b\"" EVENT },
		{ .text = "../../etc", .message = "group \"../../etc\"" EVENT },
		{ .text = "a b", .message = "group \"a b\"" EVENT },
		{ .text = "caf\xc3\xa9", .message = "group \"caf\\xc3\\xa9\"" EVENT } } },
	[TARGET_NAME] = { .text = "sched_switch", .wrong = {
		{ .text = ".", .message = "name \".\"" EVENT },
		{ .text = "a/b", .message = "name \"a/b\"" EVENT },
		{ .text = "a$", .message = "name \"a$\"" EVENT } } },
	[TARGET_PATH] = { .text = "/usr/bin/a b", .wrong = {
		{ .text = "a/b", .message = "path \"a/b\" is not an absolute path without control characters" },
		{ .text = "../a", .message = "path \"../a\" is not an absolute path without control characters" },
		{ .text = ".a", .message = "path \".a\" is not an absolute path without control characters" },
		{ .text = "/a\x1b[2J", .message = "path \"/a\\x1b[2J\" is not an absolute path without control characters" } } },
	[TARGET_FUNCTION] = { .text = "vfs_read.isra$0", .wrong = {
		{ .text = "a b", .message = "function \"a b\"" SYMBOL },
		{ .text = "a/b", .message = "function \"a/b\"" SYMBOL },
		{ .text = "a+1", .message = "function \"a+1\"" SYMBOL },
		{ .text = "a\n", .message = "function \"a\\x0a\"" SYMBOL } } },
	[TARGET_OFFSET] = { .number = INT64_MAX, .wrong = {
		{ .number = INT64_MIN, .message = "offset -1 is out of range: it goes from 0 to 9223372036854775807" },
		{ .number = -1, .message = "offset -1 is out of range: it goes from 0 to 9223372036854775807" } } },
	[TARGET_PID] = { .number = 4194304, .wrong = {
		{ .number = 4194305, .message = "pid 4194305 is out of range: it goes from 1 to 4194304" },
		{ .number = UINT32_MAX, .message = "pid 4294967295 is out of range: it goes from 1 to 4194304" } } },
	[TARGET_CONTAINER_PID] = { .number = 1, .wrong = {
		{ .number = 4194305, .message = "container_pid 4194305 is out of range: it goes from 1 to 4194304" } } },
	[TARGET_CPU] = { .number = 8191, .wrong = {
		{ .number = 8192, .message = "cpu 8192 is out of range: it goes from 0 to 8191" },
		{ .number = UINT32_MAX, .message = "cpu 4294967295 is out of range: it goes from 0 to 8191" } } },
	[TARGET_FREQUENCY] = { .number = 100000, .wrong = {
		{ .number = 100001, .message = "frequency 100001 is out of range: it goes from 1 to 100000" } } },
	[TARGET_FAMILY] = { .number = 2, .wrong = {
		{ .number = 3, .message = "family 3 is unknown: it is one of ipv4, ipv6" } } },
	[TARGET_HOOK] = { .number = 5, .wrong = {
		{ .number = 6, .message = "hook 6 is unknown: it is one of prerouting, input, forward, output, postrouting" } } },
};
/* clang-format on */

static void field_set(struct record_target *target, uint32_t field, const char *text,
                      int64_t number)
{
	const struct target_field_row *row = target_field_row(field);

	if (row->kind != TARGET_KIND_TEXT) {
		target_number_set(target, field, number);
		return;
	}
	assert_true(strlen(text) < row->size);
	memset((char *)target + row->offset, 0, row->size);
	memcpy((char *)target + row->offset, text, strlen(text));
}

static struct record_target target_of(uint32_t fields)
{
	struct record_target target = {};

	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		if (fields & TARGET_BIT(field))
			field_set(&target, field, samples[field].text, samples[field].number);
	}
	return target;
}

/* A good target of the type: what it needs, and these fields. */
static struct record_target type_target(const struct program_type_row *type, uint32_t fields)
{
	struct record_target target = target_of(type->needs | fields);

	if (target.proceed_on && type->actions)
		target.proceed_on = actions_mask(type->actions);
	return target;
}

static void expect(uint32_t type, const struct record_target *target, const char *message)
{
	struct error error = { .message = "untouched" };
	int result = target_check(type, target, &error);

	if (strcmp(error.message, message ? message : "untouched") != 0)
		fail_msg("type %u: \"%s\", not \"%s\"", type, error.message,
		         message ? message : "taken");
	assert_int_equal(result, message ? -EINVAL : 0);
	assert_int_equal(error.code, message ? ERROR_INVALID_ARGUMENT : ERROR_NONE);
}

/* "interface, priority and mode", told in another way than the code does. */
static void list_print(uint32_t fields, char out[256])
{
	const char *names[TARGET_FIELD_END];
	size_t count = 0;

	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		if (fields & TARGET_BIT(field))
			names[count++] = target_field_row(field)->name;
	}
	(void)snprintf(out, 256, "%s", count ? names[0] : "nothing");
	for (size_t i = 1; i < count; i++) {
		(void)strncat(out, i + 1 == count ? " and " : ", ", 255 - strlen(out));
		(void)strncat(out, names[i], 255 - strlen(out));
	}
}

/* Calls with every type that there is. */
static void each_type(void (*judge)(uint32_t number, const struct program_type_row *type))
{
	for (uint32_t number = 1; number < PROGRAM_TYPE_END; number++) {
		if (program_type_row(number))
			judge(number, program_type_row(number));
	}
}

static void judge_what_it_takes(uint32_t number, const struct program_type_row *type)
{
	uint32_t alone = TARGET_BIT(TARGET_EXCLUSIVE) & type->takes;
	struct record_target target = type_target(type, 0);

	assert_int_equal(type->needs & ~type->takes, 0);
	expect(number, &target, NULL);
	target = type_target(type, type->takes & ~alone);
	expect(number, &target, NULL);
	target = type_target(type, alone);
	expect(number, &target, NULL);
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		target = type_target(type, type->takes & TARGET_BIT(field));
		assert_true(target_well_formed(&target));
		expect(number, &target, NULL);
	}
}

static void every_type_takes_its_fields(void **state)
{
	(void)state;
	each_type(judge_what_it_takes);
}

static void judge_what_is_missing(uint32_t number, const struct program_type_row *type)
{
	char list[256], message[512];

	list_print(type->needs, list);
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		struct record_target target;

		if (!(type->needs & TARGET_BIT(field)))
			continue;
		target = target_of(type->needs & ~TARGET_BIT(field));
		(void)snprintf(message, sizeof(message), "%s is missing: %s programs need %s",
		               target_field_row(field)->name, type->name, list);
		expect(number, &target, message);
	}
}

static void nothing_may_be_missing(void **state)
{
	struct record_target target = {};

	(void)state;
	each_type(judge_what_is_missing);
	expect(PROGRAM_TYPE_XDP, &target, "interface is missing: xdp programs need interface");
	expect(PROGRAM_TYPE_TRACEPOINT, &target,
	       "group is missing: tracepoint programs need group and "
	       "name");
	expect(PROGRAM_TYPE_LSM, &target, NULL);
}

static void judge_what_is_foreign(uint32_t number, const struct program_type_row *type)
{
	char list[256], message[512];

	list_print(type->takes, list);
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		struct record_target target = type_target(type, TARGET_BIT(field));

		if (type->takes & TARGET_BIT(field))
			continue;
		(void)snprintf(message, sizeof(message),
		               "%s is given, which %s programs do not take: they take %s",
		               target_field_row(field)->name, type->name, list);
		expect(number, &target, message);
		if (target_field_row(field)->kind == TARGET_KIND_TEXT)
			continue;
		/* given as zero is given, too */
		target = type_target(type, 0);
		target.given = TARGET_BIT(field);
		expect(number, &target, message);
	}
}

static void nothing_may_be_another_types(void **state)
{
	struct record_target target = { .interface = "eth0", .cpu = 1 };

	(void)state;
	each_type(judge_what_is_foreign);
	expect(PROGRAM_TYPE_XDP, &target,
	       "cpu is given, which xdp programs do not take: they take interface, netns, follow, "
	       "priority, "
	       "proceed_on, mode and exclusive");
	expect(PROGRAM_TYPE_LSM, &target,
	       "interface is given, which lsm programs do not take: they take nothing");
	expect(PROGRAM_TYPE_RAW_TRACEPOINT, &target,
	       "interface is given, which raw_tracepoint programs do not take: they take name");
}

/* Where a value is wrong and where it is foreign, the message is another. */
static void judge_what_is_wrong(uint32_t number, const struct program_type_row *type)
{
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		const struct sample *sample = &samples[field];

		for (size_t i = 0; i < WRONG_MAX && sample->wrong[i].message; i++) {
			struct record_target target = type_target(type, type->takes);

			if (!(type->takes & TARGET_BIT(field)))
				continue;
			target.exclusive = 0;
			field_set(&target, field, sample->wrong[i].text, sample->wrong[i].number);
			expect(number, &target, sample->wrong[i].message);
		}
	}
}

/* The rule of a field is the same whichever type takes it: fields that no type takes yet are judged
 * by the rows themselves. */
static void judge_field(uint32_t field)
{
	const struct target_field_row *row = target_field_row(field);
	const struct sample *sample = &samples[field];

	if (row->kind == TARGET_KIND_TEXT) {
		assert_true(row->text_ok(sample->text));
		for (size_t i = 0; i < WRONG_MAX && sample->wrong[i].message; i++)
			assert_false(row->text_ok(sample->wrong[i].text));
		assert_non_null(sample->wrong[0].message);
	} else if (row->kind == TARGET_KIND_NUMBER) {
		assert_in_range(sample->number, row->least < 0 ? 0 : row->least, row->most);
		assert_true(field == TARGET_PRIORITY || sample->wrong[0].message);
	} else if (row->kind == TARGET_KIND_WORD) {
		assert_non_null(sample->wrong[0].message);
		for (int64_t word = 1; word <= sample->number; word++)
			assert_non_null(row->words[word]);
		assert_null(row->words[sample->number + 1]); /* the last one */
	}
	assert_true(sample->text || sample->number);
}

static void no_value_may_be_wrong(void **state)
{
	(void)state;
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++)
		judge_field(field);
	each_type(judge_what_is_wrong);
}

/* In a chain as libxdp has it, elsewhere as the kernel does. */
static void judge_priorities(uint32_t number, const struct program_type_row *type)
{
	bool ordered = type->takes & TARGET_BIT(TARGET_INTERFACE);
	const char *range = ordered ? "0 to 1000000" : "-2147483647 to 2147483646";
	struct record_target target = type_target(type, 0);
	char message[256];

	if (!(type->takes & TARGET_BIT(TARGET_PRIORITY)))
		return;
	target.given = TARGET_BIT(TARGET_PRIORITY);
	expect(number, &target, NULL);
	target.priority = PRIORITY_MAX;
	expect(number, &target, NULL);
	target.priority = INT32_MAX;
	(void)snprintf(message, sizeof(message),
	               "priority 2147483647 is out of range: it goes from %s", range);
	expect(number, &target, message);
	target.priority = INT32_MIN;
	(void)snprintf(message, sizeof(message),
	               "priority -2147483648 is out of range: it goes from %s", range);
	expect(number, &target, message);
	target.priority = -1;
	expect(number, &target,
	       ordered ? "priority -1 is out of range: it goes from 0 to 1000000" : NULL);
	target.priority = PRIORITY_MAX + 1;
	expect(number, &target,
	       ordered ? "priority 1000001 is out of range: it goes from 0 to 1000000" : NULL);
}

static void priorities(void **state)
{
	(void)state;
	each_type(judge_priorities);
}

static void judge_return_values(uint32_t number, const struct program_type_row *type)
{
	struct record_target target = type_target(type, 0);
	char message[256];

	if (!(type->takes & TARGET_BIT(TARGET_PROCEED_ON)))
		return;
	assert_non_null(type->actions);
	for (uint32_t bit = 0; bit < 32; bit++) {
		target.proceed_on = 1u << bit;
		(void)snprintf(message, sizeof(message),
		               "proceed_on 0x%x has return values that %s programs do not know",
		               1u << bit, type->name);
		expect(number, &target,
		       action_by_code(type->actions, (int32_t)bit - type->actions->bias) ? NULL
		                                                                         : message);
	}
	target.proceed_on = 0;
	target.given = TARGET_BIT(TARGET_PROCEED_ON);
	expect(number, &target, NULL);
}

static void return_values(void **state)
{
	struct record_target target = { .interface = "eth0", .proceed_on = 1u << 5 | 1u << 2 };

	(void)state;
	each_type(judge_return_values);
	expect(PROGRAM_TYPE_XDP, &target,
	       "proceed_on 0x24 has return values that xdp programs do not know");
}

static void alone_is_without_an_order(void **state)
{
	struct record_target target = { .interface = "eth0", .exclusive = 1 };

	(void)state;
	expect(PROGRAM_TYPE_XDP, &target, NULL);
	target.given = TARGET_BIT(TARGET_PRIORITY);
	expect(PROGRAM_TYPE_XDP, &target,
	       "exclusive is given together with priority: a program that is attached alone has "
	       "no place in an order");
	target.given = TARGET_BIT(TARGET_PROCEED_ON);
	expect(PROGRAM_TYPE_XDP, &target,
	       "exclusive is given together with proceed_on: a program that is attached alone has "
	       "no place in an order");
	target.given = 0;
	target.mode = XDP_MODE_GENERIC;
	expect(PROGRAM_TYPE_XDP, &target, NULL);
}

static void types_must_be_known(void **state)
{
	struct record_target target = {};

	(void)state;
	expect(0, &target, "program type 0 is unknown");
	expect(10000, &target, "program type 10000 is unknown");
	for (uint32_t type = 1; type <= PROGRAM_TYPE_END; type++)
		assert_int_equal(target_check(type, &target, NULL) == -EINVAL,
		                 !program_type_row(type) || program_type_row(type)->needs);
	expect(UINT32_MAX, &target, "program type 4294967295 is unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_takes_its_fields),
		cmocka_unit_test(nothing_may_be_missing),
		cmocka_unit_test(nothing_may_be_another_types),
		cmocka_unit_test(no_value_may_be_wrong),
		cmocka_unit_test(priorities),
		cmocka_unit_test(return_values),
		cmocka_unit_test(alone_is_without_an_order),
		cmocka_unit_test(types_must_be_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
