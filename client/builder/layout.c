/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/layout.h"
#include "client/builder/layout_form.h"

#include "common/cleanup.h"
#include "image/digest.h"
#include "image/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BLOB_NAME_SIZE (sizeof("blobs/sha256/") + DIGEST_HEX_SIZE)

static const char oci_layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

static inline void closedir_cleanup(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

int layout_fail(struct error *error, int result, const char *path)
{
	return error_set(error, result, ERROR_STORE, "cannot write the image to \"%.300s\": %s",
	                 path, strerror(-result));
}

static bool ends_in_tar(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && strcmp(path + length - 4, ".tar") == 0;
}

static int empty_check(const char *path, struct error *error)
{
	_cleanup_(closedir) DIR *directory = opendir(path);
	const struct dirent *entry;

	if (!directory)
		return layout_fail(error, -errno, path);
	while ((entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return error_set(error, -ENOTEMPTY, ERROR_ALREADY_EXISTS,
			                 "\"%.300s\" has something in it: an image is written into "
			                 "a new or an empty directory, or to a file whose name "
			                 "ends in .tar",
			                 path);
	}
	return 0;
}

int layout_choose(const char *path, enum layout_form *form, struct error *error)
{
	struct stat status;

	*form = ends_in_tar(path) ? LAYOUT_ARCHIVE : LAYOUT_DIRECTORY;
	if (stat(path, &status) < 0)
		return errno == ENOENT ? 0 : layout_fail(error, -errno, path);
	if (S_ISDIR(status.st_mode)) {
		*form = LAYOUT_DIRECTORY;
		return empty_check(path, error);
	}
	if (*form == LAYOUT_ARCHIVE && S_ISREG(status.st_mode))
		return 0;
	return error_set(error, -ENOTDIR, ERROR_ALREADY_EXISTS,
	                 "\"%.300s\" is no directory: an image is written into a new or an empty "
	                 "directory, or to a file whose name ends in .tar",
	                 path);
}

static char *index_text(const struct pieces *pieces, const char *tag)
{
	const struct piece *root = &pieces->items[pieces->head.count - 1];
	char digest[DIGEST_TEXT_SIZE];
	_cleanup_json_ json_t *index = NULL;

	digest_format(root->digest, digest);
	index = json_pack("{s:i, s:s, s:[{s:s, s:s, s:I, s:{s:s}}]}", "schemaVersion", 2,
	                  "mediaType", MEDIA_OCI_INDEX, "manifests", "mediaType",
	                  piece_media_type(root), "digest", digest, "size", (json_int_t)root->size,
	                  "annotations", "org.opencontainers.image.ref.name", tag);
	return index ? json_dumps(index, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

static int blobs_add(const struct layout_sink *sink, const struct pieces *pieces)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < pieces->head.count; i++) {
		const struct piece *piece = &pieces->items[i];
		char name[BLOB_NAME_SIZE], hex[DIGEST_HEX_SIZE];

		digest_hex(piece->digest, hex);
		(void)snprintf(name, sizeof(name), "blobs/sha256/%s", hex);
		result = sink->add(sink->context, name, piece->bytes, (size_t)piece->size);
	}
	return result;
}

int layout_fill(const struct layout_sink *sink, const struct pieces *pieces, const char *tag)
{
	_cleanup_free_ char *index = index_text(pieces, tag);
	int result = index ? blobs_add(sink, pieces) : -ENOMEM;

	if (result == 0)
		result = sink->add(sink->context, "oci-layout", oci_layout, sizeof(oci_layout) - 1);
	if (result == 0)
		result = sink->add(sink->context, "index.json", index, strlen(index));
	return result;
}

int layout_write(const char *path, enum layout_form form, const struct pieces *pieces,
                 const char *tag, int64_t created_s, struct error *error)
{
	int result = form == LAYOUT_ARCHIVE ? layout_archive_write(path, pieces, tag, created_s)
	                                    : layout_directory_write(path, pieces, tag);

	return result < 0 ? layout_fail(error, result, path) : 0;
}
