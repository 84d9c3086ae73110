/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A layer, packed or not, the archive in it, and the object in that. */
#include "common/memfd.h"
#include "image/digest.h"
#include "image/layer.h"
#include "image/object.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void error_check(const struct error *error)
{
	assert(error->message[0] && error->code != ERROR_NONE);
	for (const char *at = error->message; *at; at++)
		assert(*at >= ' ' && *at <= '~');
}

static void object_check(const struct layer_object *object)
{
	static struct image_names names;
	struct error error = {};
	uint8_t digest[DIGEST_SIZE];
	size_t size;

	assert(memfd_check(object->fd, &size) == 0 && size == object->size);
	assert(size <= OBJECT_SIZE_MAX);
	assert(digest_of_fd(object->fd, 0, size, digest) == 0);
	assert(digest_equal(digest, object->digest));
	assert(object->is_raw == !object->name[0]);
	assert(object->name[0] != '/' && strncmp(object->name, "../", 3) != 0);
	for (const char *at = object->name; *at; at++)
		assert(*at >= ' ' && *at <= '~');
	if (image_object_check(object->fd, size, &error) < 0)
		error_check(&error);
	error = (struct error){};
	if (image_object_names(object->fd, size, &names, &error) < 0)
		error_check(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_object object;
	struct error error = {};

	if (layer_open_bytes(data, size, &object, &error) < 0) {
		error_check(&error);
		return 0;
	}
	object_check(&object);
	(void)close(object.fd);
	return 0;
}
