/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a loader in a stranger's hands says came of its load, and when it speaks out of turn. */
#include "broker/kernel.h"
#include "common/program_type.h"
#include "tests/channel/gate_speaker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SILENCE_MS 100

static void messages_out_of_turn_end_the_load(void **state)
{
	struct loader_done done = {};
	struct channel_header header = {};

	(void)state;
	speaker_loading();
	assert_int_equal(speaker_ask(LOADER_WARM, NULL, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	speaker_probing();
	assert_int_equal(speaker_ask(LOADER_DONE, &done, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	speaker_loading();
	assert_int_equal(speaker_ask_raw("garbage", 7), SPEAKER_ENDED);
	speaker_expect_broken();
	header.type = LOADER_JOB; /* the gate's own message */
	speaker_loading();
	assert_int_equal(speaker_ask_raw(&header, sizeof(header)), SPEAKER_ENDED);
	speaker_expect_broken();
	header.type = 999;
	speaker_loading();
	assert_int_equal(speaker_ask_raw(&header, sizeof(header)), SPEAKER_ENDED);
	speaker_expect_broken();
}

/* After WARM nobody listens until the job comes; what was said meanwhile is a call of that load,
 * and an end is seen at once. */
static void a_warm_loader_is_not_heard(void **state)
{
	struct loader_map_create map = speaker_array();
	struct pollfd answered;

	(void)state;
	speaker_probing();
	answered = (struct pollfd){ .fd = speaker_channel.fd, .events = POLLIN };
	assert_int_equal(channel_send(&speaker_channel, LOADER_WARM, 0, NULL, NULL), 0);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_WARM);
	assert_int_equal(channel_send(&speaker_channel, LOADER_MAP_CREATE, 1, &map, NULL), 0);
	assert_int_equal(poll(&answered, 1, SILENCE_MS), 0);
	(void)shutdown(speaker_channel.fd, SHUT_RDWR);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FAILED);
	speaker_end();
}

static void result_send(uint16_t type, const void *body)
{
	assert_int_equal(channel_send(&speaker_channel, type, 0, body, NULL), 0);
}

/* Programs and a map are loaded; what is then said about them is a lie. */
static void loaded_all(void)
{
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), 2);
	assert_int_equal(speaker_program_new(1, BPF_PROG_TYPE_TRACEPOINT), 3);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_XDP), 4);
}

static void program_lie(struct loader_program lie)
{
	loaded_all();
	result_send(LOADER_PROGRAM, &lie);
	speaker_expect_broken();
}

/* What the program was loaded for is shown to people: no text may come this way that is none. */
static void target_lie(const char *target, size_t size)
{
	struct loader_program lie = { .index = 0, .handle = 2 };

	memcpy(lie.target, target, size);
	program_lie(lie);
}

static void map_lie(const char *name, uint32_t handle)
{
	struct loader_map lie = { .handle = handle };

	(void)snprintf(lie.name, sizeof(lie.name), "%s", name);
	loaded_all();
	result_send(LOADER_MAP, &lie);
	speaker_expect_broken();
}

/* A loader that asked ahead in vain begins anew, once, and with nothing of what was before. */
static void restart_drops_everything_once(void **state)
{
	const struct loader_map_freeze freeze = { .map = 1 };
	const struct loader_program named = { .index = 0, .handle = 2 };

	(void)state;
	loaded_all();
	result_send(LOADER_RESTART, NULL);
	assert_int_equal(speaker_ask(LOADER_MAP_FREEZE, &freeze, -1), -EBADF);
	assert_int_equal(speaker_map_new(), 1);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), 2);
	result_send(LOADER_RESTART, NULL);
	speaker_expect_broken();
	loaded_all();
	result_send(LOADER_PROGRAM, &named);
	result_send(LOADER_RESTART, NULL); /* after results it is too late */
	speaker_expect_broken();
	speaker_probing();
	result_send(LOADER_RESTART, NULL);
	speaker_expect_broken();
}

