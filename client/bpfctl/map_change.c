/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* map set and delete. */
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

/* A key and a value on their way to bpfd. */
struct change {
	const struct arguments *arguments;
	struct bpfd_client *client;
	struct map_values values;
	uint8_t *key, *value;
	size_t key_size, value_size;
	char complaint[TYPED_COMPLAINT_SIZE];
};

static enum exit_code complaint_report(const char *what, const char *complaint)
{
	(void)fprintf(stderr, "bpfctl: the %s: ", what);
	text_print(stderr, complaint);
	(void)fputc('\n', stderr);
	return EXIT_USAGE;
}

static enum exit_code change_open(struct arguments *arguments, struct change *change)
{
	enum exit_code code;

	*change = (struct change){ .arguments = arguments };
	code = session_open(arguments, &change->client);
	return code == EXIT_DONE ? map_values_open(arguments, change->client, &change->values)
	                         : code;
}

static void change_close(struct change *change)
{
	map_values_close(&change->values);
	free(change->key);
	free(change->value);
}

static enum exit_code key_take(struct change *change, const char *text)
{
	change->key_size = change->values.key_size;
	change->key = calloc(1, change->key_size + 1);
	if (!change->key)
		return memory_report();
	if (map_key_encode(&change->values, text, change->key, change->complaint) < 0)
		return complaint_report("key", change->complaint);
	return EXIT_DONE;
}

/* What is not named of a structure stays as it is; what has no key is always added anew. */
static void base_take(struct change *change)
{
	struct bpfd_map_page *page = NULL;
	struct bpfd_error *error = NULL;

	if (bpfd_map_get(change->client, change->arguments->program_id, change->values.map->name,
	                 change->key, change->key_size, &page, &error) < 0) {
		bpfd_error_free(error);
		return;
	}
	if (!page->cpus && page->entries[0].value_size == change->value_size)
		memcpy(change->value, page->entries[0].value, change->value_size);
	bpfd_map_page_free(page);
}

/* A list: one value for each processor, each filled up to a multiple of 8 bytes. */
static enum exit_code list_take(struct change *change, const json_t *list)
{
	size_t step = (change->value_size + 7) / 8 * 8, count = json_array_size(list);
	uint8_t *all = calloc(count + 1, step);
	int result = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && result == 0; i++)
		result = map_value_encode(&change->values, json_array_get(list, i), all + i * step,
		                          change->complaint);
	free(change->value);
	change->value = all;
	change->value_size = count * step;
	if (result == -ENOMEM)
		return memory_report();
	return result ? complaint_report("value", change->complaint) : EXIT_DONE;
}

static enum exit_code value_take(struct change *change, const char *text)
{
	json_t *value = plain_parse(text, change->complaint, sizeof(change->complaint));
	enum exit_code code = EXIT_DONE;

	if (!value)
		return complaint_report("value", change->complaint);
	change->value_size = change->values.map->value_size;
	change->value = calloc(1, change->value_size + 1);
	if (!change->value) {
		code = memory_report();
	} else if (map_value_is_list(&change->values, value)) {
		code = list_take(change, value);
	} else {
		if (json_is_object(value) && change->key_size)
			base_take(change);
		if (map_value_encode(&change->values, value, change->value, change->complaint) < 0)
			code = complaint_report("value", change->complaint);
	}
	json_decref(value);
	return code;
}

static enum exit_code done_print(const struct change *change, const char *done)
{
	if (change->arguments->output == OUTPUT_JSON)
		return json_print(stdout, json_pack("{s:I,s:s}", "program",
		                                    (json_int_t)change->arguments->program_id, done,
		                                    change->values.map->name)) < 0
		               ? memory_report()
		               : EXIT_DONE;
	(void)printf("%s an entry of map ", done);
	text_print(stdout, change->values.map->name);
	(void)fputc('\n', stdout);
	return EXIT_DONE;
}

static enum exit_code set_send(struct change *change)
{
	struct bpfd_map_set_request request = {
		.program_id = change->arguments->program_id,
		.map = change->values.map->name,
		.key = change->key,
		.key_size = change->key_size,
		.value = change->value,
		.value_size = change->value_size,
		.mode = change->arguments->map_mode,
	};
	struct bpfd_error *error = NULL;

	if (bpfd_map_set(change->client, &request, &error) < 0)
		return error_report(stderr, NULL, error);
	return done_print(change, "set");
}

enum exit_code map_set_run(struct arguments *arguments)
{
	size_t last = arguments->operand_count - 1;
	struct change change;
	enum exit_code code = change_open(arguments, &change);

	if (code == EXIT_DONE && last == 3)
		code = key_take(&change, arguments->operands[2]);
	if (code == EXIT_DONE)
		code = value_take(&change, arguments->operands[last]);
	if (code == EXIT_DONE)
		code = set_send(&change);
	change_close(&change);
	return code;
}

static enum exit_code delete_send(struct change *change)
{
	struct bpfd_error *error = NULL;

	if (bpfd_map_delete(change->client, change->arguments->program_id, change->values.map->name,
	                    change->key, change->key_size, NULL, &error) < 0)
		return error_report(stderr, NULL, error);
	return done_print(change, "deleted");
}

enum exit_code map_delete_run(struct arguments *arguments)
{
	struct change change;
	enum exit_code code = change_open(arguments, &change);

	if (code == EXIT_DONE && arguments->operand_count > 2)
		code = key_take(&change, arguments->operands[2]);
	if (code == EXIT_DONE)
		code = delete_send(&change);
	change_close(&change);
	return code;
}
