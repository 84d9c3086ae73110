/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/readers.h"

#include <errno.h>
#include <string.h>

/* The number at the text's begin, which ends at a comma or with the text. NULL: there is none. */
static const char *uid_parse(const char *text, uint32_t *uid)
{
	uint32_t number = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint32_t)(*text - '0'), &number))
			return NULL;
	}
	if (number == UINT32_MAX || (*text && *text != ',')) /* -1 is nobody's */
		return NULL;
	*uid = number;
	return text;
}

bool readers_ok(const char *value)
{
	uint32_t uid;

	for (; (value = uid_parse(value, &uid)); value++) {
		if (!*value)
			return true;
	}
	return false;
}

bool readers_have(const char *value, uint32_t uid)
{
	uint32_t reader;

	for (; (value = uid_parse(value, &reader)); value++) {
		if (reader == uid)
			return true;
		if (!*value)
			break;
	}
	return false;
}

int readers_check(const struct record_metadata *metadata, struct error *error)
{
	for (uint32_t i = 0; i < metadata->count; i++) {
		const struct record_metadata_entry *entry = &metadata->entries[i];

		if (strcmp(entry->key, READERS_KEY) == 0 && !readers_ok(entry->value))
			return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
			                 "metadata \"" READERS_KEY "\" names the users who may "
			                 "read the programs' maps: give their numbers with commas "
			                 "between, as 1000,1001");
	}
	return 0;
}

/* Of one program's maps, not of the host's. */
static uint64_t program_listed(const Bpfd__V1__ListMapsRequest *list)
{
	bool one =
		list->program_option_case == BPFD__V1__LIST_MAPS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;

	return one && !list->all ? list->program_id : 0;
}

/* The program that one may read; 0: the request is not of the kind that a reader may make. */
static uint64_t program_asked(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
		return request->get_program->kernel_id ? 0 : request->get_program->program_id;
	case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
		return program_listed(request->list_maps);
	case BPFD__V1__REQUEST__OPERATION_MAP_DUMP:
		return request->map_dump->program_id;
	case BPFD__V1__REQUEST__OPERATION_MAP_GET:
		return request->map_get->program_id;
	case BPFD__V1__REQUEST__OPERATION_MAP_TYPES:
		return request->map_types->program_id;
	default:
		return 0;
	}
}

bool readers_allow(const struct view *view, const Bpfd__V1__Request *request, uint32_t uid)
{
	uint64_t id = program_asked(request);
	const struct view_program *program = id ? view_program(view, id) : NULL;

	for (uint32_t i = 0; program && i < program->metadata_count; i++) {
		if (strcmp(program->metadata[i].key, READERS_KEY) == 0)
			return readers_have(program->metadata[i].value, uid);
	}
	return false;
}
