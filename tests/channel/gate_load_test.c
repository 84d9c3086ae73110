/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Real objects through a real loader and a real gate into this machine's kernel; what they do there
 * is looked at. */
#include "broker/kernel.h"
#include "common/program_type.h"
#include "tests/channel/gate_harness.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct load {
	struct harness harness;
	struct harness_object object;
	struct gate_job job;
	struct session_result *result;
};

static void load_open(struct load *load, const char *object, const char *function, uint32_t type)
{
	load->object = harness_object_read(object);
	harness_job(&load->job, function, type);
}

static enum session_event load_run(struct load *load)
{
	enum session_event event;

	harness_open(&load->harness, -1, 0);
	event = harness_load(&load->harness, &load->job, load->object.bytes, load->object.size);
	load->result = session_result(load->harness.session);
	if (event == SESSION_FAILED)
		print_message("%s: %s\n", error_code_name(load->result->error.code),
		              load->result->error.message);
	return event;
}

static void load_close(struct load *load)
{
	harness_close(&load->harness);
	harness_object_free(&load->object);
}

static void expect_finished(struct load *load)
{
	assert_int_equal(load_run(load), SESSION_FINISHED);
	assert_int_equal(load->result->program_count, load->job.program_count);
}

static const struct session_map *map_find(const struct load *load, const char *name)
{
	for (size_t i = 0; i < load->result->map_count; i++) {
		if (strcmp(load->result->maps[i].name, name) == 0)
			return &load->result->maps[i];
	}
	fail_msg("no map %s", name);
	return NULL;
}

static void data_sections_keep_their_values(void **state)
{
	static struct load load;
	struct sha256_ctx context;
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_XDP);
	expect_finished(&load);
	/* 1 + (100 + 1) + 1 + 1000 + 10000 + 7 + (10 + 20) */
	assert_int_equal(harness_test_run(load.result->programs[0].fd), 11140);
	assert_int_equal(harness_test_run(load.result->programs[0].fd), 11141);
	(void)map_find(&load, ".rodata");
	(void)map_find(&load, ".data");
	(void)map_find(&load, ".bss");
	(void)map_find(&load, ".rodata.far");
	(void)map_find(&load, ".data.far");
	sha256_init(&context);
	sha256_update(&context, load.object.size, load.object.bytes);
	sha256_digest(&context, sizeof(digest), digest);
	assert_memory_equal(digest, load.result->digest, sizeof(digest));
	load_close(&load);
}

static void globals_are_set(void **state)
{
	static struct load load;
	const uint32_t constant = 2, zeros[4] = { 300, 0, 0, 4000 }, far_constant = 0;
	const struct {
		uint16_t first;
		uint32_t second;
	} pair = { 5, 6 };
	const uint64_t variable = 0xffffffffu;
	const uint8_t flag = 0;

	(void)state;
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_XDP);
	harness_global("constant", &constant, sizeof(constant));
	harness_global("constant_pair", &pair, sizeof(pair));
	harness_global("variable", &variable, sizeof(variable));
	harness_global("flag", &flag, sizeof(flag));
	harness_global("zero", zeros, sizeof(zeros));
	harness_global("far_constant", &far_constant, sizeof(far_constant));
	expect_finished(&load);
	assert_int_equal(harness_test_run(load.result->programs[0].fd),
	                 2 + 0 + 0 + 0 + 10000 + 7 + 11 + 4300);
	load_close(&load);
}

static void several_programs_share_maps(void **state)
{
	static struct load load;
	struct record_program program = {};
	uint32_t ids[2][LOAD_MAPS_MAX];
	size_t counts[2];

	(void)state;
	load_open(&load, "gate_data", "data_tracepoint", PROGRAM_TYPE_TRACEPOINT);
	harness_job_program(&load.job, "data_frags", PROGRAM_TYPE_XDP, PROGRAM_FORM_NATIVE);
	harness_job_program(&load.job, "data_odd", PROGRAM_TYPE_XDP, PROGRAM_FORM_NATIVE);
	expect_finished(&load);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(load.result->programs[i].index, i);
		assert_int_equal(kernel_program_info(load.result->programs[i].fd, &program), 0);
		assert_int_equal(program.kernel_type,
		                 i == 0 ? BPF_PROG_TYPE_TRACEPOINT : BPF_PROG_TYPE_XDP);
	}
	assert_int_equal(load.result->programs[1].xdp.frags, 1);
	assert_int_equal(load.result->programs[1].xdp.priority, PRIORITY_DEFAULT);
	assert_int_equal(load.result->programs[2].xdp.frags, 0);
	assert_int_equal(harness_test_run(load.result->programs[2].fd), 3);
	assert_int_equal(kernel_program_map_ids(load.result->programs[0].fd, ids[0], &counts[0]),
	                 0);
	assert_int_equal(kernel_program_map_ids(load.result->programs[1].fd, ids[1], &counts[1]),
	                 0);
	assert_true(counts[0] > 0 && counts[1] > 0);
	load_close(&load);
}

