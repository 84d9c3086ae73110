/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/cleanup.h"
#include "image/build_internal.h"
#include "image/digest.h"
#include "image/tar_write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define COPY_SIZE (16u << 10)
#define WINDOW_BITS_GZIP (15 + 16) /* with zlib's own header: no name, no time */
#define MEMORY_LEVEL 9
#define ARCHIVE_OWN 4096 /* the most that an archive of one file has beside it */

struct packer {
	z_stream stream;
	struct digest_stream *digest;
	unsigned char *bytes;
	size_t room;
};

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to build the image's layer");
}

static void packer_cleanup(struct packer *packer)
{
	(void)deflateEnd(&packer->stream);
	digest_stream_free(packer->digest);
	free(packer->bytes);
}

static void tar_writer_cleanup(struct tar_writer **writer)
{
	tar_writer_free(*writer);
}

static int pack(void *context, const void *bytes, size_t size)
{
	struct packer *packer = context;

	/* the room is deflateBound()'s: all of it always fits */
	packer->stream.next_in = (unsigned char *)(uintptr_t)bytes;
	packer->stream.avail_in = (unsigned int)size;
	if (deflate(&packer->stream, Z_NO_FLUSH) != Z_OK || packer->stream.avail_in)
		return -ENOMEM;
	return digest_stream_update(packer->digest, bytes, size);
}

static int file_pack(struct tar_writer *writer, int fd, uint64_t size, struct error *error)
{
	unsigned char block[COPY_SIZE];
	uint64_t done = 0;

	while (done < size) {
		size_t wanted = size - done < COPY_SIZE ? (size_t)(size - done) : COPY_SIZE;
		ssize_t got = pread(fd, block, wanted, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(error, got < 0 ? -errno : -EPROTO, ERROR_INTERNAL,
			                 "cannot read the object: %s",
			                 got < 0 ? strerror(errno) : "it is shorter than it was");
		if (tar_file_write(writer, block, (size_t)got) < 0)
			return no_memory(error);
		done += (uint64_t)got;
	}
	return 0;
}

static int archive_pack(struct packer *packer, int fd, uint64_t size, const char *name,
                        int64_t modified_s, struct error *error)
{
	_cleanup_(tar_writer) struct tar_writer *writer = tar_writer_new(pack, packer);
	int result = writer ? tar_file_begin(writer, name, size, modified_s) : -ENOMEM;

	if (result == -EINVAL)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "a file's name has at most 100 bytes, and its time is below 2^33 "
		                 "seconds");
	if (result < 0)
		return no_memory(error);
	result = file_pack(writer, fd, size, error);
	if (result < 0)
		return result;
	if (tar_finish(writer) < 0 || deflate(&packer->stream, Z_FINISH) != Z_STREAM_END)
		return no_memory(error);
	return 0;
}

int build_layer(int fd, uint64_t size, const char *name, int64_t modified_s, unsigned char **bytes,
                size_t *packed, uint8_t diff[DIGEST_SIZE], struct error *error)
{
	_cleanup_(packer) struct packer packer = {};
	int result;

	if (deflateInit2(&packer.stream, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_BITS_GZIP,
	                 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return no_memory(error);
	packer.room = deflateBound(&packer.stream, size + ARCHIVE_OWN);
	packer.digest = digest_stream_new();
	packer.bytes = packer.digest ? malloc(packer.room) : NULL;
	if (!packer.bytes)
		return no_memory(error);
	packer.stream.next_out = packer.bytes;
	packer.stream.avail_out = (unsigned int)packer.room;
	result = archive_pack(&packer, fd, size, name, modified_s, error);
	if (result < 0)
		return result;
	if (digest_stream_finish(packer.digest, diff) < 0)
		return no_memory(error);
	*packed = packer.stream.total_out;
	*bytes = steal_ptr(&packer.bytes);
	return 0;
}
