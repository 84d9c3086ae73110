/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TC programs on both directions of one interface: real packets, real filters, real pins. Needs a
 * kernel that takes extension programs. */
#include "tests/tc/tc_stage.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Adds one program after the other, counts what each costs, and takes them off again, each time
 * with packets. */
static void one_to_ten(void **state)
{
	static const unsigned int digits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct tc_chain chain;
	uint64_t expected = 0;

	(void)state;
	kernel = &counted;
	for (size_t n = 1; n <= 10; n++) {
		struct tc_request request = request_of(DIRECTION_INGRESS, n, digits);

		calls = 0;
		sync_ok(&request, &chain);
		print_message("    %2zu programs: %u bpf() calls\n", n, calls);
		assert_in_range(calls, 1, 2 * n + 11);
		assert_int_equal(chain.count, n);
		assert_int_equal(chain.dispatcher_id, filter_id(DIRECTION_INGRESS));
		assert_int_equal(chain.slots[n - 1].link_id, n);
		assert_int_equal(chain.slots[n - 1].proceed_on, CHAIN_ALWAYS | DEFAULT);
		expected = expected << 4 | n;
		assert_int_equal(packet_trace(&host), expected);
		assert_int_equal(pins_count(), n + 3); /* links, the directory, program and map */
		calls = 0;
		sync_ok(&request, &chain);
		assert_int_equal(calls, 0); /* it is so already */
	}
	for (size_t n = 9; n >= 1; n--) {
		struct tc_request request = request_of(DIRECTION_INGRESS, n, digits);

		sync_ok(&request, &chain);
		expected >>= 4;
		assert_int_equal(packet_trace(&host), expected);
	}
}

static void order_and_ties(void **state)
{
	struct tc_chain chain;
	struct tc_request request;

	(void)state;
	programs[1].priority = 90;
	programs[2].priority = 10;
	programs[3].priority = 50;
	programs[4].priority = 50;
	request = INGRESS(4, 1, 3, 2);
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0x2341);
	assert_string_equal(chain.slots[0].name, "digit_2");
	assert_string_equal(chain.interface, "in");
	request.members[1].priority = 0; /* of 1: changed alone, it moves alone */
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0x1234);
}

static void directions_are_two(void **state)
{
	struct tc_request in = INGRESS(1, 2), out = EGRESS(3, 4, 1), none = {};
	struct tc_chain chain;

	(void)state;
	sync_ok(&in, &chain);
	assert_int_equal(packet_trace_out(&host), 0);
	sync_ok(&out, &chain);
	assert_int_equal(packet_trace(&host), 0x12);
	assert_int_equal(packet_trace_out(&host), 0x134);
	assert_int_not_equal(filter_id(DIRECTION_INGRESS), filter_id(DIRECTION_EGRESS));
	none.place = in.place;
	sync_ok(&none, &chain);
	assert_int_equal(packet_trace(&host), 0);
	assert_int_equal(packet_trace_out(&host), 0x134);
}

/* A program that returns `code`, then one that leaves 2, then a foreign filter that leaves f. */
static uint64_t code_trace(int code, uint32_t proceed_on)
{
	struct tc_request request = INGRESS(1, 2);
	struct tc_chain chain;
	uint64_t trace;
	int fd = tc_program_load(&host, tc, "code", 12, code, &request.members[0]);

	request.members[0].link_id = 1;
	request.members[0].proceed_on = proceed_on;
	sync_ok(&request, &chain);
	trace = packet_trace(&host);
	(void)close(fd);
	return trace;
}

/* Every code of TC, proceeded on and not; what the kernel does then is seen by the filter behind.
 */
static void proceed_on_each_code(void **state)
{
	static const struct {
		int code;
		uint64_t ended; /* the trace where the program ends the chain */
	} rows[] = {
		{ TC_ACT_UNSPEC, 0xcf }, { TC_ACT_OK, 0xc },      { TC_ACT_RECLASSIFY, 0xcf },
		{ TC_ACT_SHOT, 0xc },    { TC_ACT_PIPE, 0xcf },   { TC_ACT_STOLEN, 0xc },
		{ TC_ACT_QUEUED, 0xcf }, { TC_ACT_REPEAT, 0xcf }, { TC_ACT_REDIRECT, 0xc },
		{ TC_ACT_TRAP, 0xc },    { 100, 0xcf },           { -100, 0xcf },
	};

	(void)state;
	clsact_add("clsact");
	foreign_filter_add("behind", 15, TC_ACT_OK, "ingress pref 501");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool known = rows[i].code >= TC_ACT_UNSPEC && rows[i].code <= TC_ACT_TRAP;
		uint32_t bit = known ? BIT(rows[i].code) : 0, all = BIT(TC_ACT_TRAP) * 2 - 1;

		print_message("    code %d\n", rows[i].code);
		if (known)
			assert_int_equal(code_trace(rows[i].code, bit), 0xc2f);
		assert_int_equal(code_trace(rows[i].code, all & ~bit), rows[i].ended);
	}
	/* what an empty slot returns goes on always */
	assert_int_equal(code_trace(30, 0), 0xc2f);
}

