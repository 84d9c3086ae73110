/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/document.h"

#include "image/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *type;
	enum manifest_kind kind;
} media_types[] = {
	{ MEDIA_OCI_INDEX, MANIFEST_INDEX },
	{ MEDIA_DOCKER_INDEX, MANIFEST_INDEX },
	{ MEDIA_OCI_MANIFEST, MANIFEST_IMAGE },
	{ MEDIA_DOCKER_MANIFEST, MANIFEST_IMAGE },
};

static const char *kind_name(enum manifest_kind kind)
{
	return kind == MANIFEST_INDEX ? "index" : "manifest";
}

int document_refuse(struct error *error, enum manifest_kind kind, const char *why)
{
	return error_set(error, -EBADMSG, ERROR_REGISTRY,
	                 "the image's %s %s: it is not what bpfd can use; build and push it again",
	                 kind_name(kind), why);
}

static void text_make_printable(char *text)
{
	for (; *text; text++) {
		if (*text <= 0x20 || *text > 0x7e)
			*text = '?';
	}
}

/* The part before ";" and blanks, lower case. */
static void content_type_cut(const char *content_type, char out[MEDIA_TYPE_SIZE])
{
	size_t length = strcspn(content_type, "; \t\r\n");

	if (length >= MEDIA_TYPE_SIZE)
		length = MEDIA_TYPE_SIZE - 1;
	(void)snprintf(out, MEDIA_TYPE_SIZE, "%.*s", (int)length, content_type);
	text_make_printable(out);
}

/* What both say, empty where neither does. */
static int type_agree(const json_t *document, const char *content_type, char type[MEDIA_TYPE_SIZE],
                      struct error *error)
{
	char said[MEDIA_TYPE_SIZE] = "";
	int result = json_member_text(document, "mediaType", type, MEDIA_TYPE_SIZE);

	if (content_type)
		content_type_cut(content_type, said);
	if (result == -EBADMSG)
		return error_set(
			error, -EBADMSG, ERROR_REGISTRY,
			"the image's manifest has a mediaType that is no text of at most %d "
			"bytes: build and push it again",
			MEDIA_TYPE_SIZE - 1);
	if (result == -ENOENT) {
		memcpy(type, said, MEDIA_TYPE_SIZE);
		return 0;
	}
	text_make_printable(type);
	if (said[0] && strcasecmp(said, type) != 0)
		return error_set(
			error, -EBADMSG, ERROR_REGISTRY,
			"the registry calls the manifest %s, the manifest calls itself %s: "
			"ask who runs the registry",
			said, type);
	return 0;
}

static int type_kind(const char *type, enum manifest_kind *kind, struct error *error)
{
	for (size_t i = 0; i < sizeof(media_types) / sizeof(media_types[0]); i++) {
		if (strcasecmp(media_types[i].type, type) == 0) {
			*kind = media_types[i].kind;
			return 0;
		}
	}
	return error_set(error, -EBADMSG, ERROR_REGISTRY,
	                 "the manifest's media type is %s, bpfd reads OCI's and Docker's schema 2: "
	                 "push the image again with a newer tool",
	                 type);
}

/* A document with the members of both kinds may mean two things to two readers (CVE-2021-41190). */
static int members_check(const json_t *document, const char *type, enum manifest_kind *kind,
                         struct error *error)
{
	bool is_index = json_object_get(document, "manifests");
	bool is_image = json_object_get(document, "layers") || json_object_get(document, "config");

	if (is_index == is_image)
		return error_set(
			error, -EBADMSG, ERROR_REGISTRY,
			"the manifest has %s: it is neither an image's manifest nor an index; "
			"build and push it again",
			is_index ? "\"manifests\" beside \"layers\" or \"config\""
				 : "neither \"manifests\" nor \"layers\"");
	if (!type[0])
		*kind = is_index ? MANIFEST_INDEX : MANIFEST_IMAGE;
	else if ((*kind == MANIFEST_INDEX) != is_index)
		return document_refuse(error, *kind,
		                       is_index ? "has \"manifests\" as an index has"
		                                : "has \"layers\" as a manifest has");
	return 0;
}

static int version_check(const json_t *document, struct error *error)
{
	uint64_t version;

	if (json_member_size(document, "schemaVersion", &version) < 0 || version != 2)
		return error_set(
			error, -EBADMSG, ERROR_REGISTRY,
			"the manifest's schemaVersion is not 2: push the image again with a "
			"newer tool");
	return 0;
}

int document_read(const void *bytes, size_t size, const char *content_type,
                  enum manifest_kind *kind, json_t **document, struct error *error)
{
	_cleanup_json_ json_t *read = NULL;
	char type[MEDIA_TYPE_SIZE];
	enum manifest_kind found = MANIFEST_IMAGE;
	int result = json_read(bytes, size, JSON_DOCUMENT_MAX, "the manifest", ERROR_REGISTRY,
	                       &read, error);

	if (result == 0)
		result = type_agree(read, content_type, type, error);
	if (result == 0 && type[0])
		result = type_kind(type, &found, error);
	if (result == 0)
		result = version_check(read, error);
	if (result == 0)
		result = members_check(read, type, &found, error);
	if (result < 0)
		return result;
	*kind = found;
	*document = json_incref(read);
	return 0;
}

int document_read_as(const void *bytes, size_t size, const char *content_type,
                     enum manifest_kind kind, json_t **document, struct error *error)
{
	enum manifest_kind found;
	int result = document_read(bytes, size, content_type, &found, document, error);

	if (result < 0 || found == kind)
		return result;
	json_decref(*document);
	*document = NULL;
	return error_set(
		error, -EBADMSG, ERROR_REGISTRY,
		"the registry sent an %s where the image has to have %s: build and push it "
		"again",
		found == MANIFEST_INDEX ? "index" : "image's manifest",
		kind == MANIFEST_INDEX ? "an index" : "a manifest");
}
