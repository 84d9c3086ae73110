/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calls of a loader in a stranger's hands: the gate is real, and so is the kernel behind it. */
#include "tests/channel/gate_speaker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void good_calls_are_made(void **state)
{
	const struct loader_map_freeze freeze = { .map = 1 };

	(void)state;
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), 2);
	assert_int_equal(speaker_program_new(1, BPF_PROG_TYPE_TRACEPOINT), 3);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_XDP), 4);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER), 5);
	assert_int_equal(speaker_ask(LOADER_MAP_FREEZE, &freeze, -1), 0);
	speaker_end();
}

static void programs_of_other_types_are_refused(void **state)
{
	static const uint32_t types[] = { BPF_PROG_TYPE_EXT,     BPF_PROG_TYPE_TRACING,
		                          BPF_PROG_TYPE_LSM,     BPF_PROG_TYPE_SCHED_CLS,
		                          BPF_PROG_TYPE_SYSCALL, BPF_PROG_TYPE_STRUCT_OPS };
	static const uint32_t indices[] = { 0, 1, LOADER_PROGRAM_HELPER, LOADER_PROGRAM_PROBE };

	(void)state;
	speaker_loading();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t j = 0; j < sizeof(indices) / sizeof(indices[0]); j++)
			assert_int_equal(speaker_program_new(indices[j], types[i]), -EPERM);
	}
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_TRACEPOINT),
	                 -EPERM); /* the other one's type */
	assert_int_equal(speaker_program_new(2, BPF_PROG_TYPE_XDP), -EPERM); /* not in the job */
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_KPROBE), -EPERM);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_XDP), -EPERM);
	assert_true(speaker_program_new(0, BPF_PROG_TYPE_XDP) > 0);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), -EPERM); /* twice */
	speaker_end();
}

static void program_attributes_are_checked(void **state)
{
	struct loader_program_load_short body;

	(void)state;
	speaker_loading();
	body = speaker_program(0, BPF_PROG_TYPE_XDP);
	body.load.flags = BPF_F_SLEEPABLE;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body.load.flags = BPF_F_XDP_HAS_FRAGS;
	body.load.expected_attach_type = BPF_XDP_DEVMAP;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = speaker_program(1, BPF_PROG_TYPE_TRACEPOINT);
	body.load.flags = BPF_F_XDP_HAS_FRAGS;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = speaker_program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER);
	body.load.instruction_count = 17;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = speaker_program(0, BPF_PROG_TYPE_XDP);
	body.load.btf = 9;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EBADF);
	speaker_end();
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
	struct loader_program_load_short body = speaker_program(0, BPF_PROG_TYPE_XDP);

	((unsigned char *)code)[1] |= (unsigned char)(source << 4); /* src_reg */
	body.load.instruction_count = 4;
	memcpy(body.payload, code, sizeof(code));
	return speaker_ask(LOADER_PROGRAM_LOAD, &body, -1);
}

static void foreign_handles_are_refused(void **state)
{
	const struct loader_map_freeze freeze = { .map = 250 };
	const struct loader_map_slot slot = { .map = 1, .value = 1 };
	const struct loader_program_bind bind = { .program = 1, .map = 1 };
	const struct loader_object_info info = { .handle = 77, .size = 64 };
	struct loader_map_create map = speaker_array();

	(void)state;
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	for (int32_t fd = 0; fd < 300; fd += fd == 0 ? 2 : 1)
		assert_int_equal(immediate_program(BPF_PSEUDO_MAP_FD, fd, 0), -EBADF);
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_FD, -1, 0), -EBADF);
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_VALUE, 2, 0), -EBADF);
	assert_int_equal(immediate_program(BPF_PSEUDO_BTF_ID, 1, 3),
	                 -EBADF); /* a module's BTF by descriptor */
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_IDX, 0, 0), -EINVAL);
	assert_int_equal(immediate_program(BPF_PSEUDO_MAP_IDX_VALUE, 0, 0), -EINVAL);
	assert_int_equal(speaker_ask(LOADER_MAP_FREEZE, &freeze, -1), -EBADF);
	assert_int_equal(speaker_ask(LOADER_MAP_SLOT, &slot, -1), -EBADF);
	assert_int_equal(speaker_ask(LOADER_PROGRAM_BIND, &bind, -1), -EBADF);
	assert_int_equal(speaker_ask(LOADER_OBJECT_INFO, &info, -1), -EBADF);
	map.btf = 1; /* a map */
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EBADF);
	map = speaker_array();
	map.type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	map.value_size = 4;
	map.inner_map = 5;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EBADF);
	assert_true(immediate_program(BPF_PSEUDO_MAP_FD, 1, 0) > 0);
	speaker_end();
}

