/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/image_work.h"

#include "common/program_type.h"
#include "frontend/answer_image.h"
#include "frontend/fetch.h"
#include "frontend/frontend.h"
#include "frontend/image_request.h"
#include "frontend/operations.h"
#include "frontend/request.h"
#include "frontend/validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether the broker has a word to say about signatures. */
static bool verdict_wanted(const struct frontend *frontend)
{
	return frontend->view.status.image_rules || frontend->settings.signed_only;
}

/* ---- what is done when the fetcher is done ---- */

int image_answer(struct frontend *frontend, struct connection *connection,
                 const struct fetch *fetch, const struct record_verdict *verdict,
                 struct error *error)
{
	struct answer_source source = operation_source(frontend);
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;

	if (answer_images(&source, fetch, verdict, &response) < 0)
		return error_set(error, -ENOMEM, ERROR_LIMIT,
		                 "the answer takes too much memory: remove some images, or ask for "
		                 "one of them");
	connection_answer(frontend, connection, &response);
	return 0;
}

static int finish_answer(struct frontend *frontend, struct fetch *fetch, struct error *error)
{
	int slot = fetch->connection;
	struct connection *connection =
		slot == CONNECTION_NONE ? NULL : &frontend->connections.slots[slot];
	int r = connection ? image_answer(frontend, connection, fetch, NULL, error) : 0;

	if (r < 0)
		return r;
	fetch_free(frontend, fetch);
	if (connection)
		connection_resume(frontend, connection);
	return 0;
}

static int finish_remove(struct frontend *frontend, struct fetch *fetch, struct error *error)
{
	for (uint32_t i = 0; i < fetch->image_count; i++)
		event_image(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_IMAGE_REMOVE, &fetch->origin,
		            fetch->images[i]->reference);
	return finish_answer(frontend, fetch, error);
}

static struct record_image_name name_of(const struct record_image *image)
{
	struct record_image_name name;

	memcpy(name.reference, image->reference, sizeof(name.reference));
	memcpy(name.digest, image->digest, sizeof(name.digest));
	return name;
}

static int finish_verify(struct frontend *frontend, struct fetch *fetch, struct error *error)
{
	struct frontend_verify_image body = { .peer = fetch->origin.peer,
		                              .image = name_of(fetch->images[0]),
		                              .demand = fetch->kind->name == FETCH_VERIFY };

	return change_ask_image(frontend, fetch, FRONTEND_VERIFY_IMAGE, &body, error);
}

static int finish_pull(struct frontend *frontend, struct fetch *fetch, struct error *error)
{
	if (fetch->object_fd < 0)
		return finish_answer(frontend, fetch, error);
	return finish_verify(frontend, fetch, error);
}

/* A label's word counts where it is the name of a type: "tcx" of a section "classifier". */
static uint32_t label_type(const struct record_image *image, const char *word)
{
	return image->programs_from == IMAGE_PROGRAMS_FROM_LABEL ? program_type_by_name(word)
	                                                         : PROGRAM_TYPE_NONE;
}

static int program_choose(const struct record_image *image, uint32_t index,
                          struct frontend_load *load, struct error *error)
{
	const struct record_image_program *program = &image->programs[index];
	struct frontend_load_program *entry = &load->programs[index];
	int r = text_take(TEXT_FUNCTION, "the name of a program in the image", program->name,
	                  entry->function, sizeof(entry->function), error);

	for (uint32_t i = 0; r == 0 && i < index; i++) {
		if (strcmp(load->programs[i].function, entry->function) == 0)
			r = error_set(
				error, -EINVAL, ERROR_BAD_OBJECT,
				"the image names its program \"%s\" twice: say which programs "
				"are to be loaded",
				entry->function);
	}
	entry->type = label_type(image, program->type);
	return r;
}

/* Those that the image or its object names, where the user names none. */
static int programs_choose(const struct record_image *image, struct frontend_load *load,
                           struct error *error)
{
	int r = 0;

	if (load->program_count)
		return 0;
	if (image->programs_more)
		return error_set(error, -E2BIG, ERROR_LIMIT,
		                 "the image has %u programs, and one load takes at most %d: say "
		                 "which are to be loaded",
		                 image->program_count + image->programs_more, LOAD_PROGRAMS_MAX);
	if (image->program_count == 0)
		return error_set(error, -ENOENT, ERROR_BAD_OBJECT,
		                 "neither the image nor its object names a program: say which "
		                 "function is to be loaded");
	for (uint32_t i = 0; r == 0 && i < image->program_count; i++)
		r = program_choose(image, i, load, error);
	load->program_count = image->program_count;
	return r;
}

