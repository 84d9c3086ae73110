/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Layers that hold anything but one object: each is refused with the reason, and nothing comes of
 * it. */
#include "tests/unit/image_layer_check.h"

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	char type;
	const char *name;
	size_t size;
	const char *why;
} member_rows[] = {
	{ '1', "x.o", 0, "a hard link, \"x.o\"" },
	{ '2', "x.o", 0, "a symbolic link, \"x.o\"" },
	{ '3', "null", 0, "a device, \"null\"" },
	{ '4', "sda", 0, "a device, \"sda\"" },
	{ '6', "pipe", 0, "a pipe, \"pipe\"" },
	{ '0', "/x.o", 9, "a file with an absolute name, \"/x.o\"" },
	{ '0', "../x.o", 9, "a file with \"..\" in its name, \"../x.o\"" },
	{ '0', "a/../../x.o", 9, "a file with \"..\" in its name" },
	{ '0', "a/..", 9, "a file with \"..\" in its name" },
	{ '0', "..", 9, "a file with \"..\" in its name" },
	{ '5', "../", 0, "\"..\" in its name" },
	{ '5', "/", 0, "an absolute name" },
	{ '0', ".wh.x.o", 0, "a whiteout, \".wh.x.o\"" },
	{ '0', "a/.wh..wh..opq", 0, "a whiteout" },
	{ '0', "second", 9, "a second file, \"second\"" },
	{ '0', "x.o", 0, "a second file, \"x.o\"" },
	{ '2', "\x1b[31m", 0, "a symbolic link, \"?[31m\"" },
};

/* Before the object and behind it. */
static void what_is_no_file_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(member_rows) / sizeof(member_rows[0]); i++) {
		struct made_bytes layer = {};
		const typeof(member_rows[0]) *row = &member_rows[i / 2];
		bool second = strstr(row->why, "second");

		if (i % 2 || second)
			made_tar_member(&layer, '0', "x.o", ELF, 9);
		made_tar_member(&layer, row->type, row->name, ELF, row->size);
		if (i % 2 == 0 && !second)
			made_tar_member(&layer, '0', "x.o", ELF, 9);
		made_tar_end(&layer);
		layer_refused(&layer, row->why, -EBADMSG, ERROR_BAD_OBJECT, row->why);
	}
}

static void names_of_other_headers_count(void **state)
{
	struct made_bytes layer = {};

	(void)state;
	made_tar_pax(&layer, 'x', "path", "../../etc/passwd");
	made_tar_member(&layer, '0', "x.o", ELF, 9);
	made_tar_end(&layer);
	layer_refused(&layer, "pax", -EBADMSG, ERROR_BAD_OBJECT, "\"../../etc/passwd\"");
	made_tar_member(&layer, 'L', "././@LongLink", "/etc/passwd", 12);
	made_tar_member(&layer, '0', "x.o", ELF, 9);
	made_tar_end(&layer);
	layer_refused(&layer, "GNU", -EBADMSG, ERROR_BAD_OBJECT,
	              "an absolute name, \"/etc/passwd\"");
	made_tar_member(&layer, '0', "x.o", ELF, 9);
	made_tar_end(&layer);
	memcpy(layer.data + 345, "a/../..", 7);
	made_tar_sum(layer.data);
	layer_refused(&layer, "prefix", -EBADMSG, ERROR_BAD_OBJECT, "\"a/../../x.o\"");
}

static void sparse_files_are_refused(void **state)
{
	static const char *const keys[] = { "GNU.sparse.major", "GNU.sparse.map",
		                            "GNU.sparse.size" };
	static const char *const values[] = { "1", "0,1,5,1", "20" };
	struct made_bytes layer = {};

	(void)state;
	made_tar_header(&layer, 'S', "x.o", 512);
	memcpy(layer.data + 257, "ustar  ", 8);
	/* a hole of 512 bytes, then as many of data */
	memcpy(layer.data + 386, "00000001000", 12);
	memcpy(layer.data + 398, "00000001000", 12);
	memcpy(layer.data + 483, "00000002000", 12);
	made_tar_sum(layer.data);
	made_fill(&layer, 'x', 512);
	made_tar_end(&layer);
	layer_refused(&layer, "GNU", -EBADMSG, ERROR_BAD_OBJECT, "a sparse file, \"x.o\"");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (i == 0)
			made_tar_pax(&layer, 'x', "GNU.sparse.minor", "0");
		made_tar_pax(&layer, 'x', keys[i], values[i]);
		made_tar_member(&layer, '0', "x.o", "1\n0\n9\n" ELF, 9);
		made_tar_end(&layer);
		if (layer_result(&layer) == 0)
			fail_msg("%s is taken", keys[i]);
		made_free(&layer);
	}
}

