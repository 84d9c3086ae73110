/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/text.h"

enum exit_code status_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct bpfd_daemon_status *status = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_status(client, &status, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, status_json(status));
	else
		result = status_show(stdout, status, 0);
	bpfd_status_free(status);
	return result < 0 ? memory_report() : EXIT_DONE;
}

static void version_show(FILE *out, const struct bpfd_daemon_version *version)
{
	(void)fprintf(out, "bpfctl %s\nbpfd ", bpfd_library_version());
	text_print(out, version->version);
	(void)fprintf(out, " (protocol %u)\n", version->protocol);
}

enum exit_code version_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct bpfd_daemon_version *version = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result = 0;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_version(client, &version, &error) < 0)
		return error_report(stderr, NULL, error);
	if (arguments->output == OUTPUT_JSON)
		result = json_print(stdout, version_json(version));
	else
		version_show(stdout, version);
	bpfd_version_free(version);
	return result < 0 ? memory_report() : EXIT_DONE;
}
