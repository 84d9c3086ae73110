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

/* The type that a member of a map's declaration points to; 0: it has no such member. */
static uint32_t declared_type(const struct btf *btf, const struct btf_type *declaration,
                              const char *member)
{
	for (uint16_t i = 0; i < btf_vlen(declaration); i++) {
		const struct btf_member *row = &btf_members(declaration)[i];
		const char *name = btf__name_by_offset(btf, row->name_off);
		uint32_t id = row->type;
		const struct btf_type *type = typed_resolve(btf, &id);

		if (name && strcmp(name, member) == 0)
			return type && btf_is_ptr(type) ? type->type : 0;
	}
	return 0;
}

/* The kernel knows no types of maps as queues: their declaration in the object does. */
static void declaration_read(struct map_values *values)
{
	int32_t section = btf__find_by_name_kind(values->btf, ".maps", BTF_KIND_DATASEC);
	const struct btf_type *type =
		section > 0 ? btf__type_by_id(values->btf, (uint32_t)section) : NULL;

	for (uint16_t i = 0; type && i < btf_vlen(type); i++) {
		uint32_t id = btf_var_secinfos(type)[i].type;
		const struct btf_type *variable = btf__type_by_id(values->btf, id);
		const struct btf_type *declaration = typed_resolve(values->btf, &id);

		if (!declaration || !btf_is_struct(declaration) ||
		    strcmp(btf__name_by_offset(values->btf, variable->name_off) ?: "",
		           values->map->name) != 0)
			continue;
		values->key_type = declared_type(values->btf, declaration, "key");
		values->value_type = declared_type(values->btf, declaration, "value");
	}
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
	values->key_type = values->types->key_type;
	values->value_type = values->types->value_type;
	if (values->btf && !values->key_type && !values->value_type)
		declaration_read(values);
}

static _Bool type_is(const struct bpfd_map *map, const char *const *names)
{
	while (*names && strcmp(map->type, *names) != 0)
		names++;
	return *names != NULL;
}

/* What is known of a map by its kind alone. */
static void kind_read(struct map_values *values)
{
	static const char *const keyless[] = { "queue", "stack", "bloom_filter", NULL };
	static const char *const handles[] = { "prog_array", "array_of_maps", "hash_of_maps",
		                               NULL };
	static const char *const indexed[] = { "devmap",  "cpumap",      "xskmap",
		                               "sockmap", "stack_trace", NULL };
	const struct bpfd_map *map = values->map;

	values->key_size = type_is(map, keyless) ? 0 : map->key_size;
	values->per_cpu = strstr(map->type, "percpu") != NULL;
	values->index = map->key_size == sizeof(uint32_t) &&
	                (strstr(map->type, "array") || type_is(map, indexed));
	values->handle = type_is(map, handles);
	values->by_value = strcmp(map->type, "bloom_filter") == 0;
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
	kind_read(values);
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

/* An array's index, or an id of the kernel's. */
static json_t *id_json(const uint8_t *bytes, size_t size)
{
	uint32_t id;

	if (size != sizeof(id))
		return typed_hex(bytes, size);
	memcpy(&id, bytes, sizeof(id));
	return json_integer(id);
}

json_t *map_key_json(const struct map_values *values, const struct bpfd_map_entry *entry)
{
	if (values->key_type)
		return typed_decode(values->btf, values->key_type, entry->key, entry->key_size);
	return values->index ? id_json(entry->key, entry->key_size)
	                     : typed_hex(entry->key, entry->key_size);
}

json_t *map_bytes_json(const struct map_values *values, const uint8_t *bytes, size_t size)
{
	if (values->handle)
		return id_json(bytes, size);
	if (values->value_type)
		return typed_decode(values->btf, values->value_type, bytes, size);
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
	_cleanup_free_ uint8_t *raw = malloc(strlen(text) + 1);
	size_t given = 0;

	if (!raw || !hex_parse(text + 4, raw, &given) || given != size) {
		(void)snprintf(complaint, TYPED_COMPLAINT_SIZE,
		               "\"%.40s\" is not hex: and %zu bytes, two digits for each", text,
		               size);
		return -EINVAL;
	}
	memcpy(bytes, raw, size);
	return 0;
}

/* Whose type is not known: hex:, or a number if it can be one. */
static int untyped_encode(const char *text, uint8_t *bytes, size_t size,
                          char complaint[TYPED_COMPLAINT_SIZE])
{
	_Bool number_fits = size == 1 || size == 2 || size == 4 || size == 8;
	uint64_t number;

	if (strncmp(text, "hex:", 4) == 0)
		return hex_encode(text, bytes, size, complaint);
	if (number_fits && number_parse(text, 0, UINT64_MAX >> (64 - 8 * size), &number)) {
		bits_write(bytes, 0, 8 * size, number);
		return 0;
	}
	(void)snprintf(complaint, TYPED_COMPLAINT_SIZE,
	               "the map's types are not known: write %shex: and its %zu bytes, in the "
	               "order in which they lie in memory",
	               number_fits ? "a number without a sign that fits, or " : "", size);
	return -EINVAL;
}

int map_key_encode(const struct map_values *values, const char *text, uint8_t *bytes,
                   char complaint[TYPED_COMPLAINT_SIZE])
{
	json_t *key;
	int result;

	memset(bytes, 0, values->key_size);
	if (!values->key_size) {
		(void)snprintf(complaint, TYPED_COMPLAINT_SIZE, "a %s has no keys: leave it out",
		               values->map->type);
		return -EINVAL;
	}
	if (!values->key_type || strncmp(text, "hex:", 4) == 0)
		return untyped_encode(text, bytes, values->key_size, complaint);
	key = plain_parse(text, complaint, TYPED_COMPLAINT_SIZE);
	if (!key)
		return -EINVAL;
	result = typed_encode(values->btf, values->key_type, key, bytes, values->key_size,
	                      complaint);
	json_decref(key);
	return result;
}

int map_name_encode(const struct map_values *values, const char *text, uint8_t *bytes, size_t *size,
                    char complaint[TYPED_COMPLAINT_SIZE])
{
	json_t *value;
	int result;

	*size = values->by_value ? values->map->value_size : values->key_size;
	if (!values->by_value)
		return map_key_encode(values, text, bytes, complaint);
	value = plain_parse(text, complaint, TYPED_COMPLAINT_SIZE);
	if (!value)
		return -EINVAL;
	result = map_value_encode(values, value, bytes, complaint);
	json_decref(value);
	return result;
}

int map_value_encode(const struct map_values *values, const json_t *value, uint8_t *bytes,
                     char complaint[TYPED_COMPLAINT_SIZE])
{
	size_t size = values->map->value_size;

	if (!values->value_type)
		return untyped_encode(json_string_value(value) ?: "", bytes, size, complaint);
	return typed_encode(values->btf, values->value_type, value, bytes, size, complaint);
}

_Bool map_value_is_list(const struct map_values *values, const json_t *value)
{
	uint32_t id = values->value_type;
	const struct btf_type *type = id ? typed_resolve(values->btf, &id) : NULL;

	if (!values->per_cpu || !json_is_array(value))
		return 0;
	return !type || !btf_is_array(type) || json_is_array(json_array_get(value, 0));
}
