/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "workers/loader/loader.h"

#include "common/memory.h"

#include <stdlib.h>

static struct channel_buffer buffer;

static int job_wait(const struct channel *gate)
{
	struct channel_message message;
	int result = channel_receive(gate, LOADER_STATE_WARM, &buffer, &message);

	if (result < 0)
		return result;
	return job_run(gate, message.body, message.descriptors[0]);
}

int loader_run(int gate_fd)
{
	const struct channel gate = { .fd = gate_fd,
		                      .self = CHANNEL_LOWER,
		                      .list = &channel_loader };
	struct loader_failed failed = {};

	messages_open();
	forward_open(&gate);
	if (warmup_run(&failed.error) < 0) {
		(void)channel_send(&gate, LOADER_FAILED, 0, &failed, NULL);
		return EXIT_FAILURE;
	}
	memory_touch(&buffer, sizeof(struct channel_header) + sizeof(struct gate_job));
	if (channel_send(&gate, LOADER_WARM, 0, NULL, NULL) < 0)
		return EXIT_FAILURE;
	/* a gate that ends before it had a job is no failure: bpfd stops */
	return job_wait(&gate) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
