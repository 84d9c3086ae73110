/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Moves of a tcx link that go wrong: the kernel refuses any one of the calls, or bpfd dies after
 * it. A packet then meets each program once, in the order before or the one after, and the link is
 * whole again after the refusal or the start.
 */
#include "broker/attach_link.h"
#include "broker/kernel.h"
#include "tests/tcx/stage.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 60 /* more than a move makes */
#define DIED 3

static struct stage stage;
static unsigned int fail_at, calls, refusals;
static int fail_with;

static int failing_call(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	return ++calls == fail_at ? fail_with : kernel_real.bpf(command, attr, size);
}

static int deadly_call(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	int result = kernel_real.bpf(command, attr, size);

	if (++calls == fail_at)
		_exit(DIED);
	return result;
}

static const struct kernel_operations failing = { .bpf = failing_call },
				      deadly = { .bpf = deadly_call };

/* Link 2 of four, to another place, with the same program or another. */
struct row {
	const char *name;
	int32_t priority;
	unsigned int digit;
	uint64_t after; /* the trace; before it is 0x1234 */
};

static const struct row rows[] = {
	{ "to the end", 90, 0, 0x1342 },
	{ "to the beginning", 1, 0, 0x2134 },
	{ "to the end, with another program", 90, 5, 0x1345 },
	{ "to the beginning, with another program", 1, 5, 0x5134 },
};

#define BEFORE 0x1234

static void trace_is(uint64_t trace)
{
	assert_int_equal(packet_trace(&stage.host), trace);
}

/* The `number`th call fails: is there such a call? */
static bool call_fails(const struct row *row, unsigned int number)
{
	size_t descriptors = descriptors_count(), pins = pins_count();
	int result;

	calls = 0;
	fail_at = number;
	kernel = &failing;
	result = stage_update(&stage, 2, row->priority, row->digit);
	kernel = &kernel_real;
	assert_int_equal(descriptors_count(), descriptors);
	assert_int_equal(pins_count(), pins);
	/* what is told of it afterwards, and the detach of what is off, may fail */
	trace_is(result < 0 ? BEFORE : row->after);
	refusals += result < 0;
	assert_int_equal(stage_update(&stage, 2, 20, 2), 0);
	trace_is(BEFORE);
	return calls >= number;
}

static void calls_fail(const struct row *row)
{
	unsigned int number = 1;

	refusals = 0;
	while (call_fails(row, number))
		number++;
	print_message("    %s: %u of %u calls are needed\n", row->name, refusals, number - 1);
	assert_in_range(refusals, 12, number - 2);
}

static void each_call_fails(void **state)
{
	(void)state;
	fail_with = -EIO;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		calls_fail(&rows[i]);
}

