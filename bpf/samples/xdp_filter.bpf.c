/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Drops UDP packets to one port, over IPv4 and IPv6, and counts them; everything else passes. The
 *port is a global that is set at load time (in the byte order of the machine: 9999 is 0f27 on x86):
 *
 *	bpfctl load file xdp_filter.bpf.o --program xdp:xdp_filter --global blocked_port=0f27
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u16 blocked_port = 9999;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

/*
 * Where this program stands among others on an interface, unless `bpfctl attach` says otherwise: a
 * number is the element count of the array pointed to. Priority 20 runs before the default of 50;
 * after XDP_PASS, and only then, the next runs.
 */
struct {
	__uint(priority, 20);
	__uint(XDP_PASS, 1);
} _xdp_filter SEC(".xdp_run_config");

#define IP_FRAGMENT_OFFSET 0x1fff

/* The UDP header, or NULL: not UDP, not the first fragment, or cut short. */
static struct udphdr *udp_find(void *data, void *end)
{
	struct ethhdr *ethernet = data;

	if ((void *)(ethernet + 1) > end)
		return NULL;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(ethernet + 1);

		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_UDP ||
		    (ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET)))
			return NULL;
		return (void *)ip + ip->ihl * 4;
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);

		if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_UDP)
			return NULL;
		return (void *)(ip + 1);
	}
	return NULL;
}

SEC("xdp")
int xdp_filter(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct udphdr *udp = udp_find((void *)(long)ctx->data, end);
	__u32 key = 0;
	__u64 *count;

	if (!udp || (void *)(udp + 1) > end || udp->dest != bpf_htons(blocked_port))
		return XDP_PASS;
	count = bpf_map_lookup_elem(&drops, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
