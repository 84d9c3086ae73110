/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/map_values.h"

#include "bpfctl/plain.h"
#include "bpfctl/session.h"
#include "bpfctl/text.h"
#include "bpfctl/value.h"
#include "common/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct bpfd_map *map_find(const struct bpfd_program *program, const char *name)
{
	for (size_t i = 0; i < program->map_count; i++) {
		if (strcmp(program->maps[i].name, name) == 0)
			return &program->maps[i];
	}
	return NULL;
}

static enum exit_code map_missing(const struct bpfd_program *program, const char *name)
{
	(void)fprintf(stderr, "bpfctl: program %" PRIu64 " has no map \"", program->id);
	text_print(stderr, name);
	(void)fputs(program->map_count ? "\"; its maps are:" : "\": it has none", stderr);
	for (size_t i = 0; i < program->map_count; i++) {
		(void)fputc(' ', stderr);
		text_print(stderr, program->maps[i].name);
	}
	(void)fputc('\n', stderr);
	return EXIT_REFUSED;
}

/* Without types the entries are shown as bytes: no reason is good enough to fail. */
static void types_open(const struct arguments *arguments, struct bpfd_client *client,
                       struct map_values *values)
{
	struct bpfd_error *error = NULL;

	if (bpfd_map_types(client, arguments->program_id, values->map->name, &values->types,
	                   &error) < 0) {
		bpfd_error_free(error);
		return;
	}
	if (values->types->btf_size <= UINT32_MAX)
		values->btf = btf__new(values->types->btf, (uint32_t)values->types->btf_size);
}

enum exit_code map_values_open(const struct arguments *arguments, struct bpfd_client *client,
                               struct map_values *values)
{
	const char *name = arguments->operands[1];
	struct bpfd_error *error = NULL;

	*values = (struct map_values){};
	if (bpfd_get_program(client, arguments->program_id, &values->details, &error) < 0)
		return error_report(stderr, NULL, error);
	values->map = map_find(&values->details->program, name);
	if (!values->map)
		return map_missing(&values->details->program, name);
	values->per_cpu = strstr(values->map->type, "percpu") != NULL;
	values->index = strstr(values->map->type, "array") != NULL && values->map->key_size == 4;
	types_open(arguments, client, values);
	return EXIT_DONE;
}

void map_values_close(struct map_values *values)
{
	btf__free(values->btf);
	if (values->types)
		bpfd_map_types_free(values->types);
	if (values->details)
		bpfd_program_details_free(values->details);
}

json_t *map_key_json(const struct map_values *values, const struct bpfd_map_entry *entry)
{
	uint32_t index;

	if (values->btf && values->types->key_type)
		return typed_decode(values->btf, values->types->key_type, entry->key,
		                    entry->key_size);
	if (!values->index || entry->key_size != sizeof(index))
		return typed_hex(entry->key, entry->key_size);
	memcpy(&index, entry->key, sizeof(index));
	return json_integer(index);
}

json_t *map_bytes_json(const struct map_values *values, const uint8_t *bytes, size_t size)
{
	if (values->btf && values->types->value_type)
		return typed_decode(values->btf, values->types->value_type, bytes, size);
	return typed_hex(bytes, size);
}

json_t *map_value_json(const struct map_values *values, const struct bpfd_map_entry *entry,
                       uint32_t cpus)
{
	size_t step = cpus ? entry->value_size / cpus : 0, size = values->map->value_size;
	json_t *list;

	if (!cpus || step < size)
		return map_bytes_json(values, entry->value, entry->value_size);
	list = json_array();
	for (uint32_t i = 0; i < cpus; i++)
		(void)json_array_append_new(
			list,
			map_bytes_json(values, (const uint8_t *)entry->value + i * step, size));
	return list;
}

static int hex_encode(const char *text, uint8_t *bytes, size_t size,
                      char complaint[TYPED_COMPLAINT_SIZE])
{
	_cleanup_free_ uint8_t *raw = NULL;
	size_t given = 0;

	if (strncmp(text, "hex:", 4) != 0) {
		(void)snprintf(complaint, TYPED_COMPLAINT_SIZE,
		               "the map's types are not known: write hex: and its %zu bytes, in "
		               "the order in which they lie in memory",
		               size);
		return -EINVAL;
	}
	raw = malloc(strlen(text) + 1);
	if (!raw || !hex_parse(text + 4, raw, &given) || given != size) {
		(void)snprintf(complaint, TYPED_COMPLAINT_SIZE,
		               "\"%.40s\" is not hex: and %zu bytes, two digits for each", text,
		               size);
		return -EINVAL;
	}
	memcpy(bytes, raw, size);
	return 0;
}

static int index_encode(const char *text, uint8_t *bytes, char complaint[TYPED_COMPLAINT_SIZE])
{
	uint64_t number;
	uint32_t index;

	if (!number_parse(text, 0, UINT32_MAX, &number)) {
		(void)snprintf(complaint, TYPED_COMPLAINT_SIZE, "\"%.40s\" is no index: a number",
		               text);
		return -EINVAL;
	}
	index = (uint32_t)number;
	memcpy(bytes, &index, sizeof(index));
	return 0;
}

int map_key_encode(const struct map_values *values, const char *text, uint8_t *bytes,
                   char complaint[TYPED_COMPLAINT_SIZE])
{
	json_t *key;
	int result;

	memset(bytes, 0, values->map->key_size);
	if (strncmp(text, "hex:", 4) == 0)
		return hex_encode(text, bytes, values->map->key_size, complaint);
	if (!values->btf || !values->types->key_type)
		return values->index ? index_encode(text, bytes, complaint)
		                     : hex_encode(text, bytes, values->map->key_size, complaint);
	key = plain_parse(text, complaint, TYPED_COMPLAINT_SIZE);
	if (!key)
		return -EINVAL;
	result = typed_encode(values->btf, values->types->key_type, key, bytes,
	                      values->map->key_size, complaint);
	json_decref(key);
	return result;
}

int map_value_encode(const struct map_values *values, const json_t *value, uint8_t *bytes,
                     char complaint[TYPED_COMPLAINT_SIZE])
{
	const char *text = json_string_value(value);
	size_t size = values->map->value_size;

	if (!values->btf || !values->types->value_type)
		return hex_encode(text ?: "", bytes, size, complaint);
	return typed_encode(values->btf, values->types->value_type, value, bytes, size, complaint);
}

_Bool map_value_is_list(const struct map_values *values, const json_t *value)
{
	uint32_t id = values->btf ? values->types->value_type : 0;
	const struct btf_type *type = id ? typed_resolve(values->btf, &id) : NULL;

	if (!values->per_cpu || !json_is_array(value))
		return 0;
	return !type || !btf_is_array(type) || json_is_array(json_array_get(value, 0));
}
