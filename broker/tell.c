/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include "common/log.h"

#include <string.h>

static void failed(struct broker *broker, int result)
{
	if (result >= 0 || broker->failed)
		return;
	log_error("the frontend cannot be told: %s", strerror(-result));
	broker->failed = true;
}

void tell_later(struct broker *broker, uint16_t type, const void *body)
{
	failed(broker, channel_queue(&broker->frontend, &broker->told, type, 0, body, NULL));
}

void tell_now(struct broker *broker, uint16_t type, uint64_t id, const void *body,
              const int *descriptors)
{
	int result = channel_queue(&broker->frontend, &broker->told, type, id, body, descriptors);

	failed(broker, result < 0 ? result : channel_flush(&broker->frontend, &broker->told));
}

void tell_flush(struct broker *broker)
{
	failed(broker, channel_flush(&broker->frontend, &broker->told));
}
