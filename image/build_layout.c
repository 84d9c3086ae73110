/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An OCI image layout: https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
#include "common/cleanup.h"
#include "image/build.h"
#include "image/digest.h"
#include "image/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BLOB_NAME_SIZE (sizeof("blobs/sha256/") + DIGEST_HEX_SIZE)

static int file_fail(struct error *error, int result, const char *name)
{
	return error_set(error, result, ERROR_STORE, "cannot write %s of the image: %s", name,
	                 strerror(-result));
}

static int file_write(int directory, const char *name, const void *bytes, size_t size,
                      struct error *error)
{
	_cleanup_close_ int fd =
		openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	const unsigned char *next = bytes;

	if (fd < 0)
		return file_fail(error, -errno, name);
	while (size) {
		ssize_t written = write(fd, next, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return file_fail(error, -errno, name);
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

static int piece_write(void *context, const struct build_piece *piece, struct error *error)
{
	const int *directory = context;
	char name[BLOB_NAME_SIZE];
	char hex[DIGEST_HEX_SIZE];

	digest_hex(piece->descriptor.digest, hex);
	(void)snprintf(name, sizeof(name), "blobs/sha256/%s", hex);
	return file_write(*directory, name, piece->bytes, (size_t)piece->descriptor.size, error);
}

static json_t *index_make(const struct descriptor *root, const char *tag)
{
	char digest[DIGEST_TEXT_SIZE];
	json_t *annotations =
		tag ? json_pack("{s:s}", "org.opencontainers.image.ref.name", tag) : NULL;

	digest_format(root->digest, digest);
	return json_pack("{s:i, s:s, s:[{s:s, s:s, s:I, s:o*}]}", "schemaVersion", 2, "mediaType",
	                 MEDIA_OCI_INDEX, "manifests", "mediaType", root->media_type, "digest",
	                 digest, "size", (json_int_t)root->size, "annotations", annotations);
}

static int index_write(int directory, const struct descriptor *root, const char *tag,
                       struct error *error)
{
	_cleanup_json_ json_t *index = index_make(root, tag);
	_cleanup_free_ char *text = index ? json_dumps(index, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	if (!text)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to build the image");
	return file_write(directory, "index.json", text, strlen(text), error);
}

int build_layout(int fd, const struct build_object *objects, size_t count, int64_t created_s,
                 const char *tag, struct descriptor *root, struct error *error)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct descriptor made;
	int result;

	if (mkdirat(fd, "blobs", 0755) < 0 || mkdirat(fd, "blobs/sha256", 0755) < 0)
		return file_fail(error, -errno, "blobs/sha256");
	result = build_image(objects, count, created_s, piece_write, &fd, &made, error);
	if (result == 0)
		result = file_write(fd, "oci-layout", layout, sizeof(layout) - 1, error);
	/* last: a layout without it is none */
	if (result == 0)
		result = index_write(fd, &made, tag, error);
	if (result == 0)
		*root = made;
	return result;
}
