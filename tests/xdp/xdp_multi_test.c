/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several programs on one interface: real packets, real pins. Needs a kernel that takes extension
 * programs. */
#include "tests/xdp/harness.h"
#include "broker/kernel.h"

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_MAX 38 /* a third of libxdp's 115 */

static struct host host;
static struct xdp *xdp;
static struct chain_member programs[12]; /* [n] leaves the digit n; 11 leaves b */

static unsigned int calls, fail_at;

static int bpf_counted(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	if (++calls == fail_at)
		return -EIO;
	return kernel_real.bpf(command, attr, size);
}

static const struct kernel_operations counted = { .bpf = bpf_counted };

static bool own(void *state, uint32_t kernel_id)
{
	(void)state;
	for (size_t i = 1; i < 12; i++) {
		if (programs[i].kernel_id == kernel_id)
			return true;
	}
	return false;
}

static bool own_any(void *state, uint32_t kernel_id)
{
	(void)state;
	(void)kernel_id;
	return true;
}

static struct xdp_request request_of(size_t count, const unsigned int *digits)
{
	struct xdp_request request = { .place = { .ifindex = host.ifindex },
		                       .count = count,
		                       .own = own };

	for (size_t i = 0; i < count; i++)
		request.members[i] = programs[digits[i]];
	return request;
}

#define REQUEST(...)                                                               \
	request_of(sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int), \
	           (unsigned int[]){ __VA_ARGS__ })

static int chain_sync(const struct xdp_request *request, struct record_chain *chain)
{
	struct error error = {};
	int result = xdp_sync(xdp, request, chain, &error);

	if (result < 0)
		print_message("    (%s)\n", error.message);
	return result;
}

static void sync_ok(const struct xdp_request *request, struct record_chain *chain)
{
	assert_int_equal(chain_sync(request, chain), 0);
}

static void all_off(void)
{
	const struct xdp_request none = { .place = { .ifindex = host.ifindex }, .own = own };
	struct record_chain chain;

	sync_ok(&none, &chain);
	assert_int_equal(chain.count, 0);
	assert_int_equal(chain.dispatcher_id, 0);
	assert_int_equal(attached_id(&host), 0);
	assert_int_equal(pins_count(), 0);
	for (size_t i = 1; i < 12; i++) {
		programs[i].priority = PRIORITY_DEFAULT;
		programs[i].proceed_on = 1u << XDP_PASS;
	}
}

static int clean(void **state)
{
	(void)state;
	kernel = &kernel_real;
	all_off();
	return 0;
}

/* Adds one program after the other, counts what each costs, and takes them off again, each time
 * with packets. */
static void one_to_ten(void **state)
{
	static const unsigned int digits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct record_chain chain;
	uint64_t expected = 0;

	(void)state;
	kernel = &counted;
	for (size_t n = 1; n <= 10; n++) {
		struct xdp_request request = request_of(n, digits);

		calls = 0;
		sync_ok(&request, &chain);
		print_message("    %2zu programs: %u bpf() calls\n", n, calls);
		assert_in_range(calls, 1, CALLS_MAX);
		assert_int_equal(chain.count, n);
		assert_int_equal(chain.dispatcher_version, 2);
		assert_int_equal(chain.dispatcher_id, attached_id(&host));
		assert_int_equal(chain.foreign_dispatcher, 0);
		assert_int_equal(chain.entries[n - 1].link_id, n);
		assert_int_equal(chain.entries[n - 1].proceed_on, 1u << 31 | 1u << XDP_PASS);
		expected = expected << 4 | n;
		assert_int_equal(packet_trace(&host), expected);
		assert_int_equal(pins_count(), 2 * n + 3); /* the directory, and two private ones */
		calls = 0;
		sync_ok(&request, &chain);
		assert_int_equal(calls, 0); /* it is so already */
	}
	for (size_t n = 9; n >= 1; n--) {
		struct xdp_request request = request_of(n, digits);

		sync_ok(&request, &chain);
		expected >>= 4;
		assert_int_equal(packet_trace(&host), expected);
	}
}

