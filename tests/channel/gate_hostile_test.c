/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The test is a loader in a stranger's hands: it speaks to a real gate, and the kernel behind it is
 * real too. */
#include "broker/kernel.h"
#include "common/memfd.h"
#include "common/program_type.h"
#include "proto/channel_loader.h"
#include "tests/channel/gate_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ENDED 12345 /* instead of an answer: the gate ended the load */

static struct harness harness;
static struct channel loader;
static struct gate_job job;
static struct channel_buffer buffer;
static struct channel_message message;

static void gate_probing(void)
{
	harness_open_raw(&harness);
	loader = (struct channel){ harness.loader_fd, CHANNEL_LOWER, &channel_loader };
}

/* A gate that waits for the calls of a load of one XDP program and one tracepoint. */
static void gate_loading(void)
{
	int fd = harness_memfd("object", 6);

	gate_probing();
	assert_int_equal(channel_send(&loader, LOADER_WARM, 0, NULL, NULL), 0);
	assert_int_equal(harness_wait(&harness), SESSION_WARM);
	harness_job(&job, "one", PROGRAM_TYPE_XDP);
	harness_job_program(&job, "two", PROGRAM_TYPE_TRACEPOINT, PROGRAM_FORM_NATIVE);
	assert_int_equal(session_submit(harness.session, &job, fd), 0);
	(void)close(fd);
	assert_int_equal(channel_receive(&loader, LOADER_STATE_WARM, &buffer, &message), 0);
	assert_int_equal(message.row->type, LOADER_JOB);
	channel_message_close(&message);
}

static void gate_end(void)
{
	harness_close(&harness);
}

/* The gate must have ended the load, told the broker what it thinks of the loader, and handed up
 * nothing. */
static void expect_broken(void)
{
	const struct session_result *result = session_result(harness.session);

	assert_int_equal(harness_wait(&harness), SESSION_FAILED);
	assert_int_equal(result->error.code, ERROR_INTERNAL);
	assert_non_null(strstr(result->error.message, "broke the protocol"));
	assert_int_equal(result->program_count + result->map_count, 0);
	gate_end();
}

static int answer(void)
{
	int result;

	if (channel_receive(&loader, LOADER_STATE_ASKING, &buffer, &message) < 0)
		return ENDED;
	result = ((const struct loader_answer *)message.body)->result;
	channel_message_close(&message);
	return result;
}

static int ask(uint16_t type, const void *body, int fd)
{
	assert_int_equal(channel_send(&loader, type, 1, body, fd < 0 ? NULL : &fd), 0);
	return answer();
}

/* Sends bytes as they are. */
static int ask_raw(const void *bytes, size_t size)
{
	assert_int_equal(send(harness.loader_fd, bytes, size, 0), size);
	return answer();
}

static struct loader_map_create array(void)
{
	return (struct loader_map_create){ .type = BPF_MAP_TYPE_ARRAY,
		                           .key_size = 4,
		                           .value_size = 8,
		                           .max_entries = 4,
		                           .name = "array" };
}

static int map_new(void)
{
	const struct loader_map_create map = array();

	return ask(LOADER_MAP_CREATE, &map, -1);
}

/* "return 0", as a program of the job. */
static struct loader_program_load_short program(uint32_t index, uint32_t type)
{
	const struct bpf_insn code[2] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
		                          { .code = BPF_JMP | BPF_EXIT } };
	struct loader_program_load_short body = { .load = { .index = index,
		                                            .type = type,
		                                            .instruction_count = 2,
		                                            .name = "program",
		                                            .license = "GPL" } };

	memcpy(body.payload, code, sizeof(code));
	return body;
}

static int program_new(uint32_t index, uint32_t type)
{
	const struct loader_program_load_short body = program(index, type);

	return ask(LOADER_PROGRAM_LOAD, &body, -1);
}

