// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs of netfilter and of network namespaces: each counts its calls in its own slot; the first
 * two say what `verdict` is. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PORT 4242

const volatile int verdict = 1; /* NF_ACCEPT and SK_PASS are 1, NF_DROP and SK_DROP are 0 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

static __always_inline void count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&calls, &slot);

	if (value)
		__sync_fetch_and_add(value, 1);
}

SEC("netfilter")
int packet(void *context)
{
	(void)context;
	count(0);
	return verdict ? 1 : 0;
}

SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *context)
{
	if (context->local_port != PORT)
		return SK_PASS;
	count(1);
	return verdict ? SK_PASS : SK_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

/* Whoever connects to the port gets the socket in the map, wherever that one is bound. */
SEC("sk_lookup")
int redirect(struct bpf_sk_lookup *context)
{
	struct bpf_sock *socket;
	__u32 first = 0;
	long result;

	if (context->local_port != PORT)
		return SK_PASS;
	socket = bpf_map_lookup_elem(&sockets, &first);
	if (!socket)
		return SK_DROP;
	count(3);
	result = bpf_sk_assign(context, socket, 0);
	bpf_sk_release(socket);
	return result ? SK_DROP : SK_PASS;
}

SEC("flow_dissector")
int dissect(struct __sk_buff *packet)
{
	(void)packet;
	count(2);
	return BPF_OK;
}

char _license[] SEC("license") = "GPL";