static void maps_of_every_kind_load(void **state)
{
	static struct load load;
	struct record_map map = {};

	(void)state;
	load_open(&load, "gate_maps", "maps_main", PROGRAM_TYPE_XDP);
	expect_finished(&load);
	/* 42 comes out only if maps in maps and the tail call's target are where the object says */
	assert_int_equal(harness_test_run(load.result->programs[0].fd), 42);
	assert_int_equal(load.result->map_count, 21);
	assert_int_equal(kernel_map_info(map_find(&load, "ring")->fd, &map), 0);
	assert_int_equal(map.type, BPF_MAP_TYPE_RINGBUF);
	assert_int_equal(kernel_map_info(map_find(&load, "outer_hash")->fd, &map), 0);
	assert_int_equal(map.type, BPF_MAP_TYPE_HASH_OF_MAPS);
	assert_int_equal(kernel_map_info(map_find(&load, "shared_by_name")->fd, &map), 0);
	assert_int_equal(map.key_size, 4);
	load_close(&load);
}

static void kernel_types_and_configuration_resolve(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_kernel", "kernel_all", PROGRAM_TYPE_XDP);
	expect_finished(&load);
	assert_int_equal(harness_test_run(load.result->programs[0].fd), 7);
	(void)map_find(&load, ".kconfig");
	load_close(&load);
}

/* A kernel without CONFIG_KALLSYMS_ALL says itself that it does not know its variables' addresses.
 */
static void typed_kernel_symbols_resolve(void **state)
{
	static struct load load;
	char log[256] = {};

	(void)state;
	load_open(&load, "gate_ksym", "ksym_typed", PROGRAM_TYPE_XDP);
	if (load_run(&load) == SESSION_FINISHED) {
		assert_int_equal(harness_test_run(load.result->programs[0].fd), 8);
	} else {
		assert_int_equal(load.result->error.code, ERROR_VERIFIER);
		assert_true(pread(load.result->log_fd, log, sizeof(log) - 1, 0) > 0);
		assert_non_null(
			strstr(log, "failed to find the address for kernel symbol 'runqueues'"));
	}
	load_close(&load);
}

static void run_configuration_is_read(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_priority", "priority_none", PROGRAM_TYPE_XDP);
	harness_job_program(&load.job, "priority_seven", PROGRAM_TYPE_XDP, PROGRAM_FORM_NATIVE);
	expect_finished(&load);
	assert_int_equal(load.result->programs[0].xdp.priority, PRIORITY_DEFAULT);
	assert_int_equal(load.result->programs[0].xdp.proceed_on, (1u << 31) | (1u << XDP_PASS));
	assert_int_equal(load.result->programs[1].xdp.priority, 7);
	assert_int_equal(load.result->programs[1].xdp.proceed_on,
	                 (1u << 31) | (1u << XDP_PASS) | (1u << XDP_DROP));
	load_close(&load);
}

static void expect_failed(struct load *load, enum error_code code, const char *part)
{
	assert_int_equal(load_run(load), SESSION_FAILED);
	assert_int_equal(load->result->error.code, code);
	if (!strstr(load->result->error.message, part))
		fail_msg("\"%s\" does not say \"%s\"", load->result->error.message, part);
	assert_int_equal(load->result->program_count, 0);
	assert_int_equal(load->result->map_count, 0);
}

/* Loads bytes that are no good object. */
static void expect_bad_bytes(const unsigned char *bytes, size_t size, const char *part)
{
	static struct load load;
	unsigned char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	load.object = (struct harness_object){ copy, size };
	harness_job(&load.job, "data_sum", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_BAD_OBJECT, part);
	load_close(&load);
}

