/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TC programs on both directions of one interface: real packets, real filters, real pins. Needs a
 * kernel that takes extension programs. */
#include "broker/kernel.h"
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIT(code) (1u << ((code) + 1))
#define DEFAULT BIT(TC_ACT_PIPE)
#define PROGRAMS 12
#define SHOT 11 /* this one drops; the others say pipe */

static struct host host;
static struct tc *tc;
static struct netlink netlink, monitor;
static struct chain_member programs[PROGRAMS]; /* [n] leaves the digit n; 11 leaves b */

static unsigned int calls, fail_at;

static int bpf_counted(enum bpf_cmd command, union bpf_attr *attr, unsigned int size)
{
	if (++calls == fail_at)
		return -EIO;
	return kernel_real.bpf(command, attr, size);
}

static const struct kernel_operations counted = { .bpf = bpf_counted };

static struct tc_place place_of(uint32_t direction)
{
	return (struct tc_place){ .ifindex = host.ifindex, .direction = direction };
}

static struct tc_request request_of(uint32_t direction, size_t count, const unsigned int *digits)
{
	struct tc_request request = { .place = place_of(direction), .count = count };

	for (size_t i = 0; i < count; i++)
		request.members[i] = programs[digits[i]];
	return request;
}

#define DIGITS(...)                                                                      \
	sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int), (unsigned int[]) \
	{                                                                                \
		__VA_ARGS__                                                              \
	}
#define INGRESS(...) request_of(DIRECTION_INGRESS, DIGITS(__VA_ARGS__))
#define EGRESS(...) request_of(DIRECTION_EGRESS, DIGITS(__VA_ARGS__))

static struct error last;

static int chain_sync(const struct tc_request *request, struct tc_chain *chain)
{
	int result;

	last = (struct error){};
	result = tc_sync(tc, &netlink, request, chain, &last);
	if (result < 0)
		print_message("    (%s)\n", last.message);
	return result;
}

static void sync_ok(const struct tc_request *request, struct tc_chain *chain)
{
	assert_int_equal(chain_sync(request, chain), 0);
}

static void sync_refused(const struct tc_request *request, int result, enum error_code code,
                         const char *words)
{
	struct tc_chain chain;

	assert_int_equal(chain_sync(request, &chain), result);
	assert_int_equal(last.code, code);
	assert_non_null(strstr(last.message, words));
}

static uint64_t link_of(void *state, const struct tc_place *place, uint32_t kernel_id)
{
	(void)state;
	(void)place;
	for (size_t i = 1; i < PROGRAMS; i++) {
		if (programs[i].kernel_id == kernel_id)
			return programs[i].link_id;
	}
	return 0;
}

static int chain_read(uint32_t direction, struct tc_chain *chain)
{
	const struct tc_place place = place_of(direction);

	return tc_read(tc, &netlink, &place, link_of, NULL, chain, &last);
}

/* The kernel id of bpfd's filter; 0: none. */
static uint32_t filter_id(uint32_t direction)
{
	struct netlink_filter filter;

	assert_int_equal(netlink_filter_query(&netlink, host.ifindex, direction, &filter), 0);
	return filter.there ? filter.program_id : 0;
}

static void all_off(void)
{
	struct tc_request none = {};
	struct tc_chain chain;

	for (uint32_t direction = DIRECTION_INGRESS; direction <= DIRECTION_EGRESS; direction++) {
		none.place = place_of(direction);
		sync_ok(&none, &chain);
		assert_int_equal(chain.dispatcher_id, 0);
		assert_int_equal(chain.count, 0);
	}
	assert_int_equal(tc_collect(tc, &netlink, 0), 0);
	assert_int_equal(pins_count(), 0);
}

static int clean(void **state)
{
	struct tc_change change;

	(void)state;
	kernel = &kernel_real;
	fail_at = 0;
	all_off();
	(void)host_run("tc qdisc del dev in clsact 2>/dev/null", NULL, 0);
	while (tc_monitor_next(&monitor, &change) == 0)
		;
	for (size_t i = 1; i < PROGRAMS; i++) {
		programs[i].priority = PRIORITY_DEFAULT;
		programs[i].proceed_on = DEFAULT;
	}
	return 0;
}

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