static void good_calls_are_made(void **state)
{
	const struct loader_map_freeze freeze = { .map = 1 };

	(void)state;
	gate_loading();
	assert_int_equal(map_new(), 1);
	assert_int_equal(program_new(0, BPF_PROG_TYPE_XDP), 2);
	assert_int_equal(program_new(1, BPF_PROG_TYPE_TRACEPOINT), 3);
	assert_int_equal(program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_XDP), 4);
	assert_int_equal(program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER), 5);
	assert_int_equal(ask(LOADER_MAP_FREEZE, &freeze, -1), 0);
	gate_end();
}

static void programs_of_other_types_are_refused(void **state)
{
	static const uint32_t types[] = { BPF_PROG_TYPE_EXT,     BPF_PROG_TYPE_TRACING,
		                          BPF_PROG_TYPE_LSM,     BPF_PROG_TYPE_SCHED_CLS,
		                          BPF_PROG_TYPE_SYSCALL, BPF_PROG_TYPE_STRUCT_OPS };
	static const uint32_t indices[] = { 0, 1, LOADER_PROGRAM_HELPER, LOADER_PROGRAM_PROBE };

	(void)state;
	gate_loading();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t j = 0; j < sizeof(indices) / sizeof(indices[0]); j++)
			assert_int_equal(program_new(indices[j], types[i]), -EPERM);
	}
	assert_int_equal(program_new(0, BPF_PROG_TYPE_TRACEPOINT),
	                 -EPERM);                                    /* the other one's type */
	assert_int_equal(program_new(2, BPF_PROG_TYPE_XDP), -EPERM); /* not in the job */
	assert_int_equal(program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_KPROBE), -EPERM);
	assert_int_equal(program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_XDP), -EPERM);
	assert_true(program_new(0, BPF_PROG_TYPE_XDP) > 0);
	assert_int_equal(program_new(0, BPF_PROG_TYPE_XDP), -EPERM); /* twice */
	gate_end();
}

static void program_attributes_are_checked(void **state)
{
	struct loader_program_load_short body;

	(void)state;
	gate_loading();
	body = program(0, BPF_PROG_TYPE_XDP);
	body.load.flags = BPF_F_SLEEPABLE;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body.load.flags = BPF_F_XDP_HAS_FRAGS;
	body.load.expected_attach_type = BPF_XDP_DEVMAP;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = program(1, BPF_PROG_TYPE_TRACEPOINT);
	body.load.flags = BPF_F_XDP_HAS_FRAGS;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER);
	body.load.instruction_count = 17;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = program(0, BPF_PROG_TYPE_XDP);
	body.load.btf = 9;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EBADF);
	gate_end();
}

/* A program whose first instruction loads a 64-bit constant of this kind. */
static int immediate_program(uint8_t source, int32_t low, int32_t high)
{
	struct bpf_insn code[4] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .imm = low },
		{ .imm = high },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct loader_program_load_short body = program(0, BPF_PROG_TYPE_XDP);

	((unsigned char *)code)[1] |= (unsigned char)(source << 4); /* src_reg */
	body.load.instruction_count = 4;
	memcpy(body.payload, code, sizeof(code));
	return ask(LOADER_PROGRAM_LOAD, &body, -1);
}

static void foreign_handles_are_refused(void **state)
{
	const struct loader_map_freeze freeze = { .map = 250 };
	const struct loader_map_slot slot = { .map = 1, .value = 1 };
	const struct loader_program_bind bind = { .program = 1, .map = 1 };
	const struct loader_object_info info = { .handle = 77, .size = 64 };
	struct loader_map_create map = array();

	(void)state;
	gate_loading();
	assert_int_equal(map_new(), 1);
	for (int32_t fd = 0; fd < 300; fd += fd == 0 ? 2 : 1)
		assert_int_equal(immediate_program(BPF_PSEUDO_MAP_FD, fd, 0), -EBADF);
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_FD, -1, 0), -EBADF);
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_VALUE, 2, 0), -EBADF);
	assert_int_equal(immediate_program(BPF_PSEUDO_BTF_ID, 1, 3),
	                 -EBADF); /* a module's BTF by descriptor */
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_IDX, 0, 0), -EINVAL);
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_IDX_VALUE, 0, 0), -EINVAL);
	assert_int_equal(ask(LOADER_MAP_FREEZE, &freeze, -1), -EBADF);
	assert_int_equal(ask(LOADER_MAP_SLOT, &slot, -1), -EBADF);
	assert_int_equal(ask(LOADER_PROGRAM_BIND, &bind, -1), -EBADF);
	assert_int_equal(ask(LOADER_OBJECT_INFO, &info, -1), -EBADF);
	map.btf = 1; /* a map */
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EBADF);
	map = array();
	map.type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	map.value_size = 4;
	map.inner_map = 5;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EBADF);
	assert_true(immediate_program(BPF_PSEUDO_MAP_FD, 1, 0) > 0);
	gate_end();
}

