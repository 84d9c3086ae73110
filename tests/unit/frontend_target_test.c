/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Targets between client and record: what a client may write, what becomes of it, and back. */
#include "common/program_type.h"
#include "frontend/target.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *text(const char *value)
{
	return (char *)(uintptr_t)value;
}

static const char *repeated(char byte, size_t count)
{
	static char bytes[600];

	memset(bytes, 0, sizeof(bytes));
	memset(bytes, byte, count);
	return bytes;
}

static struct record_places places; /* as the last target had them */

/* Takes the message and expects exactly this refusal, or none. */
static struct record_target expect(uint32_t type, const Bpfd__V1__Target *message, const char *says)
{
	struct error error = { .message = "taken" };
	struct record_target out;
	int result;

	memset(&out, 0xff, sizeof(out));
	memset(&places, 0xff, sizeof(places));
	result = target_take(message, type, &out, &places, &error);
	if (strcmp(error.message, says ? says : "taken") != 0)
		fail_msg("type %u: \"%s\", not \"%s\"", type, error.message, says ? says : "taken");
	assert_int_equal(result, says ? -EINVAL : 0);
	assert_int_equal(error.code, says ? ERROR_INVALID_ARGUMENT : ERROR_NONE);
	if (!says)
		assert_true(target_well_formed(&out) && places_well_formed(&places));
	return out;
}

static Bpfd__V1__Target xdp_target(void)
{
	Bpfd__V1__Target target = BPFD__V1__TARGET__INIT;

	target.interface = text("eth0");
	return target;
}

static void an_xdp_target_is_taken(void **state)
{
	Bpfd__V1__Target message = xdp_target();
	int32_t proceed_on[] = { 31, 0, 2 };
	struct record_target got;

	(void)state;
	message.priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	message.priority = 1000000;
	message.mode = BPFD__V1__XDP_MODE__XDP_MODE_GENERIC;
	message.proceed_on = proceed_on;
	message.n_proceed_on = 3;
	got = expect(PROGRAM_TYPE_XDP, &message, NULL);

	const struct record_target wanted = { .interface = "eth0",
		                              .priority = 1000000,
		                              .mode = XDP_MODE_GENERIC,
		                              .proceed_on = 1u << 31 | 1u << 2 | 1u << 0,
		                              .given = TARGET_BIT(TARGET_PRIORITY) |
		                                       TARGET_BIT(TARGET_PROCEED_ON) };

	assert_memory_equal(&got, &wanted, sizeof(wanted));
}

static void nothing_is_an_empty_target(void **state)
{
	const Bpfd__V1__Target empty = BPFD__V1__TARGET__INIT;
	const struct record_target zero = {};
	struct record_target got = expect(PROGRAM_TYPE_LSM, NULL, NULL);

	(void)state;
	assert_memory_equal(&got, &zero, sizeof(zero));
	got = expect(PROGRAM_TYPE_LSM, &empty, NULL);
	assert_memory_equal(&got, &zero, sizeof(zero));
	(void)expect(PROGRAM_TYPE_XDP, NULL, "interface is missing: xdp programs need interface");
	(void)expect(PROGRAM_TYPE_TRACEPOINT, &empty,
	             "group is missing: tracepoint programs need group and "
	             "name");
	(void)expect(PROGRAM_TYPE_NONE, &empty,
	             "attach.type is missing: it must be the program's type");
	(void)expect(PROGRAM_TYPE_END, &empty,
	             "attach.type is missing: it must be the program's type");
}