/* A plain TC program in a filter of somebody else's. */
static void foreign_filter_add(const char *name, unsigned int digit, int verdict, const char *where)
{
	struct chain_member member;
	char path[64], command[256];
	int fd = tc_program_load(&host, NULL, name, digit, verdict, &member);

	(void)snprintf(path, sizeof(path), BPFFS "/%s", name);
	assert_int_equal(kernel_pin(fd, path), 0);
	(void)close(fd);
	(void)snprintf(command, sizeof(command),
	               "tc filter add dev in %s bpf da object-pinned %s && rm %s", where, path,
	               path);
	assert_int_equal(host_run(command, NULL, 0), 0);
}

static void clsact_add(const char *kind)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "tc qdisc add dev in %s", kind);
	assert_int_equal(host_run(command, NULL, 0), 0);
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

static void foreign_before_and_behind(void **state)
{
	struct tc_request two = INGRESS(1, 2), three = INGRESS(1, 2, 3), none = {}, shot;
	struct tc_chain chain;

	(void)state;
	clsact_add("clsact");
	foreign_filter_add("before", 13, TC_ACT_UNSPEC, "ingress pref 10");
	foreign_filter_add("behind", 15, TC_ACT_OK, "ingress");
	foreign_filter_add("beside", 14, TC_ACT_UNSPEC, "ingress pref 500 handle 0x7");
	sync_ok(&two, &chain);
	/* the kernel orders filters of one preference by itself */
	assert_int_equal(packet_trace(&host) & ~0xffffull, 0xd12u << 8 & ~0xffffull);
	assert_int_equal(packet_trace(&host) & 0xf, 0xf);
	assert_int_equal(host_run("tc filter del dev in ingress pref 500 handle 0x7 bpf", NULL, 0),
	                 0);
	assert_int_equal(packet_trace(&host), 0xd12f);
	sync_ok(&three, &chain);
	assert_int_equal(packet_trace(&host), 0xd123f);
	shot = INGRESS(1, SHOT, 2);
	shot.members[2].priority = 60;
	sync_ok(&shot, &chain);
	assert_int_equal(packet_trace(&host), 0xd1b);
	none.place = two.place;
	sync_ok(&none, &chain);
	assert_int_equal(packet_trace(&host), 0xdf);
	assert_int_equal(
		host_run("tc filter show dev in ingress | grep -c direct-action | grep -qx 2", NULL,
	                 0),
		0);
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

static void tc_reopen(void)
{
	tc_close(tc);
	assert_int_equal(tc_open(&host.settings, &tc, &last), 0);
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

static bool changed(uint32_t ifindex, uint32_t direction, uint32_t program)
{
	struct tc_change change;
	bool found = false;

	while (tc_monitor_next(&monitor, &change) == 0)
		found |= change.ifindex == ifindex && change.direction == direction &&
		         change.program_id == program;
	return found;
}

/* What others do to the place is told, read, and mended by the next sync. */
static void taken_off(void **state)
{
	static const struct {
		const char *command;
		uint32_t direction;
	} rows[] = {
		{ "tc filter del dev in egress pref 500", DIRECTION_EGRESS },
		{ "tc filter del dev in egress pref 500 handle 0xbfd bpf", DIRECTION_EGRESS },
		{ "tc filter del dev in egress", DIRECTION_EGRESS },
		{ "tc qdisc del dev in clsact", 0 },
	};
	struct tc_request two = EGRESS(1, 2);
	struct tc_chain chain;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sync_ok(&two, &chain);
		assert_true(changed(host.ifindex, DIRECTION_EGRESS, chain.dispatcher_id));
		print_message("    %s\n", rows[i].command);
		assert_int_equal(host_run(rows[i].command, NULL, 0), 0);
		assert_true(changed(host.ifindex, rows[i].direction, 0));
		assert_int_equal(chain_read(DIRECTION_EGRESS, &chain), 0);
		assert_int_equal(chain.dispatcher_id, 0);
		assert_int_equal(chain.count, 0);
		assert_int_equal(tc_collect(tc, &netlink, 0), 1);
	}
	sync_ok(&two, &chain);
	assert_int_equal(packet_trace_out(&host), 0x12);
	/* filters that are none of bpfd's business */
	assert_false(changed(host.ifindex, DIRECTION_INGRESS, 0));
	foreign_filter_add("elsewhere", 15, TC_ACT_OK, "ingress pref 10");
	assert_int_equal(host_run("tc filter del dev in ingress pref 10", NULL, 0), 0);
	assert_false(changed(host.ifindex, DIRECTION_INGRESS, 0));
}

/* Somebody removed a link's pin: the slot is empty, and the next sync fills it. */
static void link_removed(void **state)
{
	struct tc_request two = INGRESS(1, 2);
	struct tc_chain chain;

	(void)state;
	sync_ok(&two, &chain);
	assert_int_equal(host_run("rm " BPFFS "/bpfd/dispatchers/tc-0-*/prog0-link", NULL, 0), 0);
	assert_int_equal(packet_trace(&host), 2);
	tc_reopen();
	assert_int_equal(chain_read(DIRECTION_INGRESS, &chain), 0);
	assert_int_equal(chain.slots[0].kernel_id, 0);
	assert_int_equal(chain.slots[0].link_id, 0);
	assert_int_equal(chain.slots[1].link_id, 2);
	sync_ok(&two, &chain);
	assert_int_equal(packet_trace(&host), 0x12);
}

/* Others stand where bpfd's filter belongs: it is refused, and nothing of theirs changes. */
static void place_taken(void **state)
{
	struct tc_request one = INGRESS(1), none = {};
	struct tc_chain chain;

	(void)state;
	none.place = one.place;
	clsact_add("clsact");
	foreign_filter_add("squatter", 15, TC_ACT_OK, "ingress pref 500 handle 0xbfd");
	sync_refused(&one, -EBUSY, ERROR_BUSY, "is not bpfd's (\"squatter:");
	assert_int_equal(pins_count(), 0);
	sync_ok(&none, &chain);
	assert_int_equal(packet_trace(&host), 15);
	assert_int_equal(host_run("tc filter del dev in ingress && tc filter add dev in ingress "
	                          "pref 500 matchall action pass",
	                          NULL, 0),
	                 0);
	sync_refused(&one, -EBUSY, ERROR_BUSY, "(kind \"matchall\")");
	assert_int_equal(host_run("tc filter del dev in ingress", NULL, 0), 0);
	foreign_filter_add("ip_alone", 15, TC_ACT_OK, "ingress protocol ip pref 500");
	sync_refused(&one, -EBUSY, ERROR_BUSY, "(kind \"bpf\")");
	assert_int_equal(packet_trace(&host), 15);
	/* a filter of bpfd's that somebody pointed at another program is not bpfd's any more */
	assert_int_equal(host_run("tc filter del dev in ingress", NULL, 0), 0);
	sync_ok(&one, &chain);
	assert_int_equal(host_run("tc filter del dev in ingress", NULL, 0), 0);
	foreign_filter_add("replaced", 15, TC_ACT_OK, "ingress pref 500 handle 0xbfd");
	assert_int_equal(chain_read(DIRECTION_INGRESS, &chain), 0);
	assert_int_equal(chain.dispatcher_id, 0);
	sync_refused(&one, -EBUSY, ERROR_BUSY, "\"replaced:");
	assert_int_equal(tc_collect(tc, &netlink, 0), 1);
	assert_int_equal(packet_trace(&host), 15);
}

/* The older qdisc serves for ingress as it is, and stays what it is. */
static void qdisc_ingress(void **state)
{
	struct tc_request in = INGRESS(1, 2), out = EGRESS(1), none = {};
	struct tc_chain chain;

	(void)state;
	clsact_add("ingress");
	sync_refused(&out, -EBUSY, ERROR_BUSY, "knows no egress");
	sync_ok(&in, &chain);
	assert_int_equal(packet_trace(&host), 0x12);
	sync_refused(&out, -EBUSY, ERROR_BUSY, "knows no egress");
	assert_int_equal(chain_read(DIRECTION_EGRESS, &chain), 0);
	assert_int_equal(chain.dispatcher_id, 0);
	none.place = out.place;
	sync_ok(&none, &chain);
	assert_int_equal(packet_trace(&host), 0x12);
	none.place = in.place;
	sync_ok(&none, &chain);
	assert_int_equal(packet_trace(&host), 0);
	assert_int_equal(host_run("tc qdisc show dev in | grep -q 'qdisc ingress'", NULL, 0), 0);
	assert_int_equal(host_run("tc qdisc del dev in ingress", NULL, 0), 0);
	/* filters are shared: whoever shares them decides */
	clsact_add("ingress_block 7 clsact");
	sync_refused(&in, -EOPNOTSUPP, ERROR_UNSUPPORTED, "filter block");
	assert_int_equal(pins_count(), 0);
}

/* The qdisc stays when the last program goes, with what others have on it. */
static void qdisc_stays(void **state)
{
	struct tc_request one = INGRESS(1);
	struct tc_chain chain;

	(void)state;
	sync_ok(&one, &chain);
	foreign_filter_add("later", 15, TC_ACT_OK, "egress");
	all_off();
	assert_int_equal(packet_trace_out(&host), 15);
	assert_int_equal(host_run("tc qdisc show dev in | grep -q clsact", NULL, 0), 0);
}

static void interface_gone(void **state)
{
	struct tc_request request = INGRESS(1, 2), none = {};
	struct tc_chain chain;

	(void)state;
	assert_int_equal(host_run("ip link add gone type veth peer name other", NULL, 0), 0);
	request.place.ifindex = if_nametoindex("gone");
	sync_ok(&request, &chain);
	assert_int_not_equal(pins_count(), 0);
	assert_int_equal(host_run("ip link del gone", NULL, 0), 0);
	sync_refused(&request, -ENODEV, ERROR_NOT_FOUND, "does not exist any more");
	assert_int_equal(tc_read(tc, &netlink, &request.place, link_of, NULL, &chain, &last),
	                 -ENODEV);
	none.place = request.place;
	sync_refused(&none, -ENODEV, ERROR_NOT_FOUND, "does not exist any more");
	assert_int_equal(pins_count(), 0);
}

/* What the opener will do: a socket of another network namespace. */
static struct netlink namespace_netlink(const char *path)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = open(path, O_RDONLY | O_CLOEXEC);
	struct netlink made;

	assert_return_code(own, errno);
	assert_return_code(other, errno);
	assert_return_code(setns(other, CLONE_NEWNET), errno);
	assert_int_equal(netlink_open(0, &made), 0);
	assert_return_code(setns(own, CLONE_NEWNET), errno);
	(void)close(own);
	(void)close(other);
	return made;
}