static void cut_off_constant_is_refused(void **state)
{
	struct loader_program_load_short body = program(0, BPF_PROG_TYPE_XDP);
	const struct bpf_insn half = { .code = BPF_LD | BPF_IMM | BPF_DW,
		                       .src_reg = BPF_PSEUDO_MAP_FD,
		                       .imm = 1 };

	(void)state;
	gate_loading();
	assert_int_equal(map_new(), 1);
	memcpy(body.payload + sizeof(half), &half, sizeof(half));
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EINVAL);
	gate_end();
}

static void maps_are_checked(void **state)
{
	struct loader_map_create map;

	(void)state;
	gate_loading();
	map = array();
	map.type = BPF_MAP_TYPE_STRUCT_OPS;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map.type = 33; /* arena */
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map.type = 0xffffffff;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map = array();
	map.flags = 1u << 15; /* path_fd, token_fd and other descriptors come with such flags */
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map.flags = BPF_F_STACK_BUILD_ID;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map = array();
	map.extra = 5;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EINVAL);
	map = array();
	map.numa_node = 1;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EINVAL);
	map = array();
	map.inner_map = 1;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -EINVAL);
	gate_end();
}

static void map_memory_is_counted(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH,
		                          BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_PERCPU_HASH,
		                          BPF_MAP_TYPE_QUEUE };
	struct loader_map_create map;

	(void)state;
	gate_loading();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		map = array();
		map.type = types[i];
		map.value_size = 0xffffffff;
		map.max_entries = 0xffffffff;
		assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	}
	map = array();
	map.type = BPF_MAP_TYPE_RINGBUF;
	map.key_size = map.value_size = 0;
	map.max_entries = 128u << 20;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	/* together, not each: 64 MiB in all */
	map = array();
	map.value_size = 1024;
	map.max_entries = 40 << 10;
	assert_true(ask(LOADER_MAP_CREATE, &map, -1) > 0);
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	gate_end();
}

static void handles_run_out(void **state)
{
	(void)state;
	gate_loading();
	for (int i = 1; i <= LOADER_HANDLES_MAX; i++)
		assert_int_equal(map_new(), i);
	assert_int_equal(map_new(), -EMFILE);
	gate_end();
}

static void updates_touch_arrays_only(void **state)
{
	struct loader_map_update_short update = { .update = { .map = 1, .value_size = 8 } };
	struct loader_map_create map = array();
	struct loader_map_slot slot = { .map = 3, .value = 1 };

	(void)state;
	gate_loading();
	assert_int_equal(map_new(), 1);
	map.type = BPF_MAP_TYPE_PERCPU_ARRAY;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), 2);
	map.type = BPF_MAP_TYPE_PROG_ARRAY;
	map.value_size = 4;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), 3);
	assert_int_equal(program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER), 4);
	assert_int_equal(ask(LOADER_MAP_UPDATE, &update, -1), 0);
	update.update.key = 4;
	assert_int_equal(ask(LOADER_MAP_UPDATE, &update, -1), -E2BIG); /* the kernel's own answer */
	update.update.key = 0;
	update.update.value_size = 4; /* shorter than the map's: the kernel would read past it */
	assert_int_equal(ask(LOADER_MAP_UPDATE, &update, -1), -EINVAL);
	update.update.value_size = 8;
	update.update.map = 2;
	assert_int_equal(ask(LOADER_MAP_UPDATE, &update, -1), -EINVAL);
	update.update.map = 3;
	update.update.value_size = 4; /* a descriptor of the gate's, by number */
	assert_int_equal(ask(LOADER_MAP_UPDATE, &update, -1), -EINVAL);
	update.update.map = 200;
	assert_int_equal(ask(LOADER_MAP_UPDATE, &update, -1), -EBADF);
	assert_int_equal(ask(LOADER_MAP_SLOT, &slot, -1), -EBADF); /* a map is no program */
	slot.value = 4; /* nor does a probe leave the gate */
	assert_int_equal(ask(LOADER_MAP_SLOT, &slot, -1), -EBADF);
	gate_end();
}

