/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Orders of tcx that change under a flood of packets: every packet is counted by exactly the
 * programs of the order before or the one after. The interface's own count says how many there were
 * to see.
 */
#include "tests/tcx/stage.h"

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SENDERS 2
#define CHANGES 200 /* in each of five tests: 1,000 */

static struct stage stage;

static atomic_bool sending;
static atomic_ulong sent;

static void *packets_send(void *argument)
{
	(void)argument;
	while (atomic_load(&sending)) {
		(void)packet_send(&stage.host);
		atomic_fetch_add(&sent, 1);
	}
	return NULL;
}

struct counts {
	unsigned long packets;
	uint64_t programs[STAGE_DIGITS];
};

static unsigned long interface_count(void)
{
	char output[64];
	unsigned long packets;

	assert_int_equal(host_run("sed -n 's/^ *in: *[0-9]* *\\([0-9]*\\) .*/\\1/p' /proc/net/dev",
	                          output, sizeof(output)),
	                 0);
	assert_int_equal(sscanf(output, "%lu", &packets), 1); /* NOLINT(cert-err34-c): checked */
	return packets;
}

static struct counts counts_read(void)
{
	struct counts counts = { .packets = interface_count() };

	for (unsigned int i = 1; i < STAGE_DIGITS; i++)
		counts.programs[i] = program_count(&stage.host, i);
	return counts;
}

/* Some packets meet what there is now. */
static void packets_pass(void)
{
	unsigned long target = atomic_load(&sent) + 10;

	while (atomic_load(&sent) < target)
		(void)sched_yield();
}

/* Makes the changes, by number, while packets come. What was counted meanwhile. */
static struct counts flood(void (*change)(int number))
{
	pthread_t threads[SENDERS];
	struct counts before = counts_read(), now;

	atomic_store(&sending, true);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, packets_send, NULL), 0);
	for (int i = 0; i < CHANGES; i++) {
		packets_pass();
		change(i);
	}
	packets_pass();
	atomic_store(&sending, false);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)usleep(200000); /* the receiving side runs in a soft interrupt */
	now = counts_read();
	for (size_t i = 1; i < STAGE_DIGITS; i++)
		now.programs[i] -= before.programs[i];
	now.packets -= before.packets;
	print_message("    %d changes, %lu packets\n", CHANGES, now.packets);
	assert_true(now.packets > 1000);
	return now;
}

static void attach(unsigned int digit, int32_t priority)
{
	assert_int_equal(stage_attach(&stage, digit, priority), 0);
}

static void update(unsigned int id, int32_t priority, unsigned int digit)
{
	assert_int_equal(stage_update(&stage, id, priority, digit), 0);
}

static void two_replace(int number)
{
	update(2, 50, number % 2 ? 2 : 5);
}

/* One program for another behind a link. */
static void replaced_in_place(void **state)
{
	struct counts seen;

	(void)state;
	attach(1, 50);
	attach(2, 50);
	attach(3, 50);
	seen = flood(two_replace);
	assert_int_equal(seen.programs[1], seen.packets);
	assert_int_equal(seen.programs[3], seen.packets);
	assert_int_equal(seen.programs[2] + seen.programs[5], seen.packets);
	assert_true(seen.programs[2] > 0 && seen.programs[5] > 0);
}

static void others_come_and_go(int number)
{
	static const unsigned int others[] = { 1, 3, 4, 5 };
	unsigned int digit = others[number / 2 % 4];

	if (number % 2)
		assert_int_equal(stage_detach(&stage, digit), 0);
	else
		attach(digit, digit == 1 ? 10 : 90);
}

/* A program that stays sees all, while others are attached before and behind it, and detached. */
static void one_stays(void **state)
{
	struct counts seen;

	(void)state;
	attach(2, 50);
	seen = flood(others_come_and_go);
	assert_int_equal(seen.programs[2], seen.packets);
	assert_true(seen.programs[1] > 0 && seen.programs[1] < seen.packets);
	assert_true(seen.programs[5] > 0 && seen.programs[5] < seen.packets);
}

static void one_moves(int number)
{
	static const int32_t priorities[] = { 45, 5, 25, 1, 90, 15 };

	update(2, priorities[number % 6], 0);
}

/* Links that move, both ways and over one or more: none is missing for a packet, or there twice. */
static void moved(void **state)
{
	struct counts seen;

	(void)state;
	attach(1, 10);
	attach(2, 20);
	attach(3, 30);
	attach(4, 40);
	seen = flood(one_moves);
	for (size_t i = 1; i <= 4; i++)
		assert_int_equal(seen.programs[i], seen.packets);
}

static void any_moves(int number)
{
	unsigned int id = 1 + (unsigned int)number * 7 % 4;

	update(id, number * 37 % 100, 0);
}

static void all_moved(void **state)
{
	struct counts seen;

	(void)state;
	attach(1, 10);
	attach(2, 20);
	attach(3, 30);
	attach(4, 40);
	seen = flood(any_moves);
	for (size_t i = 1; i <= 4; i++)
		assert_int_equal(seen.programs[i], seen.packets);
}

static void one_moves_and_changes(int number)
{
	update(2, number % 2 ? 20 : 90, number % 2 ? 2 : 5);
}

/* Another program at another place, at once: a packet meets one of them, once. */
static void moved_and_replaced(void **state)
{
	struct counts seen;

	(void)state;
	attach(1, 10);
	attach(2, 20);
	attach(6, 30);
	attach(3, 40);
	seen = flood(one_moves_and_changes);
	assert_int_equal(seen.programs[1], seen.packets);
	assert_int_equal(seen.programs[6], seen.packets);
	assert_int_equal(seen.programs[3], seen.packets);
	assert_int_equal(seen.programs[2] + seen.programs[5], seen.packets);
	assert_true(seen.programs[2] > 0 && seen.programs[5] > 0);
}

static int all_off(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < STAGE_DIGITS; i++) {
		if (stage.links[i].state == LINK_STATE_ATTACHED)
			assert_int_equal(stage_detach(&stage, i), 0);
	}
	assert_int_equal(pins_count(), 0);
	assert_int_equal(packet_trace(&stage.host), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(replaced_in_place, all_off),
		cmocka_unit_test_teardown(one_stays, all_off),
		cmocka_unit_test_teardown(moved, all_off),
		cmocka_unit_test_teardown(all_moved, all_off),
		cmocka_unit_test_teardown(moved_and_replaced, all_off),
	};

	stage_open(&stage);
	return cmocka_run_group_tests_name("tcx programs under a flood", tests, NULL, NULL);
}
