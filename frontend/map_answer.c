/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/map_answer.h"

#include "frontend/map_request.h"

#include <errno.h>

bool map_data_ok(const struct frontend_map_data *data)
{
	if (data->question == FRONTEND_MAP_TYPES)
		return data->size > 0 && data->size <= BTF_SIZE_MAX;
	if (data->key_size > MAP_KEY_MAX || data->value_size > MAP_VALUE_MAX ||
	    data->count > MAP_PAGE_ENTRIES_MAX)
		return false;
	if (data->question == FRONTEND_MAP_GET && data->count != 1)
		return false;
	return (data->question == FRONTEND_MAP_GET || data->question == FRONTEND_MAP_DUMP) &&
	       data->size == (uint64_t)data->count * (data->key_size + data->value_size);
}

/* The bytes are only read when the message is packed; protobuf-c has no constant ones. */
static void entry_fill(const struct frontend_map_data *data, const uint8_t *bytes,
                       Bpfd__V1__MapEntry *entry)
{
	bpfd__v1__map_entry__init(entry);
	entry->key.data = (uint8_t *)(uintptr_t)bytes;
	entry->key.len = data->key_size;
	entry->value.data = (uint8_t *)(uintptr_t)bytes + data->key_size;
	entry->value.len = data->value_size;
}

static int dump_answer(struct arena *arena, const struct frontend_map_data *data,
                       const uint8_t *bytes, Bpfd__V1__Response *response)
{
	Bpfd__V1__MapDumpResponse *dump = arena_take(arena, sizeof(*dump));
	Bpfd__V1__MapEntry *entries = arena_take_array(arena, data->count, sizeof(*entries));
	Bpfd__V1__MapEntry **list = arena_take_array(arena, data->count, sizeof(void *));
	uint8_t *cursor = arena_take(arena, MAP_CURSOR_MAX);
	size_t step = data->key_size + data->value_size;

	if (!dump || !entries || !list || !cursor)
		return -ENOMEM;
	bpfd__v1__map_dump_response__init(dump);
	for (uint32_t i = 0; i < data->count; i++) {
		entry_fill(data, bytes + i * step, &entries[i]);
		list[i] = &entries[i];
	}
	dump->entries = list;
	dump->n_entries = data->count;
	dump->disturbed = data->disturbed != 0;
	dump->cpus = data->cpus;
	if (!data->complete) {
		dump->cursor.data = cursor;
		dump->cursor.len =
			map_cursor_make(data->seen, data->last_key, data->key_size, cursor);
	}
	response->result_case = BPFD__V1__RESPONSE__RESULT_MAP_DUMP;
	response->map_dump = dump;
	return 0;
}

static int get_answer(struct arena *arena, const struct frontend_map_data *data,
                      const uint8_t *bytes, Bpfd__V1__Response *response)
{
	Bpfd__V1__MapGetResponse *get = arena_take(arena, sizeof(*get));
	Bpfd__V1__MapEntry *entry = arena_take(arena, sizeof(*entry));

	if (!get || !entry)
		return -ENOMEM;
	bpfd__v1__map_get_response__init(get);
	entry_fill(data, bytes, entry);
	get->entry = entry;
	get->cpus = data->cpus;
	response->result_case = BPFD__V1__RESPONSE__RESULT_MAP_GET;
	response->map_get = get;
	return 0;
}

static int types_answer(struct arena *arena, const struct frontend_map_data *data,
                        const uint8_t *bytes, Bpfd__V1__Response *response)
{
	Bpfd__V1__MapTypesResponse *types = arena_take(arena, sizeof(*types));

	if (!types)
		return -ENOMEM;
	bpfd__v1__map_types_response__init(types);
	types->btf.data = (uint8_t *)(uintptr_t)bytes;
	types->btf.len = data->size;
	types->key_type = data->key_type;
	types->value_type = data->value_type;
	response->result_case = BPFD__V1__RESPONSE__RESULT_MAP_TYPES;
	response->map_types = types;
	return 0;
}

int answer_map_data(struct arena *arena, const struct frontend_map_data *data, const uint8_t *bytes,
                    Bpfd__V1__Response *response)
{
	switch (data->question) {
	case FRONTEND_MAP_DUMP:
		return dump_answer(arena, data, bytes, response);
	case FRONTEND_MAP_GET:
		return get_answer(arena, data, bytes, response);
	default:
		return types_answer(arena, data, bytes, response);
	}
}
