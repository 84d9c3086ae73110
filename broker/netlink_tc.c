/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/netlink_tc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#define QDISC_HANDLE TC_H_MAKE(TC_H_CLSACT, 0)
#define KIND_CLSACT "clsact"
#define KIND_INGRESS "ingress"
#define KIND_BPF "bpf"

const char *tc_direction_name(uint32_t direction)
{
	return direction == DIRECTION_EGRESS ? "egress" : "ingress";
}

static uint32_t direction_parent(uint32_t direction)
{
	return TC_H_MAKE(TC_H_CLSACT,
	                 direction == DIRECTION_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

/* The qdisc "ingress" takes any minor number; "tc filter ... parent ffff:" says 0. */
static uint32_t parent_direction(uint32_t parent)
{
	if (TC_H_MAJ(parent) != TC_H_MAJ(TC_H_CLSACT))
		return 0;
	if (TC_H_MIN(parent) == TC_H_MIN_EGRESS)
		return DIRECTION_EGRESS;
	return TC_H_MIN(parent) == TC_H_MIN_INGRESS || TC_H_MIN(parent) == 0 ? DIRECTION_INGRESS
	                                                                     : 0;
}

static void number_take(const struct netlink_walk *value, uint32_t *out)
{
	if (value->length >= sizeof(*out))
		memcpy(out, value->bytes, sizeof(*out));
}

static void options_parse(struct netlink_walk options, struct netlink_traffic *out)
{
	struct netlink_walk value;
	uint16_t type;

	while (netlink_walk_next(&options, &type, &value)) {
		if (type == TCA_BPF_ID)
			number_take(&value, &out->program_id);
		else if (type == TCA_BPF_NAME)
			netlink_text_take(&value, out->name, sizeof(out->name));
	}
}

static void attributes_parse(struct netlink_walk walk, struct netlink_traffic *out)
{
	struct netlink_walk value, options = {};
	uint16_t type;

	while (netlink_walk_next(&walk, &type, &value)) {
		if (type == TCA_KIND)
			netlink_text_take(&value, out->kind, sizeof(out->kind));
		else if (type == TCA_CHAIN)
			number_take(&value, &out->chain);
		else if (type == TCA_OPTIONS)
			options = value;
	}
	/* the numbers of options mean something else for each kind */
	if (out->filter && strcmp(out->kind, KIND_BPF) == 0)
		options_parse(options, out);
}

static bool type_known(uint16_t type)
{
	return type == RTM_NEWQDISC || type == RTM_DELQDISC || type == RTM_NEWTFILTER ||
	       type == RTM_DELTFILTER;
}

int netlink_traffic_parse(const void *bytes, size_t length, struct netlink_traffic *out)
{
	struct netlink_traffic found = {};
	struct nlmsghdr header;
	struct tcmsg traffic;

	if (length < sizeof(header))
		return -EPROTO;
	memcpy(&header, bytes, sizeof(header));
	if (!type_known(header.nlmsg_type))
		return -ENOMSG;
	if (header.nlmsg_len < NETLINK_TRAFFIC_ATTRIBUTES || header.nlmsg_len > length)
		return -EPROTO;
	memcpy(&traffic, (const unsigned char *)bytes + NLMSG_HDRLEN, sizeof(traffic));
	if (traffic.tcm_ifindex < 0)
		return -EPROTO;
	found.ifindex = (uint32_t)traffic.tcm_ifindex;
	found.gone = header.nlmsg_type == RTM_DELQDISC || header.nlmsg_type == RTM_DELTFILTER;
	found.filter = header.nlmsg_type == RTM_NEWTFILTER || header.nlmsg_type == RTM_DELTFILTER;
	found.handle = traffic.tcm_handle;
	if (found.filter) {
		found.direction = parent_direction(traffic.tcm_parent);
		found.preference = TC_H_MAJ(traffic.tcm_info) >> 16;
		found.protocol = ntohs((uint16_t)TC_H_MIN(traffic.tcm_info));
	}
	attributes_parse(
		(struct netlink_walk){ (const unsigned char *)bytes + NETLINK_TRAFFIC_ATTRIBUTES,
	                               header.nlmsg_len - NETLINK_TRAFFIC_ATTRIBUTES },
		&found);
	*out = found;
	return 0;
}

static int qdisc_take(const void *bytes, size_t length, void *state)
{
	enum netlink_qdisc *out = state;
	struct netlink_traffic found;
	int result = netlink_traffic_parse(bytes, length, &found);

	if (result < 0)
		return result;
	*out = strcmp(found.kind, KIND_CLSACT) == 0    ? NETLINK_QDISC_CLSACT
	       : strcmp(found.kind, KIND_INGRESS) == 0 ? NETLINK_QDISC_INGRESS
	                                               : NETLINK_QDISC_NONE;
	return 0;
}

int netlink_qdisc_query(struct netlink *netlink, uint32_t ifindex, enum netlink_qdisc *out)
{
	struct netlink_message message;
	int result;

	/* without ECHO kernels before 6.8 tell everybody who listens, but not who asked */
	netlink_traffic_begin(&message, RTM_GETQDISC, NLM_F_ECHO, ifindex);
	message.traffic.tcm_parent = TC_H_CLSACT;
	message.traffic.tcm_handle = QDISC_HANDLE;
	result = netlink_exchange(netlink, &message, qdisc_take, out, NULL);
	/* never there, or taken off again */
	if (result == -ENOENT || result == -EINVAL) {
		*out = NETLINK_QDISC_NONE;
		return 0;
	}
	return result;
}

int netlink_clsact_make(struct netlink *netlink, uint32_t ifindex, char *reason)
{
	struct netlink_message message;

	netlink_traffic_begin(&message, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
	                      ifindex);
	message.traffic.tcm_parent = TC_H_CLSACT;
	message.traffic.tcm_handle = QDISC_HANDLE;
	(void)netlink_message_append(&message, TCA_KIND, KIND_CLSACT, sizeof(KIND_CLSACT));
	return netlink_exchange(netlink, &message, NULL, NULL, reason);
}

/* A message about filters of bpfd's preference in one direction. */
static void filter_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                         uint32_t ifindex, uint32_t direction)
{
	netlink_traffic_begin(message, type, flags, ifindex);
	message->traffic.tcm_parent = direction_parent(direction);
	message->traffic.tcm_info = TC_H_MAKE(TC_FILTER_PREFERENCE << 16, 0);
}

/* The same about bpfd's filter. */
static void own_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                      uint32_t ifindex, uint32_t direction)
{
	filter_begin(message, type, (uint16_t)(flags | NLM_F_ACK), ifindex, direction);
	message->traffic.tcm_info |= htons(ETH_P_ALL);
	message->traffic.tcm_handle = TC_FILTER_HANDLE;
	(void)netlink_message_append(message, TCA_KIND, KIND_BPF, sizeof(KIND_BPF));
}

