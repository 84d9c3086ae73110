/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tests/bpf/sequence.bpf.c does, for TC. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETHERTYPE_TEST 0x88b5
#define TAGS_MAX 32 /* a power of two, for the verifier */

const volatile __u8 tag = 1;
const volatile __s32 verdict = TC_ACT_PIPE;

struct test_frame {
	struct ethhdr ethernet;
	__u8 count;
	__u8 number[4];
	__u8 tags[TAGS_MAX];
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} frames SEC(".maps");

static int frame_tag(struct __sk_buff *ctx, __u8 value)
{
	struct test_frame *frame;
	__u32 key = 0;
	__u8 *place;
	__u64 *count;

	if (bpf_skb_pull_data(ctx, sizeof(*frame)) < 0)
		return TC_ACT_PIPE;
	frame = (void *)(long)ctx->data;
	if ((void *)(frame + 1) > (void *)(long)ctx->data_end ||
	    frame->ethernet.h_proto != bpf_htons(ETHERTYPE_TEST))
		return TC_ACT_PIPE;
	/* in the packet a variable offset needs a bound check of its own */
	place = frame->tags + frame->count % TAGS_MAX;
	if ((void *)(place + 1) > (void *)(long)ctx->data_end)
		return TC_ACT_PIPE;
	*place = value;
	frame->count++;
	count = bpf_map_lookup_elem(&frames, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return verdict;
}

SEC("tc")
int tc_sequence(struct __sk_buff *ctx)
{
	return frame_tag(ctx, tag);
}

/* A second program in the same object: its tag is the first one's plus 100. */
SEC("classifier/second")
int tc_sequence_second(struct __sk_buff *ctx)
{
	return frame_tag(ctx, (__u8)(tag + 100));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
