/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Images that are built, and the way back from them: each is read as a registry's would be. */
#include "image/build.h"

#include "image/digest.h"
#include "image/layer.h"
#include "tests/unit/image_maker.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OBJECT(name) BPFD_BUILD_DIR "/" name ".bpf.o"
#define PIECES_MAX 16

struct built {
	int count;
	struct {
		enum build_kind kind;
		bool is_root;
		struct descriptor descriptor;
		struct made_bytes bytes;
	} pieces[PIECES_MAX];
};

static struct error error;

static int piece_keep(void *context, const struct build_piece *piece, struct error *why)
{
	struct built *built = context;
	uint8_t digest[DIGEST_SIZE];

	(void)why;
	assert_true(built->count < PIECES_MAX);
	assert_int_equal(digest_of_bytes(piece->bytes, piece->descriptor.size, digest), 0);
	assert_memory_equal(digest, piece->descriptor.digest, sizeof(digest));
	built->pieces[built->count].kind = piece->kind;
	built->pieces[built->count].is_root = piece->is_root;
	built->pieces[built->count].descriptor = piece->descriptor;
	made_add(&built->pieces[built->count].bytes, piece->bytes, piece->descriptor.size);
	built->count++;
	return 0;
}

static void built_free(struct built *built)
{
	for (int i = 0; i < built->count; i++)
		made_free(&built->pieces[i].bytes);
	*built = (struct built){};
}

static struct build_object object_of(const char *architecture, const char *path)
{
	struct build_object object = { architecture, strrchr(path, '/') + 1,
		                       open(path, O_RDONLY | O_CLOEXEC) };

	assert_true(object.fd >= 0);
	return object;
}

/* The piece with this digest: what a registry would send. */
static const struct made_bytes *built_find(const struct built *built, const uint8_t *digest)
{
	for (int i = 0; i < built->count; i++)
		if (digest_equal(built->pieces[i].descriptor.digest, digest))
			return &built->pieces[i].bytes;
	fail_msg("nothing has that digest");
	return NULL;
}

static void manifest_leads_to(const struct built *built, const uint8_t *digest,
                              const struct build_object *object, struct image_config *config)
{
	const struct made_bytes *bytes = built_find(built, digest), *layer;
	struct manifest manifest;
	struct layer_object unpacked;
	uint8_t original[DIGEST_SIZE];
	off_t size = lseek(object->fd, 0, SEEK_END);

	assert_int_equal(
		manifest_read(bytes->data, bytes->size, MEDIA_OCI_MANIFEST, &manifest, &error), 0);
	assert_int_equal(manifest_check_bytecode(&manifest, &error), 0);
	assert_false(manifest.is_artifact);
	bytes = built_find(built, manifest.config.digest);
	assert_int_equal(bytes->size, manifest.config.size);
	assert_int_equal(config_read(bytes->data, bytes->size, config, &error), 0);
	assert_string_equal(config->architecture, object->architecture);
	layer = built_find(built, manifest.layers[0].digest);
	assert_int_equal(layer->size, manifest.layers[0].size);
	assert_int_equal(layer_open_bytes(layer->data, layer->size, &unpacked, &error), 0);
	assert_int_equal(config_check_layer(config, unpacked.diff, &error), 0);
	assert_string_equal(unpacked.name, object->name);
	assert_int_equal(unpacked.size, size);
	assert_int_equal(digest_of_fd(object->fd, 0, (uint64_t)size, original), 0);
	assert_memory_equal(unpacked.digest, original, sizeof(original));
	(void)close(unpacked.fd);
}

static void one_object_makes_a_manifest(void **state)
{
	struct build_object object = object_of("amd64", OBJECT("bpf/xdp_counter"));
	struct built built = {};
	struct descriptor root;
	static struct image_config config;

	(void)state;
	assert_int_equal(build_image(&object, 1, 0, piece_keep, &built, &root, &error), 0);
	assert_int_equal(built.count, 3);
	assert_int_equal(built.pieces[0].kind, BUILD_BLOB);
	assert_int_equal(built.pieces[1].kind, BUILD_BLOB);
	assert_int_equal(built.pieces[2].kind, BUILD_MANIFEST);
	assert_false(built.pieces[0].is_root || built.pieces[1].is_root);
	assert_true(built.pieces[2].is_root);
	assert_memory_equal(&root, &built.pieces[2].descriptor, sizeof(root));
	manifest_leads_to(&built, root.digest, &object, &config);
	assert_true(config.labelled);
	assert_int_equal(config.names.program_count, 1);
	assert_string_equal(config.names.programs[0].name, "xdp_counter");
	assert_string_equal(config.names.programs[0].type, "xdp");
	assert_int_equal(config.names.map_count, 1);
	assert_string_equal(config.names.maps[0].name, "packets");
	assert_string_equal(config.names.maps[0].type, "array");
	built_free(&built);
	(void)close(object.fd);
}

