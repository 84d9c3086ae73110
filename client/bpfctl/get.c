/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/value.h"

enum exit_code get_program_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct bpfd_program_details *details = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	uint64_t id = 0;
	int result;

	if (code != EXIT_DONE)
		return code;
	(void)id_parse(arguments->operands[0], &id);
	if (bpfd_get_program(client, id, &details, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, program_json(&details->program));
	else
		result = program_details_show(stdout, details, 0);
	bpfd_program_details_free(details);
	return result < 0 ? memory_report() : EXIT_DONE;
}

enum exit_code get_link_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct bpfd_link *link = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	uint64_t id = 0;
	int result;

	if (code != EXIT_DONE)
		return code;
	(void)id_parse(arguments->operands[0], &id);
	if (bpfd_get_link(client, id, &link, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, link_json(link));
	else
		result = link_details_show(stdout, link);
	bpfd_link_free(link);
	return result < 0 ? memory_report() : EXIT_DONE;
}