static void nothing_is_no_object(void **state)
{
	struct made_bytes layer = {};

	(void)state;
	layer_expect(&layer, "empty", -EBADMSG, ERROR_BAD_OBJECT, "layer is empty");
	made_fill(&layer, 0, 0);
	layer_refused(&layer, "packed and empty", -EBADMSG, ERROR_BAD_OBJECT, "layer is empty");
	made_tar_end(&layer);
	layer_refused(&layer, "no member", -EBADMSG, ERROR_BAD_OBJECT, "holds no file");
	made_tar_member(&layer, '5', "opt/", NULL, 0);
	made_tar_end(&layer);
	layer_refused(&layer, "a directory", -EBADMSG, ERROR_BAD_OBJECT, "holds no file");
}

#define BYTES(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

/* What other formats and packers make, which libraries might know. */
static void other_formats_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		BYTES("hello"),
		BYTES("<html></html>"),
		BYTES("!<arch>\nx.o/            0           0     0     644     4         "
		      "`\n\177ELF"),
		BYTES("070701"),
		BYTES("PK\3\4\24\0\0\0\0\0"),
		BYTES("BZh91AY&SY"),
		BYTES("\xfd"
		      "7zXZ\0\0\1"),
		BYTES("\x04\x22\x4d\x18\x64\x40\xa7"),
		BYTES("begin 644 x\n#4$5,\n`\nend\n"),
		BYTES("LZIP\1\x0c"),
		BYTES("\x1f\x9d\x90"),
		BYTES("\177EL"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made_bytes layer = {};
		char which[16];

		(void)snprintf(which, sizeof(which), "row %zu", i);
		made_add(&layer, rows[i].bytes, rows[i].size);
		layer_refused(&layer, which, -EBADMSG, ERROR_BAD_OBJECT, "layer");
		made_add(&layer, rows[i].bytes, rows[i].size);
		made_fill(&layer, 0, 2048);
		layer_refused(&layer, which, -EBADMSG, ERROR_BAD_OBJECT, "layer");
	}
}

static void packed_twice_is_refused(void **state)
{
	struct made_bytes tar = made_tar_of("x.o", ELF, 9);
	struct made_bytes gzip = made_gzip(&tar), zstd = made_zstd(&tar, 0);

	(void)state;
	made_free(&tar);
	for (int i = 0; i < 2; i++) {
		struct made_bytes *inner = i ? &zstd : &gzip;
		struct made_bytes one = made_gzip(inner), other = made_zstd(inner, 0);

		layer_expect(&one, "twice", -EBADMSG, ERROR_BAD_OBJECT, "layer");
		layer_expect(&other, "twice", -EBADMSG, ERROR_BAD_OBJECT, "layer");
		made_free(inner);
		made_free(&one);
		made_free(&other);
	}
}

/* Every beginning of a layer is no layer, but for one without an archive's end. */
static void truncated_layers_are_refused(void **state)
{
	static const char data[1000] = ELF;
	struct made_bytes tar = made_tar_of("x.o", data, sizeof(data));
	struct made_bytes forms[] = { tar, made_gzip(&tar), made_zstd(&tar, 0) };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t size = 0; size < forms[i].size; size++) {
			struct made_bytes cut = { .data = forms[i].data, .size = size };
			bool whole = i == 0 && size >= 1536 && size % 512 == 0;
			int result = layer_result(&cut);

			/* a block of zeroes that is cut is neither here nor there */
			if (i == 0 && size >= 1512 && size % 512)
				continue;
			if (result != (whole ? 0 : -EBADMSG))
				fail_msg("form %zu, %zu bytes: %d, %s", i, size, result,
				         layer_error.message);
		}
		made_free(&forms[i]);
	}
}

