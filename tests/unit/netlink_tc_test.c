/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Messages about filters and qdiscs read: right ones, truncated ones, lying ones. */
#include "broker/netlink_tc.h"

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

/* bpfd's filter, as the kernel tells of it. */
static void filter_make(struct netlink_message *message, uint16_t type, const char *kind)
{
	const uint32_t id = 77, chain = 3;
	struct nlattr *nest;

	netlink_traffic_begin(message, type, 0, 5);
	message->traffic.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
	message->traffic.tcm_info = TC_H_MAKE(500u << 16, htons(ETH_P_ALL));
	message->traffic.tcm_handle = TC_FILTER_HANDLE;
	assert_non_null(netlink_message_append(message, TCA_KIND, kind, strlen(kind) + 1));
	assert_non_null(netlink_message_append(message, TCA_CHAIN, &chain, sizeof(chain)));
	nest = netlink_message_append(message, NLA_F_NESTED | TCA_OPTIONS, NULL, 0);
	assert_non_null(netlink_message_append(message, TCA_BPF_NAME, "bpfd", 5));
	assert_non_null(netlink_message_append(message, TCA_BPF_ID, &id, sizeof(id)));
	netlink_message_nest(message, nest);
}

static void filter_parsed(void **state)
{
	struct netlink_message message;
	struct netlink_traffic found;

	(void)state;
	filter_make(&message, RTM_NEWTFILTER, "bpf");
	assert_int_equal(netlink_traffic_parse(&message, message.header.nlmsg_len, &found), 0);
	assert_true(found.filter);
	assert_false(found.gone);
	assert_int_equal(found.ifindex, 5);
	assert_int_equal(found.direction, DIRECTION_EGRESS);
	assert_int_equal(found.preference, 500);
	assert_int_equal(found.protocol, ETH_P_ALL);
	assert_int_equal(found.handle, TC_FILTER_HANDLE);
	assert_int_equal(found.chain, 3);
	assert_int_equal(found.program_id, 77);
	assert_string_equal(found.kind, "bpf");
	assert_string_equal(found.name, "bpfd");
	filter_make(&message, RTM_DELTFILTER, "bpf");
	assert_int_equal(netlink_traffic_parse(&message, message.header.nlmsg_len, &found), 0);
	assert_true(found.gone);
	/* numbers of another kind's options mean something else */
	filter_make(&message, RTM_NEWTFILTER, "u32");
	assert_int_equal(netlink_traffic_parse(&message, message.header.nlmsg_len, &found), 0);
	assert_string_equal(found.kind, "u32");
	assert_int_equal(found.program_id, 0);
	filter_make(&message, RTM_NEWLINK, "bpf");
	assert_int_equal(netlink_traffic_parse(&message, message.header.nlmsg_len, &found),
	                 -ENOMSG);
}

static void directions(void **state)
{
	static const struct {
		uint32_t parent, direction;
	} rows[] = {
		{ TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), DIRECTION_INGRESS },
		{ TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), DIRECTION_EGRESS },
		{ TC_H_MAKE(TC_H_CLSACT, 0), DIRECTION_INGRESS },
		{ TC_H_MAKE(TC_H_CLSACT, 5), 0 },
		{ TC_H_MAKE(1u << 16, TC_H_MIN_INGRESS), 0 },
		{ 0, 0 },
	};
	struct netlink_message message;
	struct netlink_traffic found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		filter_make(&message, RTM_NEWTFILTER, "bpf");
		message.traffic.tcm_parent = rows[i].parent;
		assert_int_equal(netlink_traffic_parse(&message, message.header.nlmsg_len, &found),
		                 0);
		assert_int_equal(found.direction, rows[i].direction);
	}
	assert_string_equal(tc_direction_name(DIRECTION_INGRESS), "ingress");
	assert_string_equal(tc_direction_name(DIRECTION_EGRESS), "egress");
}

