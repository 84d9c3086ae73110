/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* nng's wire format, byte by byte, all at once, and everything in between. */
#include "common/sp.h"

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#define GREETING 0, 'S', 'P', 0, 0, 0x30, 0, 0

static const uint8_t stream[] = {
	GREETING, 1, 0, 0, 0, 0, 0, 0, 0, 6,    0x80, 0, 0, 1, 'a', 'b',
	1,        0, 0, 0, 0, 0, 0, 0, 4, 0x80, 0,    0, 2, 1, 0,   0,
	0,        0, 0, 0, 0, 9, 0, 0, 0, 3,    0x80, 0, 0, 4, 'c',
};

/* What a walk over the stream saw: one letter per event, and the bodies in a row. */
struct seen {
	char events[64];
	size_t event_count;
	uint8_t bodies[64];
	size_t body_size;
};

static int walk(struct sp_reader *reader, const uint8_t *bytes, size_t size, struct seen *seen)
{
	static const char letters[] = { [SP_EVENT_GREETED] = 'g', [SP_EVENT_MESSAGE] = 'm' };
	struct sp_step step;

	for (size_t at = 0; at < size; at += step.used) {
		int r = sp_reader_take(reader, bytes + at, size - at, &step);

		if (r < 0)
			return r;
		assert_true(step.used > 0);
		if (step.event == SP_EVENT_BODY) {
			memcpy(seen->bodies + seen->body_size, step.body, step.body_size);
			seen->body_size += step.body_size;
			if (reader->body_left == 0)
				seen->events[seen->event_count++] = 'e';
		} else if (step.event != SP_EVENT_NONE) {
			seen->events[seen->event_count++] = letters[step.event];
		}
	}
	return 0;
}

static void every_cut_gives_the_same(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		struct sp_reader reader;
		struct seen seen = { .body_size = 0 };

		sp_reader_init(&reader, SP_REQUEST);
		for (size_t at = 0; at < sizeof(stream); at += piece) {
			size_t here = sizeof(stream) - at < piece ? sizeof(stream) - at : piece;

			assert_int_equal(walk(&reader, stream + at, here, &seen), 0);
		}
		assert_string_equal(seen.events, "gmememe");
		assert_int_equal(seen.body_size, 19);
		assert_memory_equal(seen.bodies,
		                    "\x80\0\0\1"
		                    "ab"
		                    "\x80\0\0\2"
		                    "\0\0\0\3"
		                    "\x80\0\0\4"
		                    "c",
		                    19);
		assert_true(sp_reader_idle(&reader));
	}
}

static void wrong_bytes_are_refused_at_once(void **state)
{
	static const struct {
		uint8_t bytes[24];
		size_t refused; /* the byte that is refused, counted from 1 */
	} rows[] = {
		{ { 1 }, 1 },
		{ { 0, 's' }, 2 },
		{ { 0, 'S', 'P', 1 }, 4 },
		{ { 0, 'S', 'P', 0, 0, 0x31 }, 6 },
		{ { 0, 'S', 'P', 0, 1, 0x30 }, 5 },
		{ { 0, 'S', 'P', 0, 0, 0x30, 0, 1 }, 8 },
		{ { GREETING, 0 }, 9 },
		{ { GREETING, 2 }, 9 },
		{ { GREETING, 1, 0, 0, 0, 0, 0, 0, 0, 0 }, 17 },
		{ { GREETING, 1, 0, 0, 0, 0, 0, 0, 0, 3 }, 17 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seen seen = { .body_size = 0 };
		struct sp_reader reader;

		sp_reader_init(&reader, SP_REQUEST);
		assert_int_equal(walk(&reader, rows[i].bytes, rows[i].refused - 1, &seen), 0);
		assert_int_equal(walk(&reader, rows[i].bytes + rows[i].refused - 1, 1, &seen),
		                 -EPROTO);
	}
}

static void the_longest_length_is_read(void **state)
{
	static const uint8_t bytes[] = { GREETING, 1, 255, 254, 253, 252, 251, 250, 249, 248 };
	struct seen seen = { .body_size = 0 };
	struct sp_reader reader;

	(void)state;
	sp_reader_init(&reader, SP_REQUEST);
	assert_int_equal(walk(&reader, bytes, sizeof(bytes), &seen), 0);
	assert_true(reader.body_size == 0xfffefdfcfbfaf9f8u);
	assert_false(sp_reader_idle(&reader));
}

static void skipped_bytes_count(void **state)
{
	static const uint8_t bytes[] = { GREETING, 1, 0, 0, 0, 0, 0, 0, 0, 200 };
	struct seen seen = { .body_size = 0 };
	struct sp_reader reader;

	(void)state;
	sp_reader_init(&reader, SP_REQUEST);
	assert_int_equal(walk(&reader, bytes, sizeof(bytes), &seen), 0);
	sp_reader_skip(&reader, 150);
	assert_int_equal(reader.body_left, 50);
	sp_reader_skip(&reader, 50);
	assert_true(sp_reader_idle(&reader));
}

static void backtraces_have_an_end(void **state)
{
	uint8_t body[40] = { 0 };

	(void)state;
	for (size_t hop = 0; hop < 10; hop++) {
		int expected = hop < SP_HOPS_MAX ? (int)(hop + 1) * 4 : -EPROTO;

		memset(body, 0, sizeof(body));
		body[hop * 4] = 0x80;
		assert_int_equal(sp_backtrace_size(body, sizeof(body)), expected);
		assert_int_equal(sp_backtrace_size(body, hop * 4 + 3), -EPROTO);
	}
	assert_int_equal(sp_backtrace_size(NULL, 0), -EPROTO);
}

static void heads_are_read_back(void **state)
{
	uint8_t head[SP_HEAD_SIZE];

	(void)state;
	sp_head_encode(0x0102030405060708u, head);
	assert_memory_equal(head, "\1\1\2\3\4\5\6\7\x08", sizeof(head));
}

static void greetings_name_the_protocol(void **state)
{
	static const enum sp_protocol all[] = { SP_PUBLISH, SP_SUBSCRIBE, SP_REQUEST, SP_REPLY };
	uint8_t greeting[SP_GREETING_SIZE];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++) {
			struct sp_reader reader;
			struct sp_step step;
			int expected = i == j ? 0 : -EPROTO;

			sp_greeting_encode(all[i], greeting);
			assert_int_equal(greeting[5], all[i]);
			sp_reader_init(&reader, all[j]);
			assert_int_equal(sp_reader_take(&reader, greeting, sizeof(greeting), &step),
			                 expected);
			assert_int_equal(sp_reader_idle(&reader), i == j);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greetings_name_the_protocol),
		cmocka_unit_test(every_cut_gives_the_same),
		cmocka_unit_test(wrong_bytes_are_refused_at_once),
		cmocka_unit_test(the_longest_length_is_read),
		cmocka_unit_test(skipped_bytes_count),
		cmocka_unit_test(backtraces_have_an_end),
		cmocka_unit_test(heads_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
