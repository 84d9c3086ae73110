/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* XDP programs as components of bpfd's dispatcher: loaded against a template of it, linked to it,
 * run through it. */
#include "broker/kernel.h"
#include "bpf/xdp_dispatcher.h"
#include "broker/dispatcher.h"
#include "common/program_type.h"
#include "tests/channel/gate_harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int dispatcher_fd = -1;
static uint32_t target_btf_id;

struct load {
	struct harness harness;
	struct harness_object object;
	struct gate_job job;
	const struct session_result *result;
};

static enum session_event load_run(struct load *load, const char *object, const char *function)
{
	enum session_event event;

	load->object = harness_object_read(object);
	load->job = (struct gate_job){ .map_memory_max = 64u << 20 };
	harness_job_program(&load->job, function, PROGRAM_TYPE_XDP, PROGRAM_FORM_EXTENSION);
	harness_open(&load->harness, dispatcher_fd, target_btf_id);
	event = harness_load(&load->harness, &load->job, load->object.bytes, load->object.size);
	load->result = session_result(load->harness.session);
	if (event == SESSION_FAILED)
		print_message("%s\n", load->result->error.message);
	return event;
}

static void load_close(struct load *load)
{
	harness_close(&load->harness);
	harness_object_free(&load->object);
}

/* What the dispatcher returns with this component in it. */
static uint32_t run_linked(const struct session_result *result)
{
	struct record_program info = {};
	uint32_t returned;
	int link;

	assert_int_equal(kernel_program_info(result->programs[0].fd, &info), 0);
	assert_int_equal(info.kernel_type, BPF_PROG_TYPE_EXT);
	link = kernel_link_extension(result->programs[0].fd, dispatcher_fd, target_btf_id);
	assert_true(link >= 0);
	returned = harness_test_run(dispatcher_fd);
	(void)close(link);
	return returned;
}

static void component_runs_in_the_dispatcher(void **state)
{
	static struct load load;

	(void)state;
	assert_int_equal(load_run(&load, "gate_data", "data_sum"), SESSION_FINISHED);
	assert_int_equal(run_linked(load.result), 11140);
	load_close(&load);
}

/* A job that names no type: what the section says is an XDP program is a component, what it says is
 * a tracepoint's is loaded as that, for it has no dispatcher. */
static void form_follows_the_section(void **state)
{
	static struct load load;
	struct record_program info = {};

	(void)state;
	load.object = harness_object_read("gate_data");
	load.job = (struct gate_job){ .map_memory_max = 64u << 20 };
	harness_job_program(&load.job, "data_tracepoint", PROGRAM_TYPE_NONE,
	                    PROGRAM_FORM_EXTENSION);
	harness_job_program(&load.job, "data_sum", PROGRAM_TYPE_NONE, PROGRAM_FORM_EXTENSION);
	harness_open(&load.harness, dispatcher_fd, target_btf_id);
	assert_int_equal(
		harness_load(&load.harness, &load.job, load.object.bytes, load.object.size),
		SESSION_FINISHED);
	load.result = session_result(load.harness.session);
	assert_int_equal(load.result->programs[0].type, PROGRAM_TYPE_TRACEPOINT);
	assert_int_equal(kernel_program_info(load.result->programs[0].fd, &info), 0);
	assert_int_equal(info.kernel_type, BPF_PROG_TYPE_TRACEPOINT);
	assert_int_equal(load.result->programs[1].type, PROGRAM_TYPE_XDP);
	assert_int_equal(kernel_program_info(load.result->programs[1].fd, &info), 0);
	assert_int_equal(info.kernel_type, BPF_PROG_TYPE_EXT);
	load_close(&load);
}

static void component_keeps_its_run_configuration(void **state)
{
	static struct load load;

	(void)state;
	assert_int_equal(load_run(&load, "gate_priority", "priority_seven"), SESSION_FINISHED);
	assert_int_equal(load.result->programs[0].xdp.priority, 7);
	assert_int_equal(run_linked(load.result), 2);
	load_close(&load);
}

static void component_with_frags_loads(void **state)
{
	static struct load load;

	(void)state;
	assert_int_equal(load_run(&load, "gate_data", "data_frags"), SESSION_FINISHED);
	assert_int_equal(load.result->programs[0].xdp.frags, 1);
	assert_int_equal(run_linked(load.result), 1);
	load_close(&load);
}

static void component_uses_maps_and_kernel(void **state)
{
	static struct load load;

	(void)state;
	assert_int_equal(load_run(&load, "gate_kernel", "kernel_all"), SESSION_FINISHED);
	assert_int_equal(run_linked(load.result), 7);
	load_close(&load);
	/* its tail call's target cannot be an extension program */
	assert_int_equal(load_run(&load, "gate_maps", "maps_main"), SESSION_FINISHED);
	assert_int_equal(run_linked(load.result), 42);
	load_close(&load);
}

static void component_refused_by_the_verifier_has_its_log(void **state)
{
	static struct load load;

	(void)state;
	assert_int_equal(load_run(&load, "gate_refused", "refused_read"), SESSION_FAILED);
	assert_int_equal(load.result->error.code, ERROR_VERIFIER);
	assert_true(load.result->log_size > 20000);
	load_close(&load);
}

/* 0, or the -errno of the kernel where it takes no extension programs. */
static int dispatcher_open(void)
{
	const struct xdp_dispatcher_config config = { .magic = XDP_DISPATCHER_MAGIC,
		                                      .dispatcher_version = XDP_DISPATCHER_VERSION,
		                                      .num_progs_enabled = 1 };
	struct error error = {};
	int btf = dispatcher_btf_load(&xdp_dispatcher_tables, &error);
	int map = -1;
	int result = btf < 0 ? btf
	                     : dispatcher_load(&xdp_dispatcher_tables, btf, &config, 0,
	                                       &dispatcher_fd, &map, &error);

	if (result == 0)
		result = dispatcher_extension_try(&xdp_dispatcher_tables, btf, dispatcher_fd);
	target_btf_id = xdp_dispatcher_tables.main_btf_id;
	(void)close(map);
	(void)close(btf);
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(component_runs_in_the_dispatcher),
		cmocka_unit_test(form_follows_the_section),
		cmocka_unit_test(component_keeps_its_run_configuration),
		cmocka_unit_test(component_with_frags_loads),
		cmocka_unit_test(component_uses_maps_and_kernel),
		cmocka_unit_test(component_refused_by_the_verifier_has_its_log),
	};
	int result;

	if (geteuid() != 0) {
		print_message("SKIP: loading programs needs root\n");
		return 77;
	}
	result = dispatcher_open();
	if (result < 0) {
		print_message("SKIP: this kernel takes no extension programs (%s); run it by "
		              "tests/vm/run\n",
		              strerror(-result));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
