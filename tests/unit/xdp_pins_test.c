/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Paths and names of pins, and names of tracepoints. */
#include "broker/xdp_pins.h"
#include "common/tracepoint.h"

#include <cmocka.h>
#include <string.h>

static const struct launcher_settings settings = { .bpffs_directory = "/sys/fs/bpf/bpfd",
	                                           .xdp_directory = "/sys/fs/bpf/xdp" };

static const struct xdp_place here = { .ifindex = 3 },
			      far = { .ifindex = UINT32_MAX, .netns = UINT32_MAX };

static void paths(void **state)
{
	char path[PIN_PATH_SIZE];

	(void)state;
	pins_directory_path(&settings, 3, 17, path);
	assert_string_equal(path, "/sys/fs/bpf/xdp/dispatch-3-17");
	pins_component_path(&settings, 3, 17, 0, PIN_PROGRAM, path);
	assert_string_equal(path, "/sys/fs/bpf/xdp/dispatch-3-17/prog0-prog");
	pins_component_path(&settings, 3, 17, 9, PIN_LINK, path);
	assert_string_equal(path, "/sys/fs/bpf/xdp/dispatch-3-17/prog9-link");
	pins_private_path(&settings, &here, 17, false, path);
	assert_string_equal(path, "/sys/fs/bpf/bpfd/dispatchers/3-17");
	pins_private_path(&settings, &far, UINT32_MAX, true, path);
	assert_string_equal(path,
	                    "/sys/fs/bpf/bpfd/dispatchers/ns4294967295-4294967295-4294967295-map");
}

/* The longest that settings and numbers can make fits. */
static void longest(void **state)
{
	struct launcher_settings most;
	char path[PIN_PATH_SIZE];

	(void)state;
	memset(&most, 'x', sizeof(most));
	most.xdp_directory[sizeof(most.xdp_directory) - 1] = '\0';
	most.bpffs_directory[sizeof(most.bpffs_directory) - 1] = '\0';
	pins_component_path(&most, UINT32_MAX, UINT32_MAX, 9, PIN_PROGRAM, path);
	assert_string_equal(path + strlen(path) - strlen("/prog9-prog"), "/prog9-prog");
	pins_private_path(&most, &far, UINT32_MAX, true, path);
	assert_string_equal(path + strlen(path) - strlen("-map"), "-map");
}

static void names(void **state)
{
	static const char *const bad[] = { "",
		                           "-",
		                           "1",
		                           "1-",
		                           "-1",
		                           "1-2-map",
		                           "1-2-",
		                           "01-2",
		                           "1-02",
		                           "a-2",
		                           "1-2 ",
		                           " 1-2",
		                           "+1-2",
		                           "1--2",
		                           "4294967296-1",
		                           "1-99999999999999999999",
		                           "ns",
		                           "ns1",
		                           "ns1-2",
		                           "ns-1-2",
		                           "ns0-1-2",
		                           "ns1-2-",
		                           "ns1--2",
		                           "ns01-1-2",
		                           "ns4294967296-1-2",
		                           "ns1-2-3-4" };
	struct xdp_place place = { .ifindex = 7, .netns = 9 };
	uint32_t id = 8;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(pins_name_parse(bad[i], &place, &id));
	assert_int_equal(place.ifindex, 7);
	assert_int_equal(place.netns, 9);
	assert_int_equal(id, 8);
	assert_true(pins_name_parse("12-4294967295", &place, &id));
	assert_int_equal(place.ifindex, 12);
	assert_int_equal(place.netns, 0);
	assert_int_equal(id, UINT32_MAX);
	assert_true(pins_name_parse("ns4026531840-12-5", &place, &id));
	assert_int_equal(place.ifindex, 12);
	assert_int_equal(place.netns, 4026531840);
	assert_int_equal(id, 5);
	assert_true(pins_name_parse("0-0", &place, &id));
}

static bool tracepoint_ok(const char *text)
{
	char field[TRACEPOINT_SIZE] = "";

	memcpy(field, text, strnlen(text, sizeof(field)));
	return tracepoint_name_ok(field, sizeof(field));
}

static void tracepoints(void **state)
{
	static const char *const good[] = { "sched", "sys_enter_getpid", "9p", "a-b.c:d" };
	static const char *const bad[] = { "",   ".",   "..",  "a..b",     "a/b",
		                           "/a", "a b", "a\n", "\xc3\xa4", "a%n" };
	char field[TRACEPOINT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(tracepoint_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(tracepoint_ok(bad[i]));
	memset(field, 'a', sizeof(field)); /* not terminated */
	assert_false(tracepoint_name_ok(field, sizeof(field)));
	field[sizeof(field) - 1] = '\0';
	assert_true(tracepoint_name_ok(field, sizeof(field)));
	field[3] = '\0'; /* something behind the end */
	assert_false(tracepoint_name_ok(field, sizeof(field)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(paths), cmocka_unit_test(longest),
		                            cmocka_unit_test(names),
		                            cmocka_unit_test(tracepoints) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