static void cut_off_constant_is_refused(void **state)
{
	struct loader_program_load_short body = speaker_program(0, BPF_PROG_TYPE_XDP);
	const struct bpf_insn half = { .code = BPF_LD | BPF_IMM | BPF_DW,
		                       .src_reg = BPF_PSEUDO_MAP_FD,
		                       .imm = 1 };

	(void)state;
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	memcpy(body.payload + sizeof(half), &half, sizeof(half));
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EINVAL);
	speaker_end();
}

static void maps_are_checked(void **state)
{
	struct loader_map_create map;

	(void)state;
	speaker_loading();
	map = speaker_array();
	map.type = BPF_MAP_TYPE_STRUCT_OPS;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map.type = 33; /* arena */
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map.type = 0xffffffff;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map = speaker_array();
	map.flags = 1u << 15; /* path_fd, token_fd and other descriptors come with such flags */
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map.flags = BPF_F_STACK_BUILD_ID;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EPERM);
	map = speaker_array();
	map.extra = 5;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EINVAL);
	map = speaker_array();
	map.numa_node = 1;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EINVAL);
	map = speaker_array();
	map.inner_map = 1;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -EINVAL);
	speaker_end();
}

static void map_memory_is_counted(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH,
		                          BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_PERCPU_HASH,
		                          BPF_MAP_TYPE_QUEUE };
	struct loader_map_create map;

	(void)state;
	speaker_loading();
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		map = speaker_array();
		map.type = types[i];
		map.value_size = 0xffffffff;
		map.max_entries = 0xffffffff;
		assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	}
	map = speaker_array();
	map.type = BPF_MAP_TYPE_RINGBUF;
	map.key_size = map.value_size = 0;
	map.max_entries = 128u << 20;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	/* together, not each: 64 MiB in all */
	map = speaker_array();
	map.value_size = 1024;
	map.max_entries = 40 << 10;
	assert_true(speaker_ask(LOADER_MAP_CREATE, &map, -1) > 0);
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	speaker_end();
}

static void handles_run_out(void **state)
{
	(void)state;
	speaker_loading();
	for (int i = 1; i <= LOADER_HANDLES_MAX; i++)
		assert_int_equal(speaker_map_new(), i);
	assert_int_equal(speaker_map_new(), -EMFILE);
	speaker_end();
}

static void updates_touch_arrays_only(void **state)
{
	struct loader_map_update_short update = { .update = { .map = 1, .value_size = 8 } };
	struct loader_map_create map = speaker_array();
	struct loader_map_slot slot = { .map = 3, .value = 1 };

	(void)state;
	speaker_loading();
	assert_int_equal(speaker_map_new(), 1);
	map.type = BPF_MAP_TYPE_PERCPU_ARRAY;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), 2);
	map.type = BPF_MAP_TYPE_PROG_ARRAY;
	map.value_size = 4;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), 3);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER), 4);
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1), 0);
	update.update.key = 4;
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1),
	                 -E2BIG); /* the kernel's own answer */
	update.update.key = 0;
	update.update.value_size = 4; /* shorter than the map's: the kernel would read past it */
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1), -EINVAL);
	update.update.value_size = 8;
	update.update.map = 2;
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1), -EINVAL);
	update.update.map = 3;
	update.update.value_size = 4; /* a descriptor of the gate's, by number */
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1), -EINVAL);
	update.update.map = 200;
	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE, &update, -1), -EBADF);
	assert_int_equal(speaker_ask(LOADER_MAP_SLOT, &slot, -1), -EBADF); /* a map is no program */
	slot.value = 4; /* nor does a probe leave the gate */
	assert_int_equal(speaker_ask(LOADER_MAP_SLOT, &slot, -1), -EBADF);
	speaker_end();
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

	assert_int_equal(speaker_ask(LOADER_MAP_UPDATE_LONG, &update, fd), SPEAKER_ENDED);
	(void)close(fd);
	speaker_expect_broken();
}

