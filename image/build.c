/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/build.h"

#include "common/cleanup.h"
#include "image/build_internal.h"
#include "image/digest.h"
#include "image/json.h"
#include "image/object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CREATED_SIZE 64
#define CREATED_MAX (INT64_C(1) << 33) /* what a tar header has room for: the year 2242 */

struct building {
	build_take *take;
	void *context;
	int64_t created_s;
	char created[CREATED_SIZE];
	uint32_t given_count;
	uint8_t given[3 * BUILD_OBJECTS_MAX][DIGEST_SIZE]; /* pieces that were given already */
};

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to build the image");
}

/* Makes the descriptor of a piece and gives it, unless it was given before. */
static int piece_give(struct building *building, enum build_kind kind, bool is_root,
                      const char *media_type, const void *bytes, size_t size,
                      struct descriptor *descriptor, struct error *error)
{
	struct build_piece piece = { .kind = kind, .is_root = is_root, .bytes = bytes };

	(void)snprintf(piece.descriptor.media_type, MEDIA_TYPE_SIZE, "%s", media_type);
	piece.descriptor.size = size;
	if (digest_of_bytes(bytes, size, piece.descriptor.digest) < 0)
		return no_memory(error);
	*descriptor = piece.descriptor;
	for (uint32_t i = 0; i < building->given_count; i++) {
		if (digest_equal(building->given[i], piece.descriptor.digest))
			return 0;
	}
	if (building->given_count < sizeof(building->given) / sizeof(building->given[0]))
		memcpy(building->given[building->given_count++], piece.descriptor.digest,
		       DIGEST_SIZE);
	return building->take(building->context, &piece, error);
}

/* Takes the document over. */
static int document_give(struct building *building, enum build_kind kind, bool is_root,
                         const char *media_type, json_t *document, struct descriptor *descriptor,
                         struct error *error)
{
	_cleanup_json_ json_t *owned = document;
	_cleanup_free_ char *text = owned ? json_dumps(owned, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (!text)
		return no_memory(error);
	return piece_give(building, kind, is_root, media_type, text, strlen(text), descriptor,
	                  error);
}

static json_t *descriptor_make(const struct descriptor *descriptor)
{
	char digest[DIGEST_TEXT_SIZE];

	digest_format(descriptor->digest, digest);
	return json_pack("{s:s, s:s, s:I}", "mediaType", descriptor->media_type, "digest", digest,
	                 "size", (json_int_t)descriptor->size);
}

static json_t *config_make(const struct building *building, const struct build_object *object,
                           const char *programs, const char *maps, const uint8_t *diff)
{
	char digest[DIGEST_TEXT_SIZE];

	digest_format(diff, digest);
	return json_pack("{s:s, s:s, s:s, s:{s:{s:s, s:s}}, s:{s:s, s:[s]}, s:[{s:s, s:s}]}",
	                 "architecture", object->architecture, "os", "linux", "created",
	                 building->created, "config", "Labels", "io.ebpf.programs", programs,
	                 "io.ebpf.maps", maps, "rootfs", "type", "layers", "diff_ids", digest,
	                 "history", "created", building->created, "created_by",
	                 "bpfctl image build");
}

static json_t *manifest_make(const struct descriptor *config, const struct descriptor *layer)
{
	return json_pack("{s:i, s:s, s:o, s:[o]}", "schemaVersion", 2, "mediaType",
	                 MEDIA_OCI_MANIFEST, "config", descriptor_make(config), "layers",
	                 descriptor_make(layer));
}

static json_t *entry_make(const struct descriptor *manifest, const char *architecture)
{
	json_t *entry = descriptor_make(manifest);
	json_t *platform = json_pack("{s:s, s:s}", "architecture", architecture, "os", "linux");

	if (entry && json_object_set_new(entry, "platform", platform) < 0) {
		json_decref(entry);
		return NULL;
	}
	return entry;
}

static int object_open(const struct build_object *object, uint64_t *size, struct error *error)
{
	struct stat status;

	if (!object->name[0] || strchr(object->name, '/') || strcmp(object->name, ".") == 0 ||
	    strcmp(object->name, "..") == 0 || strncmp(object->name, ".wh.", 4) == 0)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"\"%.100s\" cannot be the name of a layer's file: give the object's "
			"own, without directories",
			object->name);
	if (fstat(object->fd, &status) < 0)
		return error_set(error, -errno, ERROR_INTERNAL, "cannot examine %.100s: %s",
		                 object->name, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "%.100s is no regular file: give an object file", object->name);
	if (status.st_size > (off_t)OBJECT_SIZE_MAX)
		return error_set(error, -EFBIG, ERROR_LIMIT,
		                 "%.100s has %lld bytes, bpfd loads at most %u", object->name,
		                 (long long)status.st_size, OBJECT_SIZE_MAX);
	*size = (uint64_t)status.st_size;
	return image_object_check_for(object->fd, *size, object->architecture, error);
}

