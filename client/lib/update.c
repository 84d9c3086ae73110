/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "common/cleanup.h"

#include <errno.h>

static void update_encode(const struct bpfd_update_request *request,
                          Bpfd__V1__UpdateRequest *message)
{
	bpfd__v1__update_request__init(message);
	message->link_id = request->link_id;
	message->program_id = request->program_id;
	message->n_proceed_on = request->proceed_on_count;
	message->proceed_on = (int32_t *)(uintptr_t)request->proceed_on;
	if (request->priority_set) {
		message->priority_option_case = BPFD__V1__UPDATE_REQUEST__PRIORITY_OPTION_PRIORITY;
		message->priority = request->priority;
	}
}

int bpfd_update(struct bpfd_client *client, const struct bpfd_update_request *request,
                struct bpfd_link **link, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__Request message = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	Bpfd__V1__UpdateRequest update;
	int result;

	if (!arena)
		return -ENOMEM;
	update_encode(request, &update);
	message.operation_case = BPFD__V1__REQUEST__OPERATION_UPDATE;
	message.update = &update;
	result = client_change(client, &message, request->request_id,
	                       BPFD__V1__RESPONSE__RESULT_UPDATE, arena, &response, error);
	if (result < 0)
		return result;
	return link_give(&arena, response->update->link, link, error);
}
