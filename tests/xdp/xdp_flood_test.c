/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * XDP chains that change under a flood of packets: every packet is counted by exactly the chain
 * before or the one after, whole. The interface's own count says how many there were to see.
 */
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SENDERS 2
#define CHANGES 200 /* in each of five tests: 1,000 */
#define DIGITS 7

static struct host host;
static struct xdp *xdp;
static struct chain_member programs[DIGITS]; /* [n] leaves the digit n */

static atomic_bool sending;

static void *packets_send(void *argument)
{
	(void)argument;
	while (atomic_load(&sending))
		(void)packet_send(&host);
	return NULL;
}

static void flood_begin(pthread_t *threads)
{
	atomic_store(&sending, true);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, packets_send, NULL), 0);
}

static void flood_end(const pthread_t *threads)
{
	atomic_store(&sending, false);
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)usleep(200000); /* the receiving side runs in a soft interrupt */
}

static bool own(void *state, uint32_t kernel_id)
{
	(void)state;
	for (size_t i = 1; i < DIGITS; i++) {
		if (programs[i].kernel_id == kernel_id)
			return true;
	}
	return false;
}

/* Runs these programs, in the order given, and nothing else. */
static void chain_run(uint32_t mode, size_t count, const unsigned int *digits)
{
	struct xdp_request request = {
		.place = { .ifindex = host.ifindex }, .mode = mode, .count = count, .own = own
	};
	struct record_chain chain;
	struct error error = {};
	int result;

	for (size_t i = 0; i < count; i++) {
		request.members[i] = programs[digits[i]];
		request.members[i].priority = (uint32_t)i;
	}
	result = xdp_sync(xdp, &request, &chain, &error);
	if (result < 0)
		print_message("    (%s)\n", error.message);
	assert_int_equal(result, 0);
}

struct counts {
	uint64_t programs[DIGITS];
	uint64_t packets; /* that the interface got */
};

static uint64_t interface_count(void)
{
	unsigned long packets = 0;
	char output[64];

	assert_int_equal(host_run("sed -n 's/^ *in: *[0-9]* *\\([0-9]*\\) .*/\\1/p' /proc/net/dev",
	                          output, sizeof(output)),
	                 0);
	assert_int_equal(sscanf(output, "%lu", &packets), 1); /* NOLINT(cert-err34-c): checked */
	return packets;
}

static struct counts counts_read(void)
{
	struct counts counts = { .packets = interface_count() };

	for (unsigned int i = 1; i < DIGITS; i++)
		counts.programs[i] = program_count(&host, i);
	return counts;
}

static struct counts counts_since(const struct counts *before)
{
	struct counts now = counts_read();

	for (size_t i = 1; i < DIGITS; i++)
		now.programs[i] -= before->programs[i];
	now.packets -= before->packets;
	print_message("    %d changes, %lu packets\n", CHANGES, (unsigned long)now.packets);
	assert_true(now.packets > 1000);
	return now;
}

/* The two chains in turn, while packets come. */
static struct counts flood(uint32_t mode, const unsigned int *first, size_t first_count,
                           const unsigned int *second, size_t second_count)
{
	pthread_t threads[SENDERS];
	struct counts before;

	chain_run(mode, first_count, first);
	before = counts_read();
	flood_begin(threads);
	for (int i = 0; i < CHANGES; i++)
		chain_run(mode, i % 2 ? first_count : second_count, i % 2 ? first : second);
	flood_end(threads);
	return counts_since(&before);
}

static const unsigned int first_three[] = { 1, 2, 3 }, second_three[] = { 4, 5, 6 };

/* Two chains that have nothing in common, each ended by a program that drops. */
static void chains_replaced(uint32_t mode)
{
	struct counts seen = flood(mode, first_three, 3, second_three, 3);

	assert_true(seen.programs[1] > 0 && seen.programs[4] > 0);
	assert_int_equal(seen.programs[1], seen.programs[2]);
	assert_int_equal(seen.programs[1], seen.programs[3]);
	assert_int_equal(seen.programs[4], seen.programs[5]);
	assert_int_equal(seen.programs[4], seen.programs[6]);
	assert_int_equal(seen.programs[1] + seen.programs[4], seen.packets);
}

static void replaced_native(void **state)
{
	(void)state;
	chains_replaced(XDP_MODE_NATIVE);
}

static void replaced_generic(void **state)
{
	(void)state;
	chains_replaced(XDP_MODE_GENERIC);
}

/* A program that stays sees all, while others are attached before and behind it, and detached. */
static void one_stays(void **state)
{
	static const unsigned int alone[] = { 2 };
	struct counts seen = flood(XDP_MODE_NATIVE, alone, 1, first_three, 3);

	(void)state;
	assert_int_equal(seen.programs[2], seen.packets);
	assert_int_equal(seen.programs[1], seen.programs[3]);
	assert_true(seen.programs[1] > 0 && seen.programs[1] < seen.packets);
}

/* The same programs in another order: a packet sees it as it was or as it is. */
static void order_updated(void **state)
{
	static const unsigned int other[] = { 3, 1, 2 }; /* 3 drops: the others see nothing */
	struct counts seen = flood(XDP_MODE_NATIVE, first_three, 3, other, 3);

	(void)state;
	assert_int_equal(seen.programs[3], seen.packets);
	assert_int_equal(seen.programs[1], seen.programs[2]);
	assert_true(seen.programs[1] > 0 && seen.programs[1] < seen.packets);
}

/* The whole chain comes and goes: a packet sees all of it or nothing. */
static void comes_and_goes(void **state)
{
	struct counts seen = flood(XDP_MODE_NATIVE, first_three, 0, first_three, 3);

	(void)state;
	assert_true(seen.programs[1] > 0 && seen.programs[1] < seen.packets);
	assert_int_equal(seen.programs[1], seen.programs[2]);
	assert_int_equal(seen.programs[1], seen.programs[3]);
}

static int all_off(void **state)
{
	(void)state;
	chain_run(XDP_MODE_DEFAULT, 0, NULL);
	assert_int_equal(pins_count(), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(replaced_native, all_off),
		cmocka_unit_test_teardown(replaced_generic, all_off),
		cmocka_unit_test_teardown(one_stays, all_off),
		cmocka_unit_test_teardown(order_updated, all_off),
		cmocka_unit_test_teardown(comes_and_goes, all_off),
	};
	struct error error = {};
	int result;

	host_open(&host);
	host_opener_start(&host);
	if (xdp_open(&host.settings, &host.opener, &xdp, &error) < 0) {
		printf("xdp_open: %s\n", error.message);
		return 1;
	}
	if (xdp_extension_errno(xdp)) {
		printf("SKIP: this kernel refuses extension programs (%s): run it by "
		       "tests/vm/run\n",
		       strerror(xdp_extension_errno(xdp)));
		return SKIPPED;
	}
	for (unsigned int i = 1; i < DIGITS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		(void)program_load(&host, xdp, name, i, i % 3 ? XDP_PASS : XDP_DROP, &programs[i]);
	}
	result = cmocka_run_group_tests_name("XDP programs under a flood", tests, NULL, NULL);
	xdp_close(xdp);
	host_opener_stop(&host);
	return result;
}
