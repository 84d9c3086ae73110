/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/manifest.h"

#include "image/document.h"
#include "image/json.h"

#include <errno.h>
#include <string.h>

int manifest_kind(const void *bytes, size_t size, const char *content_type,
                  enum manifest_kind *kind, struct error *error)
{
	_cleanup_json_ json_t *document = NULL;

	return document_read(bytes, size, content_type, kind, &document, error);
}

/* Media types go into sentences, requests and comparisons: they hold nothing but what RFC 6838 lets
 * them. */
static bool media_type_is_valid(const char *type)
{
	return *type && type[strspn(type, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                  "0123456789!#$&-^_.+/")] == '\0';
}

int descriptor_read(const json_t *object, struct descriptor *descriptor)
{
	struct descriptor read = {};

	if (!json_is_object(object) ||
	    json_member_text(object, "mediaType", read.media_type, sizeof(read.media_type)) < 0 ||
	    !media_type_is_valid(read.media_type) ||
	    json_member_digest(object, "digest", read.digest) < 0 ||
	    json_member_size(object, "size", &read.size) < 0)
		return -EBADMSG;
	*descriptor = read;
	return 0;
}

static int layers_read(const json_t *document, struct manifest *manifest, struct error *error)
{
	const json_t *layers = json_member_array(document, "layers");
	size_t count = json_array_size(layers);

	if (!layers)
		return document_refuse(error, MANIFEST_IMAGE, "has no list \"layers\"");
	if (count > MANIFEST_LAYERS_MAX)
		return error_set(
			error, -EMSGSIZE, ERROR_REGISTRY,
			"the manifest has %zu layers, at most %d are read: a bytecode image "
			"has one",
			count, MANIFEST_LAYERS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (descriptor_read(json_array_get(layers, i), &manifest->layers[i]) < 0)
			return document_refuse(error, MANIFEST_IMAGE,
			                       "has a layer without a media type, a size or a "
			                       "sha256 digest");
	}
	manifest->layer_count = (uint32_t)count;
	return 0;
}

static int subject_read(const json_t *document, struct manifest *manifest, struct error *error)
{
	const json_t *subject = json_object_get(document, "subject");
	struct descriptor descriptor;

	if (!subject || json_is_null(subject))
		return 0;
	if (descriptor_read(subject, &descriptor) < 0)
		return document_refuse(error, MANIFEST_IMAGE,
		                       "has a subject without a media type, a size or a sha256 "
		                       "digest");
	manifest->has_subject = true;
	memcpy(manifest->subject, descriptor.digest, DIGEST_SIZE);
	return 0;
}

static bool is_image_config(const char *media_type)
{
	return strcmp(media_type, MEDIA_OCI_CONFIG) == 0 ||
	       strcmp(media_type, MEDIA_DOCKER_CONFIG) == 0;
}

int manifest_read(const void *bytes, size_t size, const char *content_type,
                  struct manifest *manifest, struct error *error)
{
	_cleanup_json_ json_t *document = NULL;
	struct manifest read = {};
	int result = document_read_as(bytes, size, content_type, MANIFEST_IMAGE, &document, error);

	if (result < 0)
		return result;
	if (descriptor_read(json_object_get(document, "config"), &read.config) < 0)
		return document_refuse(error, MANIFEST_IMAGE,
		                       "has a config without a media type, a size or a sha256 "
		                       "digest");
	if (json_member_text(document, "artifactType", read.artifact_type,
	                     sizeof(read.artifact_type)) == -EBADMSG)
		return document_refuse(error, MANIFEST_IMAGE,
		                       "has an artifactType that is no text");
	read.is_artifact = read.artifact_type[0] || !is_image_config(read.config.media_type);
	result = layers_read(document, &read, error);
	if (result == 0)
		result = subject_read(document, &read, error);
	if (result == 0)
		*manifest = read;
	return result;
}

int manifest_check_bytecode(const struct manifest *manifest, struct error *error)
{
	if (manifest->layer_count != 1)
		return error_set(
			error, -EBADMSG, ERROR_REGISTRY,
			"the image has %u layers, a bytecode image has one with one object "
			"in it: build it FROM scratch with a single COPY, or with "
			"bpfctl image build",
			manifest->layer_count);
	if (manifest->layers[0].size > LAYER_SIZE_MAX)
		return error_set(
			error, -EFBIG, ERROR_LIMIT,
			"the image's layer has %llu bytes, at most %u are fetched: is it a "
			"bytecode image?",
			(unsigned long long)manifest->layers[0].size, LAYER_SIZE_MAX);
	if (!manifest->is_artifact && manifest->config.size > JSON_DOCUMENT_MAX)
		return error_set(
			error, -EFBIG, ERROR_LIMIT,
			"the image's configuration has %llu bytes, at most %u are fetched: "
			"is it a bytecode image?",
			(unsigned long long)manifest->config.size, JSON_DOCUMENT_MAX);
	return 0;
}
