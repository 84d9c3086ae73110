/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the values of a request may be: one row per rule, and the structures that come out. */
#include "common/program_type.h"
#include "frontend/request.h"
#include "frontend/validate.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text(const char *value)
{
	return (char *)(uintptr_t)value;
}

static const char *repeated(char byte, size_t count)
{
	static char bytes[2][512];
	static int turn;
	char *out = bytes[turn ^= 1];

	memset(out, 0, sizeof(bytes[0]));
	memset(out, byte, count);
	return out;
}

static void expect(int r, const struct error *error, const char *says)
{
	if (!says) {
		if (r != 0)
			fail_msg("refused: %s", error->message);
		return;
	}
	if (r != -EINVAL || !strstr(error->message, says))
		fail_msg("%d: \"%s\" is not in \"%s\"", r, says, error->message);
}

static const size_t text_sizes[] = {
	[TEXT_FUNCTION] = FUNCTION_NAME_SIZE,    [TEXT_GLOBAL] = GLOBAL_NAME_SIZE,
	[TEXT_METADATA_KEY] = METADATA_KEY_SIZE, [TEXT_METADATA_VALUE] = METADATA_VALUE_SIZE,
	[TEXT_APPLICATION] = APPLICATION_SIZE,   [TEXT_SOURCE_NAME] = 128,
	[TEXT_LOAD_TARGET] = FUNCTION_NAME_SIZE,
};

static void text_row(enum text_rule rule, const char *value, const char *says)
{
	struct error error = { .code = 0 };
	char out[256], untouched[256];

	memset(out, 'u', sizeof(out));
	memset(untouched, 'u', sizeof(untouched));

	int r = text_take(rule, "the.field", value, out, text_sizes[rule], &error);

	expect(r, &error, says);
	if (r < 0) {
		assert_memory_equal(out, untouched, sizeof(out));
		assert_non_null(strstr(error.message, "the.field"));
		return;
	}
	assert_string_equal(out, value);
	for (size_t i = strlen(value); i < text_sizes[rule]; i++)
		assert_int_equal(out[i], 0);
}

static void texts(void **state)
{
	(void)state;
	text_row(TEXT_FUNCTION, "xdp_count.part$0", NULL);
	text_row(TEXT_FUNCTION, "", "is empty: it must have 1 to 127 bytes");
	text_row(TEXT_FUNCTION, repeated('f', 127), NULL);
	text_row(TEXT_FUNCTION, repeated('f', 128), "is 128 bytes long: at most 127");
	text_row(TEXT_FUNCTION, "a b",
	         "\"a b\" has characters that are not allowed: it may have letters");
	text_row(TEXT_FUNCTION, "a\nb", "\"a\\x0ab\"");
	text_row(TEXT_GLOBAL, "limit", NULL);
	text_row(TEXT_GLOBAL, "a/b", "letters, digits and _ . $");
	text_row(TEXT_METADATA_KEY, "a key, with \"quotes\"", NULL);
	text_row(TEXT_METADATA_KEY, "", "is empty");
	text_row(TEXT_METADATA_KEY, "caf\xc3\xa9", NULL);
	text_row(TEXT_METADATA_KEY, "\x1b[2J", "no control characters");
	text_row(TEXT_METADATA_KEY, "\x7f", "no control characters");
	text_row(TEXT_METADATA_KEY, repeated('k', 63), NULL);
	text_row(TEXT_METADATA_KEY, repeated('k', 64), "at most 63");
	text_row(TEXT_METADATA_VALUE, "", NULL);
	text_row(TEXT_METADATA_VALUE, repeated('v', 191), NULL);
	text_row(TEXT_METADATA_VALUE, repeated('v', 192), "at most 191");
	text_row(TEXT_APPLICATION, "", NULL);
	text_row(TEXT_APPLICATION, repeated('a', 64), "at most 63");
	text_row(TEXT_SOURCE_NAME, repeated('s', 127), NULL);
	text_row(TEXT_SOURCE_NAME, repeated('s', 128), "at most 127");
	text_row(TEXT_SOURCE_NAME, "a\tb", "no control characters");
	text_row(TEXT_LOAD_TARGET, "", NULL);
	text_row(TEXT_LOAD_TARGET, "vfs_read.isra$0", NULL);
	text_row(TEXT_LOAD_TARGET, "../vfs", "letters, digits and _ . $");
	text_row(TEXT_LOAD_TARGET, "a b", "letters, digits and _ . $");
	text_row(TEXT_LOAD_TARGET, repeated('t', 127), NULL);
	text_row(TEXT_LOAD_TARGET, repeated('t', 128), "is 128 bytes long: at most 127");
}

