/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/document.h"
#include "image/json.h"
#include "image/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text of a platform goes into sentences and records. */
static bool word_is_valid(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                         "._-")] == '\0';
}

static int word_read(const json_t *platform, const char *key, char out[IMAGE_TYPE_SIZE])
{
	int result = json_member_text(platform, key, out, IMAGE_TYPE_SIZE);

	if (result == -ENOENT)
		return 0;
	return result == 0 && word_is_valid(out) ? 0 : -EBADMSG;
}

static int entry_read(const json_t *object, struct index_entry *entry, struct error *error)
{
	const json_t *platform;

	if (descriptor_read(object, &entry->descriptor) < 0)
		return document_refuse(error, MANIFEST_INDEX,
		                       "has an entry without a media type, a size or a sha256 "
		                       "digest");
	if (json_member_text(object, "artifactType", entry->artifact_type,
	                     sizeof(entry->artifact_type)) == -EBADMSG)
		return document_refuse(error, MANIFEST_INDEX,
		                       "has an entry whose artifactType is no text");
	platform = json_object_get(object, "platform");
	if (!platform || json_is_null(platform))
		return 0;
	if (!json_is_object(platform) || word_read(platform, "os", entry->os) < 0 ||
	    word_read(platform, "architecture", entry->architecture) < 0 ||
	    word_read(platform, "variant", entry->variant) < 0)
		return document_refuse(error, MANIFEST_INDEX,
		                       "has an entry whose platform is not made of short words");
	return 0;
}

static int entries_read(const json_t *list, struct index *index, struct error *error)
{
	size_t count = json_array_size(list);

	if (!list)
		return document_refuse(error, MANIFEST_INDEX, "has no list \"manifests\"");
	if (count > INDEX_ENTRIES_MAX)
		return error_set(
			error, -EMSGSIZE, ERROR_REGISTRY,
			"the image's index has %zu entries, at most %d are read: name one of "
			"its manifests by @sha256:digest",
			count, INDEX_ENTRIES_MAX);
	for (size_t i = 0; i < count; i++) {
		int result = entry_read(json_array_get(list, i), &index->entries[i], error);

		if (result < 0)
			return result;
	}
	index->count = (uint32_t)count;
	return 0;
}

int index_read(const void *bytes, size_t size, const char *content_type, struct index *index,
               struct error *error)
{
	_cleanup_json_ json_t *document = NULL;
	struct index *read;
	int result = document_read_as(bytes, size, content_type, MANIFEST_INDEX, &document, error);

	if (result < 0)
		return result;
	read = calloc(
		1, sizeof(*read)); /* too large for a stack, and `index` changes only at the end */
	if (!read)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the index");
	result = entries_read(json_member_array(document, "manifests"), read, error);
	if (result == 0)
		memcpy(index, read, sizeof(*read));
	free(read);
	return result;
}

static bool is_attestation(const struct index_entry *entry)
{
	return strcmp(entry->os, "unknown") == 0 || strcmp(entry->architecture, "unknown") == 0;
}

static bool is_for_any(const struct index_entry *entry)
{
	return !entry->os[0] && !entry->architecture[0];
}

static bool is_for(const struct index_entry *entry, const char *architecture)
{
	return (!entry->os[0] || strcmp(entry->os, "linux") == 0) &&
	       strcmp(entry->architecture, architecture) == 0;
}

/* An entry without a variant runs on all of them; the first with one is the oldest, by custom. */
static const struct index_entry *entry_find(const struct index *index, const char *architecture)
{
	const struct index_entry *variant = NULL;
	const struct index_entry *any = NULL;

	for (uint32_t i = 0; i < index->count; i++) {
		const struct index_entry *entry = &index->entries[i];

		if (is_for(entry, architecture) && !entry->variant[0])
			return entry;
		if (is_for(entry, architecture) && !variant)
			variant = entry;
		if (is_for_any(entry) && !any)
			any = entry;
	}
	return variant ? variant : any;
}

static void platforms_list(const struct index *index, char *out, size_t size)
{
	size_t length = 0;

	(void)snprintf(out, size, "none");
	for (uint32_t i = 0; i < index->count && length < size; i++) {
		const struct index_entry *entry = &index->entries[i];
		int written;

		if (is_attestation(entry))
			continue;
		written = snprintf(out + length, size - length, "%s%s/%s%s%s", length ? ", " : "",
		                   entry->os, entry->architecture, entry->variant[0] ? "/" : "",
		                   entry->variant);
		if (written < 0)
			return;
		length += (size_t)written;
	}
}

int index_choose(const struct index *index, const char *architecture,
                 const struct index_entry **entry, struct error *error)
{
	const struct index_entry *found = entry_find(index, architecture);
	char platforms[320];

	if (!found) {
		platforms_list(index, platforms, sizeof(platforms));
		return error_set(error, -ENOENT, ERROR_UNSUPPORTED,
		                 "the image is for %s, this machine is linux/%s: build and push it "
		                 "for this architecture too",
		                 platforms, architecture);
	}
	*entry = found;
	return 0;
}
