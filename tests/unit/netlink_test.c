/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Netlink messages built and read: right ones, truncated ones, lying ones. */
#include "broker/netlink.h"

#include <cmocka.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTRIBUTES NETLINK_INTERFACE_ATTRIBUTES

/* An interface as the kernel tells of it: name, then XDP. */
static void link_make(struct netlink_message *message, uint16_t type)
{
	const unsigned char attached = XDP_ATTACHED_SKB;
	const uint32_t id = 77;
	struct nlattr *nest;

	netlink_message_begin(message, type, 0, 5);
	assert_non_null(netlink_message_append(message, IFLA_IFNAME, "eth0", 5));
	nest = netlink_message_append(message, IFLA_XDP, NULL, 0);
	assert_non_null(netlink_message_append(message, IFLA_XDP_ATTACHED, &attached, 1));
	assert_non_null(netlink_message_append(message, IFLA_XDP_PROG_ID, &id, sizeof(id)));
	netlink_message_nest(message, nest);
}

static void link_parsed(void **state)
{
	struct netlink_message message;
	struct netlink_interface found;

	(void)state;
	link_make(&message, RTM_NEWLINK);
	assert_int_equal(netlink_interface_parse(&message, message.header.nlmsg_len, &found), 0);
	assert_int_equal(found.ifindex, 5);
	assert_int_equal(found.program_id, 77);
	assert_int_equal(found.attached, XDP_ATTACHED_SKB);
	assert_string_equal(found.name, "eth0");
	assert_false(found.gone);
	link_make(&message, RTM_DELLINK);
	assert_int_equal(netlink_interface_parse(&message, message.header.nlmsg_len, &found), 0);
	assert_true(found.gone);
	link_make(&message, RTM_NEWADDR);
	assert_int_equal(netlink_interface_parse(&message, message.header.nlmsg_len, &found),
	                 -ENOMSG);
}

/* Copies are as long as they say, so that a sanitizer sees a read beyond the end. */
static int parse_exact(const void *bytes, size_t length, struct netlink_interface *out)
{
	void *copy = malloc(length ? length : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	result = netlink_interface_parse(copy, length, out);
	free(copy);
	return result;
}

static void link_cut(void **state)
{
	struct netlink_interface found = { .ifindex = 123 };
	struct netlink_message message;

	(void)state;
	link_make(&message, RTM_NEWLINK);
	for (size_t length = 0; length < message.header.nlmsg_len; length++)
		assert_int_equal(parse_exact(&message, length, &found), -EPROTO);
	assert_int_equal(found.ifindex, 123);
	/* cut, and honest about it: what is left is read */
	for (uint32_t length = ATTRIBUTES; length < message.header.nlmsg_len; length++) {
		struct netlink_message shorter = message;

		shorter.header.nlmsg_len = length;
		assert_int_equal(parse_exact(&shorter, length, &found), 0);
		assert_int_equal(found.ifindex, 5);
	}
}

/* Every byte of the attributes changed: never a read beyond the end, never a name that does not
 * end. */
static void link_lies(void **state)
{
	struct netlink_message message, changed;

	(void)state;
	link_make(&message, RTM_NEWLINK);
	for (size_t at = ATTRIBUTES; at < message.header.nlmsg_len; at++) {
		for (unsigned int value = 0; value < 256; value++) {
			struct netlink_interface found;

			changed = message;
			((unsigned char *)&changed)[at] = (unsigned char)value;
			assert_int_equal(parse_exact(&changed, changed.header.nlmsg_len, &found),
			                 0);
			assert_non_null(memchr(found.name, '\0', sizeof(found.name)));
		}
	}
	changed = message;
	changed.interface.ifi_index = 0;
	assert_int_equal(
		parse_exact(&changed, changed.header.nlmsg_len, &(struct netlink_interface){}),
		-EPROTO);
	changed.interface.ifi_index = -1;
	assert_int_equal(
		parse_exact(&changed, changed.header.nlmsg_len, &(struct netlink_interface){}),
		-EPROTO);
}

static void link_long_name(void **state)
{
	struct netlink_interface found;
	struct netlink_message message;
	char name[40];

	(void)state;
	memset(name, 'n', sizeof(name));
	netlink_message_begin(&message, RTM_NEWLINK, 0, 5);
	assert_non_null(netlink_message_append(&message, IFLA_IFNAME, name, sizeof(name)));
	assert_int_equal(parse_exact(&message, message.header.nlmsg_len, &found), 0);
	assert_int_equal(strlen(found.name), INTERFACE_SIZE - 1);
}

static void append_bounded(void **state)
{
	unsigned char big[200] = {};
	struct netlink_message message;

	(void)state;
	netlink_message_begin(&message, RTM_SETLINK, 0, 1);
	assert_null(netlink_message_append(&message, 1, big, sizeof(big)));
	assert_int_equal(message.header.nlmsg_len, ATTRIBUTES);
	for (int i = 0; i < 100; i++)
		(void)netlink_message_append(&message, 1, big, 5);
	assert_true(message.header.nlmsg_len <= sizeof(message));
}

struct acknowledgement {
	struct nlmsghdr header;
	struct nlmsgerr answer;
	struct nlattr attribute;
	char text[20];
};

static struct acknowledgement refusal(void)
{
	struct acknowledgement made = {
		.header = { .nlmsg_len = sizeof(made),
		            .nlmsg_type = NLMSG_ERROR,
		            .nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS },
		.answer = { .error = -EBUSY, .msg = { .nlmsg_len = 64 } },
		.attribute = { .nla_len = sizeof(made.attribute) + 14,
		               .nla_type = NLMSGERR_ATTR_MSG },
		.text = "already there",
	};

	return made;
}

static void answer_parsed(void **state)
{
	struct acknowledgement made = refusal();
	char reason[NETLINK_REASON_SIZE] = "";

	(void)state;
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EBUSY);
	assert_string_equal(reason, "already there");
	for (size_t length = 0; length < sizeof(made); length++)
		assert_int_equal(netlink_answer_parse(&made, length, reason), -EPROTO);
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), NULL), -EBUSY);
	made.answer.error = 0;
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), 0);
	made.answer.error = 5;
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EPROTO);
	made.answer.error = INT32_MIN;
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EPROTO);
	made = refusal();
	made.header.nlmsg_type = RTM_NEWLINK;
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EPROTO);
}

