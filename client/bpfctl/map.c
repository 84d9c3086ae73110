/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* map dump and get. */
#include "bpfctl/json.h"
#include "bpfctl/map_values.h"
#include "bpfctl/plain.h"
#include "bpfctl/session.h"
#include "bpfctl/text.h"
#include "common/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One line for an entry: "1 = {packets=3,bytes=180}", in JSON {"key": 1, "value": {...}}. */
static int entry_print(const struct map_values *values, const struct bpfd_map_entry *entry,
                       uint32_t cpus, enum output_format output)
{
	json_t *key = entry->key_size ? map_key_json(values, entry) : json_null();
	json_t *value = map_value_json(values, entry, cpus);
	json_t *both = json_pack("{s:o,s:o}", "key", key, cpus ? "values" : "value", value);

	if (!both)
		return -ENOMEM;
	if (output == OUTPUT_JSON) {
		(void)json_dumpf(both, stdout, JSON_PRESERVE_ORDER);
	} else {
		if (entry->key_size) {
			plain_print(stdout, key);
			(void)fputs(" = ", stdout);
		}
		plain_print(stdout, value);
		(void)fputc('\n', stdout);
	}
	json_decref(both);
	return 0;
}

/* Each page is printed before the next one is asked for. */
static enum exit_code pages_print(const struct arguments *arguments, struct bpfd_client *client,
                                  const struct map_values *values, _Bool *disturbed)
{
	void *cursor = NULL;
	size_t cursor_size = 0;
	const char *separator = "[\n";
	int result = 0;

	do {
		struct bpfd_map_page *page = NULL;
		struct bpfd_error *error = NULL;

		if (bpfd_map_dump(client, arguments->program_id, values->map->name, cursor,
		                  cursor_size, 0, &page, &error) < 0) {
			free(cursor);
			return error_report(stderr, NULL, error);
		}
		for (size_t i = 0; i < page->count && result == 0; i++) {
			if (arguments->output == OUTPUT_JSON)
				(void)fputs(separator, stdout);
			separator = ",\n";
			result = entry_print(values, &page->entries[i], page->cpus,
			                     arguments->output);
		}
		*disturbed |= page->disturbed;
		cursor_size = page->cursor_size;
		free(cursor);
		cursor = malloc(cursor_size + 1);
		if (!cursor)
			result = -ENOMEM;
		else if (cursor_size)
			memcpy(cursor, page->cursor, cursor_size);
		bpfd_map_page_free(page);
	} while (result == 0 && cursor_size);
	free(cursor);
	if (arguments->output == OUTPUT_JSON)
		(void)fputs(*separator == ',' ? "\n]\n" : "[]\n", stdout);
	return result < 0 ? memory_report() : EXIT_DONE;
}

enum exit_code map_dump_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct map_values values = {};
	_Bool disturbed = 0;
	enum exit_code code = session_open(arguments, &client);

	if (code == EXIT_DONE)
		code = map_values_open(arguments, client, &values);
	if (code == EXIT_DONE)
		code = pages_print(arguments, client, &values, &disturbed);
	map_values_close(&values);
	if (disturbed)
		(void)fputs("bpfctl: the map changed while it was read: entries may be missing or "
		            "come twice\n",
		            stderr);
	return code;
}

/* `key` has room for the map's key and for a value. */
static enum exit_code key_get(const struct arguments *arguments, struct bpfd_client *client,
                              const struct map_values *values, uint8_t *key)
{
	char complaint[TYPED_COMPLAINT_SIZE] = "";
	struct bpfd_map_page *page = NULL;
	struct bpfd_error *error = NULL;
	size_t size = 0;
	int result = 0;

	if (arguments->operand_count > 2)
		result = map_name_encode(values, arguments->operands[2], key, &size, complaint);
	if (result < 0) {
		(void)fputs("bpfctl: the key: ", stderr);
		text_print(stderr, complaint);
		(void)fputc('\n', stderr);
		return EXIT_USAGE;
	}
	if (bpfd_map_get(client, arguments->program_id, values->map->name, key, size, &page,
	                 &error) < 0)
		return error_report(stderr, NULL, error);
	result = entry_print(values, page->entries, page->cpus, arguments->output);
	if (arguments->output == OUTPUT_JSON)
		(void)fputc('\n', stdout);
	bpfd_map_page_free(page);
	return result < 0 ? memory_report() : EXIT_DONE;
}

static enum exit_code entry_get(const struct arguments *arguments, struct bpfd_client *client,
                                const struct map_values *values)
{
	uint8_t *key = calloc(1, (size_t)values->map->key_size + values->map->value_size + 1);
	enum exit_code code = key ? key_get(arguments, client, values, key) : memory_report();

	free(key);
	return code;
}

enum exit_code map_get_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct map_values values = {};
	enum exit_code code = session_open(arguments, &client);

	if (code == EXIT_DONE)
		code = map_values_open(arguments, client, &values);
	if (code == EXIT_DONE)
		code = entry_get(arguments, client, &values);
	map_values_close(&values);
	return code;
}
