/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From a layer to its object: every form in which tools make one. */
#include "common/memfd.h"
#include "image/digest.h"
#include "image/layer.h"
#include "tests/unit/image_maker.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct made_bytes elf; /* a real object */

static int elf_read(void **state)
{
	(void)state;
	elf = made_of_file(BPFD_BUILD_DIR "/bpf/xdp_counter.bpf.o");
	return 0;
}

static int elf_free(void **state)
{
	(void)state;
	made_free(&elf);
	return 0;
}

/* Opens the layer by memory and by descriptor: both give this object. */
static void layer_gives(const struct made_bytes *layer, const struct made_bytes *object,
                        const struct made_bytes *unpacked, const char *name)
{
	int fd = memfd_create("layer", 0);

	assert_int_equal(write(fd, "before", 6), 6);
	assert_int_equal(write(fd, layer->data, layer->size), layer->size);
	assert_int_equal(write(fd, "behind", 6), 6);
	for (int i = 0; i < 2; i++) {
		struct layer_object got;
		struct error error = {};
		uint8_t digest[DIGEST_SIZE];
		size_t size;
		char *bytes;
		int result = i ? layer_open(fd, 6, layer->size, &got, &error)
		               : layer_open_bytes(layer->data, layer->size, &got, &error);

		if (result < 0)
			fail_msg("%s", error.message);
		assert_int_equal(memfd_check(got.fd, &size), 0);
		assert_int_equal(size, object->size);
		assert_int_equal(got.size, object->size);
		bytes = malloc(size + 1);
		assert_int_equal(memfd_read(got.fd, bytes, size), 0);
		assert_memory_equal(bytes, object->data, size);
		free(bytes);
		assert_int_equal(digest_of_bytes(object->data, object->size, digest), 0);
		assert_memory_equal(got.digest, digest, sizeof(digest));
		assert_int_equal(digest_of_bytes(unpacked->data, unpacked->size, digest), 0);
		assert_memory_equal(got.diff, digest, sizeof(digest));
		assert_string_equal(got.name, name ?: "");
		assert_int_equal(got.is_raw, !name);
		(void)close(got.fd);
	}
	(void)close(fd);
}

/* Plain, gzip and zstd. */
static void packed_gives(const struct made_bytes *unpacked, const struct made_bytes *object,
                         const char *name)
{
	struct made_bytes gzip = made_gzip(unpacked), zstd = made_zstd(unpacked, 0);
	struct made_bytes stream = made_zstd(unpacked, 20);

	layer_gives(unpacked, object, unpacked, name);
	layer_gives(&gzip, object, unpacked, name);
	layer_gives(&zstd, object, unpacked, name);
	layer_gives(&stream, object, unpacked, name);
	made_free(&gzip);
	made_free(&zstd);
	made_free(&stream);
}

static void an_archive_gives_its_file(void **state)
{
	struct made_bytes archive = made_tar_of("xdp_counter.bpf.o", elf.data, elf.size);

	(void)state;
	packed_gives(&archive, &elf, "xdp_counter.bpf.o");
	made_free(&archive);
}

static void an_object_is_taken_as_it_is(void **state)
{
	(void)state;
	packed_gives(&elf, &elf, NULL);
}

static void archives_end_as_tools_end_them(void **state)
{
	(void)state;
	/* no end at all, one block, and what fills up to a record of tar's */
	for (size_t blocks = 0; blocks < 40; blocks += blocks < 3 ? 1 : 17) {
		struct made_bytes archive = {};

		made_tar_member(&archive, '0', "x.o", elf.data, elf.size);
		made_fill(&archive, 0, blocks * MADE_TAR_BLOCK);
		packed_gives(&archive, &elf, "x.o");
		made_free(&archive);
	}
}

static void directories_are_passed_over(void **state)
{
	struct made_bytes archive = {};

	(void)state;
	made_tar_member(&archive, '5', "./", NULL, 0);
	made_tar_member(&archive, '5', "opt/", NULL, 0);
	made_tar_member(&archive, '0', "opt/..x/...o", elf.data, elf.size);
	made_tar_member(&archive, '5', "usr/", NULL, 0);
	made_tar_end(&archive);
	packed_gives(&archive, &elf, "opt/..x/...o");
	made_free(&archive);
}

static void older_headers_are_files_too(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct made_bytes archive = {};

		made_tar_member(&archive, i ? '\0' : '7', "x.o", elf.data, elf.size);
		made_tar_end(&archive);
		packed_gives(&archive, &elf, "x.o");
		made_free(&archive);
	}
}

