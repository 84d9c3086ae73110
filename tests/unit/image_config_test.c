/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Configurations of images: the labels in both forms, and the layer's digest. */
#include "image/digest.h"
#include "image/json.h"
#include "image/manifest.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIFF "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define LABELS(labels) "{\"config\":{\"Labels\":{" labels "}}}"
#define P "\"io.ebpf.programs\":"
#define M "\"io.ebpf.maps\":"
#define FUNCTION(name) "\"io.ebpf.bpf_function_name\":\"" name "\""
#define PROGRAM(name) "\"io.ebpf.program_name\":\"" name "\""
#define SECTION(name) "\"io.ebpf.section_name\":\"" name "\""
#define TYPE(name) "\"io.ebpf.program_type\":\"" name "\""

static struct image_config config;
static struct error error;

static int config_of(const char *text)
{
	error = (struct error){};
	return config_read(text, strlen(text), &config, &error);
}

static const struct {
	const char *text;
	bool labelled;
	const char *programs; /* name=type, each with a blank behind it */
	const char *maps;
} rows[] = {
	{ "{}", false, "", "" },
	{ "{\"config\":null}", false, "", "" },
	{ "{\"config\":{\"Labels\":null}}", false, "", "" },
	{ LABELS(""), false, "", "" },
	{ LABELS(P "\"{\\\"a\\\":\\\"xdp\\\"}\""), true, "a=xdp ", "" },
	{ LABELS(P "\"{\\\"b\\\":\\\"xdp\\\",\\\"a\\\":\\\"tc\\\"}\"," M
	           "\"{\\\"m\\\":\\\"hash\\\",\\\"k\\\":\\\"array\\\"}\""),
	  true, "b=xdp a=tc ", "m=hash k=array " },
	{ LABELS(P "\"{}\"," M "\"{\\\"m\\\":\\\"hash\\\"}\""), false, "", "m=hash " },
	/* a Containerfile's arguments that nobody gave */
	{ LABELS(P "\"\"," M "\"\""), false, "", "" },
	{ LABELS(P "null"), false, "", "" },
	{ LABELS(P "\"\"," FUNCTION("f") "," TYPE("xdp")), true, "f=xdp ", "" },
	/* the newer ones win */
	{ LABELS(P "\"{\\\"a\\\":\\\"tc\\\"}\"," FUNCTION("f") "," TYPE("xdp")), true, "a=tc ",
	  "" },
	/* types that are long are cut */
	{ LABELS(P "\"{\\\"a\\\":\\\"0123456789012345678901234567890123456789\\\"}\""), true,
	  "a=0123456789012345678901234567890 ", "" },
	/* the older ones */
	{ LABELS(FUNCTION("f") "," TYPE("xdp")), true, "f=xdp ", "" },
	{ LABELS(PROGRAM("p") "," TYPE("xdp")), true, "p=xdp ", "" },
	{ LABELS(PROGRAM("p") "," FUNCTION("f") "," TYPE("tc")), true, "f=tc ", "" },
	{ LABELS(PROGRAM("p") "," SECTION("s") "," TYPE("tc")), false, "", "" },
	{ LABELS(FUNCTION("f") "," SECTION("s") "," TYPE("tc")), true, "f=tc ", "" },
	{ LABELS(FUNCTION("f")), false, "", "" },
	{ LABELS(TYPE("xdp")), false, "", "" },
	{ LABELS(FUNCTION("f") "," TYPE("xdp") "," M "\"{\\\"m\\\":\\\"hash\\\"}\""), true,
	  "f=xdp ", "m=hash " },
};

static void names_print(char programs[256], char maps[256])
{
	char *at = programs;

	programs[0] = maps[0] = '\0';
	for (uint32_t i = 0; i < config.names.program_count; i++)
		at += sprintf(at, "%s=%s ", config.names.programs[i].name,
		              config.names.programs[i].type);
	at = maps;
	for (uint32_t i = 0; i < config.names.map_count; i++)
		at += sprintf(at, "%s=%s ", config.names.maps[i].name, config.names.maps[i].type);
}

