/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/loader/loader.h"

#include "common/memory.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAP_READY_BYTES (256 * 1024)

static struct channel_buffer buffer;
static struct record_globals globals;

static int job_wait(const struct channel *gate)
{
	struct channel_message message;
	int result = channel_receive(gate, LOADER_STATE_WARM, &buffer, &message);

	if (result == 0 && message.row->type == LOADER_GLOBALS) {
		memcpy(&globals, message.body, sizeof(globals));
		result = channel_receive(gate, LOADER_STATE_WARM, &buffer, &message);
	}
	if (result < 0 || message.row->type != LOADER_JOB)
		return result < 0 ? result : -EPROTO;
	job_run(message.body, &globals, message.descriptors[0]);
	return 0;
}

/* The gate ends when the client has its answer. To end before would cost that a processor, and the
 * launcher's notice. */
static void end_wait(const struct channel *gate)
{
	struct channel_message message;

	(void)channel_receive(gate, 0, &buffer, &message);
}

/* What the warm-up frees is there for the job, and some more. */
static void heap_keep(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_TOP_PAD, HEAP_READY_BYTES);
}

int loader_run(int gate_fd)
{
	void *heap = sbrk(0); /* nothing was allocated before */
	const struct channel gate = { .fd = gate_fd,
		                      .self = CHANNEL_LOWER,
		                      .list = &channel_loader };
	struct loader_failed failed = {};

	messages_open();
	forward_open(&gate);
	heap_keep();
	if (job_prepare(&failed.error) < 0 || warmup_run(&failed.error) < 0) {
		(void)channel_send(&gate, LOADER_FAILED, 0, &failed, NULL);
		return EXIT_FAILURE;
	}
	memory_touch(&buffer, sizeof(struct channel_header) + sizeof(struct gate_job));
	memory_touch(&globals.count, sizeof(globals.count));
	memory_touch_heap(heap);
	memory_touch_stack();
	handles_prepare();
	if (channel_send(&gate, LOADER_WARM, 0, NULL, NULL) < 0)
		return EXIT_FAILURE;
	/* a gate that ends before it had a job is no failure: bpfd stops */
	if (job_wait(&gate) < 0)
		return EXIT_FAILURE;
	end_wait(&gate);
	return EXIT_SUCCESS;
}
