/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What fetchers say, checked. */
#include "frontend/fetch.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "frontend/frontend.h"
#include "proto/evidence.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_INTERVAL_MS 100

#define TEXT_OK(array) channel_text_ok((array), sizeof(array))
#define lie(error, ...) error_set(error, -EPROTO, ERROR_INTERNAL, __VA_ARGS__)

/* Registries and objects have put in what they like: clients get printable ASCII. */
static void text_plain(char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < 0x20 || byte > 0x7e)
			*text = '?';
	}
}

static int progress_take(struct frontend *frontend, struct fetch *fetch,
                         struct channel_message *message, struct error *error)
{
	const struct fetcher_progress *progress = message->body;
	uint64_t now_ms = frontend_now_ms();

	if (progress->stage < FETCHER_STAGE_RESOLVE || progress->stage > FETCHER_STAGE_CHECK ||
	    progress->reserved)
		return lie(error, "it is at a stage that there is none of");
	if (progress->stage <= fetch->stage && now_ms < fetch->next_event_ms)
		return 0;
	fetch->stage = progress->stage;
	fetch->next_event_ms = now_ms + PROGRESS_INTERVAL_MS;
	event_image_progress(frontend, &fetch->origin, fetch->job.reference, progress);
	return 0;
}

static bool names_ok(const struct record_image *image)
{
	if (image->program_count > LOAD_PROGRAMS_MAX || image->map_count > LOAD_MAPS_MAX)
		return false;
	for (uint32_t i = 0; i < image->program_count; i++) {
		if (!TEXT_OK(image->programs[i].name) || !TEXT_OK(image->programs[i].type))
			return false;
	}
	for (uint32_t i = 0; i < image->map_count; i++) {
		if (!TEXT_OK(image->maps[i].name) || !TEXT_OK(image->maps[i].type))
			return false;
	}
	return true;
}

static bool image_ok(const struct record_image *image)
{
	return image->reference[0] && TEXT_OK(image->reference) && TEXT_OK(image->architecture) &&
	       image->programs_from >= IMAGE_PROGRAMS_FROM_LABEL &&
	       image->programs_from <= IMAGE_PROGRAMS_FROM_OBJECT && image->object_size > 0 &&
	       image->object_size <= OBJECT_SIZE_MAX && names_ok(image);
}

const struct record_image_map *image_maps(const struct record_image *image)
{
	return (const struct record_image_map *)(const void *)(image->programs +
	                                                       image->program_count);
}

static void image_plain(struct record_image *image)
{
	struct record_image_map *maps =
		(struct record_image_map *)(void *)(image->programs + image->program_count);

	text_plain(image->reference);
	text_plain(image->architecture);
	for (uint32_t i = 0; i < image->program_count; i++) {
		text_plain(image->programs[i].name);
		text_plain(image->programs[i].type);
	}
	for (uint32_t i = 0; i < image->map_count; i++) {
		text_plain(maps[i].name);
		text_plain(maps[i].type);
	}
}

/* A copy without the ends of the arrays: a list may have thousands. */
static struct record_image *image_copy(const struct record_image *image, size_t *size)
{
	size_t head = offsetof(struct record_image, programs);
	size_t programs = image->program_count * sizeof(image->programs[0]);
	size_t maps = image->map_count * sizeof(image->maps[0]);
	unsigned char *copy = malloc(head + programs + maps);

	if (!copy)
		return NULL;
	memcpy(copy, image, head + programs);
	if (maps)
		memcpy(copy + head + programs, image->maps, maps);
	*size = head + programs + maps;
	image_plain((struct record_image *)(void *)copy);
	return (struct record_image *)(void *)copy;
}

static int images_reserve(struct fetch *fetch)
{
	uint32_t room = fetch->image_room ? fetch->image_room * 2 : 1;

	if (fetch->image_count < fetch->image_room)
		return 0;

	struct record_image **images = reallocarray(fetch->images, room, sizeof(void *));

	if (!images)
		return -ENOMEM;
	fetch->images = images;
	fetch->image_room = room;
	return 0;
}

static int image_take(struct frontend *frontend, struct fetch *fetch,
                      struct channel_message *message, struct error *error)
{
	size_t size = 0;