static void results_must_be_true(void **state)
{
	const struct loader_done done = { .program_count = 2 };
	const struct loader_done too_few = { .program_count = 1 };
	char endless[FUNCTION_NAME_SIZE];

	(void)state;
	program_lie((struct loader_program){ .index = 0,
	                                     .handle = 3 }); /* the tracepoint as the XDP program */
	program_lie((struct loader_program){ .index = 0, .handle = 4 }); /* a helper */
	program_lie((struct loader_program){ .index = 0, .handle = 1 }); /* a map */
	program_lie((struct loader_program){ .index = 2, .handle = 2 });
	program_lie(
		(struct loader_program){ .handle = 2, .xdp = { .priority = PRIORITY_MAX + 1 } });
	program_lie((struct loader_program){ .handle = 2, .xdp = { .proceed_on = 1u << 7 } });
	target_lie("a b", 3);
	target_lie("../vfs", 6);
	target_lie("a\x1b[2J", 5);
	target_lie("\xff", 1);
	target_lie("vfs_read\0tail", 13);
	memset(endless, 'x', sizeof(endless));
	target_lie(endless, sizeof(endless));
	map_lie("../../etc/passwd", 1);
	map_lie("", 1);
	map_lie("two words", 1);
	map_lie("program", 2);
	map_lie("nothing", 0);
	loaded_all();
	result_send(LOADER_DONE, &done); /* without the programs */
	speaker_expect_broken();
	loaded_all();
	result_send(LOADER_DONE, &too_few);
	speaker_expect_broken();
}

static void true_results_arrive(void **state)
{
	const struct session_result *result;
	struct loader_map map = { .handle = 1, .name = "array" };
	struct loader_done done = { .program_count = 2, .map_count = 1, .digest = { 1, 2, 3 } };
	struct record_program info = {};

	(void)state;
	loaded_all();
	result_send(LOADER_PROGRAM, &(struct loader_program){ .index = 1,
	                                                      .handle = 3,
	                                                      .target = "vfs_read.isra$0",
	                                                      .xdp = { .frags = 1 } });
	result_send(LOADER_PROGRAM,
	            &(struct loader_program){
			    .index = 0, .handle = 2, .xdp = { .priority = 5, .frags = 1 } });
	result_send(LOADER_MAP, &map);
	result_send(LOADER_DONE, &done);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	result = session_result(speaker_harness.session);
	assert_int_equal(result->program_count, 2);
	assert_int_equal(result->map_count, 1);
	assert_int_equal(result->programs[0].xdp.priority, 5);
	assert_int_equal(result->programs[0].xdp.frags,
	                 0); /* it was not loaded with frags, whatever the loader says */
	assert_int_equal(result->programs[1].xdp.frags, 0);
	assert_int_equal(result->programs[0].type, PROGRAM_TYPE_XDP);
	assert_string_equal(result->programs[0].target, "");
	assert_int_equal(result->programs[1].type, PROGRAM_TYPE_TRACEPOINT);
	assert_string_equal(result->programs[1].target, "vfs_read.isra$0");
	assert_int_equal(kernel_program_info(result->programs[1].fd, &info), 0);
	assert_int_equal(info.kernel_type, BPF_PROG_TYPE_TRACEPOINT);
	assert_memory_equal(result->digest, done.digest, DIGEST_SIZE);
	speaker_end();
}

/* A job without types learns them from what the gate loaded, not from what the loader says of it.
 */
static void types_come_from_what_was_loaded(void **state)
{
	static const uint32_t any[] = { PROGRAM_TYPE_NONE, PROGRAM_TYPE_NONE };
	const struct loader_program first = { .index = 0, .handle = 1 };
	const struct loader_program second = { .index = 1, .handle = 2 };
	const struct loader_done done = { .program_count = 2 };
	const struct session_result *result;

	(void)state;
	speaker_loading_types(any, 2);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_TRACEPOINT), 1);
	assert_int_equal(speaker_program_new(1, BPF_PROG_TYPE_XDP), 2);
	result_send(LOADER_PROGRAM, &second);
	result_send(LOADER_PROGRAM, &first);
	result_send(LOADER_DONE, &done);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	result = session_result(speaker_harness.session);
	assert_int_equal(result->programs[0].type, PROGRAM_TYPE_TRACEPOINT);
	assert_int_equal(result->programs[1].type, PROGRAM_TYPE_XDP);
	speaker_end();
}

/* What a loader reports before it read its answers is void when one of them is a refusal, and
 * counts again in the second attempt. */
static void results_after_a_refusal_are_void(void **state)
{
	const struct loader_map_freeze nothing = { .map = 77 };
	const struct loader_program first = { .index = 0, .handle = 3 };
	const struct loader_program second = { .index = 1, .handle = 4 };
	const struct loader_done done = { .program_count = 2 };

	(void)state;
	speaker_loading();
	assert_int_equal(speaker_ask(LOADER_MAP_FREEZE, &nothing, -1), -EBADF);
	result_send(LOADER_PROGRAM, &first);
	result_send(LOADER_DONE, &done);
	result_send(LOADER_RESTART, NULL);
	assert_int_equal(speaker_ask(LOADER_MAP_FREEZE, &nothing, -1), -EBADF);
	assert_int_equal(speaker_map_new(), 1);
	assert_int_equal(speaker_map_new(), 2);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), 3);
	assert_int_equal(speaker_program_new(1, BPF_PROG_TYPE_TRACEPOINT), 4);
	result_send(LOADER_PROGRAM, &first);
	result_send(LOADER_PROGRAM, &second);
	result_send(LOADER_DONE, &done);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FINISHED);
	speaker_end();
}

