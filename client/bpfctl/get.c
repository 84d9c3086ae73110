/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/value.h"

/*
 * Asks for the one thing of that id and prints it. `printed` is 0 or -ENOMEM; the result is that of
 * the call, with `error`.
 */
typedef int get_print(struct bpfd_client *client, uint64_t id, enum output_format output,
                      int *printed, struct bpfd_error **error);

static int link_print(struct bpfd_client *client, uint64_t id, enum output_format output,
                      int *printed, struct bpfd_error **error)
{
	struct bpfd_link *link = NULL;
	int result = bpfd_get_link(client, id, &link, error);

	if (result < 0)
		return result;
	*printed = output == OUTPUT_JSON ? json_print(stdout, link_json(link))
	                                 : link_details_show(stdout, link);
	bpfd_link_free(link);
	return 0;
}

static enum exit_code get_run(const struct arguments *arguments, get_print *print)
{
	struct bpfd_client *client = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	uint64_t id = 0;
	int printed = 0;

	if (code != EXIT_DONE)
		return code;
	(void)id_parse(arguments->operands[0], &id);
	if (print(client, id, arguments->output, &printed, &error) < 0)
		return error_report(stderr, NULL, error);
	return printed < 0 ? memory_report() : EXIT_DONE;
}

static int details_print(struct bpfd_program_details *details, enum output_format output)
{
	int printed = output == OUTPUT_JSON ? json_print(stdout, program_json(&details->program))
	                                    : program_details_show(stdout, details, 0);

	bpfd_program_details_free(details);
	return printed;
}

static int kernel_program_print(struct bpfd_client *client, uint64_t id, enum output_format output,
                                int *printed, struct bpfd_error **error)
{
	struct bpfd_program_details *details = NULL;
	int result = bpfd_get_kernel_program(client, (uint32_t)id, &details, error);

	if (result == 0)
		*printed = details_print(details, output);
	return result;
}

static int program_print(struct bpfd_client *client, uint64_t id, enum output_format output,
                         int *printed, struct bpfd_error **error)
{
	struct bpfd_program_details *details = NULL;
	int result = bpfd_get_program(client, id, &details, error);

	if (result == 0)
		*printed = details_print(details, output);
	return result;
}

enum exit_code get_program_run(struct arguments *arguments)
{
	return get_run(arguments, arguments->kernel ? kernel_program_print : program_print);
}

enum exit_code get_link_run(struct arguments *arguments)
{
	return get_run(arguments, link_print);
}
