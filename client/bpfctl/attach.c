/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/value.h"

enum exit_code attach_run(struct arguments *arguments)
{
	struct bpfd_attach_request request = {
		.type = arguments->type,
		.target = arguments->target,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
	};
	struct bpfd_client *client = NULL;
	struct bpfd_link *link = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	(void)id_parse(arguments->operands[0], &request.program_id);
	if (bpfd_attach(client, &request, &link, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, link_json(link));
	else
		result = links_show(stdout, link, 1, 0);
	bpfd_link_free(link);
	return result < 0 ? memory_report() : EXIT_DONE;
}