/* Zero is said where the protocol can tell it from nothing. */
static void zero_may_be_given(void **state)
{
	Bpfd__V1__Target message = xdp_target();
	struct record_target got = expect(PROGRAM_TYPE_XDP, &message, NULL);

	(void)state;
	assert_int_equal(got.given, 0);
	message.priority = 5; /* without its case it is not there */
	got = expect(PROGRAM_TYPE_XDP, &message, NULL);
	assert_int_equal(got.given, 0);
	assert_int_equal(got.priority, 0);
	message.priority = 0;
	message.priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	got = expect(PROGRAM_TYPE_XDP, &message, NULL);
	assert_int_equal(got.given, TARGET_BIT(TARGET_PRIORITY));
	message.cpu_option_case = BPFD__V1__TARGET__CPU_OPTION_CPU;
	(void)expect(
		PROGRAM_TYPE_XDP, &message,
		"cpu is given, which xdp programs do not take: they take interface, netns, follow, "
		"priority, "
		"proceed_on, mode and exclusive");
}

static void interfaces(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "eth0.100@x", NULL },
		{ "123456789012345", NULL },
		{ "...", NULL },
		{ "1234567890123456",
		  "interface \"1234567890123456\" is 16 bytes long: at most 15 are allowed" },
		{ "", "interface is missing: xdp programs need interface" },
#define REFUSED(shown)                    \
	"interface \"" shown "\" is not " \
	"1 to 15 characters without spaces, '/' and ':'"
		{ "a b", REFUSED("a b") },
		{ "a/b", REFUSED("a/b") },
		{ "a:b", REFUSED("a:b") },
		{ "a\tb", REFUSED("a\\x09b") },
		{ ".", REFUSED(".") },
		{ "..", REFUSED("..") },
#undef REFUSED
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Bpfd__V1__Target message = BPFD__V1__TARGET__INIT;

		message.interface = text(rows[i].text);
		(void)expect(PROGRAM_TYPE_XDP, &message, rows[i].says);
	}
}

static void tracepoints(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "sys_enter_openat", NULL },
		{ "a-b", NULL },
		{ "", "name is missing: tracepoint programs need group and "
		      "name" },
		{ "../../etc", "name \"../../etc\" is not letters, digits, '_', '-', '.' and ':'" },
		{ "..", "name \"..\" is not letters, digits, '_', '-', '.' and ':'" },
		{ "a/b", "name \"a/b\" is not letters, digits, '_', '-', '.' and ':'" },
	};
	Bpfd__V1__Target message = BPFD__V1__TARGET__INIT;

	(void)state;
	message.group = text("syscalls");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		message.name = text(rows[i].text);
		(void)expect(PROGRAM_TYPE_TRACEPOINT, &message, rows[i].says);
	}
}

/* Each text is as long as its record at most; then it is refused before anything else is said. */
static void texts_have_a_length(void **state)
{
	const ProtobufCMessageDescriptor *descriptor = &bpfd__v1__target__descriptor;
	size_t texts = 0;

	(void)state;
	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		const struct target_field_row *row = target_field_row(field);
		Bpfd__V1__Target message = BPFD__V1__TARGET__INIT;
		char says[512], *value = text(repeated('a', row->size));

		if (row->kind != TARGET_KIND_TEXT)
			continue;
		texts++;
		memcpy((char *)&message + protobuf_c_message_descriptor_get_field_by_name(
						  descriptor, row->name)
		                                  ->offset,
		       &value, sizeof(value));
		(void)snprintf(says, sizeof(says),
		               "%s \"%.196s\" is %u bytes long: at most %u are allowed", row->name,
		               value, row->size, row->size - 1);
		(void)expect(PROGRAM_TYPE_LSM, &message, says);
		value[row->size - 1] = '\0'; /* now it fits, and is none of this type's */
		(void)snprintf(says, sizeof(says),
		               "%s is given, which lsm programs do not take: they take nothing",
		               row->name);
		(void)expect(PROGRAM_TYPE_LSM, &message, says);
	}
	assert_true(texts >= 6);
}

