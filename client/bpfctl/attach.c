/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/places.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/value.h"

static enum exit_code attach_send(struct arguments *arguments, struct bpfd_attach_request *request)
{
	struct bpfd_client *client = NULL;
	struct bpfd_link *link = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	(void)id_parse(arguments->operands[0], &request->program_id);
	if (bpfd_attach(client, request, &link, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, link_json(link));
	else
		result = links_show(stdout, link, 1, 0);
	bpfd_link_free(link);
	return result < 0 ? memory_report() : EXIT_DONE;
}

enum exit_code attach_run(struct arguments *arguments)
{
	struct bpfd_attach_request request = {
		.type = arguments->type,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
	};
	struct places_found found;
	struct bpfd_error *error = NULL;
	enum exit_code code;

	if (places_find(arguments, &found, &request.target, &error) < 0)
		code = error_report(stderr, NULL, error);
	else
		code = attach_send(arguments, &request);
	places_free(&found);
	return code;
}
