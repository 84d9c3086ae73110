/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

static void filter_encode(const struct bpfd_map_filter *filter, Bpfd__V1__ListMapsRequest *list)
{
	if (filter->program_id) {
		list->program_option_case = BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
		list->program_id = filter->program_id;
	}
	if (filter->owner_set) {
		list->owner_option_case = BPFD__V1__LIST_MAPS_REQUEST__OWNER_OPTION_OWNER_UID;
		list->owner_uid = filter->owner_uid;
	}
	list->all = filter->all;
	list->type = text_encode(filter->type);
	list->application = text_encode(filter->application);
}

int bpfd_list_maps(struct bpfd_client *client, const struct bpfd_map_filter *filter,
                   struct bpfd_maps **maps, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ListMapsRequest list = BPFD__V1__LIST_MAPS_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	struct bpfd_maps *made;
	int result;

	if (!arena)
		return -ENOMEM;
	if (filter)
		filter_encode(filter, &list);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_MAPS;
	request.list_maps = &list;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_LIST_MAPS, arena,
	                     &response, error);
	if (result < 0)
		return result;
	made = result_new(arena, sizeof(*made));
	if (!made)
		return error_memory(error);
	made->count = response->list_maps->n_maps;
	made->items = maps_describe(arena, response->list_maps->maps, made->count);
	if (!made->items)
		return error_memory(error);
	(void)steal_ptr(&arena);
	*maps = made;
	return 0;
}

void bpfd_maps_free(struct bpfd_maps *maps)
{
	result_free(maps);
}