static int memfd_with_seals(size_t size, int seals)
{
	int fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void update_with(int fd)
{
	const struct loader_map_update update = { .map = 1, .value_size = 8 };

	assert_int_equal(ask(LOADER_MAP_UPDATE_LONG, &update, fd), ENDED);
	(void)close(fd);
	expect_broken();
}

static void unsealed_payloads_end_the_load(void **state)
{
	static const int seals[] = { 0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_GROW,
		                     F_SEAL_WRITE | F_SEAL_SHRINK };
	int pipe_ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		gate_loading();
		assert_int_equal(map_new(), 1);
		update_with(memfd_with_seals(8, seals[i]));
	}
	gate_loading();
	assert_int_equal(pipe(pipe_ends), 0); /* reading would wait for ever */
	(void)close(pipe_ends[1]);
	update_with(pipe_ends[0]);
	gate_loading();
	update_with(open("/dev/zero", O_RDONLY | O_CLOEXEC));
}

static void payloads_of_another_size_end_the_load(void **state)
{
	const size_t sizes[] = { 0, 7, 9, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		gate_loading();
		assert_int_equal(map_new(), 1);
		update_with(memfd_with_seals(sizes[i], F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
	}
}

static void lying_counts_end_the_load(void **state)
{
	struct loader_program_load_short body;
	struct loader_btf_load_short btf = { .load = { .size = LOADER_PAYLOAD_SHORT + 1 } };

	(void)state;
	gate_loading();
	body = program(0, BPF_PROG_TYPE_XDP);
	body.load.instruction_count = LOADER_PAYLOAD_SHORT / 8 + 1;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), ENDED);
	expect_broken();
	gate_loading();
	body = program(0, BPF_PROG_TYPE_XDP);
	body.load.instruction_count = 0xffffffff;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), ENDED);
	expect_broken();
	gate_loading();
	body = program(0, BPF_PROG_TYPE_XDP);
	body.load.line_record_count = 0xffffffff;
	body.load.line_record_size = 0xffffffff;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), ENDED);
	expect_broken();
	gate_loading();
	body = program(0, BPF_PROG_TYPE_XDP);
	body.load.instruction_count = 0;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), ENDED);
	expect_broken();
	gate_loading();
	assert_int_equal(ask(LOADER_BTF_LOAD, &btf, -1), ENDED);
	expect_broken();
}

static void texts_without_an_end_end_the_load(void **state)
{
	struct loader_program_load_short body = program(0, BPF_PROG_TYPE_XDP);
	struct loader_map_create map = array();

	(void)state;
	memset(map.name, 'x', sizeof(map.name));
	gate_loading();
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), ENDED);
	expect_broken();
	memset(body.load.license, 'x', sizeof(body.load.license));
	gate_loading();
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), ENDED);
	expect_broken();
}

static void messages_out_of_turn_end_the_load(void **state)
{
	struct loader_done done = {};
	struct channel_header header = {};
	struct loader_map_create map = array();

	(void)state;
	gate_loading();
	assert_int_equal(ask(LOADER_WARM, NULL, -1), ENDED);
	expect_broken();
	gate_probing();
	assert_int_equal(ask(LOADER_DONE, &done, -1), ENDED);
	expect_broken();
	/* after WARM there is silence until the job comes */
	gate_probing();
	assert_int_equal(channel_send(&loader, LOADER_WARM, 0, NULL, NULL), 0);
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), ENDED);
	assert_int_equal(harness_wait(&harness), SESSION_WARM);
	assert_int_equal(harness_wait(&harness), SESSION_FAILED);
	gate_end();
	gate_loading();
	assert_int_equal(ask_raw("garbage", 7), ENDED);
	expect_broken();
	header.type = LOADER_JOB; /* the gate's own message */
	gate_loading();
	assert_int_equal(ask_raw(&header, sizeof(header)), ENDED);
	expect_broken();
	header.type = 999;
	gate_loading();
	assert_int_equal(ask_raw(&header, sizeof(header)), ENDED);
	expect_broken();
}

