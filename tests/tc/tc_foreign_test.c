/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TC programs beside what others do to the same interface: filters, qdiscs, namespaces. Needs a
 * kernel that takes extension programs. */
#include "tests/tc/tc_stage.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

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
		cmocka_unit_test_teardown(foreign_before_and_behind, clean),
		cmocka_unit_test_teardown(taken_off, clean),
		cmocka_unit_test_teardown(link_removed, clean),
		cmocka_unit_test_teardown(place_taken, clean),
		cmocka_unit_test_teardown(qdisc_ingress, clean),
		cmocka_unit_test_teardown(qdisc_stays, clean),
		cmocka_unit_test_teardown(interface_gone, clean),
		cmocka_unit_test_teardown(other_namespace, clean),
	};
	int result;

	stage_open();
	result = cmocka_run_group_tests_name("TC programs beside others", tests, NULL, NULL);
	tc_close(tc);
	return result;
}
