/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Values by BTF, in both directions; and how people write them. */
#include <cmocka.h>

#include "bpfctl/plain.h"
#include "bpfctl/typed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	uint64_t big;
	int16_t small;
	char name[6];
	uint8_t low : 3;
	uint8_t high : 5;
	uint8_t list[3];
	union {
		uint32_t mark;
		uint16_t half;
	};
	int32_t state; /* an enum */
	double ratio;
};

/* The same as BTF, and broken relatives of it. */
struct types {
	struct btf *btf;
	uint32_t sample, endless, outside, signed_long, unsigned_long, real;
};

static void types_make(struct types *types)
{
	struct btf *btf = btf__new_empty();
	int u64, i16, character, u8, u32, u16, text, list, nameless, state, real;

	assert_non_null(btf);
	u64 = btf__add_int(btf, "__u64", 8, 0);
	i16 = btf__add_int(btf, "__s16", 2, BTF_INT_SIGNED);
	character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	u8 = btf__add_typedef(btf, "__u8", btf__add_int(btf, "unsigned char", 1, 0));
	u32 = btf__add_int(btf, "__u32", 4, 0);
	u16 = btf__add_int(btf, "__u16", 2, 0);
	text = btf__add_array(btf, u32, character, 6);
	list = btf__add_array(btf, u32, u8, 3);
	nameless = btf__add_union(btf, NULL, 4);
	assert_int_equal(btf__add_field(btf, "mark", u32, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "half", u16, 0, 0), 0);
	state = btf__add_enum(btf, "state", 4);
	assert_int_equal(btf__add_enum_value(btf, "STATE_ON", 1), 0);
	assert_int_equal(btf__add_enum_value(btf, "STATE_OFF", 2), 0);
	real = btf__add_float(btf, "double", 8);
	types->real = (uint32_t)real;
	types->signed_long = (uint32_t)btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	types->unsigned_long = (uint32_t)btf__add_int(btf, "unsigned __int128", 16, 0);
	types->sample = (uint32_t)btf__add_struct(btf, "sample", sizeof(struct sample));
#define FIELD(name, type, bits, size) \
	assert_int_equal(btf__add_field(btf, name, type, (uint32_t)(bits), size), 0)
	FIELD("big", u64, 0, 0);
	FIELD("small", i16, 64, 0);
	FIELD("name", text, 80, 0);
	FIELD("low", u8, 128, 3);
	FIELD("high", u8, 131, 5);
	FIELD("list", list, 136, 0);
	FIELD(NULL, nameless, 8 * offsetof(struct sample, mark), 0);
	FIELD("state", state, 8 * offsetof(struct sample, state), 0);
	FIELD("ratio", real, 8 * offsetof(struct sample, ratio), 0);
	types->endless = (uint32_t)btf__add_array(btf, u32, u64, 0x7fffffff);
	types->outside = (uint32_t)btf__add_struct(btf, "outside", 1000);
	FIELD("far", u64, 7000, 0);
	types->btf = btf;
}

static json_t *parse(const char *text)
{
	char complaint[TYPED_COMPLAINT_SIZE];

	return plain_parse(text, complaint, sizeof(complaint));
}