static void labels_name_programs_and_maps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char programs[256], maps[256];

		if (config_of(rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].text, error.message);
		names_print(programs, maps);
		if (config.labelled != rows[i].labelled ||
		    strcmp(programs, rows[i].programs) != 0 || strcmp(maps, rows[i].maps) != 0)
			fail_msg("%s: %d, \"%s\", \"%s\"", rows[i].text, config.labelled, programs,
			         maps);
	}
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void bad_configurations_change_nothing(void **state)
{
	static const char *const bad[] = {
		"[]",
		"",
		"{\"architecture\":7}",
		"{\"architecture\":\"amd 64\"}",
		"{\"architecture\":\"\\u001b[31m\"}",
		"{\"architecture\":\"0123456789012345678901234567890123\"}",
		"{\"rootfs\":{\"diff_ids\":[]}}",
		"{\"rootfs\":{\"diff_ids\":[7]}}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:1\"]}}",
		"{\"rootfs\":{\"diff_ids\":[\"" DIFF "\",\"" DIFF "\"]}}",
		LABELS(P "7"),
		LABELS(P "{}"),
		LABELS(P "\"x\""),
		LABELS(P "\"[]\""),
		LABELS(P "\"{\""),
		LABELS(P "\"{\\\"a\\\":1}\""),
		LABELS(P "\"{\\\"a\\\":\\\"x\\\",\\\"a\\\":\\\"y\\\"}\""),
		LABELS(P "\"{\\\"\\\":\\\"xdp\\\"}\""),
		LABELS(P "\"{\\\"a b\\\":\\\"xdp\\\"}\""),
		LABELS(P "\"{\\\"a\\\\n\\\":\\\"xdp\\\"}\""),
		LABELS(P "\"{\\\"\\u00e4\\\":\\\"xdp\\\"}\""),
		LABELS(P "\"{\\\"a\\\":\\\"x\\\\u001b\\\"}\""),
		LABELS(P "\"{\\\"" X64 X64 "\\\":\\\"xdp\\\"}\""),
		LABELS(M "\"{\\\"" X64 "\\\":\\\"hash\\\"}\""),
		LABELS(M "\"{\\\"a\\\":[]}\""),
		LABELS(FUNCTION("a b") "," TYPE("xdp")),
		LABELS(FUNCTION(X64 X64) "," TYPE("xdp")),
		LABELS(FUNCTION("f") "," TYPE("x\\u0007")),
		LABELS(FUNCTION("f") ",\"io.ebpf.program_type\":7"),
		LABELS(FUNCTION("f") "," TYPE("xdp") "," SECTION("\\n")),
	};
	static struct image_config before;

	(void)state;
	assert_int_equal(config_of(LABELS(FUNCTION("f") "," TYPE("xdp"))), 0);
	before = config;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (config_of(bad[i]) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(error.code, ERROR_REGISTRY);
		assert_true(error.message[0]);
		for (const char *at = error.message; *at; at++)
			assert_true(*at >= ' ' && *at <= '~');
		assert_memory_equal(&config, &before, sizeof(before));
	}
}

static void the_longest_names_are_taken(void **state)
{
	char text[1024];

	(void)state;
	(void)snprintf(
		text, sizeof(text),
		LABELS(P "\"{\\\"%.127s\\\":\\\"xdp\\\"}\"," M "\"{\\\"%.63s\\\":\\\"hash\\\"}\""),
		X64 X64, X64);
	assert_int_equal(config_of(text), 0);
	assert_int_equal(strlen(config.names.programs[0].name), FUNCTION_NAME_SIZE - 1);
	assert_int_equal(strlen(config.names.maps[0].name), MAP_NAME_SIZE - 1);
}

static char *label_of(const char *label, int count)
{
	char *text = malloc(64 + 32 * (size_t)count), *at = text;

	at += sprintf(at, "{\"config\":{\"Labels\":{%s\"{", label);
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s\\\"n%d\\\":\\\"t\\\"", i ? "," : "", i);
	(void)stpcpy(at, "}\"}}}");
	return text;
}

