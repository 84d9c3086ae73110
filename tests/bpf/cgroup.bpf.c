// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One program for each type of control group: each counts its calls in its own slot, and allows. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SLOTS 32
#define ALLOW 1
#define DENY 0

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

/* Who ran, one digit for each, the first one in front. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} trace SEC(".maps");

static __always_inline int count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&calls, &slot);

	if (value)
		__sync_fetch_and_add(value, 1);
	return ALLOW;
}

static __always_inline int trace_add(__u64 digit)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&trace, &key);

	if (value)
		*value = *value * 10 + digit;
	return ALLOW;
}

#define COUNTER(name, section, slot)         \
	SEC(section) int name(void *context) \
	{                                    \
		(void)context;               \
		return count(slot);          \
	}

COUNTER(skb_in, "cgroup_skb/ingress", 0)
COUNTER(skb_out, "cgroup_skb/egress", 1)
COUNTER(sock_made, "cgroup/sock_create", 2)
COUNTER(sock_ended, "cgroup/sock_release", 3)
COUNTER(bound4, "cgroup/post_bind4", 4)
COUNTER(bound6, "cgroup/post_bind6", 5)
COUNTER(bind4, "cgroup/bind4", 6)
COUNTER(bind6, "cgroup/bind6", 7)
COUNTER(connect4, "cgroup/connect4", 8)
COUNTER(connect6, "cgroup/connect6", 9)
COUNTER(sendmsg4, "cgroup/sendmsg4", 10)
COUNTER(sendmsg6, "cgroup/sendmsg6", 11)
COUNTER(recvmsg4, "cgroup/recvmsg4", 12)
COUNTER(recvmsg6, "cgroup/recvmsg6", 13)
COUNTER(getpeername4, "cgroup/getpeername4", 14)
COUNTER(getpeername6, "cgroup/getpeername6", 15)
COUNTER(getsockname4, "cgroup/getsockname4", 16)
COUNTER(getsockname6, "cgroup/getsockname6", 17)
COUNTER(option_read, "cgroup/getsockopt", 18)
COUNTER(option_set, "cgroup/setsockopt", 19)
COUNTER(sysctl, "cgroup/sysctl", 20)
COUNTER(device, "cgroup/dev", 21)
COUNTER(operation, "sockops", 22)

#define TRACER(name, digit)                            \
	SEC("cgroup/connect4") int name(void *context) \
	{                                              \
		(void)context;                         \
		return trace_add(digit);               \
	}

TRACER(one, 1)
TRACER(two, 2)
TRACER(three, 3)
TRACER(four, 4)

SEC("cgroup/connect4") int refuse(void *context)
{
	(void)context;
	return DENY;
}

/* Whose section says no direction: the request has to. */
COUNTER(any_skb, "cgroup/skb", 23)

char _license[] SEC("license") = "GPL";
