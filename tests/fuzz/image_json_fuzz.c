/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A registry's JSON: an index, a manifest, a configuration. The first byte says whether, and as
 * what, the registry names its media type. */
#include "image/json.h"
#include "image/manifest.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const media_types[] = { NULL,
	                                   "",
	                                   MEDIA_OCI_INDEX,
	                                   MEDIA_OCI_MANIFEST,
	                                   MEDIA_DOCKER_INDEX,
	                                   (MEDIA_DOCKER_MANIFEST "; charset=utf-8") };

static void text_check(const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	assert(length < size);
	for (size_t i = 0; i < length; i++)
		assert(text[i] > ' ' && text[i] <= '~');
}

static void result_check(int result, const struct error *error)
{
	assert(result <= 0);
	assert((result == 0) == !error->message[0]);
	for (const char *at = error->message; *at; at++)
		assert(*at >= ' ' && *at <= '~');
}

static void names_check(const struct image_names *names)
{
	assert(names->program_count <= LOAD_PROGRAMS_MAX && names->map_count <= LOAD_MAPS_MAX);
	for (uint32_t i = 0; i < names->program_count; i++) {
		text_check(names->programs[i].name, sizeof(names->programs[i].name));
		text_check(names->programs[i].type, sizeof(names->programs[i].type));
		assert(names->programs[i].name[0]);
	}
	for (uint32_t i = 0; i < names->map_count; i++) {
		text_check(names->maps[i].name, sizeof(names->maps[i].name));
		text_check(names->maps[i].type, sizeof(names->maps[i].type));
		assert(names->maps[i].name[0]);
	}
}

static int index_fuzz(const uint8_t *data, size_t size, const char *type)
{
	static struct index index_;
	const struct index_entry *entry;
	struct error error = {};
	int result = index_read(data, size, type, &index_, &error);

	result_check(result, &error);
	if (result < 0)
		return result;
	assert(index_.count <= INDEX_ENTRIES_MAX);
	for (uint32_t i = 0; i < index_.count; i++) {
		entry = &index_.entries[i];
		text_check(entry->descriptor.media_type, sizeof(entry->descriptor.media_type));
		text_check(entry->os, sizeof(entry->os));
		text_check(entry->architecture, sizeof(entry->architecture));
		text_check(entry->variant, sizeof(entry->variant));
	}
	result_check(index_choose(&index_, "amd64", &entry, &error), &error);
	return 0;
}

static int manifest_fuzz(const uint8_t *data, size_t size, const char *type)
{
	static struct manifest manifest;
	struct error error = {};
	int result = manifest_read(data, size, type, &manifest, &error);

	result_check(result, &error);
	if (result < 0)
		return result;
	assert(manifest.layer_count <= MANIFEST_LAYERS_MAX);
	text_check(manifest.config.media_type, sizeof(manifest.config.media_type));
	for (uint32_t i = 0; i < manifest.layer_count; i++)
		text_check(manifest.layers[i].media_type, sizeof(manifest.layers[i].media_type));
	result = manifest_check_bytecode(&manifest, &error);
	result_check(result, &error);
	assert(result < 0 ||
	       (manifest.layer_count == 1 && manifest.layers[0].size <= LAYER_SIZE_MAX));
	return 0;
}

static void config_fuzz(const uint8_t *data, size_t size)
{
	static struct image_config config;
	struct error error = {};
	int result = config_read(data, size, &config, &error);

	result_check(result, &error);
	if (result < 0)
		return;
	text_check(config.architecture, sizeof(config.architecture));
	names_check(&config.names);
	assert(!config.labelled || config.names.program_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum manifest_kind kind = 0;
	struct error error = {};
	const char *type;
	int result, index, manifest;

	if (!size)
		return 0;
	type = media_types[data[0] % (sizeof(media_types) / sizeof(media_types[0]))];
	data++;
	size--;
	config_fuzz(data, size);
	result = manifest_kind(data, size, type, &kind, &error);
	result_check(result, &error);
	index = index_fuzz(data, size, type);
	manifest = manifest_fuzz(data, size, type);
	/* nothing is both, and what is either is so to all readers */
	assert(index < 0 || (result == 0 && kind == MANIFEST_INDEX));
	assert(manifest < 0 || (result == 0 && kind == MANIFEST_IMAGE));
	return 0;
}
