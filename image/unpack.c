/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/unpack.h"

#include "image/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_BITS_GZIP (15 + 16) /* zlib: the gzip format, and no other */

struct unpack;

/*
 * Moves bytes from the input to the output block, at least one of either unless the input is empty.
 * 0 or -errno; sets `whole` to whether the packed data may end here.
 */
typedef int unpack_step(struct unpack *unpack, struct error *error);

struct unpack {
	struct unpack_source source; /* what was not read yet */
	unpack_step *step;
	z_stream gzip;
	ZSTD_DStream *zstd;
	struct digest_stream *digest;
	uint64_t out_left; /* that may still come out */
	size_t in_at;
	size_t in_size;
	size_t out_size;
	bool whole;
	bool gzip_began;
	/* not cleared: what counts of them is what was read, and what came out */
	unsigned char in[UNPACK_BLOCK_SIZE];
	unsigned char out[UNPACK_BLOCK_SIZE];
};

static int damaged(struct error *error, const char *why)
{
	return error_set(error, -EBADMSG, ERROR_BAD_OBJECT,
	                 "the image's layer cannot be unpacked: %s; build and push it again", why);
}

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to unpack the image's layer");
}

static size_t in_left(const struct unpack *unpack)
{
	return unpack->in_size - unpack->in_at;
}

static size_t out_left(const struct unpack *unpack)
{
	return sizeof(unpack->out) - unpack->out_size;
}

static int step_none(struct unpack *unpack, struct error *error)
{
	size_t size = in_left(unpack) < out_left(unpack) ? in_left(unpack) : out_left(unpack);

	(void)error;
	memcpy(unpack->out + unpack->out_size, unpack->in + unpack->in_at, size);
	unpack->in_at += size;
	unpack->out_size += size;
	unpack->whole = true;
	return 0;
}

static int gzip_begin(struct unpack *unpack, struct error *error)
{
	int result = unpack->gzip_began ? inflateReset(&unpack->gzip)
	                                : inflateInit2(&unpack->gzip, WINDOW_BITS_GZIP);

	if (result != Z_OK)
		return no_memory(error);
	unpack->gzip_began = true;
	unpack->whole = false;
	return 0;
}

/* A gzip file may have several members, one after the other. */
static int step_gzip(struct unpack *unpack, struct error *error)
{
	int result = unpack->whole && in_left(unpack) ? gzip_begin(unpack, error) : 0;

	if (result < 0)
		return result;
	unpack->gzip.next_in = unpack->in + unpack->in_at;
	unpack->gzip.avail_in = (unsigned int)in_left(unpack);
	unpack->gzip.next_out = unpack->out + unpack->out_size;
	unpack->gzip.avail_out = (unsigned int)out_left(unpack);
	result = inflate(&unpack->gzip, Z_NO_FLUSH);
	unpack->in_at = unpack->in_size - unpack->gzip.avail_in;
	unpack->out_size = sizeof(unpack->out) - unpack->gzip.avail_out;
	unpack->whole = result == Z_STREAM_END;
	if (result == Z_MEM_ERROR)
		return no_memory(error);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return damaged(error, "its gzip data is damaged");
	return 0;
}

static int zstd_fail(size_t result, struct error *error)
{
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
		return no_memory(error);
	case ZSTD_error_frameParameter_windowTooLarge:
		return error_set(
			error, -EFBIG, ERROR_LIMIT,
			"the image's layer was packed by zstd with a window of more than %u "
			"MiB, which would take as much memory: pack it without --ultra and "
			"--long, or by gzip",
			1u << (UNPACK_WINDOW_LOG_MAX - 20));
	default:
		return damaged(error, "its zstd data is damaged");
	}
}

static int step_zstd(struct unpack *unpack, struct error *error)
{
	ZSTD_inBuffer in = { unpack->in, unpack->in_size, unpack->in_at };
	ZSTD_outBuffer out = { unpack->out, sizeof(unpack->out), unpack->out_size };
	bool idle = unpack->whole && !in_left(unpack);
	size_t result = ZSTD_decompressStream(unpack->zstd, &out, &in);

	if (ZSTD_isError(result))
		return zstd_fail(result, error);
	unpack->in_at = in.pos;
	unpack->out_size = out.pos;
	/* behind a frame's end it asks for the next one's header: it need not come */
	unpack->whole = result == 0 || idle;
	return 0;
}

