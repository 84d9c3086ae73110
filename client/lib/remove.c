/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "common/cleanup.h"

#include <errno.h>

int bpfd_detach(struct bpfd_client *client, uint64_t link_id, const uint8_t *request_id,
                struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__DetachRequest detach = BPFD__V1__DETACH_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	detach.link_id = link_id;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_DETACH;
	request.detach = &detach;
	result = client_change(client, &request, request_id, BPFD__V1__RESPONSE__RESULT_DETACH,
	                       arena, &response, error);
	if (result == 0 && response->detach->link_id != link_id)
		return error_answer(error, "another link was detached than asked for");
	return result;
}

static int unload(struct bpfd_client *client, uint64_t program_id, bool force,
                  const uint8_t *request_id, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__UnloadRequest body = BPFD__V1__UNLOAD_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	body.program_id = program_id;
	body.force = force;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_UNLOAD;
	request.unload = &body;
	result = client_change(client, &request, request_id, BPFD__V1__RESPONSE__RESULT_UNLOAD,
	                       arena, &response, error);
	if (result == 0 && response->unload->program_id != program_id)
		return error_answer(error, "another program was unloaded than asked for");
	return result;
}

int bpfd_unload(struct bpfd_client *client, uint64_t program_id, const uint8_t *request_id,
                struct bpfd_error **error)
{
	return unload(client, program_id, false, request_id, error);
}

int bpfd_unload_force(struct bpfd_client *client, uint64_t program_id, const uint8_t *request_id,
                      struct bpfd_error **error)
{
	return unload(client, program_id, true, request_id, error);
}