	if (!image_ok(message->body))
		return lie(error, "it describes an image that cannot be");
	if (fetch->image_count >= fetch->kind->images_most)
		return lie(error, "it describes more images than there can be");

	struct record_image *image =
		images_reserve(fetch) < 0 ? NULL : image_copy(message->body, &size);

	if (!image)
		return error_set(error, -ENOMEM, ERROR_LIMIT, "bpfd has no memory left: try again");

	int r = fetch_charge(frontend, fetch, size + sizeof(void *), error);

	if (r < 0)
		free(image);
	else
		fetch->images[fetch->image_count++] = image;
	return r;
}

static bool object_expected(const struct fetch *fetch)
{
	return fetch->job.operation == FETCHER_OBJECT;
}

/* As the broker will check them: what it refuses there ends this process. */
static bool memfds_ok(const struct fetcher_object *object, const int descriptors[2],
                      size_t *evidence_size)
{
	size_t object_size;

	return memfd_check(descriptors[0], &object_size) == 0 &&
	       object_size == object->object_size &&
	       memfd_check(descriptors[1], evidence_size) == 0 &&
	       *evidence_size >= sizeof(struct evidence_header) &&
	       *evidence_size <= EVIDENCE_SIZE_MAX;
}

static int object_take(struct frontend *frontend, struct fetch *fetch,
                       struct channel_message *message, struct error *error)
{
	const struct fetcher_object *object = message->body;
	size_t evidence_size;

	if (!object_expected(fetch) || fetch->image_count != 1 || fetch->object_fd >= 0)
		return lie(error, "it sends an object that nobody asked for");

	const struct record_image *image = fetch->images[0];

	if (object->object_size != image->object_size ||
	    memcmp(object->object, image->object, DIGEST_SIZE) != 0)
		return lie(error, "its object is another than it said before");
	if (!memfds_ok(object, message->descriptors, &evidence_size))
		return lie(error, "its object or the evidence are not sealed, or not as long as "
		                  "they must be");

	int r = fetch_charge(frontend, fetch, object->object_size + evidence_size, error);

	if (r < 0)
		return r;
	fetch->object_fd = steal_fd(&message->descriptors[0]);
	fetch->evidence_fd = steal_fd(&message->descriptors[1]);
	return 0;
}

static int done_take([[maybe_unused]] struct frontend *frontend, struct fetch *fetch,
                     struct channel_message *message, struct error *error)
{
	const struct fetcher_done *done = message->body;

	if (done->count != fetch->image_count || done->cached > 1 ||
	    fetch->image_count < fetch->kind->images_least ||
	    (object_expected(fetch) && fetch->object_fd < 0))
		return lie(error, "it is done without having sent what it says");
	fetch->cached = done->cached;
	return 1;
}

static bool error_ok(const struct error *error)
{
	return error->code >= ERROR_INVALID_ARGUMENT && error->code <= ERROR_UNTRUSTED &&
	       error->message[0] &&
	       strnlen(error->message, sizeof(error->message)) < sizeof(error->message);
}

int fetch_error_take(const struct fetcher_failed *failed, struct error *error)
{
	if (!error_ok(&failed->error))
		return lie(error, "its error is none");
	*error = failed->error;
	text_plain(error->message);
	return -EIO;
}

static int failed_take([[maybe_unused]] struct frontend *frontend,
                       [[maybe_unused]] struct fetch *fetch, struct channel_message *message,
                       struct error *error)
{
	return fetch_error_take(message->body, error);
}

int fetch_take(struct frontend *frontend, struct fetch *fetch, struct channel_message *message,
               struct error *error)
{
	static int (*const takers[])(struct frontend *, struct fetch *, struct channel_message *,
	                             struct error *) = {
		[FETCHER_MESSAGE_PROGRESS] = progress_take, [FETCHER_MESSAGE_IMAGE] = image_take,
		[FETCHER_MESSAGE_OBJECT] = object_take,     [FETCHER_MESSAGE_DONE] = done_take,
		[FETCHER_MESSAGE_FAILED] = failed_take,
	};

	return takers[message->row->type](frontend, fetch, message, error);
}