static int finish_load(struct frontend *frontend, struct fetch *fetch, struct error *error)
{
	const struct record_image *image = fetch->images[0];
	int r = programs_choose(image, &fetch->load->load, error);

	if (r < 0)
		return r;
	fetch->load->image = name_of(image);
	return change_ask_image(frontend, fetch, FRONTEND_LOAD_IMAGE, fetch->load, error);
}

/* clang-format off */
static const struct fetch_kind kinds[] = {
	[FETCH_LOAD] = { "load", finish_load, FETCH_LOAD, 1, 1, .fetches = true, .tells = true },
	[FETCH_PULL] = { "image_pull", finish_pull, FETCH_PULL, 1, 1, .fetches = true, .tells = true },
	[FETCH_LIST] = { "image_list", finish_answer, FETCH_LIST, 0, IMAGE_CACHED_MAX, .fetches = false },
	[FETCH_INSPECT] = { "image_inspect", finish_answer, FETCH_INSPECT, 1, IMAGE_CACHED_MAX, .fetches = false },
	[FETCH_VERIFY] = { "image_verify", finish_verify, FETCH_VERIFY, 1, 1, .fetches = true, .tells = true },
	[FETCH_REMOVE] = { "image_remove", finish_remove, FETCH_REMOVE, 0, IMAGE_CACHED_MAX, .finishes = true, .tells = true },
};
/* clang-format on */

/* ---- how it begins ---- */

const struct fetch_kind *fetch_kind_of(const Bpfd__V1__Request *request)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LOAD:
		return &kinds[FETCH_LOAD];
	case BPFD__V1__REQUEST__OPERATION_IMAGE_PULL:
		return &kinds[FETCH_PULL];
	case BPFD__V1__REQUEST__OPERATION_IMAGE_INSPECT:
		return &kinds[FETCH_INSPECT];
	case BPFD__V1__REQUEST__OPERATION_IMAGE_VERIFY:
		return &kinds[FETCH_VERIFY];
	case BPFD__V1__REQUEST__OPERATION_IMAGE_REMOVE:
		return &kinds[FETCH_REMOVE];
	default:
		return &kinds[FETCH_LIST];
	}
}

/* Signatures are fetched where they will be asked for; and the object, to be shown to a verifier.
 */
static void job_complete(const struct frontend *frontend, struct fetcher_job *job)
{
	bool pulls = job->operation == FETCHER_PULL || job->operation == FETCHER_OBJECT;

	if (job->operation == FETCHER_PULL && verdict_wanted(frontend))
		job->operation = FETCHER_OBJECT;
	if (pulls && frontend->settings.signed_only)
		job->signatures = 1;
}

/* What of a load goes on to the broker. */
static int load_keep(struct frontend *frontend, struct fetch *fetch,
                     const Bpfd__V1__Request *request, struct error *error)
{
	int r = fetch_charge(frontend, fetch, sizeof(*fetch->load), error);

	if (r < 0)
		return r;
	fetch->load = calloc(1, sizeof(*fetch->load));
	if (!fetch->load)
		return error_set(error, -ENOMEM, ERROR_LIMIT, "bpfd has no memory left: try again");
	r = load_take(request->load, &fetch->load->load, error);
	fetch->load->load.peer = fetch->origin.peer;
	memcpy(fetch->load->load.request_id, fetch->origin.request_id, REQUEST_ID_SIZE);
	return r;
}

static int fetch_begin(struct frontend *frontend, struct connection *connection,
                       const Bpfd__V1__Request *request, struct fetcher_job *job,
                       struct error *error)
{
	struct fetch *fetch;
	int r = image_job_take(request, job, error);

	if (r < 0)
		return r;
	job_complete(frontend, job);
	fetch = fetch_new(frontend, connection, request, job, error);
	if (!fetch)
		return -EBUSY;
	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_LOAD)
		r = load_keep(frontend, fetch, request, error);
	if (r == 0)
		r = fetchers_push(frontend, fetch, error);
	if (r < 0)
		fetch_free(frontend, fetch);
	else if (request->operation_case == BPFD__V1__REQUEST__OPERATION_LOAD)
		changes_announce(frontend);
	return r;
}

int image_run(struct frontend *frontend, struct connection *connection,
              const Bpfd__V1__Request *request, struct error *error)
{
	static struct fetcher_job job; /* one thread */
	int r;

	if (!frontend->settings.images)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "images are switched off here: images = yes in [features] of "
		                 "bpfd.conf, and a restart, switch them on");
	r = fetch_begin(frontend, connection, request, &job, error);
	explicit_bzero(&job, sizeof(job));
	return r;
}
