/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * TC chains that change under a flood of packets: every packet is counted by exactly the chain
 * before or the one after, whole. A foreign filter before bpfd's counts what there was to see.
 */
#include "broker/kernel.h"
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SENDERS 2
#define CHANGES 60
#define FOREIGN 15

static struct host host;
static struct tc *tc;
static struct netlink netlink;
static struct chain_member programs[8]; /* [n] leaves the digit n */

static atomic_bool sending;
static atomic_ulong sent;

static void *packets_send(void *argument)
{
	(void)argument;
	while (atomic_load(&sending)) {
		if (packet_send(&host) == 0)
			atomic_fetch_add(&sent, 1);
	}
	return NULL;
}

static void flood_begin(pthread_t *threads)
{
	atomic_store(&sending, true);
	atomic_store(&sent, 0);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, packets_send, NULL), 0);
}

static void flood_end(const pthread_t *threads)
{
	atomic_store(&sending, false);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)usleep(100000); /* the receiving side runs in a soft interrupt */
}

/* Runs these programs and nothing else. */
static void chain_run(size_t count, const unsigned int *digits)
{
	struct tc_request request = {
		.place = { .ifindex = host.ifindex, .direction = DIRECTION_INGRESS }, .count = count
	};
	struct tc_chain chain;
	struct error error = {};
	int result;

	for (size_t i = 0; i < count; i++)
		request.members[i] = programs[digits[i]];
	result = tc_sync(tc, &netlink, &request, &chain, &error);
	if (result < 0)
		print_message("    (%s)\n", error.message);
	assert_int_equal(result, 0);
}

struct counts {
	uint64_t programs[8];
	uint64_t foreign;
};

static struct counts counts_read(void)
{
	struct counts counts;

	for (unsigned int i = 0; i < 8; i++)
		counts.programs[i] = program_count(&host, i);
	counts.foreign = program_count(&host, FOREIGN);
	return counts;
}

static struct counts counts_since(const struct counts *before)
{
	struct counts now = counts_read();

	for (size_t i = 0; i < 8; i++)
		now.programs[i] -= before->programs[i];
	now.foreign -= before->foreign;
	print_message("    %lu packets, %lu seen\n", atomic_load(&sent),
	              (unsigned long)now.foreign);
	assert_true(now.foreign > 1000);
	return now;
}

/* Two chains of three that have nothing in common, each ended by a program that counts and drops.
 */
static void replaced_in_place(void **state)
{
	static const unsigned int first[] = { 1, 2, 3 }, second[] = { 4, 5, 6 };
	pthread_t threads[SENDERS];
	struct counts before, seen;

	(void)state;
	chain_run(3, first);
	before = counts_read();
	flood_begin(threads);
	for (int i = 0; i < CHANGES; i++)
		chain_run(3, i % 2 ? first : second);
	flood_end(threads);
	seen = counts_since(&before);
	assert_true(seen.programs[1] > 0 && seen.programs[4] > 0);
	assert_int_equal(seen.programs[1], seen.programs[2]);
	assert_int_equal(seen.programs[1], seen.programs[3]);
	assert_int_equal(seen.programs[4], seen.programs[5]);
	assert_int_equal(seen.programs[4], seen.programs[6]);
	assert_int_equal(seen.programs[1] + seen.programs[4], seen.foreign);
}

/* A program that stays sees all, while others come before and behind it and go. */
static void one_stays(void **state)
{
	static const unsigned int alone[] = { 2 }, three[] = { 1, 2, 3 };
	pthread_t threads[SENDERS];
	struct counts before, seen;

	(void)state;
	chain_run(1, alone);
	before = counts_read();
	flood_begin(threads);
	for (int i = 0; i < CHANGES; i++)
		chain_run(i % 2 ? 1 : 3, i % 2 ? alone : three);
	flood_end(threads);
	seen = counts_since(&before);
	assert_int_equal(seen.programs[2], seen.foreign);
	assert_int_equal(seen.programs[1], seen.programs[3]);
	assert_true(seen.programs[1] > 0);
}

/* The whole chain comes and goes: a packet sees all of it or nothing. */
static void comes_and_goes(void **state)
{
	static const unsigned int three[] = { 1, 2, 3 };
	pthread_t threads[SENDERS];
	struct counts before, seen;

	(void)state;
	before = counts_read();
	flood_begin(threads);
	for (int i = 0; i < CHANGES; i++)
		chain_run(i % 2 ? 0 : 3, three);
	flood_end(threads);
	seen = counts_since(&before);
	assert_true(seen.programs[1] > 0 && seen.programs[1] < seen.foreign);
	assert_int_equal(seen.programs[1], seen.programs[2]);
	assert_int_equal(seen.programs[1], seen.programs[3]);
}

static int all_off(void **state)
{
	(void)state;
	chain_run(0, NULL);
	assert_int_equal(pins_count(), 0);
	return 0;
}

static void foreign_filter_add(void)
{
	struct chain_member member;
	int fd = tc_program_load(&host, NULL, "foreign", FOREIGN, TC_ACT_UNSPEC, &member);

	assert_int_equal(kernel_pin(fd, BPFFS "/foreign"), 0);
	(void)close(fd);
	assert_int_equal(host_run("tc qdisc add dev in clsact && tc filter add dev in ingress pref "
	                          "10 bpf da object-pinned " BPFFS "/foreign",
	                          NULL, 0),
	                 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(replaced_in_place, all_off),
		cmocka_unit_test_teardown(one_stays, all_off),
		cmocka_unit_test_teardown(comes_and_goes, all_off),
	};
	int result;

	host_open(&host);
	assert_int_equal(netlink_open(0, &netlink), 0);
	tc = host_tc_open(&host);
	for (unsigned int i = 1; i < 8; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		(void)tc_program_load(&host, tc, name, i, i % 3 ? TC_ACT_PIPE : TC_ACT_SHOT,
		                      &programs[i]);
	}
	foreign_filter_add();
	result = cmocka_run_group_tests_name("TC programs under a flood", tests, NULL, NULL);
	tc_close(tc);
	return result;
}
