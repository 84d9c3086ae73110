/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The frontend's messages: what is granted, what is refused with a sentence, and what ends the
 * service. */
#include <cmocka.h>

#include "broker/validate.h"
#include "proto/evidence.h"
#include "common/program_type.h"
#include "common/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct frontend_load load;
static struct frontend_attach attach_xdp, attach_tracepoint, attach_lsm, attach_many;
static struct frontend_update update;

static void reset(void)
{
	load = (struct frontend_load){
		.program_count = 2,
		.application = "app",
		.source_name = "x.o",
		.programs = { { .function = "one", .type = 1 }, { .function = "two", .type = 2 } },
		.metadata = { .count = 1, .entries = { { .key = "k", .value = "" } } },
		.globals = { .count = 1,
		             .data_size = 8,
		             .entries = { { .name = "g", .size = 8 } } },
	};
	attach_xdp = (struct frontend_attach){
		.program_id = 1,
		.type = 1,
		.target = { .interface = "eth0" },
	};
	attach_tracepoint = (struct frontend_attach){
		.program_id = 1,
		.type = 2,
		.target = { .group = "sched", .name = "sched_switch" },
	};
	attach_lsm = (struct frontend_attach){ .program_id = 1, .type = PROGRAM_TYPE_LSM };
	attach_many = (struct frontend_attach){
		.program_id = 1,
		.type = PROGRAM_TYPE_KPROBE_MULTI,
		.target = { .function = "vfs_read" },
		.places = { .count = 2, .entries = { { "vfs_write", 0 }, { "vfs_open", 0 } } },
	};
	update = (struct frontend_update){ .link_id = 1, .program_id = 2 };
}

static void many_fill(uint32_t count)
{
	attach_many.places = (struct record_places){ .count = count };
	for (uint32_t i = 0; i < count; i++)
		(void)snprintf(attach_many.places.entries[i].function, FUNCTION_NAME_SIZE, "f%u",
		               i);
}

#define CHANGE(text) static void change_##text(void)
#define FILL(array) memset((array), 'x', sizeof(array))

/* clang-format off */
CHANGE(nothing) {}
CHANGE(load_reserved) { load.persist = 2; }
CHANGE(load_peer_reserved) { load.peer.reserved = 1; }
CHANGE(load_too_many) { load.program_count = LOAD_PROGRAMS_MAX + 1; }
CHANGE(load_no_program) { load.program_count = 0; }
CHANGE(load_function_unterminated) { FILL(load.programs[1].function); }
CHANGE(load_function_tail) { load.programs[1].function[100] = 'x'; }
CHANGE(load_function_empty) { memset(load.programs[0].function, 0, FUNCTION_NAME_SIZE); }
CHANGE(load_function_twice) { memcpy(load.programs[1].function, "one", 4); }
CHANGE(load_type_none) { load.programs[0].type = 0; }
CHANGE(load_target) { memcpy(load.programs[0].target, "vfs_read", 8); }
CHANGE(load_target_unterminated) { FILL(load.programs[0].target); }
CHANGE(load_target_tail) { load.programs[1].target[100] = 'x'; }
CHANGE(load_type_end) { load.programs[0].type = PROGRAM_TYPE_END; }
CHANGE(load_type_unknown) { load.programs[0].type = 77; }
CHANGE(load_exclusive_two) { load.programs[0].exclusive = 2; }
CHANGE(load_application) { FILL(load.application); }
CHANGE(load_source) { FILL(load.source_name); }
CHANGE(load_metadata_count) { load.metadata.count = METADATA_MAX + 1; }
CHANGE(load_metadata_key_empty) { load.metadata.entries[0].key[0] = 0; }
CHANGE(load_metadata_value) { FILL(load.metadata.entries[0].value); }
CHANGE(load_globals_count) { load.globals.count = LOAD_GLOBALS_MAX + 1; }
CHANGE(load_globals_data) { load.globals.data_size = GLOBAL_DATA_MAX + 1; }
CHANGE(load_global_beyond) { load.globals.entries[0].offset = 1; }
CHANGE(load_global_overflow) { load.globals.entries[0].offset = 0xfffffffcu; }
CHANGE(load_global_huge) { load.globals.entries[0].size = 0xffffffffu; }
CHANGE(load_global_unnamed) { load.globals.entries[0].name[0] = 0; }