static void numbers_have_a_range(void **state)
{
	Bpfd__V1__Target message = xdp_target();

	(void)state;
	message.priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	message.priority = 1000001;
	(void)expect(PROGRAM_TYPE_XDP, &message,
	             "priority 1000001 is out of range: it goes from 0 to 1000000");
	message.priority = -1;
	(void)expect(PROGRAM_TYPE_XDP, &message,
	             "priority -1 is out of range: it goes from 0 to 1000000");
	message = xdp_target();
	message.offset = (uint64_t)INT64_MAX + 1;
	(void)expect(PROGRAM_TYPE_XDP, &message,
	             "offset is out of range: it goes to 9223372036854775807");
	message.offset = UINT64_MAX;
	(void)expect(PROGRAM_TYPE_XDP, &message,
	             "offset is out of range: it goes to 9223372036854775807");
	message.offset = INT64_MAX; /* a number, but not this type's */
	(void)expect(PROGRAM_TYPE_XDP, &message,
	             "offset is given, which xdp programs do not take: they take interface, "
	             "netns, follow, priority, proceed_on, mode and exclusive");
	message = xdp_target();
	message.mode = (Bpfd__V1__XdpMode)3;
	(void)expect(PROGRAM_TYPE_XDP, &message, "mode 3 is unknown: it is one of native, generic");
}

static void return_values_are_named(void **state)
{
	static const struct {
		int32_t codes[6];
		size_t count;
		uint32_t mask;
		const char *says;
	} rows[] = {
#define KNOWN                                                                                    \
	"which is no return value of xdp programs: they are 0 (aborted), 1 (drop), 2 (pass), 3 " \
	"(tx), "                                                                                 \
	"4 (redirect), 31 (dispatcher_return)"
		{ { 0, 1, 2, 3, 4, 31 }, 6, 0x8000001f, NULL },
		{ { 2 }, 1, 4, NULL },
		{ { 2, 5 }, 2, 0, "proceed_on has 5, " KNOWN },
		{ { 30 }, 1, 0, "proceed_on has 30, " KNOWN },
		{ { 32 }, 1, 0, "proceed_on has 32, " KNOWN },
		{ { -1 }, 1, 0, "proceed_on has -1, " KNOWN },
		{ { INT32_MIN }, 1, 0, "proceed_on has -2147483648, " KNOWN },
		{ { INT32_MAX }, 1, 0, "proceed_on has 2147483647, " KNOWN },
		{ { 2, 2 }, 2, 0, "proceed_on has 2 twice" },
		{ { 31, 0, 31 }, 3, 0, "proceed_on has 31 twice" },
#undef KNOWN
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Bpfd__V1__Target message = xdp_target();
		int32_t codes[6];
		struct record_target got;

		memcpy(codes, rows[i].codes, sizeof(codes));
		message.proceed_on = codes;
		message.n_proceed_on = rows[i].count;
		got = expect(PROGRAM_TYPE_XDP, &message, rows[i].says);
		if (!rows[i].says)
			assert_int_equal(got.proceed_on, rows[i].mask);
		/* a type without a chain takes none, whatever they are */
		message.interface = text("");
		(void)expect(PROGRAM_TYPE_LSM, &message,
		             "proceed_on is given, which lsm programs do not take: they take "
		             "nothing");
	}
}

static void alone_is_without_an_order(void **state)
{
	Bpfd__V1__Target message = xdp_target();
	int32_t codes[] = { 2 };
	struct record_target got;

	(void)state;
	message.exclusive = 1;
	got = expect(PROGRAM_TYPE_XDP, &message, NULL);
	assert_int_equal(got.exclusive, 1);
	message.priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	(void)expect(PROGRAM_TYPE_XDP, &message,
	             "exclusive is given together with priority: a program that is attached alone "
	             "has no place in an order");
	message.priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET;
	message.proceed_on = codes;
	message.n_proceed_on = 1;
	(void)expect(
		PROGRAM_TYPE_XDP, &message,
		"exclusive is given together with proceed_on: a program that is attached alone "
		"has no place in an order");
}