static void several_make_an_index(void **state)
{
	struct build_object objects[] = { object_of("amd64", OBJECT("bpf/xdp_counter")),
		                          object_of("s390x", OBJECT("tests/big_endian")),
		                          object_of("arm64", OBJECT("bpf/xdp_counter")) };
	struct built built = {};
	struct descriptor root;
	static struct index index_;
	static struct image_config config;
	const struct made_bytes *bytes;

	(void)state;
	assert_int_equal(build_image(objects, 3, 1, piece_keep, &built, &root, &error), 0);
	/* two layers, for two objects are the same; three of the others */
	assert_int_equal(built.count, 2 + 3 + 3 + 1);
	assert_int_equal(built.pieces[built.count - 1].kind, BUILD_INDEX);
	for (int i = 0; i < built.count; i++)
		assert_int_equal(built.pieces[i].is_root, i == built.count - 1);
	bytes = built_find(&built, root.digest);
	assert_int_equal(index_read(bytes->data, bytes->size, MEDIA_OCI_INDEX, &index_, &error), 0);
	for (int i = 0; i < 3; i++) {
		const struct index_entry *entry;

		assert_int_equal(index_choose(&index_, objects[i].architecture, &entry, &error), 0);
		assert_ptr_equal(entry, &index_.entries[i]);
		assert_string_equal(entry->os, "linux");
		manifest_leads_to(&built, entry->descriptor.digest, &objects[i], &config);
		(void)close(objects[i].fd);
	}
	built_free(&built);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
	struct build_object objects[] = { object_of("amd64", OBJECT("bpf/xdp_counter")),
		                          object_of("arm64", OBJECT("tests/map_kinds")) };
	struct descriptor roots[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct built built = {};

		/* where the descriptors stand does not matter */
		(void)lseek(objects[0].fd, i, SEEK_SET);
		assert_int_equal(build_image(objects, 2, i < 2 ? 1700000000 : i, piece_keep, &built,
		                             &roots[i], &error),
		                 0);
		built_free(&built);
	}
	assert_memory_equal(&roots[0], &roots[1], sizeof(roots[0]));
	assert_false(digest_equal(roots[1].digest, roots[2].digest));
	assert_false(digest_equal(roots[2].digest, roots[3].digest));
	(void)close(objects[0].fd);
	(void)close(objects[1].fd);
}

