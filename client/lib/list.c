/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

static int filter_encode(struct arena *arena, const struct bpfd_program_filter *filter,
                         Bpfd__V1__ListProgramsRequest *list, struct bpfd_error **error)
{
	if (!filter)
		return 0;
	list->type = (Bpfd__V1__ProgramType)filter->type;
	list->application = text_encode(filter->application);
	list->n_metadata = filter->metadata_count;
	list->metadata = metadata_encode(arena, filter->metadata, filter->metadata_count);
	list->all = filter->all;
	list->interface = text_encode(filter->interface);
	list->statistics = filter->statistics_s;
	if (filter->owner_set) {
		list->owner_option_case = BPFD__V1__LIST_PROGRAMS_REQUEST__OWNER_OPTION_OWNER_UID;
		list->owner_uid = filter->owner_uid;
	}
	return list->metadata ? 0 : error_memory(error);
}

int bpfd_list_programs(struct bpfd_client *client, const struct bpfd_program_filter *filter,
                       struct bpfd_programs **programs, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ListProgramsRequest list = BPFD__V1__LIST_PROGRAMS_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	result = filter_encode(arena, filter, &list, error);
	if (result < 0)
		return result;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS;
	request.list_programs = &list;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_LIST_PROGRAMS, arena,
	                     &response, error);
	if (result < 0)
		return result;
	result = programs_give(&arena, response->list_programs->programs,
	                       response->list_programs->n_programs, programs, error);
	if (result == 0)
		(*programs)->statistics = response->list_programs->statistics;
	return result;
}

static int links_give(struct arena **arena, const Bpfd__V1__ListLinksResponse *list,
                      struct bpfd_links **links, struct bpfd_error **error)
{
	struct bpfd_links *made = result_new(*arena, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	result = links_describe(*arena, list->links, list->n_links, &made->items, error);
	if (result < 0)
		return result;
	made->count = list->n_links;
	(void)steal_ptr(arena);
	*links = made;
	return 0;
}

static int link_filter_encode(struct arena *arena, const struct bpfd_link_filter *filter,
                              Bpfd__V1__ListLinksRequest *list, struct bpfd_error **error)
{
	if (filter->program_id) {
		list->program_option_case = BPFD__V1__LIST_LINKS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
		list->program_id = filter->program_id;
	}
	if (filter->owner_set) {
		list->owner_option_case = BPFD__V1__LIST_LINKS_REQUEST__OWNER_OPTION_OWNER_UID;
		list->owner_uid = filter->owner_uid;
	}
	list->all = filter->all;
	list->type = (Bpfd__V1__ProgramType)filter->type;
	list->application = text_encode(filter->application);
	list->interface = text_encode(filter->interface);
	list->n_metadata = filter->metadata_count;
	list->metadata = metadata_encode(arena, filter->metadata, filter->metadata_count);
	return list->metadata ? 0 : error_memory(error);
}

int bpfd_find_links(struct bpfd_client *client, const struct bpfd_link_filter *filter,
                    struct bpfd_links **links, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__ListLinksRequest list = BPFD__V1__LIST_LINKS_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	result = filter ? link_filter_encode(arena, filter, &list, error) : 0;
	if (result < 0)
		return result;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LIST_LINKS;
	request.list_links = &list;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_LIST_LINKS, arena,
	                     &response, error);
	if (result < 0)
		return result;
	return links_give(&arena, response->list_links, links, error);
}

int bpfd_list_links(struct bpfd_client *client, uint64_t program_id, struct bpfd_links **links,
                    struct bpfd_error **error)
{
	const struct bpfd_link_filter filter = { .program_id = program_id };

	return bpfd_find_links(client, &filter, links, error);
}

void bpfd_links_free(struct bpfd_links *links)
{
	result_free(links);
}