static void result_send(uint16_t type, const void *body)
{
	assert_int_equal(channel_send(&loader, type, 0, body, NULL), 0);
}

/* Programs and a map are loaded; what is then said about them is a lie. */
static void loaded_all(void)
{
	gate_loading();
	assert_int_equal(map_new(), 1);
	assert_int_equal(program_new(0, BPF_PROG_TYPE_XDP), 2);
	assert_int_equal(program_new(1, BPF_PROG_TYPE_TRACEPOINT), 3);
	assert_int_equal(program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_XDP), 4);
}

static void program_lie(struct loader_program lie)
{
	loaded_all();
	result_send(LOADER_PROGRAM, &lie);
	expect_broken();
}

static void map_lie(const char *name, uint32_t handle)
{
	struct loader_map lie = { .handle = handle };

	(void)snprintf(lie.name, sizeof(lie.name), "%s", name);
	loaded_all();
	result_send(LOADER_MAP, &lie);
	expect_broken();
}

static void results_must_be_true(void **state)
{
	const struct loader_done done = { .program_count = 2 };
	const struct loader_done too_few = { .program_count = 1 };

	(void)state;
	program_lie((struct loader_program){ .index = 0,
	                                     .handle = 3 }); /* the tracepoint as the XDP program */
	program_lie((struct loader_program){ .index = 0, .handle = 4 }); /* a helper */
	program_lie((struct loader_program){ .index = 0, .handle = 1 }); /* a map */
	program_lie((struct loader_program){ .index = 2, .handle = 2 });
	program_lie(
		(struct loader_program){ .handle = 2, .xdp = { .priority = PRIORITY_MAX + 1 } });
	program_lie((struct loader_program){ .handle = 2, .xdp = { .proceed_on = 1u << 7 } });
	map_lie("../../etc/passwd", 1);
	map_lie("", 1);
	map_lie("two words", 1);
	map_lie("program", 2);
	map_lie("nothing", 0);
	loaded_all();
	result_send(LOADER_DONE, &done); /* without the programs */
	expect_broken();
	loaded_all();
	result_send(LOADER_DONE, &too_few);
	expect_broken();
}

static void true_results_arrive(void **state)
{
	const struct session_result *result;
	struct loader_map map = { .handle = 1, .name = "array" };
	struct loader_done done = { .program_count = 2, .map_count = 1, .digest = { 1, 2, 3 } };
	struct record_program info = {};

	(void)state;
	loaded_all();
	result_send(LOADER_PROGRAM,
	            &(struct loader_program){ .index = 1, .handle = 3, .xdp = { .frags = 1 } });
	result_send(LOADER_PROGRAM,
	            &(struct loader_program){
			    .index = 0, .handle = 2, .xdp = { .priority = 5, .frags = 1 } });
	result_send(LOADER_MAP, &map);
	result_send(LOADER_DONE, &done);
	assert_int_equal(harness_wait(&harness), SESSION_FINISHED);
	result = session_result(harness.session);
	assert_int_equal(result->program_count, 2);
	assert_int_equal(result->map_count, 1);
	assert_int_equal(result->programs[0].xdp.priority, 5);
	assert_int_equal(result->programs[0].xdp.frags,
	                 0); /* it was not loaded with frags, whatever the loader says */
	assert_int_equal(result->programs[1].xdp.frags, 0);
	assert_int_equal(kernel_program_info(result->programs[1].fd, &info), 0);
	assert_int_equal(info.kernel_type, BPF_PROG_TYPE_TRACEPOINT);
	assert_memory_equal(result->digest, done.digest, DIGEST_SIZE);
	gate_end();
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
	gate_loading();
	assert_int_equal(channel_send(&loader, LOADER_FAILED_WITH_LOG, 0, &failed, &fd), 0);
	(void)close(fd);
	assert_int_equal(harness_wait(&harness), SESSION_FAILED);
	result = session_result(harness.session);
	assert_string_equal(result->error.message, "one\ntwo?[31m three??");
	assert_int_equal(result->log_size, sizeof(log) - 1);
	assert_int_equal(pread(result->log_fd, got, sizeof(got), 0), sizeof(log) - 1);
	assert_string_equal(got, "line 1\nline? 2??\n");
	gate_end();
}