static void eleventh_refused(void **state)
{
	struct tc_request request = INGRESS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	struct tc_chain before;

	(void)state;
	sync_ok(&request, &before);
	request.members[request.count++] = programs[11];
	sync_refused(&request, -E2BIG, ERROR_LIMIT, "holds 10: detach one first");
	assert_int_equal(filter_id(DIRECTION_INGRESS), before.dispatcher_id);
	assert_int_equal(packet_trace(&host), 0x123456789a);
	request.count = TC_PROGRAMS_MAX + 2;
	sync_refused(&request, -EINVAL, ERROR_INTERNAL, "impossible");
}

/* Each bpf() call of a rebuild fails in turn: what ran still runs, nothing is left behind. */
static void every_call_fails(void **state)
{
	struct tc_request two = INGRESS(1, 2), three = INGRESS(1, 2, 3);
	struct tc_chain before, chain;
	size_t pins, descriptors;
	unsigned int failed = 0;

	(void)state;
	sync_ok(&two, &before);
	pins = pins_count();
	descriptors = descriptors_count();
	kernel = &counted;
	for (fail_at = 1;; fail_at++) {
		calls = 0;
		if (chain_sync(&three, &chain) == 0)
			break;
		failed++;
		assert_int_equal(filter_id(DIRECTION_INGRESS), before.dispatcher_id);
		assert_int_equal(pins_count(), pins);
		assert_int_equal(descriptors_count(), descriptors);
	}
	/* a name, the dispatcher, its id and pins, links and their pins; the wait for packets
	 * inside the old one may fail */
	assert_int_equal(failed, 1 + 4 + 1 + 2 + 3 * 2);
	kernel = &kernel_real;
	assert_int_equal(packet_trace(&host), 0x123);
	all_off();
	kernel = &counted;
	descriptors = descriptors_count();
	for (fail_at = 1;; fail_at++) {
		calls = 0;
		if (chain_sync(&two, &chain) == 0)
			break;
		assert_int_equal(filter_id(DIRECTION_INGRESS), 0);
		assert_int_equal(pins_count(), 0);
		assert_int_equal(descriptors_count(), descriptors);
	}
}

/* The broker starts again: its pins tell it everything. Each call that reads them fails in turn. */
static void restart(void **state)
{
	struct tc_request two = INGRESS(1, 2), one = INGRESS(2), out = EGRESS(3);
	struct tc_chain chain;

	(void)state;
	two.members[1].priority = 7;
	two.members[1].proceed_on = BIT(TC_ACT_OK) | BIT(TC_ACT_PIPE);
	sync_ok(&two, &chain);
	sync_ok(&out, &chain);
	tc_reopen();
	assert_int_equal(tc_collect(tc, &netlink, 0), 0);
	kernel = &counted;
	for (fail_at = 1;; fail_at++) {
		calls = 0;
		if (chain_read(DIRECTION_INGRESS, &chain) == 0)
			break;
		assert_int_equal(last.code, ERROR_KERNEL);
	}
	assert_int_equal(fail_at, 1 + 3 + 2 * 2);
	kernel = &kernel_real;
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.slots[0].link_id, 2);
	assert_int_equal(chain.slots[0].priority, 7);
	assert_int_equal(chain.slots[0].proceed_on,
	                 CHAIN_ALWAYS | BIT(TC_ACT_OK) | BIT(TC_ACT_PIPE));
	assert_int_equal(chain.slots[1].link_id, 1);
	tc_reopen();
	sync_ok(&two, &chain);
	assert_int_equal(packet_trace(&host), 0x21);
	sync_ok(&one, &chain);
	assert_string_equal(chain.slots[0].name, "digit_2");
	assert_int_equal(packet_trace(&host), 2);
	assert_int_equal(packet_trace_out(&host), 3);
}

/* A broker that ended in the middle leaves a dispatcher that is not attached. */
static void orphans(void **state)
{
	struct tc_request one = INGRESS(1), two = EGRESS(1, 2);
	struct tc_chain chain;
	char command[256];

	(void)state;
	sync_ok(&one, &chain);
	(void)snprintf(command, sizeof(command),
	               "mkdir " BPFFS "/bpfd/dispatchers/tc-0-%u-ingress-999 " BPFFS
	               "/bpfd/dispatchers/tc-0-7777-egress-5 " BPFFS
	               "/bpfd/dispatchers/tc-4026-1-egress-5",
	               host.ifindex);
	assert_int_equal(host_run(command, NULL, 0), 0);
	sync_ok(&two, &chain);
	assert_int_equal(host_run("tc filter del dev in egress pref 500", NULL, 0), 0);
	tc_reopen();
	assert_int_equal(tc_collect(tc, &netlink, 0), 3);
	assert_int_equal(pins_count(), 1 + 3 + 1);
	assert_int_equal(tc_collect(tc, NULL, 4026), 1); /* that namespace is gone */
	assert_int_equal(packet_trace(&host), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(one_to_ten, clean),
		cmocka_unit_test_teardown(order_and_ties, clean),
		cmocka_unit_test_teardown(directions_are_two, clean),
		cmocka_unit_test_teardown(proceed_on_each_code, clean),
		cmocka_unit_test_teardown(eleventh_refused, clean),
		cmocka_unit_test_teardown(every_call_fails, clean),
		cmocka_unit_test_teardown(restart, clean),
		cmocka_unit_test_teardown(orphans, clean),
	};
	int result;

	stage_open();
	result = cmocka_run_group_tests_name("TC programs on one interface", tests, NULL, NULL);
	tc_close(tc);
	return result;
}
