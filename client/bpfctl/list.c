/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum exit_code list_programs_run(struct arguments *arguments)
{
	struct bpfd_program_filter filter = {
		.type = arguments->type,
		.application = arguments->application,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
		.all = arguments->all,
		.owner_set = arguments->owner_set,
		.owner_uid = arguments->owner_uid,
		.interface = arguments->interface,
	};
	struct bpfd_client *client = NULL;
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_list_programs(client, &filter, &programs, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, programs_json(programs));
	else
		result = programs_show(stdout, programs, 0);
	bpfd_programs_free(programs);
	return result < 0 ? memory_report() : EXIT_DONE;
}

static int order(uint64_t left, uint64_t right)
{
	return (left > right) - (left < right);
}

/* By type and place, as they run there; what does not run comes last, and then what is not bpfd's.
 */
static int link_compare(const void *left, const void *right)
{
	const struct bpfd_link *a = left, *b = right;
	int result = order(a->kernel_link_id, b->kernel_link_id);

	if (result == 0)
		result = order(a->type, b->type);
	if (result == 0)
		result = strcmp(a->target.netns, b->target.netns);
	if (result == 0)
		result = strcmp(a->where, b->where);
	if (result == 0)
		result = order(b->running, a->running);
	if (result == 0 && a->running)
		result = order(a->position, b->position);
	return result ? result : order(a->id, b->id);
}

static int links_print(const struct arguments *arguments, const struct bpfd_links *links)
{
	struct bpfd_link *items = calloc(links->count + 1, sizeof(*items));
	struct bpfd_links sorted = { .items = items, .count = links->count };
	int result;

	if (!items)
		return -ENOMEM;
	memcpy(items, links->items, links->count * sizeof(*items));
	qsort(items, links->count, sizeof(*items), link_compare);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, links_json(&sorted));
	else
		result = links_show(stdout, items, sorted.count, 0);
	free(items);
	return result;
}

enum exit_code list_links_run(struct arguments *arguments)
{
	const struct bpfd_link_filter filter = {
		.program_id = arguments->program_id,
		.type = arguments->type,
		.application = arguments->application,
		.interface = arguments->interface,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
		.all = arguments->all,
		.owner_set = arguments->owner_set,
		.owner_uid = arguments->owner_uid,
	};
	struct bpfd_client *client = NULL;
	struct bpfd_links *links = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_find_links(client, &filter, &links, &error) < 0)
		return error_report(stderr, NULL, error);
	result = links_print(arguments, links);
	bpfd_links_free(links);
	return result < 0 ? memory_report() : EXIT_DONE;
}

enum exit_code list_maps_run(struct arguments *arguments)
{
	const struct bpfd_map_filter filter = {
		.program_id = arguments->program_id,
		.type = arguments->map_type,
		.application = arguments->application,
		.all = arguments->all,
		.owner_set = arguments->owner_set,
		.owner_uid = arguments->owner_uid,
	};
	struct bpfd_client *client = NULL;
	struct bpfd_maps *maps = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_list_maps(client, &filter, &maps, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, maps_list_json(maps));
	else
		result = maps_list_show(stdout, maps, 0);
	bpfd_maps_free(maps);
	return result < 0 ? memory_report() : EXIT_DONE;
}
