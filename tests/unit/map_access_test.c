/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which entries of maps clients may have, and how long they are. */
#include <cmocka.h>

#include "broker/map_access.h"
#include "broker/validate.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define GET (1u << MAP_ACT_GET)
#define DUMP (1u << MAP_ACT_DUMP)
#define SET (1u << MAP_ACT_SET)
#define DELETE (1u << MAP_ACT_DELETE)

static const struct {
	uint32_t type;
	uint32_t acts;
	size_t value_bytes; /* of a value of 12 bytes on 3 processors; 0: not to be had */
} kinds[] = {
	{ BPF_MAP_TYPE_UNSPEC, 0, 0 },
	{ BPF_MAP_TYPE_HASH, GET | DUMP | SET | DELETE, 12 },
	{ BPF_MAP_TYPE_PERCPU_HASH, GET | DUMP | SET | DELETE, 48 },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, GET | DUMP | SET | DELETE, 48 },
	{ BPF_MAP_TYPE_ARRAY, GET | DUMP | SET, 12 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, GET | DUMP | SET, 48 },
	{ BPF_MAP_TYPE_PROG_ARRAY, GET | DUMP | DELETE, 4 },
	{ BPF_MAP_TYPE_HASH_OF_MAPS, GET | DUMP | DELETE, 4 },
	{ BPF_MAP_TYPE_QUEUE, GET | SET, 12 },
	{ BPF_MAP_TYPE_STACK, GET | SET, 12 },
	{ BPF_MAP_TYPE_DEVMAP, GET | DUMP | SET | DELETE, 12 },
	{ BPF_MAP_TYPE_SOCKMAP, 0, 0 },
	{ BPF_MAP_TYPE_XSKMAP, 0, 0 },
	{ BPF_MAP_TYPE_SK_STORAGE, 0, 0 },
	{ BPF_MAP_TYPE_TASK_STORAGE, 0, 0 },
	{ BPF_MAP_TYPE_PERF_EVENT_ARRAY, 0, 0 },
	{ BPF_MAP_TYPE_CGROUP_ARRAY, 0, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0 },
	{ BPF_MAP_TYPE_BLOOM_FILTER, GET | SET, 12 },
	{ BPF_MAP_TYPE_STRUCT_OPS, 0, 0 },
	{ 4711, 0, 0 },
};

static struct record_map map_make(uint32_t type)
{
	return (struct record_map){
		.name = "m", .type = type, .key_size = 4, .value_size = 12, .max_entries = 8
	};
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct record_map map = map_make(kinds[i].type);
		struct map_shape shape;
		struct error error = {};
		int result = map_shape_make(&map, 3, &shape, &error);

		if (!kinds[i].value_bytes) {
			assert_int_equal(result, -EOPNOTSUPP);
			assert_non_null(strstr(error.message, "map \"m\""));
			continue;
		}
		assert_int_equal(result, 0);
		assert_int_equal(shape.value_bytes, kinds[i].value_bytes);
		for (unsigned int act = MAP_ACT_GET; act <= MAP_ACT_DELETE; act++)
			assert_int_equal(map_act_check(&shape, act, &error),
			                 kinds[i].acts & 1u << act ? 0 : -EOPNOTSUPP);
	}
}

static void test_bounds(void **state)
{
	struct record_map map = map_make(BPF_MAP_TYPE_PERCPU_HASH);
	struct map_shape shape;
	struct error error = {};

	(void)state;
	assert_int_equal(map_shape_make(&map, 0, &shape, &error), -EOPNOTSUPP);
	map.value_size = MAP_VALUE_MAX / 4 + 8;
	assert_int_equal(map_shape_make(&map, 4, &shape, &error), -E2BIG);
	map.value_size = UINT32_MAX;
	assert_int_equal(map_shape_make(&map, 65536, &shape, &error), -E2BIG);
	map = map_make(BPF_MAP_TYPE_HASH);
	map.key_size = MAP_KEY_MAX + 1;
	assert_int_equal(map_shape_make(&map, 4, &shape, &error), -E2BIG);
}