/* A value for each field that every type which takes the field takes. */
static void field_fill(struct record_target *target, uint32_t field, uint32_t type)
{
	const struct target_field_row *row = target_field_row(field);
	const char *value = field == TARGET_NETNS || field == TARGET_PATH ? "/some/file" : "word";

	target->given |=
		field == TARGET_PRIORITY || field == TARGET_CPU || field == TARGET_PROCEED_ON
			? TARGET_BIT(field)
			: 0;
	if (row->kind == TARGET_KIND_TEXT)
		memcpy((char *)target + row->offset, value, strlen(value));
	else if (row->kind == TARGET_KIND_ACTIONS)
		target->proceed_on = actions_mask(program_type_row(type)->actions);
	else
		target_number_set(target, field, row->kind == TARGET_KIND_NUMBER ? 77 : 1);
}

/* What is given of a record and taken again is the record. */
static void round_trip(uint32_t type, uint32_t fields)
{
	static struct arena arena;
	struct record_target target = {}, got;
	Bpfd__V1__Target *message;

	for (uint32_t field = 0; field < TARGET_FIELD_END; field++) {
		if (fields & TARGET_BIT(field))
			field_fill(&target, field, type);
	}
	arena_init(&arena, 65536);
	message = target_give(&arena, type, &target, NULL);
	assert_non_null(message);

	uint8_t packed[4096];
	size_t size = bpfd__v1__target__pack(message, packed);
	Bpfd__V1__Target *read = bpfd__v1__target__unpack(NULL, size, packed);

	assert_true(size <= sizeof(packed));
	assert_non_null(read);
	got = expect(type, read, NULL);
	/* a link in the order of an interface always shows its priority */
	if (program_type_row(type)->takes & TARGET_BIT(TARGET_INTERFACE) && !target.exclusive)
		target.given |= TARGET_BIT(TARGET_PRIORITY);
	assert_memory_equal(&got, &target, sizeof(target));
	bpfd__v1__target__free_unpacked(read, NULL);
	arena_reset(&arena, 0);
}

static void every_type_comes_back(void **state)
{
	(void)state;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);
		uint32_t alone = TARGET_BIT(TARGET_EXCLUSIVE);

		if (!row)
			continue;
		round_trip(type, row->takes & ~alone);
		round_trip(type, row->needs);
		round_trip(type, row->needs | (row->takes & alone));
		for (uint32_t field = 0; field < TARGET_FIELD_END; field++)
			round_trip(type, row->needs | (row->takes & TARGET_BIT(field)));
	}
}

/* What a link outside of any order has of one is not shown. */
static void a_link_that_is_alone_shows_no_order(void **state)
{
	static struct arena arena;
	const struct record_target target = {
		.interface = "eth0", .exclusive = 1, .priority = 50, .proceed_on = 4, .ifindex = 3
	};
	Bpfd__V1__Target *message;

	(void)state;
	arena_init(&arena, 65536);
	message = target_give(&arena, PROGRAM_TYPE_XDP, &target, NULL);
	assert_true(message->exclusive);
	assert_int_equal(message->priority_option_case, BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET);
	assert_int_equal(message->n_proceed_on, 0);
	arena_reset(&arena, 0);
}

static void a_full_arena_is_told(void **state)
{
	static struct arena arena;
	const struct record_target target = { .interface = "eth0", .proceed_on = 4 };
	size_t budget = 0;

	(void)state;
	arena_init(&arena, budget);
	while (!target_give(&arena, PROGRAM_TYPE_XDP, &target, NULL)) {
		assert_true(budget < 2000);
		arena_reset(&arena, budget += 8);
	}
	assert_true(budget > sizeof(Bpfd__V1__Target));
	arena_reset(&arena, 65536);
	assert_null(target_give(&arena, PROGRAM_TYPE_NONE, &target, NULL));
	assert_null(target_give(&arena, PROGRAM_TYPE_END, &target, NULL));
	arena_reset(&arena, 0);
}