/* A socket that was made in another namespace reaches the interfaces there. */
static void other_namespace(void **state)
{
	struct tc_request request = INGRESS(1, 2), none = {};
	struct netlink own = netlink;
	struct netlink_interface far;
	struct tc_chain chain;

	(void)state;
	assert_int_equal(host_run("ip netns add other 2>&1 && ip link add far type veth peer name "
	                          "near && ip link set far netns other",
	                          NULL, 0),
	                 0);
	netlink = namespace_netlink("/run/netns/other");
	assert_int_equal(netlink_interface_query(&netlink, 0, "far", &far), 0);
	request.place.netns = 77;
	request.place.ifindex = far.ifindex;
	sync_ok(&request, &chain);
	assert_string_equal(chain.interface, "far");
	assert_int_equal(host_run("ip netns exec other tc filter show dev far ingress | grep -q "
	                          "'pref 500 bpf chain 0 handle 0xbfd bpfd'",
	                          NULL, 0),
	                 0);
	/* bpfd's own namespace has its own numbers: nothing of these is collected there */
	assert_int_equal(tc_collect(tc, &own, 0), 0);
	assert_int_equal(tc_collect(tc, &netlink, 77), 0);
	none.place = request.place;
	sync_ok(&none, &chain);
	netlink_close(&netlink);
	netlink = own;
	assert_int_equal(host_run("ip netns del other", NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(one_to_ten, clean),
		cmocka_unit_test_teardown(order_and_ties, clean),
		cmocka_unit_test_teardown(directions_are_two, clean),
		cmocka_unit_test_teardown(proceed_on_each_code, clean),
		cmocka_unit_test_teardown(foreign_before_and_behind, clean),
		cmocka_unit_test_teardown(eleventh_refused, clean),
		cmocka_unit_test_teardown(every_call_fails, clean),
		cmocka_unit_test_teardown(restart, clean),
		cmocka_unit_test_teardown(orphans, clean),
		cmocka_unit_test_teardown(taken_off, clean),
		cmocka_unit_test_teardown(link_removed, clean),
		cmocka_unit_test_teardown(place_taken, clean),
		cmocka_unit_test_teardown(qdisc_ingress, clean),
		cmocka_unit_test_teardown(qdisc_stays, clean),
		cmocka_unit_test_teardown(interface_gone, clean),
		cmocka_unit_test_teardown(other_namespace, clean),
	};
	int result;

	host_open(&host);
	assert_int_equal(netlink_open(0, &netlink), 0);
	assert_int_equal(tc_monitor_open(&monitor), 0);
	tc = host_tc_open(&host);
	for (unsigned int i = 1; i < PROGRAMS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "digit_%x", i);
		(void)tc_program_load(&host, tc, name, i, i == SHOT ? TC_ACT_SHOT : TC_ACT_PIPE,
		                      &programs[i]);
	}
	result = cmocka_run_group_tests_name("TC programs on one interface", tests, NULL, NULL);
	tc_close(tc);
	return result;
}
