/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Maps of other programs: what a loader may ask for, what it gets, and that it changes nothing of
 * them. The gate and the kernel are real; the test is the broker, and the loader. */
#include "tests/channel/gate_speaker.h"

#include "broker/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct channel_buffer buffer;

/* The map that is there: of the shape that speaker_array() has. */
static int existing_map(uint32_t type)
{
	union bpf_attr attr = {};
	int fd;

	attr.map_type = type;
	attr.key_size = 4;
	attr.value_size = type == BPF_MAP_TYPE_PROG_ARRAY ? 4 : 8;
	attr.max_entries = 4;
	memcpy(attr.map_name, "hits", sizeof("hits"));
	fd = kernel->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	assert_true(fd >= 0);
	return fd;
}

static struct loader_map_share share_of(const char *name)
{
	struct loader_map_share share = {
		.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4
	};

	memcpy(share.name, name, strlen(name));
	return share;
}

static int answer_take(void)
{
	struct channel_message message;
	int result;

	if (channel_receive(&speaker_channel, LOADER_STATE_ASKING, &buffer, &message) < 0)
		return SPEAKER_ENDED;
	result = ((const struct loader_answer *)message.body)->result;
	channel_message_close(&message);
	return result;
}

/* Asks as the loader, answers as the broker (with none for -1). */
static int share_ask(const struct loader_map_share *share, int fd)
{
	const struct gate_map_find *question;

	assert_int_equal(channel_send(&speaker_channel, LOADER_MAP_SHARE, 1, share, NULL), 0);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_ASKS);
	question = session_question(speaker_harness.session);
	assert_string_equal(question->name, share->name);
	assert_int_equal(question->by_name, share->by_name);
	assert_int_equal(session_answer(speaker_harness.session, fd), 0);
	return answer_take();
}

/* A question that the gate does not put to the broker: it ends the load. */
static void share_breaks(const struct loader_map_share *share)
{
	assert_int_equal(speaker_ask(LOADER_MAP_SHARE, share, -1), SPEAKER_ENDED);
	speaker_expect_broken();
}

static uint32_t kernel_id(int fd)
{
	struct record_map map = {};

	assert_int_equal(kernel_map_info(fd, &map), 0);
	return map.kernel_id;
}

/* A program that refers to the map of this handle. */
static int program_with(uint32_t handle)
{
	const struct bpf_insn code[4] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW,
		  .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = (int32_t)handle },
		{},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct loader_program_load_short body = speaker_program(0, BPF_PROG_TYPE_XDP);

	body.load.instruction_count = 4;
	memcpy(body.payload, code, sizeof(code));
	return speaker_ask(LOADER_PROGRAM_LOAD, &body, -1);
}

static void result_send(uint16_t type, const void *body)
{
	assert_int_equal(channel_send(&speaker_channel, type, 0, body, NULL), 0);
}

static void a_map_that_is_there_is_a_handle(void **state)
{
	const struct loader_map_share share = share_of("hits");
	const struct loader_program programs[] = { { .index = 0, .handle = 2 },
		                                   { .index = 1, .handle = 4 } };
	const struct loader_map maps[] = { { .handle = 1, .name = "hits" },
		                           { .handle = 3, .name = "mine", .by_name = 1 } };
	const struct loader_done done = { .program_count = 2, .map_count = 2 };
	int fd = existing_map(BPF_MAP_TYPE_ARRAY);
	const struct session_result *result;
	uint32_t id;

	(void)state;
	speaker_loading_sharing();
	assert_int_equal(share_ask(&share, fd), 1);
	assert_int_equal(program_with(1), 2);
	assert_int_equal(speaker_map_new(), 3);
	assert_int_equal(speaker_program_new(1, BPF_PROG_TYPE_TRACEPOINT), 4);
	for (size_t i = 0; i < 2; i++) {
		result_send(LOADER_PROGRAM, &programs[i]);
		result_send(LOADER_MAP, &maps[i]);
	}
	result_send(LOADER_DONE, &done);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	result = session_result(speaker_harness.session);
	assert_int_equal(result->map_count, 2);
	assert_int_equal(kernel_id(result->maps[0].fd), kernel_id(fd));
	assert_int_equal(result->maps[0].by_name, 0);
	assert_int_equal(result->maps[1].by_name, 1);
	for (size_t i = 0; i < 2; i++) {
		if (result->programs[i].index == 0) {
			size_t count = 0;
			uint32_t ids[LOAD_MAPS_MAX];

			assert_int_equal(
				kernel_program_map_ids(result->programs[i].fd, ids, &count), 0);
			assert_int_equal(count, 1);
			id = ids[0];
			assert_int_equal(id, kernel_id(fd));
		}
	}
	speaker_end();
	(void)close(fd);
}

