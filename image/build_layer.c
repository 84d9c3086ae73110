/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/cleanup.h"
#include "image/build_internal.h"
#include "image/digest.h"
#include "image/tar.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define COPY_SIZE (64u << 10)
#define WINDOW_BITS_GZIP (15 + 16) /* with zlib's own header: no name, no time */
#define MEMORY_LEVEL 9

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

static int pack(struct packer *packer, const void *bytes, size_t size, int flush)
{
	/* the room is deflateBound()'s: all of it always fits */
	packer->stream.next_in = (unsigned char *)(uintptr_t)bytes;
	packer->stream.avail_in = (unsigned int)size;
	if (deflate(&packer->stream, flush) != (flush == Z_FINISH ? Z_STREAM_END : Z_OK))
		return -ENOMEM;
	return digest_stream_update(packer->digest, bytes, size);
}

static int file_pack(struct packer *packer, int fd, uint64_t size, struct error *error)
{
	_cleanup_free_ unsigned char *block = malloc(COPY_SIZE);
	uint64_t done = 0;

	if (!block)
		return no_memory(error);
	while (done < size) {
		size_t wanted = size - done < COPY_SIZE ? (size_t)(size - done) : COPY_SIZE;
		ssize_t got = pread(fd, block, wanted, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(error, got < 0 ? -errno : -EPROTO, ERROR_INTERNAL,
			                 "cannot read the object: %s",
			                 got < 0 ? strerror(errno) : "it is shorter than it was");
		if (pack(packer, block, (size_t)got, Z_NO_FLUSH) < 0)
			return no_memory(error);
		done += (uint64_t)got;
	}
	return 0;
}

static int archive_pack(struct packer *packer, int fd, uint64_t size, const char *name,
                        int64_t modified_s, struct error *error)
{
	static const unsigned char zeroes[3 * TAR_BLOCK_SIZE];
	unsigned char header[TAR_BLOCK_SIZE];
	int result = tar_header_make(name, size, modified_s, header);

	if (result < 0)
		return error_set(error, result, ERROR_INVALID_ARGUMENT,
		                 "a file's name has at most 100 bytes, and its time is below 2^33 "
		                 "seconds");
	if (pack(packer, header, sizeof(header), Z_NO_FLUSH) < 0)
		return no_memory(error);
	result = file_pack(packer, fd, size, error);
	if (result < 0)
		return result;
	/* the file's last block filled up, and two empty ones */
	if (pack(packer, zeroes, (size_t)(-size % TAR_BLOCK_SIZE) + 2 * TAR_BLOCK_SIZE, Z_FINISH) <
	    0)
		return no_memory(error);
	return 0;
}

int build_layer(int fd, uint64_t size, const char *name, int64_t modified_s, unsigned char **bytes,
                size_t *packed, uint8_t diff[DIGEST_SIZE], struct error *error)
{
	struct packer packer = {};
	int result;

	if (deflateInit2(&packer.stream, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_BITS_GZIP,
	                 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return no_memory(error);
	packer.room = deflateBound(&packer.stream, size + 4 * TAR_BLOCK_SIZE);
	packer.bytes = malloc(packer.room);
	packer.digest = digest_stream_new();
	packer.stream.next_out = packer.bytes;
	packer.stream.avail_out = (unsigned int)packer.room;
	result = packer.bytes && packer.digest
	                 ? archive_pack(&packer, fd, size, name, modified_s, error)
	                 : no_memory(error);
	if (result == 0 && digest_stream_finish(packer.digest, diff) < 0)
		result = no_memory(error);
	if (result == 0) {
		*packed = packer.stream.total_out;
		*bytes = steal_ptr(&packer.bytes);
	}
	(void)deflateEnd(&packer.stream);
	digest_stream_free(packer.digest);
	free(packer.bytes);
	return result;
}