static const struct {
	const char *name;
	void (*change)(void);
	int result;
} load_rows[] = {
	{ "as it should be", change_nothing, 0 },
	{ "reserved", change_load_reserved, -EPROTO },
	{ "peer reserved", change_load_peer_reserved, -EPROTO },
	{ "too many programs", change_load_too_many, -EPROTO },
	{ "no program", change_load_no_program, -EINVAL },
	{ "function without end", change_load_function_unterminated, -EPROTO },
	{ "function with a tail", change_load_function_tail, -EPROTO },
	{ "function empty", change_load_function_empty, -EPROTO },
	{ "function twice", change_load_function_twice, -EINVAL },
	{ "a target", change_load_target, 0 },
	{ "target without end", change_load_target_unterminated, -EPROTO },
	{ "target with a tail", change_load_target_tail, -EPROTO },
	{ "type by section", change_load_type_none, 0 },
	{ "one type too far", change_load_type_end, -EPROTO },
	{ "type unknown", change_load_type_unknown, -EPROTO },
	{ "exclusive 2", change_load_exclusive_two, -EPROTO },
	{ "application", change_load_application, -EPROTO },
	{ "source name", change_load_source, -EPROTO },
	{ "metadata count", change_load_metadata_count, -EPROTO },
	{ "metadata key empty", change_load_metadata_key_empty, -EPROTO },
	{ "metadata value", change_load_metadata_value, -EPROTO },
	{ "globals count", change_load_globals_count, -EPROTO },
	{ "globals data", change_load_globals_data, -EPROTO },
	{ "global beyond its data", change_load_global_beyond, -EPROTO },
	{ "global offset overflows", change_load_global_overflow, -EPROTO },
	{ "global size overflows", change_load_global_huge, -EPROTO },
	{ "global without name", change_load_global_unnamed, -EPROTO },
};

CHANGE(xdp_reserved) { attach_xdp.reserved = 1; }
CHANGE(xdp_type) { attach_xdp.type = 0; }
CHANGE(xdp_type_unknown) { attach_xdp.type = PROGRAM_TYPE_END; }
CHANGE(xdp_no_interface) { memset(&attach_xdp.target, 0, sizeof(attach_xdp.target)); }
CHANGE(xdp_interface) { FILL(attach_xdp.target.interface); }
CHANGE(xdp_ifindex) { attach_xdp.target.ifindex = 1; }
CHANGE(xdp_netns_id) { attach_xdp.target.netns_id = 1; }
CHANGE(xdp_mode) { attach_xdp.target.mode = 3; }
CHANGE(xdp_direction) { attach_xdp.target.direction = 0x7fffffff; }
CHANGE(xdp_target_reserved_last) { attach_xdp.target.reserved[1] = 1; }
CHANGE(xdp_exclusive) { attach_xdp.target.exclusive = 2; }
CHANGE(xdp_target_reserved) { attach_xdp.target.reserved[0] = 1; }
CHANGE(xdp_given) { attach_xdp.target.given = 1u << TARGET_FIELD_END; }
CHANGE(xdp_given_other) { attach_xdp.target.given = TARGET_BIT(TARGET_CPU); }
CHANGE(xdp_given_last) { attach_xdp.target.given = 1u << 31; }
CHANGE(xdp_priority_most) { attach_xdp.target.given = TARGET_BIT(TARGET_PRIORITY); attach_xdp.target.priority = PRIORITY_MAX; }
CHANGE(xdp_priority) { attach_xdp.target.given = TARGET_BIT(TARGET_PRIORITY); attach_xdp.target.priority = PRIORITY_MAX + 1; }
CHANGE(xdp_priority_negative) { attach_xdp.target.given = TARGET_BIT(TARGET_PRIORITY); attach_xdp.target.priority = -1; }
CHANGE(xdp_priority_unset) { attach_xdp.target.priority = PRIORITY_MAX + 1; }
CHANGE(xdp_proceed_all) { attach_xdp.target.given = TARGET_BIT(TARGET_PROCEED_ON); attach_xdp.target.proceed_on = 0x8000001fu; }
CHANGE(xdp_proceed) { attach_xdp.target.given = TARGET_BIT(TARGET_PROCEED_ON); attach_xdp.target.proceed_on = 0x20; }
CHANGE(xdp_both) { memcpy(attach_xdp.target.group, "sched", 5); }