/* What a move does that never comes to its `count`th call's return. */
static bool dies_at(const struct row *row, unsigned int count)
{
	pid_t child = fork();
	int status;

	assert_return_code(child, errno);
	if (child == 0) {
		calls = 0;
		fail_at = count;
		kernel = &deadly;
		_exit(stage_update(&stage, 2, row->priority, row->digit) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == DIED || WEXITSTATUS(status) == 0);
	return WEXITSTATUS(status) == DIED;
}

static void dies_anywhere(const struct row *row)
{
	size_t pins = pins_count();
	unsigned int count = 1, moved = 0;
	bool died = true;

	for (; count < CALLS && died; count++) {
		uint64_t trace;

		died = dies_at(row, count);
		trace = packet_trace(&stage.host);
		assert_true(trace == BEFORE || trace == row->after);
		moved += trace == row->after;
		assert_int_equal(stage_restore(&stage, 2), 0);
		trace_is(BEFORE);
		assert_int_equal(pins_count(), pins);
	}
	print_message("    %s: died %u times, %u times at the new place\n", row->name, count - 2,
	              moved);
	assert_in_range(count, 12, CALLS - 1);
	assert_in_range(moved, 2, count - 3);
}

static void death_after_each_call(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		dies_anywhere(&rows[i]);
}

/* Nobody restores it before the next update comes. */
static void update_after_a_death(void **state)
{
	(void)state;
	for (unsigned int count = 5; count < 25; count += 3) {
		(void)dies_at(&rows[0], count);
		assert_int_equal(stage_update(&stage, 2, 1, 0), 0);
		trace_is(0x2134);
		assert_int_equal(stage_update(&stage, 2, 20, 0), 0);
		trace_is(BEFORE);
	}
}

/* Nor before it is detached. */
static void detach_after_a_death(void **state)
{
	(void)state;
	for (unsigned int count = 5; count < 25; count += 3) {
		(void)dies_at(&rows[1], count);
		assert_int_equal(stage_detach(&stage, 2), 0);
		trace_is(0x134);
		assert_int_equal(pins_count(), 3);
		assert_int_equal(stage_attach(&stage, 2, 20), 0);
		trace_is(BEFORE);
	}
}

/* The relays' array is not there any more: the program comes back all the same. */
static void array_lost(void **state)
{
	bool died = true;

	(void)state;
	for (unsigned int count = 1; count < CALLS && died; count++) {
		died = dies_at(&rows[0], count);
		(void)unlink(BPFFS "/bpfd/links/2-move");
		assert_int_equal(stage_restore(&stage, 2), 0);
		trace_is(BEFORE);
		assert_int_equal(pins_count(), 4);
	}
}

/* Where somebody else's link is does not matter, and it does not move. */
static void beside_a_foreign_link(void **state)
{
	union bpf_attr attr = {};
	int fd;

	(void)state;
	attr.link_create.prog_fd = (uint32_t)stage.loaded[7].program_fd;
	attr.link_create.target_ifindex = stage.host.ifindex;
	attr.link_create.attach_type = 46; /* BPF_TCX_INGRESS */
	fd = kernel_real.bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	assert_return_code(fd, errno);
	trace_is(0x12347);
	assert_int_equal(stage_update(&stage, 2, 90, 0), 0);
	trace_is(0x13427);
	assert_int_equal(stage_update(&stage, 2, 20, 0), 0);
	trace_is(0x12347);
	/* the program that shall go there is there already: somebody else's link has it */
	assert_int_equal(stage_update(&stage, 2, 90, 7), -EEXIST);
	trace_is(0x12347);
	(void)close(fd);
	trace_is(BEFORE);
}

static int uncallable(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	return command == BPF_MAP_UPDATE_ELEM ? fail_with : kernel_real.bpf(command, attr, size);
}

/* The kernel lets nobody call the program. */
static void calls_refused(void **state)
{
	static const struct kernel_operations refusing = { .bpf = uncallable };
	static const int errors[] = { -EINVAL, -EBUSY };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fail_with = errors[i];
		kernel = &refusing;
		assert_int_equal(stage_update(&stage, 2, 90, 0), -EOPNOTSUPP);
		assert_non_null(strstr(stage.message, "the kernel lets no other program call "
		                                      "\"digit_2\""));
		assert_non_null(strstr(stage.message, "detach link 2, and attach it with priority "
		                                      "90"));
		kernel = &kernel_real;
		trace_is(BEFORE);
		assert_int_equal(pins_count(), 4);
	}
}

static int links_attach(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 4; i++)
		assert_int_equal(stage_attach(&stage, i, (int32_t)(10 * i)), 0);
	trace_is(BEFORE);
	return 0;
}

static int links_detach(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 4; i++)
		assert_int_equal(stage_detach(&stage, i), 0);
	trace_is(0);
	assert_int_equal(pins_count(), 0);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, links_attach, links_detach)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_call_fails),      TEST(death_after_each_call),
		TEST(update_after_a_death), TEST(detach_after_a_death),
		TEST(array_lost),           TEST(beside_a_foreign_link),
		TEST(calls_refused),
	};

	stage_open(&stage);
	return cmocka_run_group_tests_name("moves of tcx links", tests, NULL, NULL);
}
