/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* detach and unload: each of the ids that are named, also when one of them fails. */
#include "bpfctl/json.h"
#include "bpfctl/session.h"
#include "bpfctl/value.h"

#include <inttypes.h>

struct removal {
	const char *noun; /* "link" */
	const char *done; /* "detached" */
	int (*run)(struct bpfd_client *client, uint64_t id, const uint8_t *request_id,
	           struct bpfd_error **error);
};

static enum exit_code removal_run(const struct removal *removal, struct bpfd_client *client,
                                  const char *operand, enum output_format output, json_t *removed)
{
	struct bpfd_error *error = NULL;
	char subject[64];
	uint64_t id = 0;

	(void)id_parse(operand, &id);
	if (removal->run(client, id, NULL, &error) < 0) {
		(void)snprintf(subject, sizeof(subject), "%s %" PRIu64, removal->noun, id);
		return error_report(stderr, subject, error);
	}
	if (output == OUTPUT_JSON)
		(void)json_array_append_new(removed, json_integer((json_int_t)id));
	else
		(void)printf("%s %s %" PRIu64 "\n", removal->done, removal->noun, id);
	return EXIT_DONE;
}

/* 1 if one was refused; 3, and no more is tried, if bpfd does not answer. */
static enum exit_code removals_run(const struct removal *removal, const struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	enum exit_code worst = session_open(arguments, &client);
	json_t *removed;

	if (worst != EXIT_DONE)
		return worst;
	removed = json_array();
	for (size_t i = 0; i < arguments->operand_count && worst != EXIT_UNREACHABLE; i++) {
		enum exit_code code = removal_run(removal, client, arguments->operands[i],
		                                  arguments->output, removed);

		if (code > worst)
			worst = code;
	}
	if (arguments->output != OUTPUT_JSON)
		json_decref(removed);
	else if (json_print(stdout, json_pack("{s:o}", removal->done, removed)) < 0)
		return memory_report();
	return worst;
}

enum exit_code detach_run(struct arguments *arguments)
{
	static const struct removal detach = { "link", "detached", bpfd_detach };

	return removals_run(&detach, arguments);
}

enum exit_code unload_run(struct arguments *arguments)
{
	const struct removal unload = { "program", "unloaded",
		                        arguments->force ? bpfd_unload_force : bpfd_unload };

	return removals_run(&unload, arguments);
}