static void unsealed_payloads_end_the_load(void **state)
{
	static const int seals[] = { 0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_GROW,
		                     F_SEAL_WRITE | F_SEAL_SHRINK };
	int pipe_ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		speaker_loading();
		assert_int_equal(speaker_map_new(), 1);
		update_with(memfd_with_seals(8, seals[i]));
	}
	speaker_loading();
	assert_int_equal(pipe(pipe_ends), 0); /* reading would wait for ever */
	(void)close(pipe_ends[1]);
	update_with(pipe_ends[0]);
	speaker_loading();
	update_with(open("/dev/zero", O_RDONLY | O_CLOEXEC));
}

static void payloads_of_another_size_end_the_load(void **state)
{
	const size_t sizes[] = { 0, 7, 9, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		speaker_loading();
		assert_int_equal(speaker_map_new(), 1);
		update_with(memfd_with_seals(sizes[i], F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
	}
}

static void lying_counts_end_the_load(void **state)
{
	struct loader_program_load_short body;
	struct loader_btf_load_short btf = { .load = { .size = LOADER_PAYLOAD_SHORT + 1 } };

	(void)state;
	speaker_loading();
	body = speaker_program(0, BPF_PROG_TYPE_XDP);
	body.load.instruction_count = LOADER_PAYLOAD_SHORT / 8 + 1;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	speaker_loading();
	body = speaker_program(0, BPF_PROG_TYPE_XDP);
	body.load.instruction_count = 0xffffffff;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	speaker_loading();
	body = speaker_program(0, BPF_PROG_TYPE_XDP);
	body.load.line_record_count = 0xffffffff;
	body.load.line_record_size = 0xffffffff;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	speaker_loading();
	body = speaker_program(0, BPF_PROG_TYPE_XDP);
	body.load.instruction_count = 0;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	speaker_loading();
	assert_int_equal(speaker_ask(LOADER_BTF_LOAD, &btf, -1), SPEAKER_ENDED);
	speaker_expect_broken();
}

static void texts_without_an_end_end_the_load(void **state)
{
	struct loader_program_load_short body = speaker_program(0, BPF_PROG_TYPE_XDP);
	struct loader_map_create map = speaker_array();

	(void)state;
	memset(map.name, 'x', sizeof(map.name));
	speaker_loading();
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), SPEAKER_ENDED);
	speaker_expect_broken();
	memset(body.load.license, 'x', sizeof(body.load.license));
	speaker_loading();
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), SPEAKER_ENDED);
	speaker_expect_broken();
}

static void probing_is_small(void **state)
{
	struct loader_program_load_short body =
		speaker_program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER);
	struct loader_map_create map = speaker_array();

	(void)state;
	speaker_probing();
	assert_true(speaker_program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER) > 0);
	assert_int_equal(speaker_program_new(0, BPF_PROG_TYPE_XDP), -EPERM);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_HELPER, BPF_PROG_TYPE_XDP), -EPERM);
	assert_int_equal(speaker_program_new(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SCHED_CLS),
	                 -EPERM);
	body.load.instruction_count = 257;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	map.value_size = 1 << 20;
	assert_int_equal(speaker_ask(LOADER_MAP_CREATE, &map, -1), -E2BIG);
	speaker_end();
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
		cmocka_unit_test(probing_is_small),
	};

	if (geteuid() != 0) {
		print_message("SKIP: loading programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