/* Places beside the first, there and back. */
static void several_places(void **state)
{
	static struct arena arena;
	Bpfd__V1__Place more[PLACES_MAX], *pointers[PLACES_MAX];
	Bpfd__V1__Target message = BPFD__V1__TARGET__INIT, *given;
	struct record_target target;
	char names[PLACES_MAX][16], function[129], says[300];

	(void)state;
	for (size_t i = 0; i < PLACES_MAX; i++) {
		bpfd__v1__place__init(&more[i]);
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		more[i].function = names[i];
		pointers[i] = &more[i];
	}
	message.function = text("first");
	message.places = pointers;
	message.n_places = PLACES_MAX - 1;
	target = expect(PROGRAM_TYPE_KPROBE_MULTI, &message, NULL);
	assert_int_equal(places.count, PLACES_MAX - 1);
	assert_string_equal(places.entries[30].function, "f30");
	arena_init(&arena, 65536);
	given = target_give(&arena, PROGRAM_TYPE_KPROBE_MULTI, &target, &places);
	assert_int_equal(given->n_places, PLACES_MAX - 1);
	assert_string_equal(given->function, "first");
	assert_string_equal(given->places[30]->function, "f30");
	for (size_t budget = 0; budget < 2000; budget += 8) {
		arena_reset(&arena, budget);
		given = target_give(&arena, PROGRAM_TYPE_KPROBE_MULTI, &target, &places);
		assert_true(!given || given->n_places == PLACES_MAX - 1);
	}
	arena_reset(&arena, 0);
	message.n_places = PLACES_MAX;
	(void)expect(PROGRAM_TYPE_KPROBE_MULTI, &message,
	             "attach.target has 33 places: at most 32 are allowed");
	message.n_places = 2;
	(void)expect(PROGRAM_TYPE_KPROBE, &message,
	             "places is given, which kprobe programs do not take: they are at one place, "
	             "and the _multi types at several");
	more[1].function = text("first");
	(void)expect(PROGRAM_TYPE_KPROBE_MULTI, &message, "first is there twice: say it once");
	more[1].function = text("");
	(void)expect(PROGRAM_TYPE_KPROBE_MULTI, &message,
	             "function is missing: kprobe_multi programs need "
	             "function");
	more[1].function = text("g");
	more[1].offset = 4;
	(void)expect(
		PROGRAM_TYPE_KPROBE_MULTI, &message,
		"offset is given, which kprobe_multi programs do not take: they take function");
	memset(function, 'f', sizeof(function));
	function[128] = '\0';
	more[1].function = function;
	(void)snprintf(says, sizeof(says),
	               "function \"%s\" is 128 bytes long: at most 127 are allowed", function);
	(void)expect(PROGRAM_TYPE_KPROBE_MULTI, &message, says);
	message.path = text("/lib/x.so");
	message.offset = 16;
	more[0].offset = UINT64_MAX;
	message.n_places = 1;
	(void)expect(PROGRAM_TYPE_UPROBE_MULTI, &message,
	             "offset -1 is out of range: it goes from 0 to 9223372036854775807");
	more[0].offset = 32;
	(void)expect(PROGRAM_TYPE_UPROBE_MULTI, &message, NULL);
	assert_int_equal(places.entries[0].offset, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_xdp_target_is_taken),
		cmocka_unit_test(nothing_is_an_empty_target),
		cmocka_unit_test(zero_may_be_given),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(tracepoints),
		cmocka_unit_test(texts_have_a_length),
		cmocka_unit_test(numbers_have_a_range),
		cmocka_unit_test(return_values_are_named),
		cmocka_unit_test(alone_is_without_an_order),
		cmocka_unit_test(every_type_comes_back),
		cmocka_unit_test(a_link_that_is_alone_shows_no_order),
		cmocka_unit_test(a_full_arena_is_told),
		cmocka_unit_test(several_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
