/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/answer_image.h"

#include <errno.h>

Bpfd__V1__Verification *answer_verification(const struct answer_source *source,
                                            const struct record_verdict *verdict)
{
	Bpfd__V1__Verification *out = arena_take(source->arena, sizeof(*out));

	if (!out)
		return NULL;
	bpfd__v1__verification__init(out);
	out->verified = verdict->verdict == IMAGE_VERDICT_VERIFIED;
	out->key = text_const(verdict->key);
	out->identity = text_const(verdict->identity);
	out->issuer = text_const(verdict->issuer);
	return out;
}

static ProtobufCBinaryData digest_data(const uint8_t digest[DIGEST_SIZE])
{
	return (ProtobufCBinaryData){ .len = DIGEST_SIZE, .data = (uint8_t *)(uintptr_t)digest };
}

static bool programs_fill(const struct answer_source *source, const struct record_image *image,
                          Bpfd__V1__Image *out)
{
	uint32_t count = image->program_count;
	Bpfd__V1__ImageProgram *programs =
		arena_take_array(source->arena, count, sizeof(*programs));

	out->programs = arena_take_array(source->arena, count, sizeof(void *));
	if (!programs || !out->programs)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		bpfd__v1__image_program__init(&programs[i]);
		programs[i].name = text_const(image->programs[i].name);
		programs[i].type = text_const(image->programs[i].type);
		out->programs[i] = &programs[i];
	}
	out->n_programs = count;
	return true;
}

static bool maps_fill(const struct answer_source *source, const struct record_image *image,
                      Bpfd__V1__Image *out)
{
	const struct record_image_map *records = image_maps(image);
	uint32_t count = image->map_count;
	Bpfd__V1__ImageMap *maps = arena_take_array(source->arena, count, sizeof(*maps));

	out->maps = arena_take_array(source->arena, count, sizeof(void *));
	if (!maps || !out->maps)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		bpfd__v1__image_map__init(&maps[i]);
		maps[i].name = text_const(records[i].name);
		maps[i].type = text_const(records[i].type);
		out->maps[i] = &maps[i];
	}
	out->n_maps = count;
	return true;
}

static bool image_fill(const struct answer_source *source, const struct record_image *image,
                       Bpfd__V1__Image *out)
{
	bpfd__v1__image__init(out);
	out->reference = text_const(image->reference);
	out->digest = digest_data(image->digest);
	out->manifest_digest = digest_data(image->manifest);
	out->layer_digest = digest_data(image->layer);
	out->object_digest = digest_data(image->object);
	out->object_size = image->object_size;
	out->stored_size = image->stored_size;
	out->pulled_at = image->pulled_at_s;
	out->used_at = image->used_at_s;
	out->signatures = image->signature_count;
	out->architecture = text_const(image->architecture);
	out->programs_from =
		text_const(image->programs_from == IMAGE_PROGRAMS_FROM_LABEL ? "label" : "object");
	return programs_fill(source, image, out) && maps_fill(source, image, out);
}

static Bpfd__V1__Image **images_fill(const struct answer_source *source, const struct fetch *fetch)
{
	uint32_t count = fetch->image_count;
	Bpfd__V1__Image *images = arena_take_array(source->arena, count, sizeof(*images));
	Bpfd__V1__Image **list = arena_take_array(source->arena, count, sizeof(void *));

	if (!images || !list)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (!image_fill(source, fetch->images[i], &images[i]))
			return NULL;
		list[i] = &images[i];
	}
	return list;
}

/* What each result is made of. */
struct parts {
	struct arena *arena;
	Bpfd__V1__Image **images;
	size_t count;
	Bpfd__V1__Verification *verification;
	bool cached;
};

#define RESULT_NEW(parts, response, member, CASE, init)                                        \
	((response)->member = arena_take((parts)->arena, sizeof(*(response)->member)),         \
	 (response)->member ? (init((response)->member),                                       \
	                       (response)->result_case = BPFD__V1__RESPONSE__RESULT_##CASE, 0) \
	                    : -ENOMEM)

static int pull_compose(const struct parts *parts, Bpfd__V1__Response *response)
{
	int r = RESULT_NEW(parts, response, image_pull, IMAGE_PULL,
	                   bpfd__v1__image_pull_response__init);

	if (r < 0)
		return r;
	response->image_pull->image = parts->images[0];
	response->image_pull->cached = parts->cached;
	response->image_pull->verification = parts->verification;
	return 0;
}

static int verify_compose(const struct parts *parts, Bpfd__V1__Response *response)
{
	int r = RESULT_NEW(parts, response, image_verify, IMAGE_VERIFY,
	                   bpfd__v1__image_verify_response__init);

	if (r < 0)
		return r;
	response->image_verify->image = parts->images[0];
	response->image_verify->verification = parts->verification;
	return 0;
}

static int inspect_compose(const struct parts *parts, Bpfd__V1__Response *response)
{
	int r = RESULT_NEW(parts, response, image_inspect, IMAGE_INSPECT,
	                   bpfd__v1__image_inspect_response__init);

	if (r == 0)
		response->image_inspect->image = parts->images[0];
	return r;
}

static int list_compose(const struct parts *parts, Bpfd__V1__Response *response)
{
	int r = RESULT_NEW(parts, response, image_list, IMAGE_LIST,
	                   bpfd__v1__image_list_response__init);

	if (r < 0)
		return r;
	response->image_list->images = parts->images;
	response->image_list->n_images = parts->count;
	return 0;
}

static int remove_compose(const struct parts *parts, Bpfd__V1__Response *response)
{
	int r = RESULT_NEW(parts, response, image_remove, IMAGE_REMOVE,
	                   bpfd__v1__image_remove_response__init);

	if (r < 0)
		return r;
	response->image_remove->images = parts->images;
	response->image_remove->n_images = parts->count;
	return 0;
}

int answer_images(const struct answer_source *source, const struct fetch *fetch,
                  const struct record_verdict *verdict, Bpfd__V1__Response *response)
{
	static int (*const composers[])(const struct parts *, Bpfd__V1__Response *) = {
		[FETCH_PULL] = pull_compose,       [FETCH_LIST] = list_compose,
		[FETCH_INSPECT] = inspect_compose, [FETCH_VERIFY] = verify_compose,
		[FETCH_REMOVE] = remove_compose,
	};
	struct parts parts = {
		.arena = source->arena,
		.images = images_fill(source, fetch),
		.count = fetch->image_count,
		.verification = verdict ? answer_verification(source, verdict) : NULL,
		.cached = fetch->cached,
	};

	if (!parts.images || (verdict && !parts.verification))
		return -ENOMEM;
	return composers[fetch->kind->name](&parts, response);
}
