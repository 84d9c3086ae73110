/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/globals.h"
#include "bpfctl/help.h"
#include "bpfctl/json.h"
#include "bpfctl/object.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/text.h"
#include "bpfctl/value.h"
#include "common/cleanup.h"
#include "proto/records.h"

#include <string.h>

#define SOURCE_NAME_MAX (sizeof(((struct record_program *)0)->source_name) - 1)

const char *source_name(const char *path)
{
	const char *name = path_base(path);
	size_t length = strlen(name);

	return length > SOURCE_NAME_MAX ? name + length - SOURCE_NAME_MAX : name;
}

static enum exit_code programs_print(const struct arguments *arguments,
                                     const struct bpfd_programs *programs)
{
	int result;

	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, programs_json(programs));
	else
		result = programs_show(stdout, programs, 0);
	return result < 0 ? memory_report() : EXIT_DONE;
}

enum exit_code load_file_run(struct arguments *arguments)
{
	_cleanup_free_ unsigned char *object = NULL;
	struct bpfd_load_request request = {
		.programs = arguments->programs,
		.program_count = arguments->program_count,
		.globals = arguments->globals,
		.global_count = arguments->global_count,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
		.application = arguments->application,
		.persist = arguments->persist,
		.map_owner = arguments->map_owner,
		.source_name = source_name(arguments->operands[0]),
	};
	struct bpfd_client *client = NULL;
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code;

	if (object_read(arguments->operands[0], &object, &request.object_size, arguments->complaint,
	                sizeof(arguments->complaint)) < 0) {
		(void)fputs("bpfctl: ", stderr);
		text_print(stderr, arguments->complaint);
		(void)fputc('\n', stderr);
		return EXIT_REFUSED;
	}
	request.object = object;
	if (!globals_encode(arguments, arguments->operands[0])) {
		complaint_print(stderr, arguments);
		return EXIT_USAGE;
	}
	code = session_open(arguments, &client);
	if (code != EXIT_DONE)
		return code;
	if (bpfd_load(client, &request, &programs, &error) < 0)
		return error_report(stderr, NULL, error);
	code = programs_print(arguments, programs);
	bpfd_programs_free(programs);
	return code;
}
