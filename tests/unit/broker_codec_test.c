/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records as bytes: what comes back, and that no damage gets past the decoder. */
#include <cmocka.h>

#include "broker/codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct record_program program;
static struct record_link record_link;
static struct record_globals globals;
static unsigned char bytes[sizeof(struct record_globals) + sizeof(struct record_program)];

static int setup(void **state)
{
	(void)state;
	program = (struct record_program){
		.id = 7,
		.type = 1,
		.map_count = 3,
		.name = "f",
		.map_owner = 3,
		.maps = { { .name = "a", .origin = 3 },
		          { .name = ".bss", .origin = 7 },
		          { .name = "c", .origin = 7, .flags = RECORD_MAP_BY_NAME } },
		.metadata = { .count = 2,
		              .entries = { { .key = "x" }, { .key = "y", .value = "z" } } },
	};
	record_link = (struct record_link){
		.id = 8,
		.program_id = 7,
		.type = 2,
		.state = LINK_STATE_DETACHING,
		.target = { .group = "sched", .name = "sched_switch" },
		.places = { .count = 2, .entries = { { "f", 7 }, { "", 8 } } },
		.metadata = { .count = 1, .entries = { { .key = "x" } } },
	};
	globals = (struct record_globals){
		.count = 2,
		.data_size = 12,
		.entries = { { .name = "a", .size = 4 }, { .name = "b", .offset = 4, .size = 8 } },
		.data = "hello world",
	};
	return 0;
}

static void image_set(void)
{
	(void)strcpy(program.image.reference, "r.example/x:v1");
	memset(program.image.digest, 0xd1, DIGEST_SIZE);
	program.verdict = (struct record_verdict){ .verdict = IMAGE_VERDICT_VERIFIED,
		                                   .kind = IMAGE_RULE_KEYLESS,
		                                   .object = { 1 },
		                                   .image = { 2 },
		                                   .identity = "who",
		                                   .issuer = "said by" };
}

/* A program out of a file takes no room for an image. */
static void test_image(void **state)
{
	static struct record_program read;
	size_t without = codec_program_encode(&program, bytes);
	size_t with;

	(void)state;
	image_set();
	with = codec_program_encode(&program, bytes);
	assert_int_equal(with - without, sizeof(program.image) + sizeof(program.verdict));
	assert_int_equal(codec_program_decode(bytes, with, 7, &read), 0);
	assert_memory_equal(&program, &read, sizeof(program));
	for (size_t size = without + 1; size < with; size++)
		assert_int_equal(codec_program_decode(bytes, size, 7, &read), -EBADMSG);
	memset(&program.verdict, 0, sizeof(program.verdict));
	with = codec_program_encode(&program, bytes);
	assert_int_equal(codec_program_decode(bytes, with, 7, &read), 0);
	assert_memory_equal(&program, &read, sizeof(program));
}

static void test_image_lies(void **state)
{
	static struct record_program read;

	(void)state;
	for (int lie = 0; lie < 5; lie++) {
		image_set();
		if (lie == 0)
			program.verdict.verdict = IMAGE_VERDICT_REFUSED;
		else if (lie == 1)
			program.verdict.verdict = IMAGE_VERDICT_NONE;
		else if (lie == 2)
			program.verdict.issuer[0] = '\0';
		else if (lie == 3)
			memset(program.image.reference, 'x', sizeof(program.image.reference));
		else
			memset(program.verdict.identity, 'x', sizeof(program.verdict.identity));
		assert_int_equal(codec_program_decode(bytes, codec_program_encode(&program, bytes),
		                                      7, &read),
		                 -EBADMSG);
	}
	/* an image without a name */
	image_set();
	size_t size = codec_program_encode(&program, bytes);
	size_t at = size - sizeof(program.image) - sizeof(program.verdict);

	memset(bytes + at, 0, sizeof(program.image.reference));
	assert_int_equal(codec_program_decode(bytes, size, 7, &read), -EBADMSG);
}

static void test_round_trip(void **state)
{
	static struct record_program program_read;
	static struct record_globals globals_read;
	struct record_link link_read = {};
	size_t size = codec_program_encode(&program, bytes);

	(void)state;
	assert_true(size < sizeof(program) / 2); /* only what is used */
	assert_int_equal(codec_program_decode(bytes, size, 7, &program_read), 0);
	assert_memory_equal(&program, &program_read, sizeof(program));
	size = codec_link_encode(&record_link, bytes);
	assert_int_equal(codec_link_decode(bytes, size, 8, &link_read), 0);
	assert_memory_equal(&record_link, &link_read, sizeof(link_read));
	size = codec_globals_encode(&globals, bytes);
	assert_int_equal(codec_globals_decode(bytes, size, &globals_read), 0);
	assert_memory_equal(&globals, &globals_read, sizeof(globals));
}

static void test_full_records(void **state)
{
	static struct record_program read;
	size_t size;

	(void)state;
	program.map_count = LOAD_MAPS_MAX;
	for (size_t i = 0; i < LOAD_MAPS_MAX; i++)
		(void)snprintf(program.maps[i].name, MAP_NAME_SIZE, "map%zu", i);
	program.metadata.count = METADATA_MAX;
	for (size_t i = 0; i < METADATA_MAX; i++)
		(void)snprintf(program.metadata.entries[i].key, METADATA_KEY_SIZE, "key%zu", i);
	memset(program.reason, 'x', sizeof(program.reason) - 1);
	image_set();
	size = codec_program_encode(&program, bytes);
	assert_int_equal(size, sizeof(program));
	assert_int_equal(codec_program_decode(bytes, size, 7, &read), 0);
	assert_memory_equal(&program, &read, sizeof(program));
}