static void bad_objects_are_told_apart(void **state)
{
	struct harness_object object = harness_object_read("gate_data");
	unsigned char saved;

	(void)state;
	expect_bad_bytes(object.bytes, 0, "empty");
	expect_bad_bytes((const unsigned char *)"#!/bin/sh\n", 10, "not an ELF object");
	expect_bad_bytes(object.bytes, 4, "truncated");
	expect_bad_bytes(object.bytes, 63, "truncated");
	expect_bad_bytes(object.bytes, 64, "truncated");
	expect_bad_bytes(object.bytes, object.size / 2, "truncated");
	expect_bad_bytes(object.bytes, object.size - 1, "truncated");
	saved = object.bytes[18];
	object.bytes[18] = 62; /* e_machine */
	expect_bad_bytes(object.bytes, object.size, "x86-64");
	object.bytes[18] = saved;
	object.bytes[5] = 2; /* EI_DATA */
	expect_bad_bytes(object.bytes, object.size, "big-endian");
	object.bytes[5] = 1;
	object.bytes[4] = 1; /* EI_CLASS */
	expect_bad_bytes(object.bytes, object.size, "32-bit");
	object.bytes[4] = 2;
	object.bytes[16] = 2; /* e_type */
	expect_bad_bytes(object.bytes, object.size, "relocatable");
	harness_object_free(&object);
}

/* Every byte of the section table and around it turned over, some way into the file: libbpf may
 * refuse, but nothing may die. */
static void damaged_objects_are_answered(void **state)
{
	struct harness_object object = harness_object_read("gate_priority");

	(void)state;
	for (size_t at = 64; at < object.size; at += object.size / 24 + 1) {
		static struct load load;

		load.object = (struct harness_object){ malloc(object.size), object.size };
		assert_non_null(load.object.bytes);
		memcpy(load.object.bytes, object.bytes, object.size);
		load.object.bytes[at] ^= 0xff;
		harness_job(&load.job, "priority_seven", PROGRAM_TYPE_XDP);
		if (load_run(&load) == SESSION_FAILED)
			assert_int_not_equal(load.result->error.code, ERROR_NONE);
		load_close(&load);
	}
	harness_object_free(&object);
}

static void unknown_function_names_those_that_are(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_data", "nothing_here", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_NOT_FOUND, "data_frags, data_tracepoint");
	load_close(&load);
}

static void function_of_another_type_is_refused(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_TRACEPOINT);
	expect_failed(&load, ERROR_INVALID_ARGUMENT,
	              "is in section \"xdp\", whose type is xdp, not tracepoint");
	load_close(&load);
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_XDP);
	harness_job_program(&load.job, "data_sum", PROGRAM_TYPE_XDP, PROGRAM_FORM_NATIVE);
	expect_failed(&load, ERROR_INVALID_ARGUMENT, "twice");
	load_close(&load);
}

/* Where the job names no type, the section does. */
static void sections_say_the_type(void **state)
{
	static struct load load;
	struct record_program program = {};

	(void)state;
	load_open(&load, "gate_data", "data_tracepoint", PROGRAM_TYPE_NONE);
	harness_job_program(&load.job, "data_frags", PROGRAM_TYPE_NONE, PROGRAM_FORM_NATIVE);
	harness_job_program(&load.job, "data_sum", PROGRAM_TYPE_XDP, PROGRAM_FORM_NATIVE);
	expect_finished(&load);
	assert_int_equal(load.result->programs[0].type, PROGRAM_TYPE_TRACEPOINT);
	assert_int_equal(load.result->programs[1].type, PROGRAM_TYPE_XDP);
	assert_int_equal(load.result->programs[1].xdp.frags, 1);
	assert_int_equal(load.result->programs[2].type, PROGRAM_TYPE_XDP);
	assert_int_equal(kernel_program_info(load.result->programs[0].fd, &program), 0);
	assert_int_equal(program.kernel_type, BPF_PROG_TYPE_TRACEPOINT);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(load.result->programs[i].target, "");
	load_close(&load);
	load_open(&load, "gate_data", "data_odd", PROGRAM_TYPE_NONE);
	expect_failed(
		&load, ERROR_INVALID_ARGUMENT,
		"is in section \"odd\", which says no type that bpfd has: say which it is, as "
		"TYPE:data_odd");
	load_close(&load);
}

static void target_set(struct load *load, const char *target)
{
	struct gate_job_program *program = &load->job.programs[0];

	(void)snprintf(program->target, sizeof(program->target), "%s", target);
}

/* A type that is loaded for something in the kernel needs to hear what; no other may. */
static void targets_belong_to_their_types(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_data", "data_odd", PROGRAM_TYPE_FENTRY);
	expect_failed(&load, ERROR_INVALID_ARGUMENT,
	              "is of type fentry, which is loaded for one function of the kernel's, and "
	              "neither the request nor its section \"odd\" names it");
	load_close(&load);
	load_open(&load, "gate_data", "data_odd", PROGRAM_TYPE_FENTRY);
	target_set(&load, "bpfd_never_had_this");
	expect_failed(&load, ERROR_NOT_FOUND,
	              "this kernel's BTF has no function \"bpfd_never_had_this\" for program "
	              "\"data_odd\"");
	load_close(&load);
	load_open(&load, "gate_data", "data_odd", PROGRAM_TYPE_LSM);
	target_set(&load, "bpfd_never_had_this");
	expect_failed(&load, ERROR_NOT_FOUND, "BTF has no hook \"bpfd_never_had_this\"");
	load_close(&load);
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_NONE);
	target_set(&load, "vfs_read");
	expect_failed(&load, ERROR_INVALID_ARGUMENT,
	              "is of type xdp, which is loaded for no certain place: leave out "
	              "\"vfs_read\"");
	load_close(&load);
}