static void the_time_is_the_one_that_is_given(void **state)
{
	struct build_object object = object_of("amd64", OBJECT("bpf/xdp_counter"));
	struct built built = {};
	struct descriptor root;

	(void)state;
	assert_int_equal(build_image(&object, 1, 1700000000, piece_keep, &built, &root, &error), 0);
	made_add(&built.pieces[1].bytes, "", 1);
	assert_non_null(
		strstr((char *)built.pieces[1].bytes.data, "\"created\":\"2023-11-14T22:13:20Z\""));
	/* gzip says neither when nor what */
	assert_memory_equal(built.pieces[0].bytes.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
	built_free(&built);
	(void)close(object.fd);
}

static void labels_are_sorted_and_complete(void **state)
{
	static const struct {
		const char *path, *programs, *maps;
	} rows[] = {
		{ OBJECT("tests/gate_untyped"), "{\"untyped\":\"xdp\"}", "{}" },
		{ OBJECT("tests/big_endian"), "{\"other_order\":\"tracepoint\"}",
		  "{\"elsewhere\":\"hash\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct build_object object = object_of("amd64", rows[i].path);
		char *programs, *maps;

		assert_int_equal(build_labels(object.fd, (uint64_t)lseek(object.fd, 0, SEEK_END),
		                              &programs, &maps, &error),
		                 0);
		assert_string_equal(programs, rows[i].programs);
		assert_string_equal(maps, rows[i].maps);
		free(programs);
		free(maps);
		(void)close(object.fd);
	}
}

static int refused(const struct build_object *objects, size_t count, int64_t created_s)
{
	struct built built = {};
	struct descriptor root, before;
	int result;

	memset(&root, 0x5a, sizeof(root));
	before = root;
	error = (struct error){};
	result = build_image(objects, count, created_s, piece_keep, &built, &root, &error);
	assert_memory_equal(&root, &before, sizeof(before));
	for (int i = 0; i < built.count; i++)
		assert_false(built.pieces[i].is_root);
	built_free(&built);
	return result;
}

static void bad_arguments_are_refused(void **state)
{
	static const char *const names[] = { "", ".", "..", "a/b", "/", ".wh.x" };
	struct build_object objects[BUILD_OBJECTS_MAX + 1];

	(void)state;
	for (int i = 0; i <= BUILD_OBJECTS_MAX; i++)
		objects[i] = object_of("amd64", OBJECT("bpf/xdp_counter"));
	assert_int_equal(refused(objects, 0, 0), -EINVAL);
	assert_int_equal(refused(objects, BUILD_OBJECTS_MAX + 1, 0), -EINVAL);
	assert_int_equal(refused(objects, 2, 0), -EINVAL);
	assert_non_null(strstr(error.message, "two objects for amd64"));
	assert_int_equal(refused(objects, 1, -1), -EINVAL);
	assert_int_equal(refused(objects, 1, INT64_C(1) << 33), -EINVAL);
	assert_int_equal(refused(objects, 1, INT64_MAX), -EINVAL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		objects[0].name = names[i];
		assert_int_equal(refused(objects, 1, 0), -EINVAL);
		assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
	}
	objects[0].name = "x.o";
	objects[0].architecture = "x86_64";
	assert_int_equal(refused(objects, 1, 0), -EINVAL);
	assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
	objects[0].architecture = "s390x";
	assert_int_equal(refused(objects, 1, 0), -EINVAL);
	assert_int_equal(error.code, ERROR_BAD_OBJECT);
	assert_non_null(strstr(error.message, "is little-endian, s390x is not"));
	for (int i = 0; i <= BUILD_OBJECTS_MAX; i++)
		(void)close(objects[i].fd);
}

static void bad_objects_are_refused(void **state)
{
	struct build_object object = { "amd64", "x.o", memfd_create("x", 0) };
	int directory = open("/", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(refused(&object, 1, 0), -EINVAL);
	assert_int_equal(error.code, ERROR_BAD_OBJECT);
	assert_int_equal(ftruncate(object.fd, (off_t)OBJECT_SIZE_MAX + 1), 0);
	assert_int_equal(refused(&object, 1, 0), -EFBIG);
	assert_int_equal(error.code, ERROR_LIMIT);
	(void)close(object.fd);
	object.fd = directory;
	assert_int_equal(refused(&object, 1, 0), -EINVAL);
	assert_non_null(strstr(error.message, "no regular file"));
	(void)close(directory);
	object.fd = -1;
	assert_int_equal(refused(&object, 1, 0), -EBADF);
}

static int piece_refuse(void *context, const struct build_piece *piece, struct error *why)
{
	int *left = context;

	(void)piece;
	return (*left)-- ? 0 : error_set(why, -ENOSPC, ERROR_STORE, "full");
}

static void who_takes_the_pieces_may_end_it(void **state)
{
	struct build_object object = object_of("amd64", OBJECT("bpf/xdp_counter"));

	(void)state;
	for (int i = 0; i < 3; i++) {
		int left = i;
		struct descriptor root;

		assert_int_equal(build_image(&object, 1, 0, piece_refuse, &left, &root, &error),
		                 -ENOSPC);
		assert_string_equal(error.message, "full");
		assert_int_equal(left, -1);
	}
	(void)close(object.fd);
}

static void times_are_numbers(void **state)
{
	static const char *const bad[] = {
		"x", "-1", " 1", "1 ", "1.5", "0x1", "99999999999999999999999999"
	};
	int64_t time_s = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(build_time_parse(bad[i], &time_s, &error), -EINVAL);
		assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
		assert_int_equal(time_s, 7);
	}
	assert_int_equal(build_time_parse("1700000000", &time_s, &error), 0);
	assert_int_equal(time_s, 1700000000);
	assert_int_equal(build_time_parse("", &time_s, &error), 0);
	assert_int_equal(time_s, 0);
	time_s = 7;
	assert_int_equal(build_time_parse(NULL, &time_s, &error), 0);
	assert_int_equal(time_s, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_object_makes_a_manifest),
		cmocka_unit_test(several_make_an_index),
		cmocka_unit_test(the_same_input_gives_the_same_bytes),
		cmocka_unit_test(the_time_is_the_one_that_is_given),
		cmocka_unit_test(labels_are_sorted_and_complete),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(bad_objects_are_refused),
		cmocka_unit_test(who_takes_the_pieces_may_end_it),
		cmocka_unit_test(times_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
