/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/help.h"
#include "bpfctl/json.h"
#include "bpfctl/options.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/value.h"
#include "common/program_type.h"

#include <inttypes.h>

/* Actions are words of the link's type, which bpfd knows. */
static enum exit_code actions_find(struct arguments *arguments, struct bpfd_client *client,
                                   struct bpfd_update_request *request)
{
	struct bpfd_error *error = NULL;
	struct bpfd_link *link = NULL;
	_Bool taken;

	if (bpfd_get_link(client, request->link_id, &link, &error) < 0)
		return error_report(stderr, NULL, error);
	arguments->type = link->type;
	bpfd_link_free(link);
	if (!program_type_row(arguments->type) || !program_type_row(arguments->type)->actions)
		taken = complain(arguments,
		                 "link %" PRIu64 " is in no chain: --proceed-on is not for it",
		                 request->link_id);
	else
		taken = take_proceed_on(arguments, arguments->actions);
	request->proceed_on = arguments->target.proceed_on;
	request->proceed_on_count = arguments->target.proceed_on_count;
	if (taken)
		return EXIT_DONE;
	complaint_print(stderr, arguments);
	return EXIT_USAGE;
}

enum exit_code update_run(struct arguments *arguments)
{
	struct bpfd_update_request request = {
		.program_id = arguments->program_id,
		.priority_set = arguments->target.priority_set,
		.priority = arguments->target.priority,
	};
	struct bpfd_client *client = NULL;
	struct bpfd_link *link = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	(void)id_parse(arguments->operands[0], &request.link_id);
	if (code == EXIT_DONE && arguments->actions)
		code = actions_find(arguments, client, &request);
	if (code != EXIT_DONE)
		return code;
	if (bpfd_update(client, &request, &link, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, link_json(link));
	else
		result = links_show(stdout, link, 1, 0);
	bpfd_link_free(link);
	return result < 0 ? memory_report() : EXIT_DONE;
}
