/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/layer.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "image/digest.h"
#include "image/layer_archive.h"
#include "image/unpack.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define UNPACKED_MAX (OBJECT_SIZE_MAX + (1u << 20))

struct work {
	struct unpack *unpack;
	const unsigned char *first; /* a block that was read to see what it is; NULL: no more */
	size_t first_size;
	struct digest_stream *digest; /* of the object */
	struct layer_object object;
};

static int refuse(struct error *error, const char *why)
{
	return error_set(error, -EBADMSG, ERROR_BAD_OBJECT,
	                 "%s; a bytecode image holds one object file and nothing else: build it "
	                 "again",
	                 why);
}

static ssize_t work_fill(void *context, const unsigned char **bytes, struct error *error)
{
	struct work *work = context;

	if (!work->first)
		return unpack_read(work->unpack, bytes, error);
	*bytes = work->first;
	work->first = NULL;
	return (ssize_t)work->first_size;
}

static int object_write(void *context, const unsigned char *bytes, size_t size, struct error *error)
{
	struct work *work = context;

	if (size > OBJECT_SIZE_MAX - work->object.size)
		return error_set(
			error, -EFBIG, ERROR_LIMIT,
			"the image's object is larger than %u MiB, which bpfd does not load",
			OBJECT_SIZE_MAX >> 20);
	if (digest_stream_update(work->digest, bytes, size) < 0)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to hash the object");
	work->object.size += size;
	while (size && work->object.fd >= 0) {
		ssize_t written = write(work->object.fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_set(error, -errno, ERROR_INTERNAL,
			                 "cannot keep the image's object: %s", strerror(errno));
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

void layer_name_copy(char out[LAYER_NAME_SIZE], const char *name)
{
	size_t length = strnlen(name, LAYER_NAME_SIZE - 1);

	memset(out, 0, LAYER_NAME_SIZE);
	for (size_t i = 0; i < length; i++)
		out[i] = (char)(name[i] < 0x20 || name[i] > 0x7e || name[i] == '"' ? '?' : name[i]);
}

static int file_begin(void *context, const char *name, uint64_t size, struct error *error)
{
	struct work *work = context;

	if (size > OBJECT_SIZE_MAX)
		return error_set(error, -EFBIG, ERROR_LIMIT,
		                 "the image's object has %llu bytes, bpfd loads at most %u",
		                 (unsigned long long)size, OBJECT_SIZE_MAX);
	layer_name_copy(work->object.name, name);
	return 0;
}

static int archive_take(struct work *work, struct error *error)
{
	const struct layer_archive layer = { work, work_fill, file_begin, object_write };

	return layer_archive_read(&layer, error);
}

static int raw_take(struct work *work, struct error *error)
{
	const unsigned char *bytes;
	ssize_t got;

	work->object.is_raw = true;
	while ((got = work_fill(work, &bytes, error)) > 0) {
		int result = object_write(work, bytes, (size_t)got, error);

		if (result < 0)
			return result;
	}
	return (int)got;
}

static int work_do(struct work *work, const struct unpack_source *source, struct error *error)
{
	ssize_t got;
	int result = unpack_open(source, UNPACKED_MAX, &work->unpack, error);

	if (result < 0)
		return result;
	got = unpack_read(work->unpack, &work->first, error);
	if (got <= 0)
		return got < 0 ? (int)got : refuse(error, "the image's layer is empty");
	work->first_size = (size_t)got;
	if (work->first_size >= SELFMAG && memcmp(work->first, ELFMAG, SELFMAG) == 0)
		result = raw_take(work, error);
	else
		result = archive_take(work, error);
	if (result < 0)
		return result;
	if (unpack_digest(work->unpack, work->object.diff) < 0 ||
	    digest_stream_finish(work->digest, work->object.digest) < 0)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to hash the object");
	if (work->object.fd >= 0)
		result = memfd_seal(work->object.fd);
	return result < 0 ? error_set(error, result, ERROR_INTERNAL, "cannot seal the object: %s",
	                              strerror(-result))
	                  : 0;
}

/* `object_fd` is where the object goes, or -1: nowhere. */
static int source_take(const struct unpack_source *source, int object_fd,
                       struct layer_object *object, struct error *error)
{
	struct work work = { .object.fd = object_fd, .digest = digest_stream_new() };
	int result;

	if (!work.digest)
		result = error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to hash the object");
	else
		result = work_do(&work, source, error);
	unpack_close(work.unpack);
	digest_stream_free(work.digest);
	if (result < 0)
		close_cleanup(&work.object.fd);
	else
		*object = work.object;
	return result;
}

static int source_open(const struct unpack_source *source, struct layer_object *object,
                       struct error *error)
{
	int fd = memfd_open("bpfd-object");

	if (fd < 0)
		return error_set(error, fd, ERROR_INTERNAL,
		                 "cannot make room for the image's object: %s", strerror(-fd));
	return source_take(source, fd, object, error);
}

int layer_measure(int fd, uint64_t offset, uint64_t size, struct layer_object *object,
                  struct error *error)
{
	const struct unpack_source source = { .fd = fd, .offset = offset, .size = size };

	return source_take(&source, -1, object, error);
}

int layer_open(int fd, uint64_t offset, uint64_t size, struct layer_object *object,
               struct error *error)
{
	const struct unpack_source source = { .fd = fd, .offset = offset, .size = size };

	return source_open(&source, object, error);
}

static struct unpack_source source_of_bytes(const void *bytes, uint64_t size)
{
	static const unsigned char nothing[1];

	return (struct unpack_source){ .bytes = size ? bytes : nothing, .fd = -1, .size = size };
}

int layer_measure_bytes(const void *bytes, uint64_t size, struct layer_object *object,
                        struct error *error)
{
	const struct unpack_source source = source_of_bytes(bytes, size);

	return source_take(&source, -1, object, error);
}

int layer_open_bytes(const void *bytes, uint64_t size, struct layer_object *object,
                     struct error *error)
{
	const struct unpack_source source = source_of_bytes(bytes, size);

	return source_open(&source, object, error);
}
