/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>

typedef int (*request_handler)(struct broker *broker, struct channel_message *message);

/* One row per message that the frontend may send; channel_receive() has refused all others. */
static const struct request_row {
	request_handler handle;
	bool waits; /* the kernel may take its time, until no packet is inside a program any more */
} rows[] = {
	[FRONTEND_LOAD] = { load_request, false },
	[FRONTEND_ATTACH] = { attach_request, true },
	[FRONTEND_DETACH] = { detach_request, true },
	[FRONTEND_UNLOAD] = { unload_request, true },
	[FRONTEND_KERNEL_LIST] = { kernel_list_request, false },
	[FRONTEND_UPDATE] = { update_request, true },
	[FRONTEND_MAP_READ] = { map_read_request, false },
	[FRONTEND_MAP_SET] = { map_set_request, false },
	[FRONTEND_MAP_SET_LONG] = { map_set_request, false },
	[FRONTEND_MAP_DELETE] = { map_delete_request, false },
	[FRONTEND_LOAD_IMAGE] = { image_load_request, false },
	[FRONTEND_VERIFY_IMAGE] = { image_verify_request, false },
	[FRONTEND_RULES_READ] = { rules_request, false },
	[FRONTEND_LOAD_COMING] = { load_coming, false },
};

int request_dispatch(struct broker *broker, struct channel_message *message)
{
	const struct request_row *row = &rows[message->row->type];
	int result;

	if (row->waits)
		cpu_latency_end(broker);
	result = row->handle(broker, message);
	if (result == -EPROTO)
		log_error("the frontend sent a malformed %s message: the service ends",
		          message->row->name);
	return result;
}