static void printed_compare(const json_t *value, const char *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	plain_print(out, value);
	(void)fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static void test_there_and_back(void **state)
{
	static const char text[] = "{big=18446744073709551615,small=-7,name=eth0,low=5,high=30,"
				   "list=[1,2,3],mark=65537,half=1,state=STATE_OFF,ratio=0.5}";
	struct sample sample = {}, again = {};
	char complaint[TYPED_COMPLAINT_SIZE] = "";
	struct types types;
	json_t *value = parse(text), *decoded;

	(void)state;
	types_make(&types);
	assert_non_null(value);
	assert_int_equal(typed_encode(types.btf, types.sample, value, (uint8_t *)&sample,
	                              sizeof(sample), complaint),
	                 0);
	assert_true(sample.big == UINT64_MAX && sample.small == -7 && sample.low == 5);
	assert_true(sample.high == 30 && sample.list[2] == 3 && sample.mark == 65537);
	assert_true(sample.state == 2 && sample.ratio == 0.5 && !strcmp(sample.name, "eth0"));
	decoded = typed_decode(types.btf, types.sample, (const uint8_t *)&sample, sizeof(sample));
	printed_compare(decoded, text);
	assert_int_equal(typed_encode(types.btf, types.sample, decoded, (uint8_t *)&again,
	                              sizeof(again), complaint),
	                 0);
	assert_memory_equal(&sample, &again, sizeof(sample));
	json_decref(value);
	json_decref(decoded);
	btf__free(types.btf);
}

#define MOST_UNSIGNED "340282366920938463463374607431768211455"
#define MOST_SIGNED "170141183460469231731687303715884105727"
#define LEAST "-170141183460469231731687303715884105728"

/* One number of a type, written and read again as it is printed. */
static void number_compare(const struct types *types, uint32_t type, size_t size, const char *text,
                           const char *printed)
{
	uint8_t bytes[16] = {};
	char complaint[TYPED_COMPLAINT_SIZE] = "";
	json_t *value = parse(text), *decoded;
	int result = typed_encode(types->btf, type, value, bytes, size, complaint);

	json_decref(value);
	if (!printed) {
		assert_int_equal(result, -EINVAL);
		return;
	}
	if (result)
		fail_msg("%s: %s", text, complaint);
	decoded = typed_decode(types->btf, type, bytes, size);
	printed_compare(decoded, printed);
	json_decref(decoded);
}

static void test_long_numbers(void **state)
{
	static const struct {
		const char *text, *as_signed, *as_unsigned;
	} rows[] = {
		{ "0", "0", "0" },
		{ "-1", "-1", NULL },
		{ "0xff", "255", "255" },
		{ "9223372036854775808", "9223372036854775808", "9223372036854775808" },
		{ "-9223372036854775808", "-9223372036854775808", NULL },
		{ "-9223372036854775809", "-9223372036854775809", NULL },
		{ MOST_SIGNED, MOST_SIGNED, MOST_SIGNED },
		{ LEAST, LEAST, NULL },
		{ MOST_UNSIGNED, NULL, MOST_UNSIGNED },
		{ "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", NULL, MOST_UNSIGNED },
		{ "340282366920938463463374607431768211456", NULL, NULL },
		{ "0x100000000000000000000000000000000", NULL, NULL },
		{ "0x", NULL, NULL },
		{ "-", NULL, NULL },
		{ "12a", NULL, NULL },
		{ "0xg", NULL, NULL },
	};
	struct types types;

	(void)state;
	types_make(&types);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		number_compare(&types, types.signed_long, 16, rows[i].text, rows[i].as_signed);
		number_compare(&types, types.unsigned_long, 16, rows[i].text, rows[i].as_unsigned);
	}
	btf__free(types.btf);
}

static void test_floats(void **state)
{
	static const char *const texts[] = { "inf", "-inf", "nan", "-0.0", "1.5" };
	struct types types;

	(void)state;
	types_make(&types);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		number_compare(&types, types.real, sizeof(double), texts[i], texts[i]);
	btf__free(types.btf);
}

static void test_members_that_are_not_named_stay(void **state)
{
	struct sample sample = { .big = 9, .low = 7, .high = 31 };
	char complaint[TYPED_COMPLAINT_SIZE] = "";
	struct types types;
	json_t *value = parse("{\"high\": 1, \"half\": 3}");

	(void)state;
	types_make(&types);
	assert_int_equal(typed_encode(types.btf, types.sample, value, (uint8_t *)&sample,
	                              sizeof(sample), complaint),
	                 0);
	assert_true(sample.big == 9 && sample.low == 7 && sample.high == 1 && sample.half == 3);
	json_decref(value);
	btf__free(types.btf);
}

static const struct {
	const char *text;
	const char *complaint;
} wrong[] = {
	{ "5", "members are wanted" },
	{ "{nothing=1}", "no member \"nothing\"" },
	{ "{big=18446744073709551616}", "18446744073709551616 does not fit" },
	{ "{big=-1}", "does not fit" },
	{ "{small=32768}", "small: 32768 does not fit" },
	{ "{small=-32769}", "does not fit" },
	{ "{low=8}", "does not fit an unsigned number of 3 bits" },
	{ "{name=toolong}", "room for 6" },
	{ "{list=[1,2]}", "it must have 3" },
	{ "{list=[1,2,256]}", "list[2]: 256" },
	{ "{state=STATE_NONE}", "no value of enum state" },
	{ "{ratio=much}", "a number is wanted" },
	{ "{big=hex:00}", "8 are wanted" },
	{ "{big={a=1}}", "a number is wanted" },
};

