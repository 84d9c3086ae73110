/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is done once before there is a question, so that nobody waits for it: libraries look up
 * algorithms and read tables at their first use, and memory, code too, is there only once it was
 * touched.
 */
#include "workers/verifier/verifier.h"

#include "common/memory.h"
#include "image/chain.h"
#include "workers/verifier/key.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define HEAP_READY_BYTES ((size_t)256 * 1024) /* an unpacker's blocks, and as much again */

/* So much of the heap is there, and stays; what is larger comes and goes. */
static void heap_prepare(void)
{
	void *room;

	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_MMAP_THRESHOLD, (int)HEAP_READY_BYTES * 2);
	room = malloc(HEAP_READY_BYTES);
	if (room)
		explicit_bzero(room, HEAP_READY_BYTES);
	free(room);
}

/* tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=644 --mtime=@0 -cf - object.o |
 * gzip -9n, where object.o holds "a rehearsal" */
static const uint8_t layer[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xcf, 0x41, 0x0a, 0xc2,
	0x40, 0x10, 0x04, 0xc0, 0x7d, 0x4a, 0x5e, 0x20, 0x13, 0x8d, 0xf9, 0xcf, 0x2a, 0x0b, 0x12,
	0x84, 0xc0, 0x26, 0xfe, 0xdf, 0xd5, 0x8b, 0xe2, 0x59, 0x85, 0x40, 0xd5, 0xa5, 0x87, 0xbe,
	0x0c, 0x3d, 0x9f, 0xa6, 0x72, 0x5e, 0x77, 0x73, 0xfa, 0xa1, 0x68, 0xc6, 0x61, 0x78, 0x66,
	0xf3, 0x99, 0x11, 0xfd, 0xe1, 0x75, 0x3f, 0xfa, 0x3e, 0xc6, 0xfd, 0x31, 0x75, 0x91, 0xfe,
	0xe0, 0xb6, 0xac, 0xb9, 0xb6, 0xf7, 0xdf, 0x18, 0xf9, 0x3e, 0x6e, 0x23, 0x72, 0x57, 0xcb,
	0xa5, 0xe4, 0xba, 0xe4, 0x6b, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x60,
	0x3b, 0xee, 0x1f, 0x34, 0xc9, 0x83, 0x00, 0x28, 0x00, 0x00,
};

static void layer_rehearse(void)
{
	struct layer_object object;
	struct error error;

	(void)layer_measure_bytes(layer, sizeof(layer), &object, &error);
}

static void keys_rehearse(const struct trust *trust)
{
	/* an ECDSA signature, r = s = 1: formed well enough to be computed with, and wrong */
	static const uint8_t signature[] = { 0x30, 6, 2, 1, 1, 2, 1, 1 };

	for (uint32_t i = 0; i < trust->count; i++) {
		if (!trust->keys[i])
			continue;
		(void)key_verify(trust->keys[i], "", 0, signature, sizeof(signature));
		key_prepare(trust->keys[i]);
	}
}

void verifier_rehearse(const struct trust *trust)
{
	heap_prepare();
	layer_rehearse();
	keys_rehearse(trust);
	chain_prepare();
	judge_prepare();
	memory_touch_stack();
}