static void what_is_behind_the_end_is_refused(void **state)
{
	struct made_bytes layer = made_tar_of("x.o", ELF, 9), second = made_tar_of("y.o", ELF, 9);
	struct made_bytes gzip = made_gzip(&layer), zstd = made_zstd(&layer, 0);

	(void)state;
	made_add(&gzip, "x", 1);
	layer_expect(&gzip, "gzip", -EBADMSG, ERROR_BAD_OBJECT, "cannot be unpacked");
	made_fill(&gzip, 0, 64);
	layer_expect(&gzip, "gzip", -EBADMSG, ERROR_BAD_OBJECT, "cannot be unpacked");
	made_add(&zstd, "x", 1);
	layer_expect(&zstd, "zstd", -EBADMSG, ERROR_BAD_OBJECT, "cannot be unpacked");
	made_free(&gzip);
	made_free(&zstd);

	made_add(&layer, second.data, second.size);
	layer_refused(&layer, "a second archive", -EBADMSG, ERROR_BAD_OBJECT, "behind its end");
	for (size_t gap = 0; gap < 40000; gap += 9973) {
		layer = made_tar_of("x.o", ELF, 9);
		made_fill(&layer, 0, gap);
		made_add(&layer, "x", 1);
		layer_refused(&layer, "a byte", -EBADMSG, ERROR_BAD_OBJECT, "behind its end");
	}
	/* one block of zeroes is an end already */
	made_tar_member(&layer, '0', "x.o", ELF, 9);
	made_fill(&layer, 0, 512);
	made_add(&layer, second.data, second.size);
	layer_refused(&layer, "behind one block", -EBADMSG, ERROR_BAD_OBJECT, "");
	made_free(&second);
}

static void damaged_layers_are_refused(void **state)
{
	struct made_bytes tar = made_tar_of("x.o", ELF, 9);
	struct made_bytes gzip = made_gzip(&tar);
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	assert_int_equal(digest_of_bytes(ELF, 9, digest), 0);
	for (size_t i = 2; i < gzip.size; i++) {
		int result;

		gzip.data[i] ^= 0x40;
		/* a bit that says nothing changes nothing */
		result = layer_result(&gzip);
		if (result != -EBADMSG &&
		    (result != 0 || i + 8 >= gzip.size || !digest_equal(layer_digest, digest)))
			fail_msg("byte %zu of %zu: %d", i, gzip.size, result);
		gzip.data[i] ^= 0x40;
	}
	made_free(&gzip);
	for (size_t i = 0; i < 512; i++) {
		tar.data[i] ^= 0x11;
		/* the checksum's own filling may be anything */
		if (layer_result(&tar) == 0 && (i < 148 || i >= 156))
			fail_msg("byte %zu", i);
		tar.data[i] ^= 0x11;
	}
	made_free(&tar);
}

static void sizes_that_are_none_are_refused(void **state)
{
	static const char *const sizes[] = { "77777777777",
		                             "-0000000001",
		                             "xxxxxxxxxxx",
		                             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		                             "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
		                             "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };
	struct made_bytes layer = {};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		layer = made_tar_of("x.o", ELF, 9);
		memcpy(layer.data + 124, sizes[i], i < 3 ? 11 : 12);
		made_tar_sum(layer.data);
		if (layer_result(&layer) == 0)
			fail_msg("row %zu is taken", i);
		made_free(&layer);
	}
	for (int i = 0; i < 3; i++) {
		static const char *const values[] = { "99999999999999999999999", "-1",
			                              "9223372036854775807" };

		made_tar_pax(&layer, 'x', "size", values[i]);
		made_tar_member(&layer, '0', "x.o", ELF, 9);
		made_tar_end(&layer);
		if (layer_result(&layer) == 0)
			fail_msg("a size of %s is taken", values[i]);
		made_free(&layer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_file_is_refused_by_name),
		cmocka_unit_test(names_of_other_headers_count),
		cmocka_unit_test(sparse_files_are_refused),
		cmocka_unit_test(nothing_is_no_object),
		cmocka_unit_test(other_formats_are_refused),
		cmocka_unit_test(packed_twice_is_refused),
		cmocka_unit_test(truncated_layers_are_refused),
		cmocka_unit_test(what_is_behind_the_end_is_refused),
		cmocka_unit_test(damaged_layers_are_refused),
		cmocka_unit_test(sizes_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