static const struct {
	const char *name;
	void (*change)(void);
	int result;
} xdp_rows[] = {
	{ "as it should be", change_nothing, 0 },
	{ "reserved", change_xdp_reserved, -EPROTO },
	{ "type", change_xdp_type, -EPROTO },
	{ "type unknown", change_xdp_type_unknown, -EPROTO },
	{ "no interface", change_xdp_no_interface, -EINVAL },
	{ "interface without end", change_xdp_interface, -EPROTO },
	{ "ifindex chosen", change_xdp_ifindex, -EPROTO },
	{ "namespace chosen by number", change_xdp_netns_id, -EPROTO },
	{ "mode", change_xdp_mode, -EPROTO },
	{ "direction", change_xdp_direction, -EPROTO },
	{ "target reserved, the last", change_xdp_target_reserved_last, -EPROTO },
	{ "exclusive", change_xdp_exclusive, -EPROTO },
	{ "target reserved", change_xdp_target_reserved, -EPROTO },
	{ "given, but no field", change_xdp_given, -EPROTO },
	{ "given, the last bit", change_xdp_given_last, -EPROTO },
	{ "given, another type's field", change_xdp_given_other, -EINVAL },
	{ "highest priority", change_xdp_priority_most, 0 },
	{ "priority too high", change_xdp_priority, -EINVAL },
	{ "priority below 0", change_xdp_priority_negative, -EINVAL },
	{ "priority not given, but there", change_xdp_priority_unset, -EINVAL },
	{ "every proceed-on", change_xdp_proceed_all, 0 },
	{ "unknown proceed-on", change_xdp_proceed, -EINVAL },
	{ "two targets", change_xdp_both, -EINVAL },
};

CHANGE(tp_no_group) { memset(attach_tracepoint.target.group, 0, TRACEPOINT_SIZE); }
CHANGE(tp_up) { memcpy(attach_tracepoint.target.group, "..\0\0\0", 5); }
CHANGE(tp_slash) { memcpy(attach_tracepoint.target.name, "a/b", 3); }
CHANGE(tp_name) { FILL(attach_tracepoint.target.name); }
CHANGE(tp_both) { attach_tracepoint.target.priority = 1; }
CHANGE(tp_group_tail) { attach_tracepoint.target.group[60] = 'x'; }
CHANGE(tp_path) { FILL(attach_tracepoint.target.path); }

static const struct {
	const char *name;
	void (*change)(void);
	int result;
} tracepoint_rows[] = {
	{ "as it should be", change_nothing, 0 },
	{ "no group", change_tp_no_group, -EINVAL },
	{ "the directory above", change_tp_up, -EINVAL },
	{ "a slash", change_tp_slash, -EINVAL },
	{ "name without end", change_tp_name, -EPROTO },
	{ "group with a tail", change_tp_group_tail, -EPROTO },
	{ "another type's text, without end", change_tp_path, -EPROTO },
	{ "two targets", change_tp_both, -EINVAL },
};

CHANGE(many_one) { attach_many.places.count = 0; }
CHANGE(many_full) { many_fill(PLACES_MAX - 1); }
CHANGE(many_count) { many_fill(PLACES_MAX - 1); attach_many.places.count = PLACES_MAX; }
CHANGE(many_reserved) { attach_many.places.reserved = 1; }
CHANGE(many_text) { FILL(attach_many.places.entries[1].function); }
CHANGE(many_tail) { attach_many.places.entries[1].function[20] = 'x'; }
CHANGE(many_empty) { memset(attach_many.places.entries[1].function, 0, FUNCTION_NAME_SIZE); }
CHANGE(many_twice) { attach_many.places.entries[1] = attach_many.places.entries[0]; }
CHANGE(many_offset) { attach_many.places.entries[1].offset = 1; }
CHANGE(many_type) { attach_many.type = PROGRAM_TYPE_KPROBE; }

/* A type that takes several places. */
static const struct {
	const char *name;
	void (*change)(void);
	int result;
} many_rows[] = {
	{ "three places", change_nothing, 0 },
	{ "one", change_many_one, 0 },
	{ "as many as there may be", change_many_full, 0 },
	{ "one more", change_many_count, -EPROTO },
	{ "reserved", change_many_reserved, -EPROTO },
	{ "a text without end", change_many_text, -EPROTO },
	{ "a text with a tail", change_many_tail, -EPROTO },
	{ "none in its place", change_many_empty, -EINVAL },
	{ "one twice", change_many_twice, -EINVAL },
	{ "what the type does not take", change_many_offset, -EINVAL },
	{ "a type that takes one", change_many_type, -EINVAL },
};