static void numbers(void **state)
{
	struct error error = { .code = 0 };

	(void)state;
	expect(id_check("x", 1, &error), &error, NULL);
	expect(id_check("detach.link_id", 0, &error), &error, "detach.link_id is 0 or not given");
	expect(object_size_check(1, &error), &error, NULL);
	expect(object_size_check(OBJECT_SIZE_MAX, &error), &error, NULL);
	expect(object_size_check(0, &error), &error, "the object is empty");
	expect(object_size_check(17u << 20, &error), &error,
	       "the object is 17825792 bytes long: at most 16777216");
	assert_int_equal(error.code, ERROR_BAD_OBJECT);
}

/* A load request of the largest counts; tests change one thing. */
struct load {
	Bpfd__V1__LoadRequest request;
	Bpfd__V1__LoadProgram programs[LOAD_PROGRAMS_MAX + 1];
	Bpfd__V1__LoadProgram *program_pointers[LOAD_PROGRAMS_MAX + 1];
	Bpfd__V1__Global globals[LOAD_GLOBALS_MAX + 1];
	Bpfd__V1__Global *global_pointers[LOAD_GLOBALS_MAX + 1];
	Bpfd__V1__Metadata metadata[METADATA_MAX + 1];
	Bpfd__V1__Metadata *metadata_pointers[METADATA_MAX + 1];
	char names[LOAD_GLOBALS_MAX + 1][16];
	uint8_t bytes[GLOBAL_DATA_MAX + 1];
};

static struct load *load_new(void)
{
	struct load *load = calloc(1, sizeof(*load));

	assert_non_null(load);
	bpfd__v1__load_request__init(&load->request);
	for (size_t i = 0; i <= LOAD_GLOBALS_MAX; i++) {
		(void)snprintf(load->names[i], sizeof(load->names[i]), "name%zu", i);
		bpfd__v1__global__init(&load->globals[i]);
		load->globals[i].name = load->names[i];
		load->globals[i].value = (ProtobufCBinaryData){ .data = load->bytes, .len = 256 };
		load->global_pointers[i] = &load->globals[i];
	}
	for (size_t i = 0; i <= LOAD_PROGRAMS_MAX; i++) {
		bpfd__v1__load_program__init(&load->programs[i]);
		load->programs[i].function = load->names[i];
		load->programs[i].type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
		load->program_pointers[i] = &load->programs[i];
	}
	for (size_t i = 0; i <= METADATA_MAX; i++) {
		bpfd__v1__metadata__init(&load->metadata[i]);
		load->metadata[i].key = load->names[i];
		load->metadata_pointers[i] = &load->metadata[i];
	}
	load->request.object = (ProtobufCBinaryData){ .data = load->bytes, .len = 10 };
	load->request.programs = load->program_pointers;
	load->request.n_programs = LOAD_PROGRAMS_MAX;
	load->request.globals = load->global_pointers;
	load->request.n_globals = LOAD_GLOBALS_MAX;
	load->request.metadata = load->metadata_pointers;
	load->request.n_metadata = METADATA_MAX;
	return load;
}

static void load_expect(struct load *load, const char *says)
{
	static struct frontend_load out;
	struct error error = { .code = 0 };

	expect(load_take(&load->request, &out, &error), &error, says);
	free(load);
}

static void a_full_load_is_taken(void **state)
{
	static struct frontend_load out;
	struct error error = { .code = 0 };
	struct load *load = load_new();

	(void)state;
	load->globals[5].value.len = 1;
	load->bytes[0] = 42;
	load->programs[3].exclusive = 1;
	load->programs[4].type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED;
	load->programs[5].type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_FENTRY;
	load->programs[5].target = text("vfs_read");
	load->request.application = text("shop");
	load->request.source_name = text("x.o");
	expect(load_take(&load->request, &out, &error), &error, NULL);
	assert_int_equal(out.program_count, LOAD_PROGRAMS_MAX);
	assert_string_equal(out.programs[31].function, "name31");
	assert_int_equal(out.programs[31].type, PROGRAM_TYPE_XDP);
	assert_int_equal(out.programs[3].exclusive, 1);
	assert_int_equal(out.programs[4].exclusive, 0);
	assert_int_equal(out.programs[4].type, PROGRAM_TYPE_NONE);
	assert_string_equal(out.programs[4].target, "");
	assert_int_equal(out.programs[5].type, PROGRAM_TYPE_FENTRY);
	assert_string_equal(out.programs[5].target, "vfs_read");
	assert_int_equal(out.globals.count, LOAD_GLOBALS_MAX);
	assert_int_equal(out.globals.entries[6].offset, 5 * 256 + 1);
	assert_int_equal(out.globals.data[(size_t)5 * 256], 42);
	assert_int_equal(out.globals.data_size, 63 * 256 + 1);
	assert_int_equal(out.metadata.count, METADATA_MAX);
	assert_string_equal(out.metadata.entries[31].key, "name31");
	assert_string_equal(out.application, "shop");
	assert_string_equal(out.source_name, "x.o");
	free(load);
}