static void qdisc_parsed(void **state)
{
	struct netlink_message message;
	struct netlink_traffic found;

	(void)state;
	netlink_traffic_begin(&message, RTM_DELQDISC, 0, 9);
	message.traffic.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	message.traffic.tcm_parent = TC_H_CLSACT;
	assert_non_null(netlink_message_append(&message, TCA_KIND, "clsact", 7));
	assert_int_equal(netlink_traffic_parse(&message, message.header.nlmsg_len, &found), 0);
	assert_false(found.filter);
	assert_true(found.gone);
	assert_int_equal(found.ifindex, 9);
	assert_int_equal(found.direction, 0);
	assert_string_equal(found.kind, "clsact");
}

/* Copies are as long as they say, so that a sanitizer sees a read beyond the end. */
static int parse_exact(const void *bytes, size_t length, struct netlink_traffic *out)
{
	void *copy = malloc(length ? length : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	result = netlink_traffic_parse(copy, length, out);
	free(copy);
	return result;
}

static void filter_cut(void **state)
{
	struct netlink_traffic found = { .ifindex = 123 };
	struct netlink_message message;

	(void)state;
	filter_make(&message, RTM_NEWTFILTER, "bpf");
	for (size_t length = 0; length < message.header.nlmsg_len; length++)
		assert_int_equal(parse_exact(&message, length, &found), -EPROTO);
	assert_int_equal(found.ifindex, 123);
	/* cut, and honest about it: what is left is read */
	for (uint32_t length = 0; length < message.header.nlmsg_len; length++) {
		struct netlink_message shorter = message;
		bool enough = length >= NETLINK_TRAFFIC_ATTRIBUTES;

		shorter.header.nlmsg_len = length;
		assert_int_equal(parse_exact(&shorter, length, &found), enough ? 0 : -EPROTO);
		assert_int_equal(found.ifindex, enough ? 5 : 123);
	}
	message.traffic.tcm_ifindex = -1;
	assert_int_equal(parse_exact(&message, message.header.nlmsg_len, &found), -EPROTO);
}

/* Every byte of the attributes changed: never a read beyond the end, never a text that does not
 * end. */
static void filter_lies(void **state)
{
	struct netlink_message message, changed;

	(void)state;
	filter_make(&message, RTM_NEWTFILTER, "bpf");
	for (size_t at = NETLINK_TRAFFIC_ATTRIBUTES; at < message.header.nlmsg_len; at++) {
		for (unsigned int value = 0; value < 256; value++) {
			struct netlink_traffic found;

			changed = message;
			((unsigned char *)&changed)[at] = (unsigned char)value;
			assert_int_equal(parse_exact(&changed, changed.header.nlmsg_len, &found),
			                 0);
			assert_non_null(memchr(found.kind, '\0', sizeof(found.kind)));
			assert_non_null(memchr(found.name, '\0', sizeof(found.name)));
		}
	}
}

/* The kernel of this machine, where nothing is changed. */
static void loopback(void **state)
{
	char reason[NETLINK_REASON_SIZE];
	struct netlink_filter filter = { .there = true };
	enum netlink_qdisc qdisc;
	struct netlink netlink;

	(void)state;
	assert_int_equal(netlink_open(0, &netlink), 0);
	assert_int_equal(netlink_qdisc_query(&netlink, 1, &qdisc), 0);
	assert_int_equal(netlink_qdisc_query(&netlink, 0x7ffffff0, &qdisc), -ENODEV);
	assert_int_equal(netlink_filter_query(&netlink, 0x7ffffff0, DIRECTION_INGRESS, &filter), 0);
	assert_false(filter.there || filter.other);
	assert_true(netlink_clsact_make(&netlink, 0x7ffffff0, reason) < 0);
	assert_true(netlink_filter_set(&netlink, 0x7ffffff0, DIRECTION_INGRESS, -1, false, reason) <
	            0);
	assert_true(netlink_filter_remove(&netlink, 0x7ffffff0, DIRECTION_EGRESS, reason) < 0);
	/* the answers were all taken */
	assert_int_equal(netlink_qdisc_query(&netlink, 1, &qdisc), 0);
	netlink_close(&netlink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_parsed), cmocka_unit_test(directions),
		cmocka_unit_test(qdisc_parsed),  cmocka_unit_test(filter_cut),
		cmocka_unit_test(filter_lies),   cmocka_unit_test(loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