CHANGE(lsm_given) { attach_lsm.target.given = TARGET_BIT(TARGET_PRIORITY); }
CHANGE(lsm_function) { memcpy(attach_lsm.target.function, "file_open", 9); }
CHANGE(lsm_follow) { attach_lsm.target.follow = 1; }

CHANGE(update_reserved) { update.reserved = 1; }
CHANGE(update_peer_reserved) { update.peer.reserved = 1; }
CHANGE(update_no_link) { update.link_id = 0; }
CHANGE(update_nothing) { update.program_id = 0; }
CHANGE(update_priority) { update.program_id = 0; update.given = TARGET_BIT(TARGET_PRIORITY); }
CHANGE(update_priority_unset) { update.priority = 1; }
CHANGE(update_proceed_on) { update.program_id = 0; update.given = TARGET_BIT(TARGET_PROCEED_ON); update.proceed_on = 4; }
CHANGE(update_proceed_on_unset) { update.proceed_on = 4; }
CHANGE(update_given_other) { update.given = TARGET_BIT(TARGET_MODE); }
CHANGE(update_given_last) { update.given = 1u << 31; }

static const struct {
	const char *name;
	void (*change)(void);
	int result;
} update_rows[] = {
	{ "a program", change_nothing, 0 },
	{ "a priority, which is 0", change_update_priority, 0 },
	{ "proceed-on", change_update_proceed_on, 0 },
	{ "reserved", change_update_reserved, -EPROTO },
	{ "peer reserved", change_update_peer_reserved, -EPROTO },
	{ "no link", change_update_no_link, -EINVAL },
	{ "nothing", change_update_nothing, -EINVAL },
	{ "priority not given, but there", change_update_priority_unset, -EPROTO },
	{ "proceed-on not given, but there", change_update_proceed_on_unset, -EPROTO },
	{ "given, another field", change_update_given_other, -EPROTO },
	{ "given, the last bit", change_update_given_last, -EPROTO },
};

/* A type that takes no target at all. */
static const struct {
	const char *name;
	void (*change)(void);
	int result;
} lsm_rows[] = {
	{ "as it should be", change_nothing, 0 },
	{ "a number given", change_lsm_given, -EINVAL },
	{ "a text", change_lsm_function, -EINVAL },
	{ "a flag", change_lsm_follow, -EINVAL },
};
/* clang-format on */

/* A refusal says why; nothing else touches the error. */
static void check(const char *name, int result, int expected, const struct error *error)
{
	if (result != expected)
		fail_msg("%s: %d instead of %d", name, result, expected);
	if (expected == -EINVAL) {
		assert_int_equal(error->code, ERROR_INVALID_ARGUMENT);
		assert_true(strlen(error->message) > 20);
	} else {
		assert_int_equal(error->code, 0);
	}
}

static void test_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(load_rows) / sizeof(load_rows[0]); i++) {
		struct error error = {};

		reset();
		load_rows[i].change();
		check(load_rows[i].name, validate_load(&load, &error), load_rows[i].result, &error);
	}
}

static void test_attach_xdp(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(xdp_rows) / sizeof(xdp_rows[0]); i++) {
		struct error error = {};

		reset();
		xdp_rows[i].change();
		check(xdp_rows[i].name, validate_attach(&attach_xdp, &error), xdp_rows[i].result,
		      &error);
	}
}

static void test_attach_tracepoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tracepoint_rows) / sizeof(tracepoint_rows[0]); i++) {
		struct error error = {};

		reset();
		tracepoint_rows[i].change();
		check(tracepoint_rows[i].name, validate_attach(&attach_tracepoint, &error),
		      tracepoint_rows[i].result, &error);
	}
}

static void test_attach_lsm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lsm_rows) / sizeof(lsm_rows[0]); i++) {
		struct error error = {};

		reset();
		lsm_rows[i].change();
		check(lsm_rows[i].name, validate_attach(&attach_lsm, &error), lsm_rows[i].result,
		      &error);
	}
}

static void test_attach_many(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(many_rows) / sizeof(many_rows[0]); i++) {
		struct error error = {};

		reset();
		many_rows[i].change();
		check(many_rows[i].name, validate_attach(&attach_many, &error), many_rows[i].result,
		      &error);
	}
}

static void test_update(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(update_rows) / sizeof(update_rows[0]); i++) {
		struct error error = {};

		reset();
		update_rows[i].change();
		check(update_rows[i].name, validate_update(&update, &error), update_rows[i].result,
		      &error);
	}
}

