/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which programs the gate loads for which job, whatever the loader says. Each program names a BTF
 * handle that does not exist: what passes the rules is refused with -EBADF, what breaks one with
 * -EPERM, and the kernel, which may have an opinion of its own, is not asked.
 */
#include "common/program_type.h"
#include "tests/channel/gate_speaker.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NO_BTF 200
#define HELPER LOADER_PROGRAM_HELPER
#define FRAGS BPF_F_XDP_HAS_FRAGS
#define SLEEPABLE BPF_F_SLEEPABLE

struct rule {
	const char *name;
	uint32_t program_type;
	uint32_t type;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t attach_btf_id;
	bool passes;
	uint32_t index;
};

#define T(name) PROGRAM_TYPE_##name, BPF_PROG_TYPE_##name
#define TRACING(name) PROGRAM_TYPE_##name, BPF_PROG_TYPE_TRACING

static void rules_judge(uint32_t asked, const struct rule *rules, size_t count)
{
	speaker_loading_types(&asked, 1);
	for (size_t i = 0; i < count; i++) {
		struct loader_program_load_short body =
			speaker_program(rules[i].index, rules[i].type);
		int result;

		body.load.program_type = rules[i].program_type;
		body.load.expected_attach_type = rules[i].attach_type;
		body.load.flags = rules[i].flags;
		body.load.attach_btf_id = rules[i].attach_btf_id;
		body.load.btf = NO_BTF;
		result = speaker_ask(LOADER_PROGRAM_LOAD, &body, -1);
		if (result != (rules[i].passes ? -EBADF : -EPERM))
			fail_msg("%s: %d", rules[i].name, result);
	}
	speaker_end();
}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void xdp_rules(void **state)
{
	/* clang-format off */
	static const struct rule rules[] = {
		{ "as asked", T(XDP), 0, 0, 0, true, 0 },
		{ "with its attach type", T(XDP), BPF_XDP, 0, 0, true, 0 },
		{ "with frags", T(XDP), BPF_XDP, FRAGS, 0, true, 0 },
		{ "another attach type of XDP", T(XDP), BPF_XDP_DEVMAP, 0, 0, false, 0 },
		{ "another type's attach type", T(XDP), BPF_TRACE_FENTRY, 0, 0, false, 0 },
		{ "no attach type at all", T(XDP), UINT32_MAX, 0, 0, false, 0 },
		{ "another type's flag", T(XDP), 0, SLEEPABLE, 0, false, 0 },
		{ "a flag too many", T(XDP), 0, FRAGS | BPF_F_ANY_ALIGNMENT, 0, false, 0 },
		{ "a flag that nobody knows", T(XDP), 0, 1u << 31, 0, false, 0 },
		{ "a function of the kernel's", T(XDP), 0, 0, 5, false, 0 },
		{ "type none", PROGRAM_TYPE_NONE, BPF_PROG_TYPE_XDP, 0, 0, 0, false, 0 },
		{ "type end", PROGRAM_TYPE_END, BPF_PROG_TYPE_XDP, 0, 0, 0, false, 0 },
		{ "type far beyond", UINT32_MAX, BPF_PROG_TYPE_XDP, 0, 0, 0, false, 0 },
		{ "the kernel's type is another", PROGRAM_TYPE_XDP, BPF_PROG_TYPE_TRACEPOINT, 0, 0, 0, false, 0 },
		{ "bpfd's type is another", PROGRAM_TYPE_TRACEPOINT, BPF_PROG_TYPE_XDP, 0, 0, 0, false, 0 },
		{ "both are another", T(TRACEPOINT), 0, 0, 0, false, 0 },
		{ "an extension", PROGRAM_TYPE_XDP, BPF_PROG_TYPE_EXT, 0, 0, 0, false, 0 },
		{ "not in the job", T(XDP), 0, 0, 0, false, 1 },
		{ "far from the job", T(XDP), 0, 0, 0, false, 0x7fffffff },
		{ "a helper", T(XDP), 0, 0, 0, true, HELPER },
		{ "a helper with frags", T(XDP), BPF_XDP, FRAGS, 0, true, HELPER },
		{ "a helper of another type", T(TRACEPOINT), 0, 0, 0, false, HELPER },
		{ "a helper of a type loaded for a function", TRACING(FENTRY), BPF_TRACE_FENTRY, 0, 5, false, HELPER },
		{ "a helper of no type", PROGRAM_TYPE_NONE, BPF_PROG_TYPE_XDP, 0, 0, 0, false, HELPER },
		{ "a helper of the wrong kernel type", PROGRAM_TYPE_XDP, BPF_PROG_TYPE_EXT, 0, 0, 0, false, HELPER },
	};
	/* clang-format on */

	(void)state;
	rules_judge(PROGRAM_TYPE_XDP, rules, LENGTH(rules));
}

