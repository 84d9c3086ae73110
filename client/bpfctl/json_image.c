/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/json.h"
#include "bpfctl/json_value.h"

json_t *verification_json(const struct bpfd_verification *verification)
{
	const char *kind = *verification->key ? "key" : "keyless";

	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "verified", (int)verification->verified,
	                 "kind", verification->verified ? json_string(kind) : json_null(), "key",
	                 text_json(verification->key), "identity",
	                 text_json(verification->identity), "issuer",
	                 text_json(verification->issuer));
}

static json_t *name_json(const char *name, const char *type)
{
	return json_pack("{s:o, s:o}", "name", text_json(name), "type", text_json(type));
}

static json_t *programs_json_of(const struct bpfd_image *image)
{
	json_t *array = json_array();

	for (size_t i = 0; i < image->program_count; i++)
		(void)json_array_append_new(
			array, name_json(image->programs[i].name, image->programs[i].type));
	return array;
}

static json_t *maps_json_of(const struct bpfd_image *image)
{
	json_t *array = json_array();

	for (size_t i = 0; i < image->map_count; i++)
		(void)json_array_append_new(array,
		                            name_json(image->maps[i].name, image->maps[i].type));
	return array;
}

static json_t *digest_json(const uint8_t digest[BPFD_DIGEST_SIZE])
{
	return hex_json("sha256:", digest, BPFD_DIGEST_SIZE);
}

json_t *image_json(const struct bpfd_image *image)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"reference", text_json(image->reference), "digest", digest_json(image->digest),
		"manifest_digest", digest_json(image->manifest_digest), "layer_digest",
		digest_json(image->layer_digest), "object_digest",
		digest_json(image->object_digest), "object_size", number_json(image->object_size),
		"stored_size", number_json(image->stored_size), "pulled_at",
		time_json(image->pulled_at), "used_at", time_json(image->used_at), "signatures",
		number_json(image->signature_count), "architecture", text_json(image->architecture),
		"programs_from", text_json(image->programs_from), "programs",
		programs_json_of(image), "maps", maps_json_of(image));
}

json_t *images_json(const struct bpfd_images *images)
{
	json_t *array = json_array();

	for (size_t i = 0; i < images->count; i++)
		(void)json_array_append_new(array, image_json(&images->items[i]));
	return array;
}