static void loads(void **state)
{
	struct load *load;

	(void)state;
#define refused(change, says)            \
	do {                             \
		load = load_new();       \
		change;                  \
		load_expect(load, says); \
	} while (0)
	refused(load->request.object.len = 0, "the object is empty");
	refused(load->request.n_programs = 0, "no programs are given: at least 1 must be");
	refused(load->request.n_programs++, "33 programs are given: at most 32 are allowed");
	refused(load->request.n_globals++, "65 globals are given: at most 64 are allowed");
	refused(load->request.n_metadata++, "33 metadata are given: at most 32 are allowed");
	refused(load->programs[7].function = text(""), "load.programs[7].function is empty");
	refused(load->programs[7].type = 0, NULL); /* what its section says */
	refused(load->programs[7].target = text("a b"),
	        "load.programs[7].target \"a b\" has characters");
	refused((load->programs[7].type = 0, load->programs[7].exclusive = 1),
	        "program \"name7\" is no xdp program: only those can be exclusive");
	refused((load->programs[7].type = 2, load->programs[7].exclusive = 1),
	        "program \"name7\" is no xdp program: only those can be exclusive");
	refused(load->programs[7].function = text("name2"), "program \"name2\" is given twice");
	refused(load->globals[9].name = text("a b"), "load.globals[9].name \"a b\" has characters");
	refused(load->globals[9].name = text("name0"), "global \"name0\" is given twice");
	refused(load->globals[9].value.len = 0, "global \"name9\" has an empty value");
	refused(load->globals[63].value.len = 257,
	        "global \"name63\" has 257 bytes: the values of one load may");
	refused(load->globals[0].value.len = GLOBAL_DATA_MAX + 1,
	        "global \"name0\" has 16385 bytes");
	refused(load->metadata[31].key = text(""), "load.metadata[31].key is empty");
	refused(load->metadata[31].key = text("name30"), "metadata key \"name30\" is given twice");
	refused(load->metadata[31].value = text("\n"),
	        "load.metadata[31].value \"\\x0a\" has characters");
	refused(load->request.application = text("\n"),
	        "load.application \"\\x0a\" has characters");
	refused(load->request.source_name = text("\n"),
	        "load.source_name \"\\x0a\" has characters");
#undef refused
}

static void attach_expect(const Bpfd__V1__AttachRequest *attach, const char *says)
{
	struct frontend_attach out;
	struct error error = { .code = 0 };

	expect(attach_take(attach, &out, &error), &error, says);
	if (says)
		return;
	assert_int_equal(out.program_id, attach->program_id);
	assert_int_equal(out.type, attach->type);
	assert_int_equal(out.metadata.count, attach->n_metadata);
	assert_string_equal(out.target.interface, attach->target->interface);
	assert_string_equal(out.target.name, attach->target->name);
}

/* What a target may be is in frontend_target_test.c. */
static void attachments(void **state)
{
	Bpfd__V1__AttachRequest attach = BPFD__V1__ATTACH_REQUEST__INIT;
	Bpfd__V1__Target target = BPFD__V1__TARGET__INIT;
	Bpfd__V1__Metadata metadata = BPFD__V1__METADATA__INIT;
	Bpfd__V1__Metadata *all[] = { &metadata };

	(void)state;
	attach_expect(&attach, "attach.program_id is 0");
	attach.program_id = 5;
	attach_expect(&attach, "attach.type is missing: it must be the program's type");
	attach.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	attach_expect(&attach, "interface is missing");
	attach.target = &target;
	attach_expect(&attach, "interface is missing");
	target.interface = text("eth0");
	attach_expect(&attach, NULL);
	attach.metadata = all;
	attach.n_metadata = 1;
	attach_expect(&attach, "attach.metadata[0].key is empty");
	metadata.key = text("k");
	attach_expect(&attach, NULL);
	attach.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT;
	attach_expect(&attach, "interface is given, which tracepoint programs do not take");
	target.interface = text("");
	target.group = text("sched");
	attach_expect(&attach, "name is missing");
	target.name = text("sched_switch");
	attach_expect(&attach, NULL);
	attach.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_LSM;
	attach_expect(&attach, "group is given, which lsm programs do not take: they take nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(numbers),
		cmocka_unit_test(a_full_load_is_taken),
		cmocka_unit_test(loads),
		cmocka_unit_test(attachments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