static int input_fill(struct unpack *unpack, struct error *error)
{
	struct unpack_source *source = &unpack->source;
	size_t size = source->size < sizeof(unpack->in) ? (size_t)source->size : sizeof(unpack->in);
	ssize_t got = (ssize_t)size;

	if (source->bytes)
		memcpy(unpack->in, source->bytes + source->offset, size);
	else
		do
			got = pread(source->fd, unpack->in, size, (off_t)source->offset);
		while (got < 0 && errno == EINTR);
	if (got < 0 || (got == 0 && size))
		return error_set(error, got < 0 ? -errno : -EPROTO, ERROR_INTERNAL,
		                 "cannot read the image's layer: %s",
		                 got < 0 ? strerror(errno) : "it is shorter than it was");
	unpack->in_at = 0;
	unpack->in_size = (size_t)got;
	source->offset += (uint64_t)got;
	source->size -= (uint64_t)got;
	return 0;
}

static bool starts_with(const struct unpack *unpack, uint32_t magic, uint32_t mask)
{
	uint32_t first = 0;

	if (unpack->in_size < sizeof(first))
		return false;
	for (size_t i = sizeof(first); i > 0; i--)
		first = first << 8 | unpack->in[i - 1];
	return (first & mask) == magic;
}

static int kind_find(struct unpack *unpack, struct error *error)
{
	unpack->step = step_none;
	if (starts_with(unpack, 0x8b1f, 0xffff)) {
		unpack->step = step_gzip;
		return gzip_begin(unpack, error);
	}
	if (!starts_with(unpack, ZSTD_MAGICNUMBER, 0xffffffff) &&
	    !starts_with(unpack, ZSTD_MAGIC_SKIPPABLE_START, ZSTD_MAGIC_SKIPPABLE_MASK))
		return 0;
	unpack->step = step_zstd;
	unpack->zstd = ZSTD_createDStream();
	if (!unpack->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax,
	                                                         UNPACK_WINDOW_LOG_MAX)))
		return no_memory(error);
	return 0;
}

int unpack_open(const struct unpack_source *source, uint64_t size_max, struct unpack **unpack,
                struct error *error)
{
	struct unpack *opened = malloc(sizeof(*opened));
	int result;

	if (!opened)
		return no_memory(error);
	memset(opened, 0, offsetof(struct unpack, in)); /* the blocks are long */
	opened->source = *source;
	opened->out_left = size_max;
	opened->digest = digest_stream_new();
	result = opened->digest ? input_fill(opened, error) : no_memory(error);
	if (result == 0)
		result = kind_find(opened, error);
	if (result < 0) {
		unpack_close(opened);
		return result;
	}
	*unpack = opened;
	return 0;
}

void unpack_close(struct unpack *unpack)
{
	if (!unpack)
		return;
	if (unpack->gzip_began)
		(void)inflateEnd(&unpack->gzip);
	(void)ZSTD_freeDStream(unpack->zstd);
	digest_stream_free(unpack->digest);
	free(unpack);
}

/* One more step towards a full block: 1, or 0 where the input is at its end. */
static int block_advance(struct unpack *unpack, struct error *error)
{
	size_t in_before = in_left(unpack);
	size_t out_before = out_left(unpack);
	int result = 0;

	if (!in_before && unpack->source.size) {
		result = input_fill(unpack, error);
		in_before = in_left(unpack);
	}
	if (result == 0)
		result = unpack->step(unpack, error);
	if (result < 0)
		return result;
	if (in_left(unpack) < in_before || out_left(unpack) < out_before)
		return 1;
	if (unpack->whole && !in_left(unpack) && !unpack->source.size)
		return 0;
	return damaged(error, "it ends too early");
}

ssize_t unpack_read(struct unpack *unpack, const unsigned char **block, struct error *error)
{
	int result = 1;

	unpack->out_size = 0;
	while (result > 0 && out_left(unpack))
		result = block_advance(unpack, error);
	if (result < 0)
		return result;
	if (unpack->out_size > unpack->out_left)
		return error_set(
			error, -EFBIG, ERROR_LIMIT,
			"the image's layer is too large once unpacked: an object has at most "
			"%u MiB",
			OBJECT_SIZE_MAX >> 20);
	unpack->out_left -= unpack->out_size;
	result = digest_stream_update(unpack->digest, unpack->out, unpack->out_size);
	if (result < 0)
		return no_memory(error);
	*block = unpack->out;
	return (ssize_t)unpack->out_size;
}

int unpack_digest(struct unpack *unpack, uint8_t digest[DIGEST_SIZE])
{
	return digest_stream_finish(unpack->digest, digest);
}
