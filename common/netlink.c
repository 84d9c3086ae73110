/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/netlink.h"
#include "common/cleanup.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_SIZE 16384
#define ANSWER_TIMEOUT_S 2
#define TYPE_MASK 0x3fffu /* NLA_TYPE_MASK and NLA_ALIGN, unsigned */
#define ALIGNED(length) (((length) + 3u) & ~(size_t)3)

static const struct sockaddr_nl kernel_address = { .nl_family = AF_NETLINK };

int netlink_open(uint32_t groups, struct netlink *out)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = groups };
	struct timeval patience = { .tv_sec = ANSWER_TIMEOUT_S };
	int flags = SOCK_RAW | SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0), on = 1;
	_cleanup_close_ int fd = socket(AF_NETLINK, flags, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	/* one that only asks gets its address with its first question */
	if ((groups && bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return -errno;
	*out = (struct netlink){ .fd = steal_fd(&fd), .sequence = 1 };
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	close_cleanup(&netlink->fd);
	netlink->fd = -1;
}

static void message_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                          uint32_t length)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = length;
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
}

void netlink_message_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                           uint32_t ifindex)
{
	message_begin(message, type, flags, NETLINK_INTERFACE_ATTRIBUTES);
	message->interface.ifi_family = AF_UNSPEC;
	message->interface.ifi_index = (int)ifindex;
}

void netlink_traffic_begin(struct netlink_message *message, uint16_t type, uint16_t flags,
                           uint32_t ifindex)
{
	message_begin(message, type, flags, NETLINK_TRAFFIC_ATTRIBUTES);
	message->traffic.tcm_family = AF_UNSPEC;
	message->traffic.tcm_ifindex = (int)ifindex;
}

struct nlattr *netlink_message_append(struct netlink_message *message, uint16_t type,
                                      const void *data, size_t size_bytes)
{
	size_t length = sizeof(struct nlattr) + size_bytes, at = message->header.nlmsg_len;

	if (length > sizeof(*message) - at)
		return NULL;

	struct nlattr *attribute = (struct nlattr *)((unsigned char *)message + at);

	attribute->nla_len = (uint16_t)length;
	attribute->nla_type = type;
	if (size_bytes)
		memcpy(attribute + 1, data, size_bytes);
	message->header.nlmsg_len += (uint32_t)ALIGNED(length);
	return attribute;
}

void netlink_message_nest(struct netlink_message *message, struct nlattr *nest)
{
	unsigned char *end = (unsigned char *)message + message->header.nlmsg_len;

	nest->nla_len = (uint16_t)(end - (unsigned char *)nest);
}

bool netlink_walk_next(struct netlink_walk *walk, uint16_t *type, struct netlink_walk *value)
{
	struct nlattr attribute;

	if (walk->length < sizeof(attribute))
		return false;
	memcpy(&attribute, walk->bytes, sizeof(attribute));
	if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > walk->length)
		return false;
	*type = (uint16_t)(attribute.nla_type & TYPE_MASK);
	*value = (struct netlink_walk){ walk->bytes + sizeof(attribute),
		                        attribute.nla_len - sizeof(attribute) };

	size_t step = ALIGNED(attribute.nla_len);

	if (step > walk->length)
		step = walk->length;
	walk->bytes += step;
	walk->length -= step;
	return true;
}

void netlink_text_take(const struct netlink_walk *value, char *out, size_t size_bytes)
{
	size_t length = value->length < size_bytes ? value->length : size_bytes - 1;

	memset(out, 0, size_bytes);
	memcpy(out, value->bytes, strnlen((const char *)value->bytes, length));
}

static void xdp_parse(struct netlink_walk xdp, struct netlink_interface *out)
{
	struct netlink_walk value;
	uint16_t type;

	while (netlink_walk_next(&xdp, &type, &value)) {
		if (type == IFLA_XDP_ATTACHED && value.length >= 1)
			out->attached = value.bytes[0];
		else if (type == IFLA_XDP_PROG_ID && value.length >= sizeof(out->program_id))
			memcpy(&out->program_id, value.bytes, sizeof(out->program_id));
	}
}

int netlink_interface_parse(const void *bytes, size_t length, struct netlink_interface *out)
{
	const size_t attributes = NETLINK_INTERFACE_ATTRIBUTES;
	struct netlink_interface found = {};
	struct netlink_message head;
	struct netlink_walk walk, value;
	uint16_t type;

	if (length < sizeof(head.header))
		return -EPROTO;
	memcpy(&head, bytes, length < attributes ? sizeof(head.header) : attributes);
	if (head.header.nlmsg_type != RTM_NEWLINK && head.header.nlmsg_type != RTM_DELLINK)
		return -ENOMSG;
	if (length < attributes || head.header.nlmsg_len < attributes ||
	    head.header.nlmsg_len > length || head.interface.ifi_index <= 0)
		return -EPROTO;
	found.ifindex = (uint32_t)head.interface.ifi_index;
	found.gone = head.header.nlmsg_type == RTM_DELLINK;
	walk = (struct netlink_walk){ (const unsigned char *)bytes + attributes,
		                      head.header.nlmsg_len - attributes };
	while (netlink_walk_next(&walk, &type, &value)) {
		if (type == IFLA_IFNAME)
			netlink_text_take(&value, found.name, sizeof(found.name));
		else if (type == IFLA_XDP)
			xdp_parse(value, &found);
	}
	*out = found;
	return 0;
}

