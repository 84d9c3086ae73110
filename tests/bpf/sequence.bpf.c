/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes its tag into each test frame that passes, and returns what it is told to: so frames
 * themselves prove which programs ran and in which order. After the Ethernet header (ethertype
 * 0x88b5) a test frame holds a count (1 byte), a number (4 bytes) and the tags. Other frames pass
 * untouched.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETHERTYPE_TEST 0x88b5
#define TAGS_MAX 32 /* a power of two, for the verifier */
#ifndef SEQUENCE_SECTION
#define SEQUENCE_SECTION "xdp"
#endif

const volatile __u8 tag = 1;
const volatile __u32 verdict = XDP_PASS;

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

static int frame_tag(struct xdp_md *ctx, __u8 value)
{
	struct test_frame *frame = (void *)(long)ctx->data;
	__u32 key = 0;
	__u8 *place;
	__u64 *count;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end ||
	    frame->ethernet.h_proto != bpf_htons(ETHERTYPE_TEST))
		return XDP_PASS;
	/* in the packet a variable offset needs a bound check of its own */
	place = frame->tags + frame->count % TAGS_MAX;
	if ((void *)(place + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	*place = value;
	frame->count++;
	count = bpf_map_lookup_elem(&frames, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return (int)verdict;
}

SEC(SEQUENCE_SECTION)
int sequence(struct xdp_md *ctx)
{
	return frame_tag(ctx, tag);
}

/* A second program in the same object: its tag is the first one's plus 100. */
SEC(SEQUENCE_SECTION)
int sequence_second(struct xdp_md *ctx)
{
	return frame_tag(ctx, (__u8)(tag + 100));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