static void wrong_globals_are_refused(void **state)
{
	static struct load load;
	const uint64_t value = 1;

	(void)state;
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_XDP);
	harness_global("konstant", &value, 4);
	expect_failed(&load, ERROR_INVALID_ARGUMENT, "constant_pair");
	load_close(&load);
	load_open(&load, "gate_data", "data_sum", PROGRAM_TYPE_XDP);
	harness_global("constant", &value, 8);
	expect_failed(&load, ERROR_INVALID_ARGUMENT, "has 4 bytes in the object, but 8 were given");
	load_close(&load);
}

static void verifier_log_comes_whole(void **state)
{
	static struct load load;
	char *log;

	(void)state;
	load_open(&load, "gate_refused", "refused_read", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_VERIFIER, "refused_read");
	assert_true(load.result->log_fd >= 0);
	assert_true(load.result->log_size > 20000);
	log = calloc(1, load.result->log_size + 1);
	assert_non_null(log);
	assert_int_equal(pread(load.result->log_fd, log, load.result->log_size, 0),
	                 load.result->log_size);
	assert_int_equal(strlen(log), load.result->log_size);
	assert_non_null(strstr(log, "invalid access to packet"));
	assert_non_null(strstr(log, "processed"));
	free(log);
	load_close(&load);
}

static void missing_kernel_parts_are_named(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_no_field", "no_field", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_BAD_OBJECT, "bpfd_never_had_this");
	load_close(&load);
	load_open(&load, "gate_symbol", "symbol_address", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_UNSUPPORTED, "jiffies");
	load_close(&load);
}

static void odd_maps_are_named(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_odd_map", "odd_map", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_UNSUPPORTED, "flags 0x20, which map \"odd\" has");
	load_close(&load);
}

static void map_memory_has_a_ceiling(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_huge", "huge_map", PROGRAM_TYPE_XDP);
	expect_failed(&load, ERROR_LIMIT, "map \"huge\"");
	load_close(&load);
}

static void extension_without_a_kernel_for_it_is_refused(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_priority", "priority_none", PROGRAM_TYPE_XDP);
	load.job.programs[0].form = PROGRAM_FORM_EXTENSION;
	expect_failed(&load, ERROR_KERNEL, "priority_none");
	load_close(&load);
}

static void object_without_types_loads_natively_only(void **state)
{
	static struct load load;

	(void)state;
	load_open(&load, "gate_untyped", "untyped", PROGRAM_TYPE_XDP);
	expect_finished(&load);
	assert_int_equal(harness_test_run(load.result->programs[0].fd), XDP_PASS);
	load_close(&load);
	load_open(&load, "gate_untyped", "untyped", PROGRAM_TYPE_XDP);
	load.job.programs[0].form = PROGRAM_FORM_EXTENSION;
	expect_failed(&load, ERROR_BAD_OBJECT, "-g");
	load_close(&load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_sections_keep_their_values),
		cmocka_unit_test(globals_are_set),
		cmocka_unit_test(several_programs_share_maps),
		cmocka_unit_test(maps_of_every_kind_load),
		cmocka_unit_test(kernel_types_and_configuration_resolve),
		cmocka_unit_test(typed_kernel_symbols_resolve),
		cmocka_unit_test(run_configuration_is_read),
		cmocka_unit_test(bad_objects_are_told_apart),
		cmocka_unit_test(damaged_objects_are_answered),
		cmocka_unit_test(unknown_function_names_those_that_are),
		cmocka_unit_test(function_of_another_type_is_refused),
		cmocka_unit_test(sections_say_the_type),
		cmocka_unit_test(targets_belong_to_their_types),
		cmocka_unit_test(wrong_globals_are_refused),
		cmocka_unit_test(verifier_log_comes_whole),
		cmocka_unit_test(missing_kernel_parts_are_named),
		cmocka_unit_test(odd_maps_are_named),
		cmocka_unit_test(map_memory_has_a_ceiling),
		cmocka_unit_test(extension_without_a_kernel_for_it_is_refused),
		cmocka_unit_test(object_without_types_loads_natively_only),
	};

	if (geteuid() != 0) {
		print_message("SKIP: loading programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