static int filter_take(const void *bytes, size_t length, void *state)
{
	struct netlink_filter *out = state;
	struct netlink_traffic found;
	int result = netlink_traffic_parse(bytes, length, &found);

	if (result < 0)
		return result;
	if (found.preference != TC_FILTER_PREFERENCE || found.chain != 0)
		return 0;
	if (strcmp(found.kind, KIND_BPF) != 0 || found.protocol != ETH_P_ALL) {
		out->other = true;
		memcpy(out->kind, found.kind, sizeof(out->kind));
	} else if (found.handle == TC_FILTER_HANDLE) {
		out->there = true;
		out->program_id = found.program_id;
		memcpy(out->name, found.name, sizeof(out->name));
	}
	return 0;
}

int netlink_filter_query(struct netlink *netlink, uint32_t ifindex, uint32_t direction,
                         struct netlink_filter *out)
{
	const uint32_t chain = 0;
	struct netlink_filter found = {};
	struct netlink_message message;
	int result;

	/* all of the preference: a single one cannot be asked for without saying its kind */
	filter_begin(&message, RTM_GETTFILTER, NLM_F_DUMP, ifindex, direction);
	(void)netlink_message_append(&message, TCA_CHAIN, &chain, sizeof(chain));
	result = netlink_exchange(netlink, &message, filter_take, &found, NULL);
	if (result == 0)
		*out = found;
	return result;
}

int netlink_filter_set(struct netlink *netlink, uint32_t ifindex, uint32_t direction,
                       int program_fd, bool replace, char *reason)
{
	const uint16_t flags = replace ? NLM_F_REPLACE : NLM_F_CREATE | NLM_F_EXCL;
	const uint32_t bpf_flags = TCA_BPF_FLAG_ACT_DIRECT;
	struct netlink_message message;
	struct nlattr *nest;

	own_begin(&message, RTM_NEWTFILTER, flags, ifindex, direction);
	nest = netlink_message_append(&message, NLA_F_NESTED | TCA_OPTIONS, NULL, 0);
	if (!nest ||
	    !netlink_message_append(&message, TCA_BPF_FD, &program_fd, sizeof(program_fd)) ||
	    !netlink_message_append(&message, TCA_BPF_NAME, TC_FILTER_NAME,
	                            sizeof(TC_FILTER_NAME)) ||
	    !netlink_message_append(&message, TCA_BPF_FLAGS, &bpf_flags, sizeof(bpf_flags)))
		return -EINVAL;
	netlink_message_nest(&message, nest);
	return netlink_exchange(netlink, &message, NULL, NULL, reason);
}

int netlink_filter_remove(struct netlink *netlink, uint32_t ifindex, uint32_t direction,
                          char *reason)
{
	struct netlink_message message;

	own_begin(&message, RTM_DELTFILTER, 0, ifindex, direction);
	return netlink_exchange(netlink, &message, NULL, NULL, reason);
}
