/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/globals.h"
#include "bpfctl/help.h"
#include "bpfctl/image.h"
#include "bpfctl/json.h"
#include "bpfctl/object.h"
#include "bpfctl/progress.h"
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

static struct bpfd_load_request load_request(const struct arguments *arguments)
{
	return (struct bpfd_load_request){
		.programs = arguments->programs,
		.program_count = arguments->program_count,
		.globals = arguments->globals,
		.global_count = arguments->global_count,
		.metadata = arguments->metadata,
		.metadata_count = arguments->metadata_count,
		.application = arguments->application,
		.persist = arguments->persist,
		.map_owner = arguments->map_owner,
	};
}

static enum exit_code load_finish(const struct arguments *arguments, int result,
                                  struct bpfd_programs *programs, struct bpfd_error *error)
{
	enum exit_code code;

	if (result < 0)
		return error_report(stderr, NULL, error);
	code = programs_print(arguments, programs);
	bpfd_programs_free(programs);
	return code;
}

enum exit_code load_file_run(struct arguments *arguments)
{
	_cleanup_free_ unsigned char *object = NULL;
	struct bpfd_load_request request;
	struct bpfd_client *client = NULL;
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code;
	size_t size;
	int result;

	if (object_read(arguments->operands[0], &object, &size, arguments->complaint,
	                sizeof(arguments->complaint)) < 0)
		return refusal_report(arguments->complaint);
	if (!globals_encode(arguments, arguments->operands[0])) {
		complaint_print(stderr, arguments);
		return EXIT_USAGE;
	}
	request = load_request(arguments);
	request.source_name = source_name(arguments->operands[0]);
	request.object = object;
	request.object_size = size;
	code = session_open(arguments, &client);
	if (code != EXIT_DONE)
		return code;
	result = bpfd_load(client, &request, &programs, &error);
	return load_finish(arguments, result, programs, error);
}

enum exit_code load_image_run(struct arguments *arguments)
{
	struct image_session session;
	struct bpfd_load_request request;
	struct bpfd_programs *programs = NULL;
	struct bpfd_error *error = NULL;
	struct progress *progress;
	enum exit_code code;
	int result;

	if (!globals_encode(arguments, NULL)) {
		complaint_print(stderr, arguments);
		return EXIT_USAGE;
	}
	code = image_source_open(arguments, &session);
	if (code != EXIT_DONE)
		return code;
	request = load_request(arguments);
	request.image = &session.source;
	request.request_id = session.request_id;
	progress = progress_start(arguments, session.request_id);
	result = bpfd_load(session.client, &request, &programs, &error);
	progress_stop(progress);
	credentials_forget(&session.credentials);
	return load_finish(arguments, result, programs, error);
}