static void order_and_proceed_on(void **state)
{
	struct record_chain chain;
	struct xdp_request request;

	(void)state;
	programs[1].priority = 90;
	programs[2].priority = 10;
	programs[3].priority = 50;
	programs[4].priority = 50;
	request = REQUEST(4, 1, 3, 2);
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0x2341);
	/* 3 passes, and is not proceeded on */
	request.members[2].proceed_on = 1u << XDP_DROP;
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0x23);
	assert_int_equal(chain.count, 4);
	/* 11 drops; whoever proceeds on drop goes on */
	programs[11].priority = 5;
	request = REQUEST(11, 3);
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0xb);
	request.members[0].proceed_on = 1u << XDP_DROP;
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0xb3);
}

static void eleventh_refused(void **state)
{
	struct xdp_request request = REQUEST(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	struct record_chain chain, before;

	(void)state;
	sync_ok(&request, &before);
	request.members[request.count++] = programs[11];
	assert_int_equal(chain_sync(&request, &chain), -E2BIG);
	assert_int_equal(attached_id(&host), before.dispatcher_id);
	assert_int_equal(packet_trace(&host), 0x123456789a);
}

/* Each bpf() call of a rebuild fails in turn: what ran still runs, nothing is left behind. */
static void every_call_fails(void **state)
{
	struct xdp_request two = REQUEST(1, 2), three = REQUEST(1, 2, 3);
	struct record_chain before, chain;
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
		assert_int_equal(attached_id(&host), before.dispatcher_id);
		assert_int_equal(pins_count(), pins);
		assert_int_equal(descriptors_count(), descriptors);
	}
	assert_int_equal(failed,
	                 3 * 3 + 4 + 4); /* links and pins, dispatcher, ids and private pins */
	fail_at = 0;
	kernel = &kernel_real;
	assert_int_equal(packet_trace(&host), 0x123);
	all_off();
	/* and the first of all */
	kernel = &counted;
	descriptors = descriptors_count();
	for (fail_at = 1;; fail_at++) {
		calls = 0;
		if (chain_sync(&two, &chain) == 0)
			break;
		assert_int_equal(attached_id(&host), 0);
		assert_int_equal(pins_count(), 0);
		assert_int_equal(descriptors_count(), descriptors);
	}
	fail_at = 0;
}

static uint64_t link_of(void *state, const struct xdp_place *place, uint32_t kernel_id)
{
	(void)state;
	(void)place;
	for (size_t i = 1; i < 12; i++) {
		if (programs[i].kernel_id == kernel_id)
			return programs[i].link_id;
	}
	return 0;
}

static void read_ok(struct record_chain *chain)
{
	struct error error = {};
	int result = xdp_read(xdp, &(struct xdp_place){ .ifindex = host.ifindex }, link_of, NULL,
	                      chain, &error);

	if (result < 0)
		print_message("    (%s)\n", error.message);
	assert_int_equal(result, 0);
}

/* The broker starts again, without the opener: its own pins tell it everything. */
static void restart(void **state)
{
	struct xdp_request two = REQUEST(1, 2), one = REQUEST(2);
	struct record_chain chain;
	struct error error;

	(void)state;
	sync_ok(&two, &chain);
	xdp_close(xdp);
	assert_int_equal(xdp_open(&host.settings, NULL, &xdp, &error), 0);
	assert_int_equal(xdp_collect(xdp), 0);
	read_ok(&chain);
	assert_int_equal(chain.count, 2);
	assert_int_equal(chain.entries[1].link_id, 2);
	assert_string_equal(chain.entries[1].kernel_name, "digit_2");
	xdp_close(xdp);
	assert_int_equal(xdp_open(&host.settings, NULL, &xdp, &error), 0);
	sync_ok(&one, &chain);
	assert_int_equal(packet_trace(&host), 2);
	all_off();
	xdp_close(xdp);
	assert_int_equal(xdp_open(&host.settings, &host.opener, &xdp, &error), 0);
}