static void test_wrong_values(void **state)
{
	struct types types;

	(void)state;
	types_make(&types);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct sample sample = {};
		char complaint[TYPED_COMPLAINT_SIZE] = "";
		json_t *value = parse(wrong[i].text);

		assert_non_null(value);
		assert_int_equal(typed_encode(types.btf, types.sample, value, (uint8_t *)&sample,
		                              sizeof(sample), complaint),
		                 -EINVAL);
		if (!strstr(complaint, wrong[i].complaint))
			fail_msg("%s: \"%s\", not \"%s\"", wrong[i].text, complaint,
			         wrong[i].complaint);
		json_decref(value);
	}
	btf__free(types.btf);
}

/* Types that say more than there is. */
static void test_lying_types(void **state)
{
	const uint8_t bytes[3] = { 1, 2, 3 };
	struct types types;
	json_t *value;

	(void)state;
	types_make(&types);
	value = typed_decode(types.btf, types.endless, bytes, sizeof(bytes));
	printed_compare(value, "hex:010203");
	json_decref(value);
	value = typed_decode(types.btf, types.outside, bytes, sizeof(bytes));
	printed_compare(value, "{far=null}");
	json_decref(value);
	value = typed_decode(types.btf, types.sample, bytes, sizeof(bytes));
	assert_true(json_is_object(value));
	json_decref(value);
	value = typed_decode(types.btf, 4711, bytes, sizeof(bytes));
	printed_compare(value, "hex:010203");
	json_decref(value);
	btf__free(types.btf);
}

/* Unions of two unions of two unions, 2^30 numbers in 4 bytes: `name` of each member. */
static uint32_t tower_make(struct btf *btf, const char *name)
{
	int id = btf__add_int(btf, "__u32", 4, 0);

	for (int i = 0; i < 30; i++) {
		int above = btf__add_union(btf, NULL, 4);

		assert_int_equal(btf__add_field(btf, name, id, 0, 0), 0);
		assert_int_equal(btf__add_field(btf, name ? "other" : NULL, id, 0, 0), 0);
		id = above;
	}
	return (uint32_t)id;
}

static void test_towers_of_unions(void **state)
{
	uint8_t bytes[4] = { 1, 2, 3, 4 };
	char complaint[TYPED_COMPLAINT_SIZE] = "";
	struct btf *btf = btf__new_empty();
	uint32_t named = tower_make(btf, "one"), nameless = tower_make(btf, NULL);
	json_t *value = typed_decode(btf, named, bytes, sizeof(bytes));
	char *text = json_dumps(value, JSON_COMPACT);

	(void)state;
	assert_non_null(strstr(text, "67305985"));     /* as far as it goes */
	assert_non_null(strstr(text, "hex:01020304")); /* and then raw */
	assert_true(strlen(text) < 100000);
	free(text);
	json_decref(value);
	value = parse("{one=1}");
	assert_int_equal(typed_encode(btf, nameless, value, bytes, sizeof(bytes), complaint),
	                 -EINVAL);
	assert_non_null(strstr(complaint, "no member \"one\""));
	json_decref(value);
	value = typed_decode(btf, nameless, bytes, sizeof(bytes));
	json_decref(value);
	btf__free(btf);
}

static void test_texts_that_are_no_values(void **state)
{
	static const char *const texts[] = { "",       "{",         "{a}",    "{a=}",  "{a=1",
		                             "{a=1,}", "{a=1,a=2}", "[1,",    "[1 2]", "1 2",
		                             "\"open", "}",         "{a=1}b", "a=1" };
	char deep[100];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (parse(texts[i]))
			fail_msg("\"%s\" was taken", texts[i]);
	}
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_null(parse(deep));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_long_numbers),
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_members_that_are_not_named_stay),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_lying_types),
		cmocka_unit_test(test_towers_of_unions),
		cmocka_unit_test(test_texts_that_are_no_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
