/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/describe_image.h"
#include "client/lib/client.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <string.h>

int digest_describe(const ProtobufCBinaryData *message, uint8_t digest[BPFD_DIGEST_SIZE],
                    struct bpfd_error **error)
{
	if (message->len != BPFD_DIGEST_SIZE)
		return error_answer(error, "an image without its digests");
	memcpy(digest, message->data, BPFD_DIGEST_SIZE);
	return 0;
}

void verification_describe(const Bpfd__V1__Verification *message,
                           struct bpfd_verification *verification)
{
	*verification = (struct bpfd_verification){ .key = "", .identity = "", .issuer = "" };
	if (!message)
		return;
	verification->verified = message->verified;
	verification->key = message->key;
	verification->identity = message->identity;
	verification->issuer = message->issuer;
}

static const struct bpfd_image_program *programs_describe(struct arena *arena,
                                                          const Bpfd__V1__Image *message)
{
	struct bpfd_image_program *programs =
		arena_alloc(arena, message->n_programs, sizeof(*programs));

	for (size_t i = 0; programs && i < message->n_programs; i++) {
		programs[i].name = message->programs[i]->name;
		programs[i].type = message->programs[i]->type;
	}
	return programs;
}

static const struct bpfd_image_map *maps_describe(struct arena *arena,
                                                  const Bpfd__V1__Image *message)
{
	struct bpfd_image_map *maps = arena_alloc(arena, message->n_maps, sizeof(*maps));

	for (size_t i = 0; maps && i < message->n_maps; i++) {
		maps[i].name = message->maps[i]->name;
		maps[i].type = message->maps[i]->type;
	}
	return maps;
}

static int digests_describe(const Bpfd__V1__Image *message, struct bpfd_image *image,
                            struct bpfd_error **error)
{
	int result = digest_describe(&message->digest, image->digest, error);

	if (result == 0)
		result = digest_describe(&message->manifest_digest, image->manifest_digest, error);
	if (result == 0)
		result = digest_describe(&message->layer_digest, image->layer_digest, error);
	if (result == 0)
		result = digest_describe(&message->object_digest, image->object_digest, error);
	return result;
}

int image_describe(struct arena *arena, const Bpfd__V1__Image *message, struct bpfd_image *image,
                   struct bpfd_error **error)
{
	struct bpfd_image made = {
		.reference = message->reference,
		.object_size = message->object_size,
		.stored_size = message->stored_size,
		.pulled_at = message->pulled_at,
		.used_at = message->used_at,
		.signature_count = message->signatures,
		.architecture = message->architecture,
		.programs_from = message->programs_from,
		.program_count = message->n_programs,
		.map_count = message->n_maps,
	};
	int result = digests_describe(message, &made, error);

	if (result < 0)
		return result;
	made.programs = programs_describe(arena, message);
	made.maps = maps_describe(arena, message);
	if (!made.programs || !made.maps)
		return error_memory(error);
	*image = made;
	return 0;
}

int image_give(struct arena **arena, const Bpfd__V1__Image *message,
               const Bpfd__V1__Verification *verification, struct bpfd_image_details **details,
               struct bpfd_error **error)
{
	struct bpfd_image_details *made = result_new(*arena, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	if (!message)
		return error_answer(error, "no image in it");
	verification_describe(verification, &made->verification);
	result = image_describe(*arena, message, &made->image, error);
	if (result < 0)
		return result;
	(void)steal_ptr(arena);
	*details = made;
	return 0;
}

static int images_describe(struct arena *arena, Bpfd__V1__Image *const *messages, size_t count,
                           const struct bpfd_image **images, struct bpfd_error **error)
{
	struct bpfd_image *made = arena_alloc(arena, count, sizeof(*made));

	if (!made)
		return error_memory(error);
	for (size_t i = 0; i < count; i++) {
		int result = image_describe(arena, messages[i], &made[i], error);

		if (result < 0)
			return result;
	}
	*images = made;
	return 0;
}

int images_give(struct arena **arena, Bpfd__V1__Image *const *messages, size_t count,
                struct bpfd_images **images, struct bpfd_error **error)
{
	struct bpfd_images *made = result_new(*arena, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	result = images_describe(*arena, messages, count, &made->items, error);
	if (result < 0)
		return result;
	made->count = count;
	(void)steal_ptr(arena);
	*images = made;
	return 0;
}

void bpfd_image_details_free(struct bpfd_image_details *details)
{
	result_free(details);
}

void bpfd_images_free(struct bpfd_images *images)
{
	result_free(images);
}
