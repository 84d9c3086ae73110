/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"

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
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, links_json(links));
	else
		result = links_show(stdout, links->items, links->count, 0);
	bpfd_links_free(links);
	return result < 0 ? memory_report() : EXIT_DONE;
}
