/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls and results of a loader in one packet: the gate takes them one after the other, and what is
 * wrong with one of them ends the load as if it had come alone. */
#include "common/cleanup.h"
#include "common/program_type.h"
#include "tests/channel/gate_speaker.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct channel_outbox outbox;

static void say(uint16_t type, uint64_t id, const void *body, const int *fd)
{
	assert_int_equal(channel_queue(&speaker_channel, &outbox, type, id, body, fd), 0);
}

static void say_all(void)
{
	assert_int_equal(channel_flush(&speaker_channel, &outbox), 0);
}

/* A map and both programs, asked ahead: handles 1 to 3. */
static void say_calls(void)
{
	const struct loader_map_create map = speaker_array();
	const struct loader_program_load_short one = speaker_program(0, BPF_PROG_TYPE_XDP);
	const struct loader_program_load_short two = speaker_program(1, BPF_PROG_TYPE_TRACEPOINT);

	say(LOADER_MAP_CREATE, 0, &map, NULL);
	say(LOADER_PROGRAM_LOAD, 0, &one, NULL);
	say(LOADER_PROGRAM_LOAD, 0, &two, NULL);
}

static void say_results(void)
{
	const struct loader_program one = { .index = 0, .handle = 2 };
	const struct loader_program two = { .index = 1, .handle = 3 };
	const struct loader_map map = { .handle = 1, .name = "array" };
	const struct loader_done done = { .program_count = 2, .map_count = 1 };

	say(LOADER_PROGRAM, 0, &one, NULL);
	say(LOADER_PROGRAM, 0, &two, NULL);
	say(LOADER_MAP, 0, &map, NULL);
	say(LOADER_DONE, 0, &done, NULL);
}

static void a_load_may_be_one_packet(void **state)
{
	const struct session_result *result;

	(void)state;
	speaker_loading();
	say_calls();
	say_results();
	say_all();
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	result = session_result(speaker_harness.session);
	assert_int_equal(result->program_count, 2);
	assert_int_equal(result->map_count, 1);
	assert_string_equal(result->maps[0].name, "array");
	assert_true(result->programs[0].fd >= 0 && result->programs[1].fd >= 0);
	assert_true(result->maps[0].fd >= 0);
	speaker_end();
}

/* The gate's own packets have a bound too: as many maps need several. */
static void many_results_arrive_in_several_packets(void **state)
{
	const struct loader_map_create map = speaker_array();
	const struct loader_program_load_short one = speaker_program(0, BPF_PROG_TYPE_XDP);
	const struct loader_program first = { .index = 0, .handle = 1 };
	const struct loader_done done = { .program_count = 1, .map_count = LOAD_MAPS_MAX };
	static const uint32_t types[] = { PROGRAM_TYPE_XDP };
	const struct session_result *result;

	(void)state;
	speaker_loading_types(types, 1);
	say(LOADER_PROGRAM_LOAD, 0, &one, NULL);
	say(LOADER_PROGRAM, 0, &first, NULL);
	for (uint32_t i = 0; i < LOAD_MAPS_MAX; i++)
		say(LOADER_MAP_CREATE, 0, &map, NULL);
	for (uint32_t i = 0; i < LOAD_MAPS_MAX; i++) {
		struct loader_map named = { .handle = 2 + i };

		(void)snprintf(named.name, sizeof(named.name), "map%u", i);
		say(LOADER_MAP, 0, &named, NULL);
	}
	say(LOADER_DONE, 0, &done, NULL);
	say_all();
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	result = session_result(speaker_harness.session);
	assert_int_equal(result->program_count, 1);
	assert_int_equal(result->map_count, LOAD_MAPS_MAX);
	for (uint32_t i = 0; i < LOAD_MAPS_MAX; i++) {
		char name[MAP_NAME_SIZE];

		(void)snprintf(name, sizeof(name), "map%u", i);
		assert_string_equal(result->maps[i].name, name);
		assert_true(result->maps[i].fd >= 0);
	}
	speaker_end();
}

static void each_message_gets_its_own_memfd(void **state)
{
	struct loader_map_update update = { .map = 1, .value_size = 8 };
	_cleanup_close_ int right = harness_memfd("8 bytes.", 8),
			    wrong = harness_memfd("7 bytes", 7);

	(void)state;
	speaker_loading();
	say_calls();
	say(LOADER_MAP_UPDATE_LONG, 0, &update, &right);
	update.key = 1;
	say(LOADER_MAP_UPDATE_LONG, 0, &update, &right);
	say_results();
	say_all();
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	speaker_end();
	speaker_loading();
	say_calls();
	say(LOADER_MAP_UPDATE_LONG, 0, &update, &right);
	say(LOADER_MAP_UPDATE_LONG, 0, &update, &wrong);
	say_results();
	say_all();
	speaker_expect_broken();
}

/* A refusal amid the packet is told, and what was reported behind it is void. */
static void a_refusal_voids_the_rest(void **state)
{
	const struct loader_map_freeze nothing = { .map = 77 };
	struct channel_message message;
	static struct channel_buffer buffer;

	(void)state;
	speaker_loading();
	say_calls();
	say(LOADER_MAP_FREEZE, 0, &nothing, NULL);
	say_results();
	say_all();
	assert_int_equal(channel_receive(&speaker_channel, LOADER_STATE_ASKING, &buffer, &message),
	                 0);
	assert_int_equal(message.row->type, LOADER_ANSWER);
	assert_int_equal(message.id, 0);
	assert_int_equal(((const struct loader_answer *)message.body)->result, -EBADF);
	say(LOADER_RESTART, 0, NULL, NULL);
	say_calls();
	say_results();
	say_all();
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	speaker_end();
}

static void a_lie_behind_the_truth_is_seen(void **state)
{
	const struct loader_done done = { .program_count = 2 };

	(void)state;
	speaker_loading();
	say_calls();
	say(LOADER_DONE, 0, &done, NULL); /* without the programs */
	say_all();
	speaker_expect_broken();
	speaker_loading();
	say_calls();
	say(LOADER_WARM, 0, NULL, NULL); /* out of turn */
	say_results();
	say_all();
	speaker_expect_broken();
}

/* What cannot be a message behind one that is. */
static void a_tail_ends_the_load(void **state)
{
	const struct loader_map_create map = speaker_array();
	unsigned char bytes[2 * sizeof(struct channel_header) + sizeof(map)] = {};
	struct channel_header header = { .type = LOADER_MAP_CREATE,
		                         .length = sizeof(map),
		                         .id = 1 };
	const size_t whole = sizeof(header) + sizeof(map);

	(void)state;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &map, sizeof(map));
	header.length = 1; /* is not there */
	memcpy(bytes + whole, &header, sizeof(header));
	for (size_t tail = 1; tail <= sizeof(header); tail++) {
		speaker_loading();
		assert_int_equal(speaker_ask_raw(bytes, whole + tail), 1); /* that one was right */
		speaker_expect_broken();
	}
}

/* Once it is warm a loader has nothing to say before it has its job. */
static void nothing_follows_warm(void **state)
{
	(void)state;
	speaker_probing();
	say(LOADER_WARM, 0, NULL, NULL);
	say_calls();
	say_all();
	speaker_expect_broken();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_load_may_be_one_packet),
		cmocka_unit_test(many_results_arrive_in_several_packets),
		cmocka_unit_test(each_message_gets_its_own_memfd),
		cmocka_unit_test(a_refusal_voids_the_rest),
		cmocka_unit_test(a_lie_behind_the_truth_is_seen),
		cmocka_unit_test(a_tail_ends_the_load),
		cmocka_unit_test(nothing_follows_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