static void test_sizes(void **state)
{
	struct record_map map = map_make(BPF_MAP_TYPE_PERCPU_ARRAY);
	const uint8_t value[48] = {};
	struct map_shape shape;
	struct error error = {};

	(void)state;
	assert_int_equal(map_shape_make(&map, 3, &shape, &error), 0);
	assert_int_equal(map_key_check(&shape, 4, &error), 0);
	assert_int_equal(map_key_check(&shape, 3, &error), -EINVAL);
	assert_non_null(strstr(error.message, "3 bytes"));
	assert_non_null(strstr(error.message, "have 4"));
	assert_int_equal(map_value_check(&shape, value, 12, &error), 0);
	assert_int_equal(map_value_check(&shape, value, 48, &error), 0);
	assert_int_equal(map_value_check(&shape, value, 36, &error), -EINVAL);
	map = map_make(BPF_MAP_TYPE_QUEUE);
	assert_int_equal(map_shape_make(&map, 3, &shape, &error), 0);
	assert_int_equal(map_key_check(&shape, 0, &error), 0);
	assert_int_equal(map_key_check(&shape, 4, &error), -EINVAL);
	assert_int_equal(map_name_check(&shape, 0, &error), 0);
	assert_int_equal(map_name_check(&shape, 12, &error), -EINVAL);
	map = map_make(BPF_MAP_TYPE_BLOOM_FILTER);
	assert_int_equal(map_shape_make(&map, 3, &shape, &error), 0);
	assert_int_equal(map_key_check(&shape, 0, &error), 0);
	assert_int_equal(map_name_check(&shape, 12, &error), 0);
	assert_int_equal(map_name_check(&shape, 4, &error), -EINVAL);
	assert_int_equal(map_name_check(&shape, 0, &error), -EINVAL);
	map.value_size = MAP_KEY_MAX + 1; /* what is asked for has room for a key */
	assert_int_equal(map_shape_make(&map, 3, &shape, &error), -E2BIG);
}

/* Behind an interface's index the kernel takes a descriptor, which would be the broker's. */
static void test_no_descriptor_in_a_value(void **state)
{
	struct record_map map = map_make(BPF_MAP_TYPE_DEVMAP);
	uint8_t value[12] = { 2 };
	struct map_shape shape;
	struct error error = {};

	(void)state;
	assert_int_equal(map_shape_make(&map, 3, &shape, &error), 0);
	assert_int_equal(map_value_check(&shape, value, 12, &error), 0);
	value[4] = 5;
	assert_int_equal(map_value_check(&shape, value, 12, &error), -EOPNOTSUPP);
}

static void test_cpus(void **state)
{
	static const struct {
		const char *text;
		uint32_t count, end;
	} rows[] = {
		{ "0\n", 1, 1 },    { "0-3\n", 4, 4 },    { "0-3,8-11\n", 8, 12 },
		{ "0,2,4", 3, 5 },  { "", 0, 77 },        { "\n", 0, 77 },
		{ "0-\n", 0, 77 },  { "3-0\n", 0, 77 },   { "0-3x\n", 0, 77 },
		{ "-1\n", 0, 77 },  { "0,\n", 0, 77 },    { "0-99999999999\n", 0, 77 },
		{ "0 1\n", 0, 77 }, { "0-3\n\n", 0, 77 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t end = 77;

		assert_int_equal(map_cpus_parse(rows[i].text, &end), rows[i].count);
		assert_int_equal(end, rows[i].end);
	}
}

static void test_messages(void **state)
{
	struct frontend_map_read read = { .question = FRONTEND_MAP_DUMP, .map = "m" };
	struct frontend_map_entry entry = { .map = "m", .mode = BPF_EXIST };

	(void)state;
	assert_int_equal(validate_map_read(&read), 0);
	read.key_size = MAP_KEY_MAX + 1;
	assert_int_equal(validate_map_read(&read), -EPROTO);
	read.key_size = 0;
	read.question = 4;
	assert_int_equal(validate_map_read(&read), -EPROTO);
	read.question = FRONTEND_MAP_GET;
	memset(read.map, 'x', sizeof(read.map));
	assert_int_equal(validate_map_read(&read), -EPROTO);
	entry.value_size = MAP_VALUE_INLINE_MAX;
	assert_int_equal(validate_map_set(&entry, true), 0);
	entry.value_size++;
	assert_int_equal(validate_map_set(&entry, true), -EPROTO);
	assert_int_equal(validate_map_set(&entry, false), 0);
	entry.value_size = MAP_VALUE_MAX + 1;
	assert_int_equal(validate_map_set(&entry, false), -EPROTO);
	entry.value_size = 0;
	assert_int_equal(validate_map_delete(&entry), -EPROTO);
	entry.mode = 0;
	assert_int_equal(validate_map_delete(&entry), 0);
	entry.reserved = 1;
	assert_int_equal(validate_map_delete(&entry), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_no_descriptor_in_a_value),
		cmocka_unit_test(test_cpus),  cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