/* The kernel's own words lie behind the error, and behind the request that it may echo. */
static void reason_parse(const struct nlmsghdr *header, const struct nlmsgerr *answer,
                         struct netlink_walk rest, char *reason)
{
	struct netlink_walk value;
	uint16_t type;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED)) {
		size_t echoed = ALIGNED(answer->msg.nlmsg_len);

		if (echoed < NLMSG_HDRLEN || echoed - NLMSG_HDRLEN > rest.length)
			return;
		rest.bytes += echoed - NLMSG_HDRLEN;
		rest.length -= echoed - NLMSG_HDRLEN;
	}
	while (netlink_walk_next(&rest, &type, &value)) {
		if (type == NLMSGERR_ATTR_MSG)
			netlink_text_take(&value, reason, NETLINK_REASON_SIZE);
	}
}

int netlink_answer_parse(const void *bytes, size_t length, char *reason)
{
	const size_t fixed = NLMSG_HDRLEN + sizeof(struct nlmsgerr);
	struct nlmsghdr header;
	struct nlmsgerr answer;

	if (length < fixed)
		return -EPROTO;
	memcpy(&header, bytes, sizeof(header));
	memcpy(&answer, (const unsigned char *)bytes + NLMSG_HDRLEN, sizeof(answer));
	if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_len < fixed ||
	    header.nlmsg_len > length || answer.error > 0 || answer.error < -4095)
		return -EPROTO;
	if (reason)
		reason_parse(&header, &answer,
		             (struct netlink_walk){ (const unsigned char *)bytes + fixed,
		                                    header.nlmsg_len - fixed },
		             reason);
	return answer.error;
}

long netlink_receive(const struct netlink *netlink, void *buffer, size_t size_bytes)
{
	for (;;) {
		struct sockaddr_nl sender = {};
		socklen_t sender_size = sizeof(sender);
		ssize_t length = recvfrom(netlink->fd, buffer, size_bytes, MSG_TRUNC,
		                          (struct sockaddr *)&sender, &sender_size);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		if (sender.nl_pid != 0) /* any process may send to our address; the kernel is 0 */
			continue;
		return (size_t)length > size_bytes ? -EMSGSIZE : length;
	}
}

/* The end of a dump carries a result, like an acknowledgement. */
static int done_parse(const unsigned char *bytes, size_t length)
{
	int result;

	if (length < NLMSG_HDRLEN + sizeof(result))
		return -EPROTO;
	memcpy(&result, bytes + NLMSG_HDRLEN, sizeof(result));
	return result > 0 || result < -4095 ? -EPROTO : result;
}

/* An answer on its way in. */
struct answer {
	const struct netlink_message *question;
	netlink_take *take;
	void *state;
	char *reason;
	int result;
};

/* Both return true when the answer is complete, with its `result`. */
static bool answer_message(struct answer *answer, const struct nlmsghdr *header,
                           const unsigned char *bytes, size_t length)
{
	bool dump = answer->question->header.nlmsg_flags & NLM_F_DUMP;

	if (header->nlmsg_type == NLMSG_ERROR) {
		answer->result = netlink_answer_parse(bytes, length, answer->reason);
		if (answer->result == 0 && answer->take)
			answer->result = -EPROTO;
		return true;
	}
	if (dump && header->nlmsg_type == NLMSG_DONE) {
		answer->result = done_parse(bytes, length);
		return true;
	}
	answer->result =
		answer->take ? answer->take(bytes, header->nlmsg_len, answer->state) : -EPROTO;
	return !dump || answer->result < 0;
}

static bool answer_datagram(struct answer *answer, const unsigned char *bytes, size_t length)
{
	struct nlmsghdr header;

	while (length >= sizeof(header)) {
		memcpy(&header, bytes, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length) {
			answer->result = -EPROTO;
			return true;
		}
		/* else a late answer to a question given up */
		if (header.nlmsg_seq == answer->question->header.nlmsg_seq &&
		    answer_message(answer, &header, bytes, header.nlmsg_len))
			return true;

		size_t step = ALIGNED(header.nlmsg_len);

		if (step >= length)
			return false;
		bytes += step;
		length -= step;
	}
	answer->result = -EPROTO;
	return true;
}

int netlink_exchange(struct netlink *netlink, struct netlink_message *message, netlink_take *take,
                     void *state, char *reason)
{
	unsigned char buffer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct answer answer = { message, take, state, reason, 0 };

	if (reason)
		reason[0] = '\0';
	message->header.nlmsg_seq = netlink->sequence++;
	/* with an address, so that the sender's capabilities count alone, and not also those of
	 * whoever made the socket: netlink_ns_capable() */
	if (sendto(netlink->fd, message, message->header.nlmsg_len, 0,
	           (const struct sockaddr *)&kernel_address, sizeof(kernel_address)) < 0)
		return -errno;
	for (;;) {
		long length = netlink_receive(netlink, buffer, sizeof(buffer));

		if (length < 0)
			return length == -EAGAIN ? -ETIMEDOUT : (int)length;
		if (answer_datagram(&answer, buffer, (size_t)length))
			return answer.result;
	}
}

static int interface_take(const void *bytes, size_t length, void *state)
{
	return netlink_interface_parse(bytes, length, state);
}

int netlink_ask(struct netlink *netlink, struct netlink_message *message,
                struct netlink_interface *out, char *reason)
{
	return netlink_exchange(netlink, message, out ? interface_take : NULL, out, reason);
}

int netlink_interface_query(struct netlink *netlink, uint32_t ifindex, const char *name,
                            struct netlink_interface *out)
{
	struct netlink_message message;

	netlink_message_begin(&message, RTM_GETLINK, 0, ifindex);
	if (!ifindex) {
		size_t length = strlen(name);

		if (length == 0 || length >= INTERFACE_SIZE ||
		    !netlink_message_append(&message, IFLA_IFNAME, name, length + 1))
			return -ENODEV;
	}
	return netlink_ask(netlink, &message, out, NULL);
}