static void test_another_key(void **state)
{
	static struct record_program read;
	struct record_link link_read;

	(void)state;
	assert_int_equal(
		codec_program_decode(bytes, codec_program_encode(&program, bytes), 9, &read),
		-EBADMSG);
	assert_int_equal(
		codec_link_decode(bytes, codec_link_encode(&record_link, bytes), 9, &link_read),
		-EBADMSG);
}

static void test_every_length(void **state)
{
	static struct record_program program_read;
	static struct record_globals globals_read;
	struct record_link link_read;
	size_t whole = codec_program_encode(&program, bytes);

	(void)state;
	for (size_t size = 0; size < whole + 40; size++)
		assert_int_equal(codec_program_decode(bytes, size, 7, &program_read),
		                 size == whole ? 0 : -EBADMSG);
	memset(bytes, 0, sizeof(bytes));
	whole = codec_link_encode(&record_link, bytes);
	for (size_t size = 0; size < whole + 40; size++)
		assert_int_equal(codec_link_decode(bytes, size, 8, &link_read),
		                 size == whole ? 0 : -EBADMSG);
	memset(bytes, 0, sizeof(bytes));
	whole = codec_globals_encode(&globals, bytes);
	for (size_t size = 0; size < whole + 40; size++)
		assert_int_equal(codec_globals_decode(bytes, size, &globals_read),
		                 size == whole ? 0 : -EBADMSG);
}

/* Whatever one byte becomes, what is decoded can be encoded and decoded again to the same. */
static void test_every_flipped_byte(void **state)
{
	static struct record_program first, second;
	static unsigned char again[sizeof(struct record_program)];
	size_t size = codec_program_encode(&program, bytes);
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		unsigned char before = bytes[i];

		bytes[i] ^= 0xff;
		if (codec_program_decode(bytes, size, 7, &first) < 0) {
			refused++;
		} else {
			size_t length = codec_program_encode(&first, again);

			assert_int_equal(codec_program_decode(again, length, 7, &second), 0);
			assert_memory_equal(&first, &second, sizeof(first));
		}
		bytes[i] = before;
	}
	assert_true(refused > 100);
}

static void test_lies(void **state)
{
	static struct record_program read;
	static struct record_globals globals_read;
	struct record_link link_read;
	const uint32_t too_many = PLACES_MAX;

	(void)state;
	memcpy(program.maps[1].name, "../../etc", sizeof("../../etc"));
	assert_int_equal(
		codec_program_decode(bytes, codec_program_encode(&program, bytes), 7, &read),
		-EBADMSG);
	(void)setup(NULL);
	program.type = 99;
	assert_int_equal(
		codec_program_decode(bytes, codec_program_encode(&program, bytes), 7, &read),
		-EBADMSG);
	record_link.state = 0;
	assert_int_equal(
		codec_link_decode(bytes, codec_link_encode(&record_link, bytes), 8, &link_read),
		-EBADMSG);
	(void)setup(NULL);
	memset(record_link.target.interface, 'x', sizeof(record_link.target.interface));
	assert_int_equal(
		codec_link_decode(bytes, codec_link_encode(&record_link, bytes), 8, &link_read),
		-EBADMSG);
	(void)setup(NULL);
	record_link.target.given = 1u << 31;
	assert_int_equal(
		codec_link_decode(bytes, codec_link_encode(&record_link, bytes), 8, &link_read),
		-EBADMSG);
	(void)setup(NULL);
	program.map_owner = 7; /* itself */
	assert_int_equal(
		codec_program_decode(bytes, codec_program_encode(&program, bytes), 7, &read),
		-EBADMSG);
	(void)setup(NULL);
	program.maps[2].flags = 2;
	assert_int_equal(
		codec_program_decode(bytes, codec_program_encode(&program, bytes), 7, &read),
		-EBADMSG);
	(void)setup(NULL);
	memset(record_link.places.entries[0].function, 'x',
	       sizeof(record_link.places.entries[0].function));
	assert_int_equal(
		codec_link_decode(bytes, codec_link_encode(&record_link, bytes), 8, &link_read),
		-EBADMSG);
	(void)setup(NULL);
	(void)codec_link_encode(&record_link, bytes);
	memcpy(bytes + offsetof(struct record_link, places.count), &too_many, sizeof(too_many));
	assert_int_equal(codec_link_decode(bytes, sizeof(bytes), 8, &link_read), -EBADMSG);
	(void)setup(NULL);
	record_link.places.reserved = 1;
	assert_int_equal(
		codec_link_decode(bytes, codec_link_encode(&record_link, bytes), 8, &link_read),
		-EBADMSG);
	(void)setup(NULL);
	memset(program.target, 'x', sizeof(program.target));
	assert_int_equal(
		codec_program_decode(bytes, codec_program_encode(&program, bytes), 7, &read),
		-EBADMSG);
	globals.entries[1].offset = 5;
	assert_int_equal(
		codec_globals_decode(bytes, codec_globals_encode(&globals, bytes), &globals_read),
		-EBADMSG);
	globals.entries[1].offset = UINT32_MAX - 3;
	assert_int_equal(
		codec_globals_decode(bytes, codec_globals_encode(&globals, bytes), &globals_read),
		-EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_round_trip, setup),
		cmocka_unit_test_setup(test_full_records, setup),
		cmocka_unit_test_setup(test_another_key, setup),
		cmocka_unit_test_setup(test_every_length, setup),
		cmocka_unit_test_setup(test_image, setup),
		cmocka_unit_test_setup(test_image_lies, setup),
		cmocka_unit_test_setup(test_every_flipped_byte, setup),
		cmocka_unit_test_setup(test_lies, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
