/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include "common/log.h"

#include <errno.h>

typedef int (*request_handler)(struct broker *broker, struct channel_message *message);

/* One row per message that the frontend may send; channel_receive() has refused all others. */
static const request_handler handlers[] = {
	[FRONTEND_LOAD] = load_request,
	[FRONTEND_ATTACH] = attach_request,
	[FRONTEND_DETACH] = detach_request,
	[FRONTEND_UNLOAD] = unload_request,
	[FRONTEND_KERNEL_LIST] = kernel_list_request,
	[FRONTEND_UPDATE] = update_request,
	[FRONTEND_MAP_READ] = map_read_request,
	[FRONTEND_MAP_SET] = map_set_request,
	[FRONTEND_MAP_SET_LONG] = map_set_request,
	[FRONTEND_MAP_DELETE] = map_delete_request,
	[FRONTEND_LOAD_IMAGE] = image_load_request,
	[FRONTEND_VERIFY_IMAGE] = image_verify_request,
	[FRONTEND_RULES_READ] = rules_request,
	[FRONTEND_LOAD_COMING] = load_coming,
};

int request_dispatch(struct broker *broker, struct channel_message *message)
{
	int result = handlers[message->row->type](broker, message);

	if (result == -EPROTO)
		log_error("the frontend sent a malformed %s message: the service ends",
		          message->row->name);
	return result;
}