static void test_remove(void **state)
{
	struct frontend_remove request = { .target_id = 1 };
	struct error error = {};

	(void)state;
	assert_int_equal(validate_remove(&request, &error), 0);
	request.target_id = 0;
	check("id 0", validate_remove(&request, &error), -EINVAL, &error);
	request.peer.reserved = 1;
	assert_int_equal(validate_remove(&request, &error), -EPROTO);
	request = (struct frontend_remove){ .target_id = 1, .force = 1 };
	assert_int_equal(validate_remove(&request, &error), 0);
	request.force = 2;
	assert_int_equal(validate_remove(&request, &error), -EPROTO);
	request = (struct frontend_remove){ .target_id = 1, .reserved = 1 };
	assert_int_equal(validate_remove(&request, &error), -EPROTO);
}

static void test_map_names(void **state)
{
	static const struct {
		char name[MAP_NAME_SIZE];
		bool ok;
	} names[] = {
		{ "counters", true }, { ".rodata", true },   { "a_B.9", true },
		{ "", false },        { "a/b", false },      { "a b", false },
		{ "a\nb", false },    { "\xc3\xa9", false }, { "..", true } /* becomes "__" */,
	};
	char unterminated[MAP_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(validate_map_name(names[i].name), names[i].ok);
	memset(unterminated, 'a', sizeof(unterminated));
	assert_false(validate_map_name(unterminated));
}

static int object_make(off_t size, int seals)
{
	int fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_objects(void **state)
{
	static const struct {
		off_t size;
		int seals;
		int result;
	} rows[] = {
		{ 1, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, 0 },
		{ OBJECT_SIZE_MAX, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, 0 },
		{ OBJECT_SIZE_MAX + 1, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, -EPROTO },
		{ 0, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, -EPROTO },
		{ 1, F_SEAL_SHRINK | F_SEAL_GROW, -EPROTO },
		{ 1, F_SEAL_WRITE | F_SEAL_GROW, -EPROTO },
		{ 1, F_SEAL_WRITE | F_SEAL_SHRINK, -EPROTO },
	};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = object_make(rows[i].size, rows[i].seals);

		assert_int_equal(validate_object(fd), rows[i].result);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(validate_object(null), -EPROTO);
	assert_int_equal(close(null), 0);
}

static void test_evidence(void **state)
{
	static const struct {
		off_t size;
		int seals;
		int result;
	} rows[] = {
		{ sizeof(struct evidence_header), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, 0 },
		{ EVIDENCE_SIZE_MAX, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, 0 },
		{ EVIDENCE_SIZE_MAX + 1, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, -EPROTO },
		{ sizeof(struct evidence_header) - 1, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,
		  -EPROTO },
		{ 4096, F_SEAL_SHRINK | F_SEAL_GROW, -EPROTO },
		{ 4096, F_SEAL_WRITE | F_SEAL_GROW, -EPROTO },
		{ 4096, F_SEAL_WRITE | F_SEAL_SHRINK, -EPROTO },
	};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = object_make(rows[i].size, rows[i].seals);

		assert_int_equal(validate_evidence(fd), rows[i].result);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(validate_evidence(null), -EPROTO);
	assert_int_equal(close(null), 0);
}

/* What a verifier may say to which question; the channel test has the lies in full. */
static void test_verifier_answers(void **state)
{
	const struct verifier_question demanded = { .demand = 1 }, open_question = {};
	struct verifier_answer answer = {};

	(void)state;
	assert_true(validate_verifier_answer(&answer, &open_question));
	assert_false(validate_verifier_answer(&answer, &demanded));
	answer.verdict = (struct record_verdict){ .verdict = IMAGE_VERDICT_VERIFIED,
		                                  .kind = IMAGE_RULE_KEY,
		                                  .key = "/k" };
	assert_true(validate_verifier_answer(&answer, &demanded));
	answer.verdict.verdict = IMAGE_VERDICT_REFUSED; /* with what it was about, or without */
	answer.error = (struct error){ ERROR_UNTRUSTED, "no" };
	assert_true(validate_verifier_answer(&answer, &demanded));
	answer.error.code = 0;
	assert_false(validate_verifier_answer(&answer, &demanded));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_attach_xdp),
		cmocka_unit_test(test_attach_tracepoint),
		cmocka_unit_test(test_attach_lsm),
		cmocka_unit_test(test_attach_many),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_map_names),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_verifier_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
