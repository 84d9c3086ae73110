/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/channel/gate_speaker.h"

#include "common/program_type.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct harness speaker_harness;
struct channel speaker_channel;
static struct gate_job job;
static struct channel_buffer buffer;
static struct channel_message message;
static uint32_t sharing; /* of the next job */

void speaker_probing(void)
{
	harness_open_raw(&speaker_harness);
	speaker_channel =
		(struct channel){ speaker_harness.loader_fd, CHANNEL_LOWER, &channel_loader };
}

void speaker_loading_types(const uint32_t *types, size_t count)
{
	int fd = harness_memfd("object", 6);

	speaker_probing();
	assert_int_equal(channel_send(&speaker_channel, LOADER_WARM, 0, NULL, NULL), 0);
	assert_int_equal(harness_wait(&speaker_harness), SESSION_WARM);
	harness_job(&job, "one", types[0]);
	job.map_sharing = sharing;
	for (size_t i = 1; i < count; i++)
		harness_job_program(&job, i == 1 ? "two" : "three", types[i], PROGRAM_FORM_NATIVE);
	assert_int_equal(session_submit(speaker_harness.session, &job, &harness_globals, fd), 0);
	(void)close(fd);
	assert_int_equal(channel_receive(&speaker_channel, LOADER_STATE_WARM, &buffer, &message),
	                 0);
	assert_int_equal(message.row->type, LOADER_JOB);
	channel_message_close(&message);
}

/* A gate that waits for the calls of a load of one XDP program and one tracepoint. */
void speaker_loading(void)
{
	static const uint32_t types[] = { PROGRAM_TYPE_XDP, PROGRAM_TYPE_TRACEPOINT };

	speaker_loading_types(types, 2);
}

void speaker_loading_sharing(void)
{
	sharing = 1;
	speaker_loading();
	sharing = 0;
}

void speaker_end(void)
{
	harness_close(&speaker_harness);
}

/* The gate must have ended the load, told the broker what it thinks of the loader, and handed up
 * nothing. */
void speaker_expect_broken(void)
{
	const struct session_result *result = session_result(speaker_harness.session);

	assert_int_equal(harness_wait(&speaker_harness), SESSION_FAILED);
	assert_int_equal(result->error.code, ERROR_INTERNAL);
	assert_non_null(strstr(result->error.message, "broke the protocol"));
	assert_int_equal(result->program_count + result->map_count, 0);
	speaker_end();
}

static int speaker_answer(void)
{
	int result;

	if (channel_receive(&speaker_channel, LOADER_STATE_ASKING, &buffer, &message) < 0)
		return SPEAKER_ENDED;
	result = ((const struct loader_answer *)message.body)->result;
	channel_message_close(&message);
	return result;
}

int speaker_ask(uint16_t type, const void *body, int fd)
{
	assert_int_equal(channel_send(&speaker_channel, type, 1, body, fd < 0 ? NULL : &fd), 0);
	return speaker_answer();
}

/* Sends bytes as they are. */
int speaker_ask_raw(const void *bytes, size_t size)
{
	assert_int_equal(send(speaker_harness.loader_fd, bytes, size, 0), size);
	return speaker_answer();
}

struct loader_map_create speaker_array(void)
{
	return (struct loader_map_create){ .type = BPF_MAP_TYPE_ARRAY,
		                           .key_size = 4,
		                           .value_size = 8,
		                           .max_entries = 4,
		                           .name = "array" };
}

int speaker_map_new(void)
{
	const struct loader_map_create map = speaker_array();

	return speaker_ask(LOADER_MAP_CREATE, &map, -1);
}

/* The first type that libbpf loads as this one, or NONE. */
static uint32_t program_type_of(uint32_t bpf_type)
{
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		if (program_type_row(type) && program_type_row(type)->bpf_type == bpf_type)
			return type;
	}
	return PROGRAM_TYPE_NONE;
}

/* "return 0", as a program of the job. */
struct loader_program_load_short speaker_program(uint32_t index, uint32_t type)
{
	const struct bpf_insn code[2] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
		                          { .code = BPF_JMP | BPF_EXIT } };
	struct loader_program_load_short body = { .load = { .index = index,
		                                            .program_type = program_type_of(type),
		                                            .type = type,
		                                            .instruction_count = 2,
		                                            .name = "program",
		                                            .license = "GPL" } };

	memcpy(body.payload, code, sizeof(code));
	return body;
}

int speaker_program_new(uint32_t index, uint32_t type)
{
	const struct loader_program_load_short body = speaker_program(index, type);

	return speaker_ask(LOADER_PROGRAM_LOAD, &body, -1);
}
