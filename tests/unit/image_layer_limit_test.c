/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Layers that are, or would be, too large: objects, bombs, headers, windows. */
#include "image/layer.h"
#include "image/unpack.h"
#include "tests/unit/image_layer_check.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void large_objects_are_refused(void **state)
{
	struct made_bytes object = {}, layer;

	(void)state;
	made_add(&object, ELF, 9);
	made_fill(&object, 'x', OBJECT_SIZE_MAX - object.size);
	made_fill(&object, 'x', 1);
	layer = made_tar_of("x.o", object.data, object.size);
	layer_refused(&layer, "one byte", -EFBIG, ERROR_LIMIT, "16777217 bytes");
	layer = (struct made_bytes){};
	made_add(&layer, object.data, object.size);
	layer_refused(&layer, "one byte, raw", -EFBIG, ERROR_LIMIT, "larger than 16 MiB");
	made_fill(&object, 'x', 1u << 20);
	layer = made_tar_of("x.o", object.data, object.size);
	layer_refused(&layer, "17 MiB", -EFBIG, ERROR_LIMIT, "bpfd loads at most");
	layer_refused(&object, "17 MiB, raw", -EFBIG, ERROR_LIMIT, "");
	/* a header's word is enough */
	made_tar_header(&layer, '0', "x.o", UINT64_C(17) << 20);
	layer_refused(&layer, "17 MiB, told", -EFBIG, ERROR_LIMIT, "17825792 bytes");
}

/* 256 MiB of zeroes: behind a file, in a directory's place, as the end. They are over at 17. */
static void bombs_do_not_go_off(void **state)
{
	struct made_bytes bomb = {};

	(void)state;
	made_tar_member(&bomb, '0', "x.o", ELF, 9);
	made_fill(&bomb, 0, 256u << 20);
	for (int i = 0; i < 2; i++) {
		struct made_bytes packed = i ? made_zstd(&bomb, 0) : made_gzip(&bomb);

		assert_true(packed.size < (2u << 20));
		layer_expect(&packed, "zeroes", -EFBIG, ERROR_LIMIT, "too large once unpacked");
		made_free(&packed);
	}
	memcpy(bomb.data, "\177ELF", 4);
	for (int i = 0; i < 2; i++) {
		struct made_bytes packed = i ? made_zstd(&bomb, 0) : made_gzip(&bomb);

		layer_expect(&packed, "an object", -EFBIG, ERROR_LIMIT, "16 MiB");
		made_free(&packed);
	}
	made_free(&bomb);
}

/* Headers without end: many of them, or large ones. */
static void headers_have_a_bound(void **state)
{
	struct made_bytes layer = {};

	(void)state;
	while (layer.size < (20u << 20))
		made_tar_member(&layer, '5', "d/", NULL, 0);
	made_tar_end(&layer);
	layer_refused(&layer, "directories", -EFBIG, ERROR_LIMIT, "");
	for (int i = 0; i < 3; i++) {
		static const char types[] = { 'x', 'g', 'L' };
		char *text = malloc(1u << 20), *at = stpcpy(text, "1048576 path=");

		memset(at, 'x', (size_t)(text + (1u << 20) - at));
		text[(1u << 20) - 1] = types[i] == 'L' ? '\0' : '\n';
		made_tar_member(&layer, types[i], "long", text, 1u << 20);
		made_tar_member(&layer, '0', "x.o", ELF, 9);
		made_tar_end(&layer);
		if (layer_result(&layer) == 0)
			fail_msg("a header '%c' of 1 MiB is taken", types[i]);
		made_free(&layer);
		free(text);
	}
}

static void large_windows_are_refused(void **state)
{
	struct made_bytes tar = made_tar_of("x.o", ELF, 9);
	struct made_bytes packed = made_zstd(&tar, UNPACK_WINDOW_LOG_MAX + 1);

	(void)state;
	layer_expect(&packed, "16 MiB", -EFBIG, ERROR_LIMIT, "a window of more than 8 MiB");
	made_free(&packed);
	packed = made_zstd(&tar, 27);
	layer_expect(&packed, "128 MiB", -EFBIG, ERROR_LIMIT, "a window of more than 8 MiB");
	made_free(&packed);
	made_free(&tar);
}

static void descriptors_that_cannot_be_read(void **state)
{
	struct layer_object object;
	int fd = memfd_create("layer", 0);

	(void)state;
	assert_int_equal(write(fd, ELF, 9), 9);
	assert_int_equal(layer_open(-1, 0, 9, &object, &layer_error), -EBADF);
	assert_int_equal(layer_error.code, ERROR_INTERNAL);
	assert_int_equal(layer_open(fd, 0, 10, &object, &layer_error), -EPROTO);
	assert_non_null(strstr(layer_error.message, "shorter than it was"));
	assert_int_equal(layer_open(fd, 100, 1, &object, &layer_error), -EPROTO);
	assert_int_equal(layer_open(fd, 0, 9, &object, &layer_error), 0);
	(void)close(object.fd);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_objects_are_refused),
		cmocka_unit_test(bombs_do_not_go_off),
		cmocka_unit_test(headers_have_a_bound),
		cmocka_unit_test(large_windows_are_refused),
		cmocka_unit_test(descriptors_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