/* Somebody takes the dispatcher off; the pins of it that stay are collected. */
static void taken_off(void **state)
{
	struct xdp_request two = REQUEST(1, 2);
	struct xdp_change change;
	struct record_chain chain;
	bool off = false;

	(void)state;
	sync_ok(&two, &chain);
	while (xdp_monitor_next(xdp, &change) == 0)
		;
	assert_int_equal(host_run("ip link set dev in xdp off", NULL, 0), 0);
	while (xdp_monitor_next(xdp, &change) == 0)
		off |= change.ifindex == host.ifindex && change.program_id == 0;
	assert_true(off);
	assert_int_equal(xdp_collect(xdp), 1);
	assert_int_equal(pins_count(), 0);
	read_ok(&chain);
	assert_int_equal(chain.dispatcher_id, 0);
	sync_ok(&two, &chain);
	assert_int_equal(packet_trace(&host), 0x12);
}

/* A program loaded for an extension shall not take an interface alone, nor shall the other form
 * share one: here, exclusive. */
static void exclusive_and_shared(void **state)
{
	struct xdp_request shared = REQUEST(1), alone = { .place = { .ifindex = host.ifindex },
		                                          .exclusive = 1,
		                                          .count = 1 };
	struct record_chain chain;

	(void)state;
	program_load(&host, NULL, "alone", 12, XDP_PASS, &alone.members[0]);
	sync_ok(&alone, &chain);
	assert_int_equal(chain.dispatcher_version, 0);
	assert_int_equal(chain.entries[0].link_id, 12);
	assert_string_equal(chain.entries[0].kernel_name, "alone");
	assert_int_equal(packet_trace(&host), 12);
	assert_int_equal(chain_sync(&shared, &chain), -EBUSY);
	alone.count = 0;
	sync_ok(&alone, &chain);
	sync_ok(&shared, &chain);
	alone.count = 1;
	assert_int_equal(chain_sync(&alone, &chain), -EBUSY);
	assert_int_equal(packet_trace(&host), 1);
	(void)close(alone.members[0].program_fd);
}

static void modes(void **state)
{
	struct xdp_request request = REQUEST(1, 2);
	struct record_chain chain;

	(void)state;
	sync_ok(&request, &chain);
	assert_int_equal(chain.mode, XDP_MODE_NATIVE);
	request = REQUEST(1, 2, 3);
	request.mode = XDP_MODE_GENERIC;
	assert_int_equal(chain_sync(&request, &chain), -EBUSY);
	all_off();
	sync_ok(&request, &chain);
	assert_int_equal(chain.mode, XDP_MODE_GENERIC);
	read_ok(&chain);
	assert_int_equal(chain.mode, XDP_MODE_GENERIC);
	assert_int_equal(packet_trace(&host), 0x123);
	request.mode = XDP_MODE_DEFAULT;
	request.count = 2;
	sync_ok(&request, &chain);
	assert_int_equal(chain.mode, XDP_MODE_GENERIC);
	/* loopback has no native mode */
	all_off();
	request = REQUEST(1);
	request.place.ifindex = 1;
	request.mode = XDP_MODE_NATIVE;
	assert_int_equal(chain_sync(&request, &chain), -EOPNOTSUPP);
	request.mode = XDP_MODE_DEFAULT;
	sync_ok(&request, &chain);
	assert_int_equal(chain.mode, XDP_MODE_GENERIC);
	request.count = 0;
	sync_ok(&request, &chain);
}

