/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/encode.h"
#include "common/cleanup.h"

#include <errno.h>

int bpfd_map_set(struct bpfd_client *client, const struct bpfd_map_set_request *request,
                 struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__MapSetRequest set = BPFD__V1__MAP_SET_REQUEST__INIT;
	Bpfd__V1__Request message = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;

	if (!arena)
		return -ENOMEM;
	set.program_id = request->program_id;
	set.map = text_encode(request->map);
	set.key = bytes_encode(request->key, request->key_size);
	set.value = bytes_encode(request->value, request->value_size);
	set.mode = (Bpfd__V1__MapSetMode)request->mode;
	message.operation_case = BPFD__V1__REQUEST__OPERATION_MAP_SET;
	message.map_set = &set;
	return client_change(client, &message, request->request_id,
	                     BPFD__V1__RESPONSE__RESULT_MAP_SET, arena, &response, error);
}

int bpfd_map_delete(struct bpfd_client *client, uint64_t program_id, const char *map,
                    const void *key, size_t key_size, const uint8_t *request_id,
                    struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__MapDeleteRequest delete = BPFD__V1__MAP_DELETE_REQUEST__INIT;
	Bpfd__V1__Request message = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;

	if (!arena)
		return -ENOMEM;
	delete.program_id = program_id;
	delete.map = text_encode(map);
	delete.key = bytes_encode(key, key_size);
	message.operation_case = BPFD__V1__REQUEST__OPERATION_MAP_DELETE;
	message.map_delete = &delete;
	return client_change(client, &message, request_id, BPFD__V1__RESPONSE__RESULT_MAP_DELETE,
	                     arena, &response, error);
}