static void failure_text_is_made_harmless(void **state)
{
	struct loader_failed failed = { .error = { .code = ERROR_VERIFIER,
		                                   .message = "one\ntwo\x1b[31m three\xc3\xa9" } };
	static const char log[] = "line 1\nline\0 2\r\x9b\n";
	char got[sizeof(log)] = {};
	const struct session_result *result;
	int fd = harness_memfd(log, sizeof(log) - 1);

	(void)state;
	failed.log_size = sizeof(log) - 1;
	speaker_loading();
	assert_int_equal(channel_send(&speaker_channel, LOADER_FAILED_WITH_LOG, 0, &failed, &fd),
	                 0);
	(void)close(fd);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FAILED);
	result = session_result(speaker_harness.session);
	assert_string_equal(result->error.message, "one\ntwo?[31m three??");
	assert_int_equal(result->log_size, sizeof(log) - 1);
	assert_int_equal(pread(result->log_fd, got, sizeof(got), 0), sizeof(log) - 1);
	assert_string_equal(got, "line 1\nline? 2??\n");
	speaker_end();
}

static void false_failures_end_the_load(void **state)
{
	struct loader_failed failed = { .error = { .code = 99, .message = "x" } };
	int fd = harness_memfd("log", 3);

	(void)state;
	speaker_loading();
	result_send(LOADER_FAILED, &failed);
	speaker_expect_broken();
	failed.error.code = ERROR_VERIFIER;
	memset(failed.error.message, 'x', sizeof(failed.error.message));
	speaker_loading();
	result_send(LOADER_FAILED, &failed);
	speaker_expect_broken();
	(void)snprintf(failed.error.message, sizeof(failed.error.message), "refused");
	failed.log_size = VERIFIER_LOG_MAX + 1;
	speaker_loading();
	assert_int_equal(channel_send(&speaker_channel, LOADER_FAILED_WITH_LOG, 0, &failed, &fd),
	                 0);
	speaker_expect_broken();
	failed.log_size = 4; /* one more than there is */
	speaker_loading();
	assert_int_equal(channel_send(&speaker_channel, LOADER_FAILED_WITH_LOG, 0, &failed, &fd),
	                 0);
	speaker_expect_broken();
	(void)close(fd);
}

static void death_of_the_loader_fails_the_load(void **state)
{
	(void)state;
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	(void)close(speaker_harness.loader_fd);
	speaker_harness.loader_fd = -1;
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FAILED);
	assert_int_equal(session_result(speaker_harness.session)->error.code, ERROR_UNAVAILABLE);
	speaker_end();
}

static void death_of_the_gate_fails_the_load(void **state)
{
	(void)state;
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	assert_int_equal(kill(session_gate_pid(speaker_harness.session), SIGKILL), 0);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_FAILED);
	assert_int_equal(session_result(speaker_harness.session)->error.code, ERROR_UNAVAILABLE);
	speaker_end();
}

/* A session that nobody needs any more takes its gate along, and a loader that listens ends too. */
static void freed_session_leaves_nothing(void **state)
{
	static struct channel_buffer buffer;
	struct channel_message message;

	(void)state;
	speaker_loading();
	session_free(speaker_harness.session);
	assert_true(wait(NULL) > 0);
	assert_int_equal(channel_receive(&speaker_channel, LOADER_STATE_ASKING, &buffer, &message),
	                 -EPIPE);
	(void)close(speaker_harness.loader_fd);
	(void)close(speaker_harness.launcher.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_out_of_turn_end_the_load),
		cmocka_unit_test(a_warm_loader_is_not_heard),
		cmocka_unit_test(restart_drops_everything_once),
		cmocka_unit_test(results_must_be_true),
		cmocka_unit_test(true_results_arrive),
		cmocka_unit_test(types_come_from_what_was_loaded),
		cmocka_unit_test(results_after_a_refusal_are_void),
		cmocka_unit_test(failure_text_is_made_harmless),
		cmocka_unit_test(false_failures_end_the_load),
		cmocka_unit_test(death_of_the_loader_fails_the_load),
		cmocka_unit_test(death_of_the_gate_fails_the_load),
		cmocka_unit_test(freed_session_leaves_nothing),
	};

	if (geteuid() != 0) {
		print_message("SKIP: loading programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
