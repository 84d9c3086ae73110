/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The strict look at a message's bytes: one row per refusal. */
#include "frontend/arena.h"
#include "frontend/request.h"
#include "frontend/wire.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *bytes;
	size_t size;
	const char *says; /* NULL: it passes */
};

/* A literal and its size without the terminating zero. */
#define B(text) text, sizeof(text) - 1

/* clang-format off */
static const struct row rows[] = {
	{ B(""), NULL },
	{ B("\x08\x01\x62\x00"), NULL },
	{ B("\x08\x81\x00\x62\x00"), NULL },                                    /* a longer way to write 1 */
	{ B("\x08"), "a number in it is cut short" },
	{ B("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), "cut short or too long" },
	{ B("\x08\xff\xff\xff\xff\x0f"), NULL },
	{ B("\x08\x80\x80\x80\x80\x10"), "version is 4294967296: at most 4294967295 fits" },
	{ B("\x00\x01"), "no field number 0" },
	{ B("\x80\x80\x80\x80\x80\x01\x01"), "no field number" },
	{ B("\xb8\x02\x01"), "field 39 that version 1 of the protocol does not know" },
	{ B("\x08\x01\x08\x01"), "field \"version\" of the request is given twice" },
	{ B("\x62\x00\x5a\x00"), "the request has both \"version_info\" and \"status\"" },
	{ B("\x09\0\0\0\0\0\0\0\0"), "field \"version\" of the request has wire type 1" },
	{ B("\x0d\0\0\0\0"), "field \"version\" of the request has wire type 5" },
	{ B("\x0b\x0c"), "field \"version\" of the request has wire type 3" },
	{ B("\x10\x01"), "field \"request_id\" of the request has wire type 0" },
	{ B("\x0a\x01\x01"), "version has the wrong wire type" },
	{ B("\x12\x05" "abcd"), "a field of 5 bytes has only 4 left" },
	{ B("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "a field of 18446744073709551615 bytes" },
	{ B("\x62\x02\x08\x01"), "version_info has a field 1 that" },
	{ B("\x3a\x02\x08\x02"), NULL },                                        /* list_programs.type = tracepoint */
	{ B("\x3a\x02\x08\x7f"), "list_programs.type is 127: ProgramType has no such value" },
	{ B("\x3a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "list_programs.type is -1: ProgramType" },
	{ B("\x3a\x06\x08\x80\x80\x80\x80\x10"), "list_programs.type is 4294967296" },
	{ B("\x3a\x04\x12\x02" "ab"), NULL },
	{ B("\x3a\x05\x12\x03" "a\0b"), "list_programs.application is not UTF-8 text without NUL" },
	{ B("\x3a\x04\x12\x02\xc3\x28"), "list_programs.application is not UTF-8" },
	{ B("\x3a\x04\x12\x02\xc3\xa9"), NULL },
	{ B("\x3a\x06\x1a\x04\x0a\x02\xff\xff"), "list_programs.metadata[0].key is not UTF-8" },
	{ B("\x3a\x0a\x1a\x02\x0a\x00\x1a\x04\x12\x02\xff\xff"), "list_programs.metadata[1].value is not UTF-8" },
	{ B("\x1a\x04\x12\x02\x18\x02"), "load.programs[0].exclusive is 2: a bool is 0 or 1" },
	{ B("\x1a\x04\x12\x02\x18\x01"), NULL },
	{ B("\x22\x08\x22\x06\x32\x04\x01\x02\x1f\x05"), NULL },                /* proceed_on packed */
	{ B("\x22\x06\x22\x04\x30\x01\x30\x02"), NULL },                        /* and not */
	{ B("\x22\x05\x22\x03\x32\x01\x80"), "attach.target.proceed_on[0] is no protobuf message: a number" },
	{ B("\x22\x04\x22\x00\x22\x00"), "field \"target\" of attach is given twice" },
	{ B("\x22\x06\x22\x04\x0a\x00\x0a\x00"), "field \"interface\" of attach.target is given twice" },
	{ B("\x22\x06\x22\x04\x28\x02\x28\x02"), "field \"priority\" of attach.target is given twice" },
	{ B("\x22\x08\x22\x06\x28\xff\xff\xff\xff\x0f"), NULL },                /* priority, the least */
	{ B("\x22\x08\x22\x06\x28\x80\x80\x80\x80\x10"), "attach.target.priority is 4294967296: at most 4294967295" },
	{ B("\x22\x08\x22\x06\x30\x80\x80\x80\x80\x10"), "attach.target.proceed_on[0] is 4294967296: at most 4294967295" },
	{ B("\x22\x0d\x22\x0b\x68\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL }, /* offset: all 64 bits */
	{ B("\x22\x09\x22\x07\x80\x01\x80\x80\x80\x80\x10"), "attach.target.cpu is 4294967296: at most 4294967295" },
	{ B("\x22\x04\x22\x02\x20\x02"), NULL },                                /* direction = egress */
	{ B("\x22\x04\x22\x02\x20\x03"), "attach.target.direction is 3: Direction has no such value" },
	{ B("\x22\x04\x22\x02\x38\x03"), "attach.target.mode is 3: XdpMode has no such value" },
	{ B("\x22\x05\x22\x03\x90\x01\x03"), "attach.target.family is 3: NetfilterFamily has no such value" },
	{ B("\x22\x05\x22\x03\x98\x01\x06"), "attach.target.hook is 6: NetfilterHook has no such value" },
	{ B("\x22\x04\x22\x02\x40\x02"), "attach.target.exclusive is 2: a bool is 0 or 1" },
	{ B("\x22\x04\x22\x02\x18\x02"), "attach.target.follow is 2: a bool is 0 or 1" },
	{ B("\x22\x02\x18\x7f"), "attach.type is 127: ProgramType has no such value" },
	{ B("\x22\x05\x22\x03\xa0\x01\x01"),
	  "field \"places\" of attach.target has wire type 0, which its type does not have" },
	{ B("\x22\x07\x22\x05\xa2\x01\x02\x18\x01"), "attach.target.places[0] has a field 3 that" },
	{ B("\x22\x05\x22\x03\xa8\x01\x01"), "attach.target has a field 21 that" },
};
/* clang-format on */

static void rows_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = { .code = 0 };
		size_t raw_bytes = 77;
		int r = wire_check(&bpfd__v1__request__descriptor, (const uint8_t *)rows[i].bytes,
		                   rows[i].size, &raw_bytes, &error);

		if (!rows[i].says && r != 0)
			fail_msg("row %zu is refused: %s", i, error.message);
		if (rows[i].says && (r != -EINVAL || !strstr(error.message, rows[i].says)))
			fail_msg("row %zu: %d, \"%s\" is not in \"%s\"", i, r, rows[i].says,
			         error.message);
		if (r < 0) {
			assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
			assert_int_equal(raw_bytes, 77);
		}
	}
}

static void texts_are_judged(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		bool ok;
	} texts[] = {
		{ B(""), true },
		{ B("plain"), true },
		{ B("\x7f"), true },
		{ B("\xc2\x80"), true },
		{ B("\xdf\xbf"), true },
		{ B("\xe0\xa0\x80"), true },
		{ B("\xed\x9f\xbf"), true },
		{ B("\xee\x80\x80"), true },
		{ B("\xf0\x90\x80\x80"), true },
		{ B("\xf4\x8f\xbf\xbf"), true },
		{ B("\0"), false },
		{ B("\x80"), false },
		{ B("\xc0\x80"), false },     /* NUL in two bytes */
		{ B("\xc1\xbf"), false },     /* longer than needed */
		{ B("\xc3"), false },         /* cut short */
		{ B("\xe0\x80\x80"), false }, /* NUL in three bytes */
		{ B("\xe0\x9f\xbf"), false }, /* longer than needed */
		{ B("\xed\xa0\x80"), false }, /* a surrogate */
		{ B("\xed\xbf\xbf"), false },
		{ B("\xf0\x8f\xbf\xbf"), false }, /* longer than needed */
		{ B("\xf4\x90\x80\x80"), false }, /* beyond the last */
		{ B("\xf8\x88\x80\x80\x80"), false },
		{ B("\xff"), false },
		{ B("a\xe2\x82"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (wire_text_ok((const uint8_t *)texts[i].bytes, texts[i].size) != texts[i].ok)
			fail_msg("text %zu is judged wrongly", i);
	}
}

static void heads_are_judged(void **state)
{
	/* clang-format off */
	static const struct row heads[] = {
		{ B("\x08\x01\x62\x00"), NULL },
		{ B("\x62\x00"), "version is 0: bpfd " },
		{ B("\x08\x02\x62\x00"), "version is 2: bpfd " },
		{ B("\x08\x01"), "the request has no operation" },
		{ B("\x08\x01\x12\x03" "abc" "\x62\x00"), "request_id has 3 bytes: it must have 16 or none" },
		{ B("\x08\x01\x32\x02\x08\x01"), "request_id has 0 bytes: it must have 16, chosen at random" },
		{ B("\x08\x01\x12\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x32\x02\x08\x01"), "request_id is all zero" },
		{ B("\x08\x01\x12\x10" "0123456789abcdef" "\x32\x02\x08\x01"), NULL },
		{ B("\x08\x01\x12\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x62\x00"), NULL },
	};
	/* clang-format on */
	static struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct error error = { .code = 0 };
		Bpfd__V1__Request *request = NULL;
		int r = request_decode((const uint8_t *)heads[i].bytes, heads[i].size, &arena,
		                       &request, &error);

		if (!heads[i].says && r != 0)
			fail_msg("head %zu is refused: %s", i, error.message);
		if (heads[i].says && (r != -EINVAL || !strstr(error.message, heads[i].says)))
			fail_msg("head %zu: %d, \"%s\"", i, r, error.message);
		assert_int_equal(request != NULL, heads[i].says == NULL);
	}
	arena_reset(&arena, 0);
}

/* Writes a tag and the length of what follows; where that starts. */
static uint8_t *length_put(uint8_t *out, uint8_t tag, size_t size)
{
	*out++ = tag;
	for (; size >= 128; size >>= 7)
		*out++ = (uint8_t)(size | 128);
	*out++ = (uint8_t)size;
	return out;
}

/* list_programs.application of 5 MB: refused before it is found too long. */
static void the_budget_holds(void **state)
{
	const size_t text_size = 5000000;
	static struct arena arena;
	uint8_t *bytes = malloc(text_size + 32);
	Bpfd__V1__Request *request = NULL;
	struct error error = { .code = 0 };

	(void)state;
	assert_non_null(bytes);
	bytes[0] = 0x08;
	bytes[1] = 0x01;

	uint8_t *at = length_put(bytes + 2, 0x3a, text_size + 5);

	at = length_put(at, 0x12, text_size);
	memset(at, 'a', text_size);
	at += text_size;
	arena_init(&arena, 0);
	assert_int_equal(request_decode(bytes, (size_t)(at - bytes), &arena, &request, &error),
	                 -ENOMEM);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_null(request);
	arena_reset(&arena, 0);
	free(bytes);
}

/* A field that is repeated a million times costs no time. */
static void repetition_ends(void **state)
{
	const size_t size = 1000000;
	uint8_t *bytes = malloc(size);
	struct error error = { .code = 0 };
	size_t raw_bytes;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i += 2) {
		bytes[i] = 0x1a; /* metadata of list_programs */
		bytes[i + 1] = 0;
	}
	assert_int_equal(wire_check(&bpfd__v1__list_programs_request__descriptor, bytes, size,
	                            &raw_bytes, &error),
	                 -EINVAL);
	assert_non_null(strstr(error.message, "metadata[256] has too many elements"));
	assert_int_equal(wire_check(&bpfd__v1__list_programs_request__descriptor, bytes, 512,
	                            &raw_bytes, &error),
	                 0);
	memset(length_put(bytes, 0x32, 257), 1, 257); /* proceed_on, packed */
	assert_int_equal(wire_check(&bpfd__v1__target__descriptor, bytes, 260, &raw_bytes, &error),
	                 -EINVAL);
	assert_non_null(strstr(error.message, "proceed_on[0] has too many elements"));
	free(bytes);
}

static void arenas_give_until_the_budget_ends(void **state)
{
	static struct arena arena;
	size_t taken = 0;

	(void)state;
	arena_init(&arena, 300000);
	for (unsigned char *piece; (piece = arena_take(&arena, 1000)) != NULL; taken++) {
		assert_int_equal((uintptr_t)piece % 16, 0);
		for (size_t i = 0; i < 1000; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 255, 1000);
	}
	assert_int_equal(taken, 300000 / 1008);
	assert_null(arena_take(&arena, SIZE_MAX));
	assert_null(arena_take_array(&arena, SIZE_MAX / 2, 3));
	arena_reset(&arena, 100);
	assert_string_equal(arena_print(&arena, "%d of %s", 3, "these"), "3 of these");
	assert_null(arena_take(&arena, 101));
	arena_reset(&arena, 0);
	assert_null(arena_take(&arena, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_judged),
		cmocka_unit_test(texts_are_judged),
		cmocka_unit_test(heads_are_judged),
		cmocka_unit_test(the_budget_holds),
		cmocka_unit_test(repetition_ends),
		cmocka_unit_test(arenas_give_until_the_budget_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
