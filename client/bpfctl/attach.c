/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/value.h"
#include "common/program_type.h"
#include "common/target.h"

#include <string.h>

/* Does bpfctl have to look the place up? bpfd takes an absolute path and an offset. */
static _Bool place_is_named(const struct arguments *arguments)
{
	const struct program_type_row *row = program_type_row(arguments->type);

	return row && row->needs & TARGET_BIT(TARGET_OFFSET) &&
	       (arguments->target.function || arguments->target.path[0] != '/');
}

/* The function's name goes along as a description, if it fits. */
static void function_describe(struct bpfd_target *target)
{
	const struct target_field_row *row = target_field_row(TARGET_FUNCTION);

	if (target->function &&
	    (strlen(target->function) >= row->size || !row->text_ok(target->function)))
		target->function = NULL;
}

/* Sets path and offset. `symbol` has to live as long as the target. */
static enum exit_code place_find(struct bpfd_target *target, struct bpfd_symbol **symbol)
{
	struct bpfd_symbol_query query = {
		.binary = target->path,
		.function = target->function,
		.pid = target->pid,
		.container_pid = target->container_pid,
	};
	struct bpfd_error *error = NULL;

	if (bpfd_symbol_find(&query, symbol, &error) < 0)
		return error_report(stderr, NULL, error);
	target->path = (*symbol)->path;
	target->offset += (*symbol)->offset; /* both are below 2^63 */
	function_describe(target);
	return EXIT_DONE;
}

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
		.target = arguments->target,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
	};
	struct bpfd_symbol *symbol = NULL;
	enum exit_code code = EXIT_DONE;

	if (place_is_named(arguments))
		code = place_find(&request.target, &symbol);
	if (code == EXIT_DONE)
		code = attach_send(arguments, &request);
	bpfd_symbol_free(symbol);
	return code;
}
