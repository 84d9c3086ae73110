/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

static int page_give(struct arena **arena, Bpfd__V1__MapEntry *const *messages, size_t count,
                     struct bpfd_map_page **page, struct bpfd_error **error)
{
	struct bpfd_map_page *made = result_new(*arena, sizeof(*made));
	struct bpfd_map_entry *entries = arena_alloc(*arena, count, sizeof(*entries));

	if (!made || !entries)
		return error_memory(error);
	for (size_t i = 0; i < count; i++) {
		if (!messages[i])
			return error_answer(error, "an entry of a map that is none");
		entries[i] = (struct bpfd_map_entry){
			.key = messages[i]->key.data,
			.key_size = messages[i]->key.len,
			.value = messages[i]->value.data,
			.value_size = messages[i]->value.len,
		};
	}
	made->entries = entries;
	made->count = count;
	(void)steal_ptr(arena);
	*page = made;
	return 0;
}

int bpfd_map_dump(struct bpfd_client *client, uint64_t program_id, const char *map,
                  const void *cursor, size_t cursor_size, uint32_t max_entries,
                  struct bpfd_map_page **page, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__MapDumpRequest dump = BPFD__V1__MAP_DUMP_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	dump.program_id = program_id;
	dump.map = text_encode(map);
	dump.cursor = bytes_encode(cursor, cursor_size);
	dump.max_entries = max_entries;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_MAP_DUMP;
	request.map_dump = &dump;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_MAP_DUMP, arena,
	                     &response, error);
	if (result == 0)
		result = page_give(&arena, response->map_dump->entries,
		                   response->map_dump->n_entries, page, error);
	if (result < 0)
		return result;
	(*page)->cursor = response->map_dump->cursor.data;
	(*page)->cursor_size = response->map_dump->cursor.len;
	(*page)->disturbed = response->map_dump->disturbed;
	(*page)->cpus = response->map_dump->cpus;
	return 0;
}

int bpfd_map_get(struct bpfd_client *client, uint64_t program_id, const char *map, const void *key,
                 size_t key_size, struct bpfd_map_page **page, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__MapGetRequest get = BPFD__V1__MAP_GET_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	get.program_id = program_id;
	get.map = text_encode(map);
	get.key = bytes_encode(key, key_size);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_MAP_GET;
	request.map_get = &get;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_MAP_GET, arena, &response,
	                     error);
	if (result == 0)
		result = page_give(&arena, &response->map_get->entry, 1, page, error);
	if (result == 0)
		(*page)->cpus = response->map_get->cpus;
	return result;
}

void bpfd_map_page_free(struct bpfd_map_page *page)
{
	result_free(page);
}

int bpfd_map_types(struct bpfd_client *client, uint64_t program_id, const char *map,
                   struct bpfd_map_types **types, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__MapTypesRequest ask = BPFD__V1__MAP_TYPES_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	struct bpfd_map_types *made;
	int result;

	if (!arena)
		return -ENOMEM;
	ask.program_id = program_id;
	ask.map = text_encode(map);
	request.operation_case = BPFD__V1__REQUEST__OPERATION_MAP_TYPES;
	request.map_types = &ask;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_MAP_TYPES, arena,
	                     &response, error);
	if (result < 0)
		return result;
	made = result_new(arena, sizeof(*made));
	if (!made)
		return error_memory(error);
	*made = (struct bpfd_map_types){
		.btf = response->map_types->btf.data,
		.btf_size = response->map_types->btf.len,
		.key_type = response->map_types->key_type,
		.value_type = response->map_types->value_type,
	};
	(void)steal_ptr(&arena);
	*types = made;
	return 0;
}

void bpfd_map_types_free(struct bpfd_map_types *types)
{
	result_free(types);
}
