/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The broker dies while it starts, takes back what was half done, and stops. */
#include <cmocka.h>

#include "tests/channel/broker_crash.h"

#include "common/program_type.h"

#include <unistd.h>

/* Dies in the start itself, with a link of each kind to adopt, or to attach again. */
static void test_death_while_starting(void **state)
{
	bool held = *state;
	int steps = 0;

	assert_int_equal(stage_setup(NULL), 0);
	stage->crash->no_perf_links = held;
	stage_start_crashing();
	prepare_links();
	stage_kill();
	while (steps < STEPS_MOST && stage_start_dying(steps)) {
		steps++;
		stage_kill();
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("start: died before each of %d steps\n", steps);
	stage_kill();
	if (held)
		stage_start_crashing();
	else
		stage_start();
	assert_consistent(false);
	assert_int_equal(stage->link_count, 2);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
}

/* Dies in the middle of an update, and again and again while the next start takes it back. */
static void test_death_while_restoring(void **state)
{
	int steps = 0;

	(void)state;
	/* the step after which the kernel has the new program, and the store has not */
	for (int step = 0; step < STEPS_MOST; step++) {
		assert_int_equal(stage_setup(NULL), 0);
		stage_start_crashing();
		prepare_successors();
		stage->crash->steps_left = step;
		if (stage_answer(update_xdp_send()))
			fail_msg("no step leaves an update half done");
		assert_int_equal(stage_wait_end(), 9 << 8);

		uint32_t before = stage_program(1)->kernel_id;

		stage_kill();
		if (stage_attached("v0") != before)
			break;
		stage_start();
		assert_int_equal(stage_stop(), 0);
		assert_int_equal(stage_teardown(NULL), 0);
	}
	while (steps < STEPS_MOST && stage_start_dying(steps)) {
		steps++;
		stage_kill();
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("restoring: died before each of %d steps\n", steps);
	stage_kill();
	stage_start();
	assert_consistent(false);
	assert_int_equal(stage->link_count, 2);
	assert_int_equal(stage_link(1)->program_id, 1);
	update_xdp_check(false);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
}

/* Dies while it writes the store's last copy; then the live store is lost. The copy is the old one
 * or the new one, and no id is used again. */
static bool death_while_stopping(int steps)
{
	char path[256];
	bool died;

	assert_int_equal(stage_setup(NULL), 0);
	stage->settings.log_level = 0; /* it says what it does not know */
	stage_start_crashing();
	prepare_programs();
	stage->crash->steps_left = steps;
	assert_int_equal(channel_send(&stage->launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	died = stage_wait_end() != 0;
	stage_live_path(path, "data.mdb");
	assert_int_equal(unlink(path), 0);
	stage_start();
	assert_consistent(false);
	assert_true(died ? stage->program_count == 0 || stage->program_count == 2
	                 : stage->program_count == 2);
	assert_true(stage_load("xdp_counter", "xdp_counter", PROGRAM_TYPE_XDP) > 2);
	assert_int_equal(stage_stop(), 0);
	assert_int_equal(stage_teardown(NULL), 0);
	return died;
}

static void test_death_while_stopping(void **state)
{
	int steps = 0;

	(void)state;
	while (death_while_stopping(steps)) {
		steps++;
		assert_true(steps < STEPS_MOST);
	}
	assert_in_range(steps, 5, STEPS_MOST - 1);
	print_message("stop: died before each of %d steps\n", steps);
}

int main(void)
{
	static int held = 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_death_while_starting),
		{ "held start", test_death_while_starting, NULL, NULL, &held },
		cmocka_unit_test(test_death_while_stopping),
		cmocka_unit_test(test_death_while_restoring),
	};

	if (!stage_namespaces()) {
		print_message("SKIP: namespaces of its own need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
