/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/map_request.h"

#include "frontend/validate.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

bool map_request_is(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_MAP_DUMP:
	case BPFD__V1__REQUEST__OPERATION_MAP_GET:
	case BPFD__V1__REQUEST__OPERATION_MAP_SET:
	case BPFD__V1__REQUEST__OPERATION_MAP_DELETE:
	case BPFD__V1__REQUEST__OPERATION_MAP_TYPES:
		return true;
	default:
		return false;
	}
}

static int map_take(const char *const fields[2], uint64_t program_id, const char *name,
                    char map[MAP_NAME_SIZE], struct error *error)
{
	int r = id_check(fields[0], program_id, error);

	return r ? r : text_take(TEXT_MAP, fields[1], name, map, MAP_NAME_SIZE, error);
}

static int key_take(const char *field, const uint8_t *bytes, size_t size, uint8_t key[MAP_KEY_MAX],
                    uint32_t *key_size, struct error *error)
{
	if (size > MAP_KEY_MAX)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "%s has %zu bytes: keys have %d at most", field, size,
		                 MAP_KEY_MAX);
	if (size)
		memcpy(key, bytes, size);
	*key_size = (uint32_t)size;
	return 0;
}

size_t map_cursor_make(uint64_t seen, const uint8_t *key, size_t key_size, uint8_t *out)
{
	memcpy(out, &seen, sizeof(seen));
	memcpy(out + sizeof(seen), key, key_size);
	return sizeof(seen) + key_size;
}

/* Whatever the client made of it: the broker checks the key's size, and a wrong count ends the dump
 * early at worst. */
static int cursor_take(const ProtobufCBinaryData *cursor, struct frontend_map_read *out,
                       struct error *error)
{
	if (cursor->len == 0)
		return 0;
	if (cursor->len <= sizeof(out->seen) || cursor->len > MAP_CURSOR_MAX)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"map_dump.cursor has %zu bytes: give the one of the answer before, "
			"or none",
			cursor->len);
	memcpy(&out->seen, cursor->data, sizeof(out->seen));
	return key_take("map_dump.cursor", cursor->data + sizeof(out->seen),
	                cursor->len - sizeof(out->seen), out->key, &out->key_size, error);
}

static int dump_take(const Bpfd__V1__MapDumpRequest *request, struct frontend_map_read *out,
                     struct error *error)
{
	static const char *const fields[] = { "map_dump.program_id", "map_dump.map" };
	int r = map_take(fields, request->program_id, request->map, out->map, error);

	out->question = FRONTEND_MAP_DUMP;
	out->program_id = request->program_id;
	out->entries_max = request->max_entries;
	return r ? r : cursor_take(&request->cursor, out, error);
}

static int get_take(const Bpfd__V1__MapGetRequest *request, struct frontend_map_read *out,
                    struct error *error)
{
	static const char *const fields[] = { "map_get.program_id", "map_get.map" };
	int r = map_take(fields, request->program_id, request->map, out->map, error);

	out->question = FRONTEND_MAP_GET;
	out->program_id = request->program_id;
	return r ? r
	         : key_take("map_get.key", request->key.data, request->key.len, out->key,
	                    &out->key_size, error);
}

static int types_take(const Bpfd__V1__MapTypesRequest *request, struct frontend_map_read *out,
                      struct error *error)
{
	static const char *const fields[] = { "map_types.program_id", "map_types.map" };

	out->question = FRONTEND_MAP_TYPES;
	out->program_id = request->program_id;
	return map_take(fields, request->program_id, request->map, out->map, error);
}

int map_read_take(const Bpfd__V1__Request *request, struct frontend_map_read *out,
                  struct error *error)
{
	memset(out, 0, sizeof(*out));
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_MAP_DUMP:
		return dump_take(request->map_dump, out, error);
	case BPFD__V1__REQUEST__OPERATION_MAP_GET:
		return get_take(request->map_get, out, error);
	default:
		return types_take(request->map_types, out, error);
	}
}

static int set_take(const Bpfd__V1__MapSetRequest *request, struct frontend_map_entry *out,
                    struct error *error)
{
	static const char *const fields[] = { "map_set.program_id", "map_set.map" };
	static const uint32_t modes[] = {
		[BPFD__V1__MAP_SET_MODE__MAP_SET_MODE_ANY] = BPF_ANY,
		[BPFD__V1__MAP_SET_MODE__MAP_SET_MODE_NEW] = BPF_NOEXIST,
		[BPFD__V1__MAP_SET_MODE__MAP_SET_MODE_EXISTING] = BPF_EXIST,
	};
	int r = map_take(fields, request->program_id, request->map, out->map, error);

	if (r == 0)
		r = key_take("map_set.key", request->key.data, request->key.len, out->key,
		             &out->key_size, error);
	if (r == 0 && request->value.len > MAP_VALUE_MAX)
		r = error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		              "map_set.value has %zu bytes: bpfd passes on %u at most",
		              request->value.len, MAP_VALUE_MAX);
	if (r == 0) {
		out->value_size = (uint32_t)request->value.len;
		out->mode = modes[request->mode]; /* checked with the message */
	}
	out->program_id = request->program_id;
	return r;
}

int map_entry_take(const Bpfd__V1__Request *request, struct frontend_map_entry *out,
                   struct error *error)
{
	static const char *const fields[] = { "map_delete.program_id", "map_delete.map" };
	const Bpfd__V1__MapDeleteRequest *delete = request->map_delete;

	memset(out, 0, sizeof(*out));
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_MAP_SET)
		return set_take(request->map_set, out, error);

	int r = map_take(fields, delete->program_id, delete->map, out->map, error);

	out->program_id = delete->program_id;
	return r ? r
	         : key_take("map_delete.key", delete->key.data, delete->key.len, out->key,
	                    &out->key_size, error);
}