static void fentry_rules(void **state)
{
	/* clang-format off */
	static const struct rule rules[] = {
		{ "as asked", TRACING(FENTRY), BPF_TRACE_FENTRY, 0, 5, true, 0 },
		{ "sleepable", TRACING(FENTRY), BPF_TRACE_FENTRY, SLEEPABLE, 5, true, 0 },
		{ "without its function", TRACING(FENTRY), BPF_TRACE_FENTRY, 0, 0, false, 0 },
		{ "as fexit, which is loaded as the same", TRACING(FEXIT), BPF_TRACE_FEXIT, 0, 5, false, 0 },
		{ "with fexit's attach type", TRACING(FENTRY), BPF_TRACE_FEXIT, 0, 5, false, 0 },
		{ "with fmod_ret's attach type", TRACING(FENTRY), BPF_MODIFY_RETURN, 0, 5, false, 0 },
		{ "with XDP's flag", TRACING(FENTRY), BPF_TRACE_FENTRY, FRAGS, 5, false, 0 },
		{ "as an LSM program", PROGRAM_TYPE_FENTRY, BPF_PROG_TYPE_LSM, BPF_TRACE_FENTRY, 0, 5, false, 0 },
		{ "as an extension", PROGRAM_TYPE_FENTRY, BPF_PROG_TYPE_EXT, 0, 0, 5, false, 0 },
		{ "as XDP", T(XDP), 0, 0, 0, false, 0 },
		{ "a helper", TRACING(FENTRY), BPF_TRACE_FENTRY, 0, 5, true, HELPER },
		{ "a helper without a function", TRACING(FENTRY), BPF_TRACE_FENTRY, 0, 0, false, HELPER },
		{ "fexit's helper", TRACING(FEXIT), BPF_TRACE_FEXIT, 0, 5, false, HELPER },
	};
	/* clang-format on */

	(void)state;
	rules_judge(PROGRAM_TYPE_FENTRY, rules, LENGTH(rules));
}

