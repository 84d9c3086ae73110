/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who may read a program's maps by the program's metadata: and nothing else, and nobody else. */
#include "frontend/readers.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *value;
	bool ok;
	bool has; /* 1000 */
} texts[] = {
	{ "1000", true, true },
	{ "1000,1001", true, true },
	{ "1,1000", true, true },
	{ "0", true, false },
	{ "10000,100,4294967294", true, false },
	{ "", false, false },
	{ ",1000", false, false },
	{ "999,", false, false },
	{ "4294967295", false, false },
	{ "4294968296", false, false }, /* 2^32 + 1000 */
	{ "+1000", false, false },
	{ " 1000", false, false },
	{ "1000 ", false, false },
	{ "alice", false, false },
	{ "0x3e8", false, false },
};

static struct record_program program_make(const char *value)
{
	struct record_program program = { .id = 7, .name = "one", .metadata.count = 2 };
	struct record_metadata_entry *entries = program.metadata.entries;

	(void)snprintf(entries[0].key, sizeof(entries[0].key), "team");
	(void)snprintf(entries[0].value, sizeof(entries[0].value), "1000");
	(void)snprintf(entries[1].key, sizeof(entries[1].key), READERS_KEY);
	(void)snprintf(entries[1].value, sizeof(entries[1].value), "%s", value);
	return program;
}

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct record_program program = program_make(texts[i].value);
		struct error error = {};

		if (readers_ok(texts[i].value) != texts[i].ok ||
		    readers_have(texts[i].value, 1000) != texts[i].has)
			fail_msg("\"%s\"", texts[i].value);
		assert_int_equal(readers_check(&program.metadata, &error),
		                 texts[i].ok ? 0 : -EINVAL);
	}
}

/* Every operation there is, so that a new one is nothing that a reader may do. */
static void test_operations(void **state)
{
	Bpfd__V1__MapDumpRequest dump = BPFD__V1__MAP_DUMP_REQUEST__INIT;
	Bpfd__V1__MapGetRequest get = BPFD__V1__MAP_GET_REQUEST__INIT;
	Bpfd__V1__MapTypesRequest types = BPFD__V1__MAP_TYPES_REQUEST__INIT;
	Bpfd__V1__GetProgramRequest program = BPFD__V1__GET_PROGRAM_REQUEST__INIT;
	Bpfd__V1__ListMapsRequest list = BPFD__V1__LIST_MAPS_REQUEST__INIT;
	const ProtobufCMessageDescriptor *fields = &bpfd__v1__request__descriptor;
	struct record_program row = program_make("1000"), other = { .id = 8, .name = "two" };
	struct view view = {};
	unsigned int allowed = 0;

	(void)state;
	assert_int_equal(view_take_program(&view, &row), 0);
	assert_int_equal(view_take_program(&view, &other), 0);
	list.program_option_case = BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
	for (uint64_t id = 6; id <= 8; id++) {
		dump.program_id = get.program_id = types.program_id = id;
		program.program_id = list.program_id = id;
		for (unsigned int i = 0; i < fields->n_fields; i++) {
			Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;

			request.operation_case =
				(Bpfd__V1__Request__OperationCase)fields->fields[i].id;
			switch (request.operation_case) {
			case BPFD__V1__REQUEST__OPERATION_MAP_DUMP:
				request.map_dump = &dump;
				break;
			case BPFD__V1__REQUEST__OPERATION_MAP_GET:
				request.map_get = &get;
				break;
			case BPFD__V1__REQUEST__OPERATION_MAP_TYPES:
				request.map_types = &types;
				break;
			case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
				request.get_program = &program;
				break;
			case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
				request.list_maps = &list;
				break;
			default:
				assert_false(readers_allow(&view, &request, 1000));
				continue;
			}
			assert_int_equal(readers_allow(&view, &request, 1000), id == 7);
			assert_false(readers_allow(&view, &request, 1001));
			allowed += id == 7;
		}
	}
	assert_int_equal(allowed, 5);
	view_clear(&view);
}

/* A list of one program's maps is no list of the host's. */
static void test_lists_of_maps(void **state)
{
	Bpfd__V1__ListMapsRequest list = BPFD__V1__LIST_MAPS_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	struct record_program row = program_make("1000");
	struct view view = {};

	(void)state;
	assert_int_equal(view_take_program(&view, &row), 0);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_MAPS;
	request.list_maps = &list;
	assert_false(readers_allow(&view, &request, 1000));
	list.program_id = 7; /* not given, whatever it is */
	assert_false(readers_allow(&view, &request, 1000));
	list.program_option_case = BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
	assert_true(readers_allow(&view, &request, 1000));
	list.all = 1;
	assert_false(readers_allow(&view, &request, 1000));
	view_clear(&view);
}

/* What others loaded is no program of bpfd's: its number there may be anybody's here. */
static void test_by_the_kernels_number(void **state)
{
	Bpfd__V1__GetProgramRequest program = BPFD__V1__GET_PROGRAM_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	struct record_program row = program_make("1000");
	struct view view = {};

	(void)state;
	assert_int_equal(view_take_program(&view, &row), 0);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_GET_PROGRAM;
	request.get_program = &program;
	program.kernel_id = 7;
	assert_false(readers_allow(&view, &request, 1000));
	program.program_id = 7;
	assert_false(readers_allow(&view, &request, 1000));
	view_clear(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_lists_of_maps),
		cmocka_unit_test(test_by_the_kernels_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