/* The kernel may echo the request before its words, with a length that is not to be trusted. */
static void answer_echo(void **state)
{
	struct acknowledgement made = refusal();
	char reason[NETLINK_REASON_SIZE] = "";

	(void)state;
	made.header.nlmsg_flags = NLM_F_ACK_TLVS;
	made.answer.msg.nlmsg_len = NLMSG_HDRLEN; /* nothing but its header was echoed */
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EBUSY);
	assert_string_equal(reason, "already there");
	reason[0] = '\0';
	for (uint32_t lie = 0; lie < 200; lie++) {
		made.answer.msg.nlmsg_len = lie == NLMSG_HDRLEN ? 0 : lie;
		assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EBUSY);
	}
	made.answer.msg.nlmsg_len = UINT32_MAX;
	assert_int_equal(netlink_answer_parse(&made, sizeof(made), reason), -EBUSY);
}

static void xdp_built(void **state)
{
	struct netlink_xdp change = {
		.ifindex = 4, .mode = XDP_MODE_NATIVE, .program_fd = 9, .expected_fd = -1
	};
	struct netlink_message message;
	uint32_t words[10];

	(void)state;
	assert_int_equal(netlink_xdp_build(&change, &message), 0);
	assert_int_equal(message.header.nlmsg_type, RTM_SETLINK);
	assert_int_equal(message.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(message.interface.ifi_index, 4);
	/* nest, fd, flags */
	memcpy(words, (unsigned char *)&message + ATTRIBUTES, sizeof(words));
	assert_int_equal(words[0], (uint32_t)(NLA_F_NESTED | IFLA_XDP) << 16 | 20);
	assert_int_equal(words[1], IFLA_XDP_FD << 16 | 8);
	assert_int_equal(words[2], 9);
	assert_int_equal(words[3], IFLA_XDP_FLAGS << 16 | 8);
	assert_int_equal(words[4], XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST);
	assert_int_equal(message.header.nlmsg_len, ATTRIBUTES + 20);
	change = (struct netlink_xdp){
		.ifindex = 4, .mode = XDP_MODE_GENERIC, .program_fd = -1, .expected_fd = 12
	};
	assert_int_equal(netlink_xdp_build(&change, &message), 0);
	memcpy(words, (unsigned char *)&message + ATTRIBUTES, sizeof(words));
	assert_int_equal(words[2], (uint32_t)-1);
	assert_int_equal(words[4], XDP_FLAGS_SKB_MODE | XDP_FLAGS_REPLACE);
	assert_int_equal(words[5], IFLA_XDP_EXPECTED_FD << 16 | 8);
	assert_int_equal(words[6], 12);
	change.expected_fd = -1; /* nothing by nothing */
	assert_int_equal(netlink_xdp_build(&change, &message), -EINVAL);
	change = (struct netlink_xdp){ .ifindex = 4, .program_fd = 9, .expected_fd = -1 };
	assert_int_equal(netlink_xdp_build(&change, &message), -EINVAL); /* which mode? */
}

static void modes(void **state)
{
	(void)state;
	assert_int_equal(netlink_xdp_mode(XDP_ATTACHED_DRV), XDP_MODE_NATIVE);
	assert_int_equal(netlink_xdp_mode(XDP_ATTACHED_SKB), XDP_MODE_GENERIC);
	assert_int_equal(netlink_xdp_mode(XDP_ATTACHED_NONE), XDP_MODE_DEFAULT);
	assert_int_equal(netlink_xdp_mode(XDP_ATTACHED_MULTI), XDP_MODE_DEFAULT);
	assert_int_equal(netlink_xdp_mode(XDP_ATTACHED_HW), XDP_MODE_DEFAULT);
	assert_int_equal(netlink_xdp_mode(200), XDP_MODE_DEFAULT);
}

/* The kernel of this machine. */
static void loopback(void **state)
{
	struct netlink_interface found;
	struct netlink netlink;
	char before;

	(void)state;
	assert_int_equal(netlink_open(0, &netlink), 0);
	assert_int_equal(netlink_interface_query(&netlink, 0, "lo", &found), 0);
	assert_int_equal(found.ifindex, if_nametoindex("lo"));
	assert_int_equal(netlink_interface_query(&netlink, found.ifindex, NULL, &found), 0);
	assert_string_equal(found.name, "lo");
	assert_int_equal(netlink_interface_query(&netlink, 0x7ffffff0, NULL, &found), -ENODEV);
	assert_int_equal(netlink_interface_query(&netlink, 0, "bpfd-none", &found), -ENODEV);
	assert_int_equal(netlink_interface_query(&netlink, 0, "", &found), -ENODEV);
	assert_int_equal(netlink_interface_query(&netlink, 0, "longer-than-any-name", &found),
	                 -ENODEV);
	netlink_close(&netlink);
	assert_int_equal(netlink_open(RTMGRP_LINK, &netlink), 0);
	assert_int_equal(netlink_receive(&netlink, &before, sizeof(before)), -EAGAIN);
	netlink_close(&netlink);
}

/* What another process sends to the socket is not taken for the kernel's. */
static void stranger(void **state)
{
	struct sockaddr_nl self = {};
	socklen_t size = sizeof(self);
	struct netlink netlink, other;
	struct netlink_message message;
	struct netlink_interface found;

	(void)state;
	assert_int_equal(netlink_open(0, &netlink), 0);
	assert_int_equal(netlink_open(0, &other), 0);
	assert_return_code(getsockname(netlink.fd, (struct sockaddr *)&self, &size), errno);
	link_make(&message, RTM_NEWLINK);
	message.header.nlmsg_seq = netlink.sequence;
	if (sendto(other.fd, &message, message.header.nlmsg_len, 0, (struct sockaddr *)&self,
	           size) < 0)
		assert_int_equal(errno, EPERM); /* the kernel may refuse it already */
	assert_int_equal(netlink_interface_query(&netlink, 0, "lo", &found), 0);
	assert_string_equal(found.name, "lo");
	netlink_close(&netlink);
	netlink_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_parsed),    cmocka_unit_test(link_cut),
		cmocka_unit_test(link_lies),      cmocka_unit_test(link_long_name),
		cmocka_unit_test(append_bounded), cmocka_unit_test(answer_parsed),
		cmocka_unit_test(answer_echo),    cmocka_unit_test(xdp_built),
		cmocka_unit_test(modes),          cmocka_unit_test(loopback),
		cmocka_unit_test(stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