/* A job that names no type takes any that there is, each by its own rules. */
static void a_job_without_a_type_takes_any(void **state)
{
	/* clang-format off */
	static const struct rule rules[] = {
		{ "xdp", T(XDP), BPF_XDP, FRAGS, 0, true, 0 },
		{ "tracepoint", T(TRACEPOINT), 0, 0, 0, true, 0 },
		{ "raw_tracepoint", T(RAW_TRACEPOINT), 0, 0, 0, true, 0 },
		{ "tp_btf", TRACING(TP_BTF), BPF_TRACE_RAW_TP, 0, 5, true, 0 },
		{ "lsm", T(LSM), BPF_LSM_MAC, SLEEPABLE, 5, true, 0 },
		{ "an xdp helper", T(XDP), 0, 0, 0, true, HELPER },
		{ "a tracepoint helper", T(TRACEPOINT), 0, 0, 0, true, HELPER },
		{ "sleepable tp_btf", TRACING(TP_BTF), BPF_TRACE_RAW_TP, SLEEPABLE, 5, false, 0 },
		{ "tp_btf without its tracepoint", TRACING(TP_BTF), BPF_TRACE_RAW_TP, 0, 0, false, 0 },
		{ "tracepoint with a function", T(TRACEPOINT), 0, 0, 5, false, 0 },
		{ "raw_tracepoint with a flag", T(RAW_TRACEPOINT), 0, SLEEPABLE, 0, false, 0 },
		{ "lsm without its hook", T(LSM), BPF_LSM_MAC, 0, 0, false, 0 },
		{ "lsm of a control group", T(LSM), BPF_LSM_CGROUP, 0, 5, false, 0 },
		{ "no type", PROGRAM_TYPE_NONE, BPF_PROG_TYPE_XDP, 0, 0, 0, false, 0 },
		{ "no type, of two kinds", PROGRAM_TYPE_NONE, BPF_PROG_TYPE_UNSPEC, 0, 0, 0, false, 0 },
		{ "an extension", PROGRAM_TYPE_XDP, BPF_PROG_TYPE_EXT, 0, 0, 0, false, 0 },
		{ "a system call program", PROGRAM_TYPE_XDP, BPF_PROG_TYPE_SYSCALL, 0, 0, 0, false, 0 },
		{ "struct_ops", PROGRAM_TYPE_LSM, BPF_PROG_TYPE_STRUCT_OPS, 0, 0, 5, false, 0 },
		{ "not in the job", T(XDP), 0, 0, 0, false, 1 },
	};
	/* clang-format on */

	(void)state;
	rules_judge(PROGRAM_TYPE_NONE, rules, LENGTH(rules));
}

/* Every type that there is: in a job of its own, in one of another type, in one of any; with what
 * it needs and without. */
static void every_type_keeps_its_row(void **state)
{
	(void)state;
	for (uint32_t type = 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);

		if (!row)
			continue;

		uint32_t id = row->loaded_for ? 5 : 0, other = row->loaded_for ? 0 : 5;
		const struct rule rules[] = {
			{ row->name, type, row->bpf_type, row->attach_type, 0, id, true, 0 },
			{ row->name, type, row->bpf_type, row->attach_type, row->flags, id, true,
			  0 },
			{ row->name, type, row->bpf_type, row->attach_type, ~row->flags, id, false,
			  0 },
			{ row->name, type, row->bpf_type, row->attach_type, 0, other, false, 0 },
			{ row->name, type, row->bpf_type, row->attach_type + 1, 0, id, false, 0 },
			{ row->name, type, row->bpf_type + 1, row->attach_type, 0, id, false, 0 },
		};
		struct rule refused = rules[0];

		refused.passes = false;
		rules_judge(type, rules, LENGTH(rules));
		rules_judge(PROGRAM_TYPE_NONE, rules, LENGTH(rules));
		rules_judge(type == PROGRAM_TYPE_XDP ? PROGRAM_TYPE_TRACEPOINT : PROGRAM_TYPE_XDP,
		            &refused, 1);
	}
}

/* What libbpf probes with is none of the job's, and as small in any job. */
static void probes_have_no_type(void **state)
{
	static const uint32_t any[] = { PROGRAM_TYPE_NONE };
	struct loader_program_load_short body;

	(void)state;
	speaker_loading_types(any, 1);
	body = speaker_program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_TRACING);
	body.load.program_type = PROGRAM_TYPE_FENTRY;
	body.load.attach_btf_id = 5;
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = speaker_program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_XDP);
	assert_int_equal(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1), -EPERM);
	body = speaker_program(LOADER_PROGRAM_PROBE, BPF_PROG_TYPE_SOCKET_FILTER);
	assert_int_equal(body.load.program_type, PROGRAM_TYPE_NONE);
	assert_true(speaker_ask(LOADER_PROGRAM_LOAD, &body, -1) > 0);
	speaker_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_rules),
		cmocka_unit_test(fentry_rules),
		cmocka_unit_test(a_job_without_a_type_takes_any),
		cmocka_unit_test(every_type_keeps_its_row),
		cmocka_unit_test(probes_have_no_type),
	};

	if (geteuid() != 0) {
		print_message("SKIP: loading programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