static int layer_give(struct building *building, const struct build_object *object, uint64_t size,
                      uint8_t diff[DIGEST_SIZE], struct descriptor *layer, struct error *error)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	size_t packed = 0;
	int result = build_layer(object->fd, size, object->name, building->created_s, &bytes,
	                         &packed, diff, error);

	return result < 0 ? result
	                  : piece_give(building, BUILD_BLOB, false, MEDIA_OCI_LAYER_GZIP, bytes,
	                               packed, layer, error);
}

static int object_give(struct building *building, const struct build_object *object, bool is_root,
                       struct descriptor *manifest, struct error *error)
{
	_cleanup_free_ char *programs = NULL;
	_cleanup_free_ char *maps = NULL;
	uint8_t diff[DIGEST_SIZE];
	struct descriptor layer = {};
	struct descriptor config = {};
	uint64_t size = 0;
	int result = object_open(object, &size, error);

	if (result == 0)
		result = build_labels(object->fd, size, &programs, &maps, error);
	if (result == 0)
		result = layer_give(building, object, size, diff, &layer, error);
	if (result == 0)
		result = document_give(building, BUILD_BLOB, false, MEDIA_OCI_CONFIG,
		                       config_make(building, object, programs, maps, diff), &config,
		                       error);
	if (result == 0)
		result = document_give(building, BUILD_MANIFEST, is_root, MEDIA_OCI_MANIFEST,
		                       manifest_make(&config, &layer), manifest, error);
	return result;
}

static int index_give(struct building *building, const struct build_object *objects, size_t count,
                      struct descriptor *root, struct error *error)
{
	_cleanup_json_ json_t *entries = json_array();
	json_t *document;

	for (size_t i = 0; entries && i < count; i++) {
		struct descriptor manifest = {};
		int result = object_give(building, &objects[i], false, &manifest, error);

		if (result < 0)
			return result;
		if (json_array_append_new(entries, entry_make(&manifest, objects[i].architecture)) <
		    0)
			return no_memory(error);
	}
	document = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", MEDIA_OCI_INDEX,
	                     "manifests", entries);
	return document_give(building, BUILD_INDEX, true, MEDIA_OCI_INDEX, document, root, error);
}

static int arguments_check(const struct build_object *objects, size_t count, struct error *error)
{
	if (count == 0 || count > BUILD_OBJECTS_MAX)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "an image is built of 1 to %d objects, not of %zu",
		                 BUILD_OBJECTS_MAX, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(objects[i].architecture, objects[k].architecture) == 0)
				return error_set(
					error, -EINVAL, ERROR_INVALID_ARGUMENT,
					"there are two objects for %.31s: give one for each "
					"architecture",
					objects[i].architecture);
		}
	}
	return 0;
}

static int created_set(struct building *building, struct error *error)
{
	struct tm parts;
	time_t seconds = (time_t)building->created_s;

	if (building->created_s < 0 || building->created_s >= CREATED_MAX ||
	    !gmtime_r(&seconds, &parts) ||
	    !strftime(building->created, sizeof(building->created), "%Y-%m-%dT%H:%M:%SZ", &parts))
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the image's time has to lie from 1970 to 2242: set "
		                 "SOURCE_DATE_EPOCH to seconds since 1970");
	return 0;
}

int build_image(const struct build_object *objects, size_t count, int64_t created_s,
                build_take *take, void *context, struct descriptor *root, struct error *error)
{
	struct building building = { .take = take, .context = context, .created_s = created_s };
	struct descriptor made;
	int result = arguments_check(objects, count, error);

	if (result == 0)
		result = created_set(&building, error);
	if (result == 0)
		result = count == 1 ? object_give(&building, objects, true, &made, error)
		                    : index_give(&building, objects, count, &made, error);
	if (result == 0)
		*root = made;
	return result;
}

int build_time_parse(const char *text, int64_t *created_s, struct error *error)
{
	int64_t value = 0;

	for (const char *digit = text ? text : ""; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || value >= CREATED_MAX)
			return error_set(
				error, -EINVAL, ERROR_INVALID_ARGUMENT,
				"SOURCE_DATE_EPOCH is \"%.40s\": set it to seconds since 1970, "
				"or not at all",
				text);
		value = value * 10 + (*digit - '0');
	}
	*created_s = value;
	return 0;
}