static void one_that_is_not_there_is_made(void **state)
{
	struct loader_map_share share = share_of("hits");

	(void)state;
	speaker_loading_sharing();
	assert_int_equal(share_ask(&share, -1), 0);
	assert_int_equal(speaker_map_new(), 1);
	speaker_end();
	/* without an owner it may be asked for by name */
	share.by_name = 1;
	speaker_loading();
	assert_int_equal(share_ask(&share, -1), 0);
	assert_int_equal(speaker_map_new(), 1);
	speaker_end();
}

static void what_was_not_offered_ends_the_load(void **state)
{
	static const char *const names[] = { "", ".data", ".bss", "a/b", "..", "a b", "\xff" };
	struct loader_map_share share = share_of("hits");

	(void)state;
	speaker_loading(); /* no owner: its maps by their names are nobody's */
	share_breaks(&share);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		share = share_of(names[i]);
		speaker_loading_sharing();
		share_breaks(&share);
	}
	share = share_of("hits");
	share.by_name = 2;
	speaker_loading_sharing();
	share_breaks(&share);
	share = share_of("a.b"); /* which would be pinned as a_b */
	share.by_name = 1;
	speaker_loading_sharing();
	share_breaks(&share);
	memset(share.name, 'x', sizeof(share.name));
	speaker_loading_sharing();
	share_breaks(&share);
	speaker_probing();
	share = share_of("hits");
	share_breaks(&share);
}

/* Each field in turn is another one than the map has. */
static void differences_are_named(void **state)
{
	static const struct {
		const char *what;
		struct loader_map_share share;
	} rows[] = {
		{ "type 1, but the map that is there has 2",
		  { .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 4 } },
		{ "key size 8, but the map that is there has 4",
		  { .type = BPF_MAP_TYPE_ARRAY,
		    .key_size = 8,
		    .value_size = 8,
		    .max_entries = 4 } },
		{ "value size 4, but the map that is there has 8",
		  { .type = BPF_MAP_TYPE_ARRAY,
		    .key_size = 4,
		    .value_size = 4,
		    .max_entries = 4 } },
		{ "max_entries 5, but the map that is there has 4",
		  { .type = BPF_MAP_TYPE_ARRAY,
		    .key_size = 4,
		    .value_size = 8,
		    .max_entries = 5 } },
		{ "max_entries 0, but the map that is there has 4",
		  { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8 } },
		{ "map_flags 1024, but the map that is there has 0",
		  { .type = BPF_MAP_TYPE_ARRAY,
		    .key_size = 4,
		    .value_size = 8,
		    .max_entries = 4,
		    .flags = BPF_F_MMAPABLE } },
		{ "map_extra 3, but the map that is there has 0",
		  { .type = BPF_MAP_TYPE_ARRAY,
		    .key_size = 4,
		    .value_size = 8,
		    .max_entries = 4,
		    .extra = 3 } },
	};
	const struct loader_failed failed = { .error = { .code = ERROR_INTERNAL,
		                                         .message = "whatever it says" } };
	int fd = existing_map(BPF_MAP_TYPE_ARRAY);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct loader_map_share share = rows[i].share;
		const struct error *error;

		memcpy(share.name, "hits", sizeof("hits"));
		speaker_loading_sharing();
		assert_int_equal(share_ask(&share, fd), -EINVAL);
		result_send(LOADER_FAILED, &failed);
		assert_int_equal(harness_wait(&speaker_harness), SESSION_FAILED);
		error = &session_result(speaker_harness.session)->error;
		assert_int_equal(error->code, ERROR_INVALID_ARGUMENT);
		if (!strstr(error->message, rows[i].what))
			fail_msg("\"%s\" lacks \"%s\"", error->message, rows[i].what);
		speaker_end();
	}
	(void)close(fd);
}