static void names_without_room_are_counted(void **state)
{
	char *text = label_of(P, LOAD_PROGRAMS_MAX + 3);

	(void)state;
	assert_int_equal(config_of(text), 0);
	assert_int_equal(config.names.program_count, LOAD_PROGRAMS_MAX);
	assert_int_equal(config.names.programs_more, 3);
	assert_string_equal(config.names.programs[LOAD_PROGRAMS_MAX - 1].name, "n31");
	assert_int_equal(config.names.map_count, 0);
	free(text);
	text = label_of(M, LOAD_MAPS_MAX + 1);
	assert_int_equal(config_of(text), 0);
	assert_int_equal(config.names.map_count, LOAD_MAPS_MAX);
	assert_int_equal(config.names.maps_more, 1);
	assert_int_equal(config.names.program_count, 0);
	free(text);
}

static void labels_have_the_bounds_of_json(void **state)
{
	char deep[400];
	char *at;

	(void)state;
	at = stpcpy(deep, "{\"config\":{\"Labels\":{" P "\"{\\\"a\\\":");
	for (int i = 0; i < JSON_NESTING_MAX; i++)
		*at++ = '[';
	(void)stpcpy(at, "\"}}}");
	assert_int_equal(config_of(deep), -EMSGSIZE);
	assert_int_equal(strncmp(error.message, "io.ebpf.programs is nested", 26), 0);
}

static void the_layer_is_the_configs(void **state)
{
	uint8_t diff[DIGEST_SIZE];

	(void)state;
	memset(diff, 0x11, sizeof(diff));
	assert_int_equal(config_of("{\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
	                           "\"diff_ids\":[\"" DIFF "\"]}}"),
	                 0);
	assert_string_equal(config.architecture, "amd64");
	assert_true(config.has_diff);
	assert_int_equal(config_check_layer(&config, diff, &error), 0);
	diff[0] ^= 1;
	assert_int_equal(config_check_layer(&config, diff, &error), -EBADMSG);
	assert_int_equal(error.code, ERROR_REGISTRY);
	assert_non_null(strstr(error.message, "the unpacked layer has the digest sha256:10"));
	assert_int_equal(config_of("{}"), 0);
	assert_false(config.has_diff);
	assert_string_equal(config.architecture, "");
	assert_int_equal(config_check_layer(&config, diff, &error), -EBADMSG);
	assert_non_null(strstr(error.message, "has no rootfs.diff_ids"));
}

static void names_leave_no_rests(void **state)
{
	static struct image_names names;
	static const char zeroes[IMAGE_TYPE_SIZE];

	(void)state;
	memset(names.programs, 0x5a, sizeof(names.programs));
	memset(names.maps, 0x5a, sizeof(names.maps));
	assert_int_equal(image_names_add_program(&names, "p", "xdp"), 0);
	assert_int_equal(image_names_add_map(&names, "m", ""), 0);
	assert_memory_equal(names.programs[0].type + 4, zeroes, IMAGE_TYPE_SIZE - 4);
	assert_memory_equal(names.programs[0].name + 2, zeroes, IMAGE_TYPE_SIZE);
	assert_memory_equal(names.maps[0].type, zeroes, IMAGE_TYPE_SIZE);
	assert_int_equal(image_names_add_program(&names, "p", "tc"), -EINVAL);
	assert_int_equal(image_names_add_map(&names, "m", "hash"), -EINVAL);
	assert_int_equal(image_names_add_map(&names, "p", "hash"), 0);
	assert_int_equal(names.program_count, 1);
	assert_int_equal(names.map_count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_name_programs_and_maps),
		cmocka_unit_test(bad_configurations_change_nothing),
		cmocka_unit_test(the_longest_names_are_taken),
		cmocka_unit_test(names_without_room_are_counted),
		cmocka_unit_test(labels_have_the_bounds_of_json),
		cmocka_unit_test(the_layer_is_the_configs),
		cmocka_unit_test(names_leave_no_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
