/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* image pull, list, inspect, verify and remove. */
#include "bpfctl/credentials.h"
#include "bpfctl/image.h"
#include "bpfctl/json.h"
#include "bpfctl/progress.h"
#include "bpfctl/session.h"
#include "bpfctl/show.h"
#include "bpfctl/text.h"

#include <string.h>

enum exit_code image_source_open(struct arguments *arguments, struct image_session *session)
{
	const char *reference = arguments->operands[0];

	*session = (struct image_session){};
	if (!credentials_find(arguments, reference, &session->credentials))
		return refusal_report(arguments->complaint);
	session->source = (struct bpfd_image_source){
		.reference = reference,
		.pull_policy = arguments->pull_policy,
		.username = session->credentials.username,
		.password = session->credentials.password,
	};
	if (bpfd_request_id_new(session->request_id) < 0)
		return refusal_report("the kernel gives no random bytes");
	return session_open_image(arguments, &session->client);
}

typedef int image_call(struct bpfd_client *client, const struct bpfd_image_source *source,
                       const uint8_t *request_id, struct bpfd_image_details **details,
                       struct bpfd_error **error);

static int details_print(const struct arguments *arguments,
                         const struct bpfd_image_details *details, _Bool pulled)
{
	json_t *json;

	if (arguments->output == OUTPUT_TABLE) {
		if (pulled)
			(void)puts(details->cached ? "it was in the cache\n" : "fetched\n");
		return image_show(stdout, &details->image, &details->verification, 0);
	}
	json = image_json(&details->image);
	if (json && pulled)
		(void)json_object_set_new(json, "cached", json_boolean(details->cached));
	if (json)
		(void)json_object_set_new(json, "verification",
		                          verification_json(&details->verification));
	return json_print(stdout, json);
}

static enum exit_code source_run(struct arguments *arguments, image_call *call, _Bool pulled)
{
	struct image_session session;
	struct bpfd_image_details *details = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = image_source_open(arguments, &session);
	struct progress *progress;
	int result;

	if (code != EXIT_DONE)
		return code;
	progress = progress_start(arguments, session.request_id);
	result = call(session.client, &session.source, session.request_id, &details, &error);
	progress_stop(progress);
	credentials_forget(&session.credentials);
	if (result < 0)
		return error_report(stderr, NULL, error);
	result = details_print(arguments, details, pulled);
	bpfd_image_details_free(details);
	return result < 0 ? memory_report() : EXIT_DONE;
}

/* Who says "pull" wants what the tag is now. */
enum exit_code image_pull_run(struct arguments *arguments)
{
	if (arguments->pull_policy == BPFD_PULL_DEFAULT)
		arguments->pull_policy = BPFD_PULL_ALWAYS;
	return source_run(arguments, bpfd_image_pull, 1);
}

enum exit_code image_verify_run(struct arguments *arguments)
{
	return source_run(arguments, bpfd_image_verify, 0);
}

enum exit_code image_list_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct bpfd_images *images = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_image_list(client, &images, &error) < 0)
		return error_report(stderr, NULL, error);
	result = arguments->output == OUTPUT_JSON ? json_print(stdout, images_json(images))
	                                          : images_show(stdout, images, 0);
	bpfd_images_free(images);
	return result < 0 ? memory_report() : EXIT_DONE;
}

enum exit_code image_inspect_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	struct bpfd_image_details *details = NULL;
	struct bpfd_error *error = NULL;
	enum exit_code code = session_open(arguments, &client);
	int result;

	if (code != EXIT_DONE)
		return code;
	if (bpfd_image_inspect(client, arguments->operands[0], &details, &error) < 0)
		return error_report(stderr, NULL, error);
	result = arguments->output == OUTPUT_JSON ? json_print(stdout, image_json(&details->image))
	                                          : image_show(stdout, &details->image, NULL, 0);
	bpfd_image_details_free(details);
	return result < 0 ? memory_report() : EXIT_DONE;
}

static enum exit_code image_remove(struct bpfd_client *client, const char *reference,
                                   enum output_format output, json_t *removed)
{
	struct bpfd_images *images = NULL;
	struct bpfd_error *error = NULL;

	if (bpfd_image_remove(client, reference, NULL, &images, &error) < 0)
		return error_report(stderr, NULL, error);
	for (size_t i = 0; i < images->count; i++) {
		if (output == OUTPUT_JSON) {
			(void)json_array_append_new(removed, image_json(&images->items[i]));
			continue;
		}
		(void)fputs("removed ", stdout);
		text_print(stdout, images->items[i].reference);
		(void)fputc('\n', stdout);
	}
	bpfd_images_free(images);
	return EXIT_DONE;
}

/* Each of those that are named, also when one of them fails; 3, and no more is tried, if bpfd does
 * not answer. */
enum exit_code image_remove_run(struct arguments *arguments)
{
	struct bpfd_client *client = NULL;
	enum exit_code worst = session_open(arguments, &client);
	json_t *removed;

	if (worst != EXIT_DONE)
		return worst;
	removed = json_array();
	for (size_t i = 0; i < arguments->operand_count && worst != EXIT_UNREACHABLE; i++) {
		enum exit_code code =
			image_remove(client, arguments->operands[i], arguments->output, removed);

		if (code > worst)
			worst = code;
	}
	if (arguments->output != OUTPUT_JSON)
		json_decref(removed);
	else if (json_print(stdout, json_pack("{s:o}", "removed", removed)) < 0)
		return memory_report();
	return worst;
}