static void false_failures_end_the_load(void **state)
{
	struct loader_failed failed = { .error = { .code = 99, .message = "x" } };
	int fd = harness_memfd("log", 3);

	(void)state;
	gate_loading();
	result_send(LOADER_FAILED, &failed);
	expect_broken();
	failed.error.code = ERROR_VERIFIER;
	memset(failed.error.message, 'x', sizeof(failed.error.message));
	gate_loading();
	result_send(LOADER_FAILED, &failed);
	expect_broken();
	(void)snprintf(failed.error.message, sizeof(failed.error.message), "refused");
	failed.log_size = VERIFIER_LOG_MAX + 1;
	gate_loading();
	assert_int_equal(channel_send(&loader, LOADER_FAILED_WITH_LOG, 0, &failed, &fd), 0);
	expect_broken();
	failed.log_size = 4; /* one more than there is */
	gate_loading();
	assert_int_equal(channel_send(&loader, LOADER_FAILED_WITH_LOG, 0, &failed, &fd), 0);
	expect_broken();
	(void)close(fd);
}

static void death_of_the_loader_fails_the_load(void **state)
{
	(void)state;
	gate_loading();
	assert_int_equal(map_new(), 1);
	(void)close(harness.loader_fd);
	harness.loader_fd = -1;
	assert_int_equal(harness_wait(&harness), SESSION_FAILED);
	assert_int_equal(session_result(harness.session)->error.code, ERROR_UNAVAILABLE);
	gate_end();
}

static void probing_is_small(void **state)
{
	struct loader_program_load_short body =
		program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER);
	struct loader_map_create map = array();

	(void)state;
	gate_probing();
	assert_true(program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER) > 0);
	assert_int_equal(program_new(0, BPF_PROG_TYPE_XDP), -EPERM);
	assert_int_equal(program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_XDP), -EPERM);
	assert_int_equal(program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SCHED_CLS), -EPERM);
	body.load.instruction_count = 257;
	assert_int_equal(ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	map.value_size = 1 << 20;
	assert_int_equal(ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	gate_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_calls_are_made),
		cmocka_unit_test(programs_of_other_types_are_refused),
		cmocka_unit_test(program_attributes_are_checked),
		cmocka_unit_test(foreign_handles_are_refused),
		cmocka_unit_test(cut_off_constant_is_refused),
		cmocka_unit_test(maps_are_checked),
		cmocka_unit_test(map_memory_is_counted),
		cmocka_unit_test(handles_run_out),
		cmocka_unit_test(updates_touch_arrays_only),
		cmocka_unit_test(unsealed_payloads_end_the_load),
		cmocka_unit_test(payloads_of_another_size_end_the_load),
		cmocka_unit_test(lying_counts_end_the_load),
		cmocka_unit_test(texts_without_an_end_end_the_load),
		cmocka_unit_test(messages_out_of_turn_end_the_load),
		cmocka_unit_test(results_must_be_true),
		cmocka_unit_test(true_results_arrive),
		cmocka_unit_test(failure_text_is_made_harmless),
		cmocka_unit_test(false_failures_end_the_load),
		cmocka_unit_test(death_of_the_loader_fails_the_load),
		cmocka_unit_test(probing_is_small),
	};

	if (geteuid() != 0) {
		print_message("SKIP: loading programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