static void its_contents_stay(void **state)
{
	const struct loader_map_update_short update = { .update = { .map = 1, .value_size = 8 },
		                                        .payload = { 7 } };
	const struct loader_map_freeze freeze = { .map = 1 };
	const struct loader_map_slot slot = { .map = 3, .value = 2 };
	struct loader_map_share share = share_of("hits");
	int array = existing_map(BPF_MAP_TYPE_ARRAY), calls = existing_map(BPF_MAP_TYPE_PROG_ARRAY);
	uint32_t key = 0;
	uint64_t value = 1;

	(void)state;
	speaker_loading_sharing();
	assert_int_equal(share_ask(&share, array), 1);
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1), -EPERM);
	assert_int_equal(speaker_ask(LOADER_MAP_FREEZE, &freeze, -1), -EPERM);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), 2);
	share = share_of("calls");
	share.type = BPF_MAP_TYPE_PROG_ARRAY;
	share.value_size = 4;
	assert_int_equal(share_ask(&share, calls), 3);
	assert_int_equal(speaker_ask(LOADER_MAP_SLOT, &slot, -1), -EPERM);
	speaker_end();
	assert_int_equal(kernel_map_lookup(array, &key, &value), 0);
	assert_int_equal(value, 0);
	value = 9; /* it is not frozen */
	assert_int_equal(kernel_map_set(array, &key, &value, BPF_ANY), 0);
	assert_int_equal(kernel_map_lookup(calls, &key, &value), -ENOENT);
	(void)close(array);
	(void)close(calls);
}

static void it_goes_by_no_other_name(void **state)
{
	const struct loader_map_share share = share_of("hits");
	const struct loader_map other = { .handle = 1, .name = "mine" };
	const struct loader_map section = { .handle = 1, .name = ".data", .by_name = 1 };
	const struct loader_map twice = { .handle = 1, .name = "hits", .by_name = 2 };
	int fd = existing_map(BPF_MAP_TYPE_ARRAY);

	(void)state;
	speaker_loading_sharing();
	assert_int_equal(share_ask(&share, fd), 1);
	result_send(LOADER_MAP, &other);
	speaker_expect_broken();
	speaker_loading_sharing();
	assert_int_equal(speaker_map_new(), 1);
	result_send(LOADER_MAP, &section);
	speaker_expect_broken();
	speaker_loading_sharing();
	assert_int_equal(speaker_map_new(), 1);
	result_send(LOADER_MAP, &twice);
	speaker_expect_broken();
	(void)close(fd);
}

static void nobody_asks_for_ever(void **state)
{
	const struct loader_map_share share = share_of("hits");

	(void)state;
	speaker_loading_sharing();
	for (int i = 0; i < 2 * LOAD_MAPS_MAX; i++)
		assert_int_equal(share_ask(&share, -1), 0);
	share_breaks(&share);
}

/* After a restart handles begin anew, for shared maps too. */
static void a_restart_gives_them_back(void **state)
{
	const struct loader_map_share share = share_of("hits");
	int fd = existing_map(BPF_MAP_TYPE_ARRAY);

	(void)state;
	speaker_loading_sharing();
	assert_int_equal(share_ask(&share, fd), 1);
	result_send(LOADER_RESTART, NULL);
	assert_int_equal(program_with(1), -EBADF);
	assert_int_equal(share_ask(&share, fd), 1);
	assert_true(program_with(1) > 0);
	speaker_end();
	(void)close(fd);
}

/* What is no map is none, whoever says so. */
static void an_answer_that_is_no_map(void **state)
{
	const struct loader_map_share share = share_of("hits");
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	speaker_loading_sharing();
	assert_int_equal(share_ask(&share, fd), -EINVAL);
	speaker_end();
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_that_is_there_is_a_handle),
		cmocka_unit_test(one_that_is_not_there_is_made),
		cmocka_unit_test(what_was_not_offered_ends_the_load),
		cmocka_unit_test(differences_are_named),
		cmocka_unit_test(its_contents_stay),
		cmocka_unit_test(it_goes_by_no_other_name),
		cmocka_unit_test(nobody_asks_for_ever),
		cmocka_unit_test(a_restart_gives_them_back),
		cmocka_unit_test(an_answer_that_is_no_map),
	};

	if (geteuid() != 0) {
		print_message("SKIP: making maps needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