/* Names of more than 100 bytes come in three forms. */
static void long_names_are_shown_cut(void **state)
{
	char name[301] = "", shown[LAYER_NAME_SIZE] = "";

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memset(shown, 'n', sizeof(shown) - 1);
	for (int i = 0; i < 2; i++) {
		struct made_bytes archive = {};

		if (i)
			made_tar_member(&archive, 'L', "././@LongLink", name, sizeof(name));
		else
			made_tar_pax(&archive, 'x', "path", name);
		made_tar_member(&archive, '0', "short", elf.data, elf.size);
		made_tar_end(&archive);
		packed_gives(&archive, &elf, shown);
		made_free(&archive);
	}
}

static void a_prefix_belongs_to_the_name(void **state)
{
	struct made_bytes archive = made_tar_of("x.o", elf.data, elf.size);

	(void)state;
	memcpy(archive.data + 345, "some/where", 10);
	made_tar_sum(archive.data);
	packed_gives(&archive, &elf, "some/where/x.o");
	made_free(&archive);
}

/* What buildah and Go write beside a name. */
static void pax_headers_of_tools_do_no_harm(void **state)
{
	struct made_bytes archive = {};

	(void)state;
	made_tar_pax(&archive, 'g', "comment", "a global one");
	made_tar_pax(&archive, 'x', "mtime", "1700000000.123456789");
	made_tar_member(&archive, '0', "x.o", elf.data, elf.size);
	made_tar_end(&archive);
	packed_gives(&archive, &elf, "x.o");
	made_free(&archive);
}

static void a_name_is_made_printable(void **state)
{
	struct made_bytes archive = made_tar_of("a\x1b[31m\"b\x7f", elf.data, elf.size);

	(void)state;
	layer_gives(&archive, &elf, &archive, "a?[31m?b?");
	made_free(&archive);
}

static void members_and_frames_follow_each_other(void **state)
{
	struct made_bytes archive = made_tar_of("x.o", elf.data, elf.size);
	struct made_bytes half[2] = {};
	struct made_bytes gzip = {}, zstd = {};

	(void)state;
	made_add(&half[0], archive.data, 700);
	made_add(&half[1], archive.data + 700, archive.size - 700);
	made_add(&zstd, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11); /* a frame to be skipped */
	for (int i = 0; i < 2; i++) {
		struct made_bytes g = made_gzip(&half[i]), z = made_zstd(&half[i], 0);

		made_add(&gzip, g.data, g.size);
		made_add(&zstd, z.data, z.size);
		made_free(&g);
		made_free(&z);
		made_free(&half[i]);
	}
	layer_gives(&gzip, &elf, &archive, "x.o");
	layer_gives(&zstd, &elf, &archive, "x.o");
	made_free(&archive);
	made_free(&gzip);
	made_free(&zstd);
}

/* As large as can be, and not packed well: noise, behind an ELF file's first bytes. */
static void the_largest_object_fits(void **state)
{
	struct made_bytes object = {}, archive;

	(void)state;
	made_fill(&object, 0, OBJECT_SIZE_MAX);
	for (size_t i = 0, noise = 1; i < object.size; i++) {
		noise = noise * 6364136223846793005u + 1442695040888963407u;
		object.data[i] = (unsigned char)(noise >> 56);
	}
	memcpy(object.data, "\177ELF", 4);
	archive = made_tar_of("x.o", object.data, object.size);
	packed_gives(&archive, &object, "x.o");
	packed_gives(&object, &object, NULL);
	made_free(&archive);
	made_free(&object);
}

static void windows_up_to_8_mib_are_taken(void **state)
{
	struct made_bytes archive = made_tar_of("x.o", elf.data, elf.size);
	struct made_bytes zstd = made_zstd(&archive, 23);

	(void)state;
	layer_gives(&zstd, &elf, &archive, "x.o");
	made_free(&zstd);
	made_free(&archive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_gives_its_file),
		cmocka_unit_test(an_object_is_taken_as_it_is),
		cmocka_unit_test(archives_end_as_tools_end_them),
		cmocka_unit_test(directories_are_passed_over),
		cmocka_unit_test(older_headers_are_files_too),
		cmocka_unit_test(long_names_are_shown_cut),
		cmocka_unit_test(a_prefix_belongs_to_the_name),
		cmocka_unit_test(pax_headers_of_tools_do_no_harm),
		cmocka_unit_test(a_name_is_made_printable),
		cmocka_unit_test(members_and_frames_follow_each_other),
		cmocka_unit_test(the_largest_object_fits),
		cmocka_unit_test(windows_up_to_8_mib_are_taken),
	};

	return cmocka_run_group_tests(tests, elf_read, elf_free);
}
