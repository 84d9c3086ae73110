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

/* By type and place, as they run there; what does not run comes last. */
static int link_compare(const void *left, const void *right)
{
	const struct bpfd_link *a = left, *b = right;
	int result = order(a->type, b->type);

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
	struct bpfd_client *client = NULL;
	struct bpfd_links *links = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_list_links(client, arguments->program_id, &links, &error) < 0)
		return error_report(stderr, NULL, error);
	result = links_print(arguments, links);
	bpfd_links_free(links);
	return result < 0 ? memory_report() : EXIT_DONE;
}