/* Big frames: only if every component can take them, as the kernel checks for veth. */
static void frags(void **state)
{
	struct xdp_request request = { .place = { .ifindex = host.ifindex }, .own = own_any };
	struct record_chain chain, before;

	(void)state;
	assert_int_equal(host_run("ip link set in mtu 9000 && ip link set out mtu 9000", NULL, 0),
	                 0);
	host.program_flags = BPF_F_XDP_HAS_FRAGS;
	program_load(&host, xdp, "frags_c", 12, XDP_PASS, &request.members[0]);
	program_load(&host, xdp, "frags_d", 13, XDP_PASS, &request.members[1]);
	host.program_flags = 0;
	request.count = 2;
	request.mode = XDP_MODE_NATIVE;
	sync_ok(&request, &before);
	assert_int_equal(packet_trace(&host), 0xcd);
	request.members[request.count++] = programs[1];
	assert_true(chain_sync(&request, &chain) < 0);
	assert_int_equal(attached_id(&host), before.dispatcher_id);
	assert_int_equal(packet_trace(&host), 0xcd);
	request.count = 0;
	sync_ok(&request, &chain);
	/* frames fit again: they run together */
	assert_int_equal(host_run("ip link set in mtu 1500 && ip link set out mtu 1500", NULL, 0),
	                 0);
	request.count = 3;
	sync_ok(&request, &chain);
	assert_int_equal(packet_trace(&host), 0x1cd);
	request.count = 0;
	sync_ok(&request, &chain);
	(void)close(request.members[0].program_fd);
	(void)close(request.members[1].program_fd);
}

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

/* No packet misses the program that stays while others come and go. */
static void hitless(void **state)
{
	struct xdp_request one = REQUEST(1), three = REQUEST(1, 2, 3);
	struct record_chain chain;
	uint64_t before;
	pthread_t thread;

	(void)state;
	sync_ok(&one, &chain);
	before = program_count(&host, 1);
	atomic_store(&sending, true);
	atomic_store(&sent, 0);
	assert_int_equal(pthread_create(&thread, NULL, packets_send, NULL), 0);
	for (int i = 0; i < 20; i++)
		sync_ok(i % 2 ? &one : &three, &chain);
	atomic_store(&sending, false);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)usleep(100000);
	print_message("    %lu packets during 20 rebuilds\n", atomic_load(&sent));
	assert_true(atomic_load(&sent) > 100);
	assert_int_equal(program_count(&host, 1) - before, atomic_load(&sent));
}

static void interface_gone(void **state)
{
	struct xdp_request request = REQUEST(1, 2);
	struct record_chain chain;
	struct xdp_change change;
	struct error error;
	bool gone = false;
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "ip link add gone type veth peer name other");
	assert_int_equal(host_run(command, NULL, 0), 0);
	assert_int_equal(xdp_interface_find(xdp, "gone", &request.place.ifindex, &error), 0);
	sync_ok(&request, &chain);
	assert_int_not_equal(pins_count(), 0);
	assert_int_equal(host_run("ip link del gone", NULL, 0), 0);
	while (xdp_monitor_next(xdp, &change) == 0)
		gone |= change.gone && change.ifindex == request.place.ifindex;
	assert_true(gone);
	assert_int_equal(pins_count(), 0);
	assert_int_equal(chain_sync(&request, &chain), -ENODEV);
	assert_int_equal(xdp_interface_find(xdp, "gone", &request.place.ifindex, &error), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(one_to_ten, clean),
		cmocka_unit_test_teardown(order_and_proceed_on, clean),
		cmocka_unit_test_teardown(eleventh_refused, clean),
		cmocka_unit_test_teardown(every_call_fails, clean),
		cmocka_unit_test_teardown(restart, clean),
		cmocka_unit_test_teardown(taken_off, clean),
		cmocka_unit_test_teardown(exclusive_and_shared, clean),
		cmocka_unit_test_teardown(modes, clean),
		cmocka_unit_test_teardown(frags, clean),
		cmocka_unit_test_teardown(hitless, clean),
		cmocka_unit_test_teardown(interface_gone, clean),
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
		xdp_close(xdp);
		host_opener_stop(&host);
		return SKIPPED;
	}
	for (unsigned int i = 1; i < 12; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		program_load(&host, xdp, name, i, i == 11 ? XDP_DROP : XDP_PASS, &programs[i]);
	}
	result = cmocka_run_group_tests_name("several XDP programs on one interface", tests, NULL,
	                                     NULL);
	xdp_close(xdp);
	host_opener_stop(&host);
	return result;
}
