/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/image_maker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define CHECKSUM_AT 148
#define CHECKSUM_SIZE 8
#define TYPE_AT 156

/* Twice what there was, so that many small parts are not each a copy of all. */
static void room_make(struct made_bytes *bytes, size_t size)
{
	size_t needed = bytes->size + size + 1;

	if (needed <= bytes->room)
		return;
	bytes->room = needed > 2 * bytes->room ? needed : 2 * bytes->room;
	bytes->data = realloc(bytes->data, bytes->room);
	assert(bytes->data);
}

void made_add(struct made_bytes *bytes, const void *data, size_t size)
{
	room_make(bytes, size);
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

void made_fill(struct made_bytes *bytes, unsigned char value, size_t size)
{
	room_make(bytes, size);
	if (!bytes->data)
		abort();
	memset(bytes->data + bytes->size, value, size);
	bytes->size += size;
}

void made_free(struct made_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct made_bytes){};
}

struct made_bytes made_of_file(const char *path)
{
	struct made_bytes bytes = {};
	char block[65536];
	FILE *file = fopen(path, "r");
	size_t got;

	if (!file) {
		perror(path);
		abort();
	}
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		made_add(&bytes, block, got);
	(void)fclose(file);
	return bytes;
}

void made_tar_sum(unsigned char header[MADE_TAR_BLOCK])
{
	unsigned int sum = 0;

	memset(header + CHECKSUM_AT, ' ', CHECKSUM_SIZE);
	for (size_t i = 0; i < MADE_TAR_BLOCK; i++)
		sum += header[i];
	(void)snprintf((char *)header + CHECKSUM_AT, CHECKSUM_SIZE, "%06o", sum);
}

void made_tar_header(struct made_bytes *archive, char type, const char *name, uint64_t size)
{
	unsigned char header[MADE_TAR_BLOCK] = {};
	char *text = (char *)header;

	memcpy(text, name, strnlen(name, 100));
	memcpy(text + 100, "0000644", 8);
	memcpy(text + 108, "0000000", 8);
	memcpy(text + 116, "0000000", 8);
	(void)snprintf(text + 124, 12, "%011llo", (unsigned long long)size);
	memcpy(text + 136, "00000000000", 12);
	text[TYPE_AT] = type;
	if (type == '1' || type == '2')
		(void)stpcpy(text + 157, "/etc/passwd");
	(void)stpcpy(text + 257, "ustar");
	text[263] = text[264] = '0'; /* the version */
	made_tar_sum(header);
	made_add(archive, header, sizeof(header));
}

void made_tar_member(struct made_bytes *archive, char type, const char *name, const void *data,
                     size_t size)
{
	made_tar_header(archive, type, name, size);
	made_add(archive, data, size);
	made_fill(archive, 0, -size % MADE_TAR_BLOCK);
}

void made_tar_pax(struct made_bytes *archive, char type, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, length = rest + 1;
	char *text = NULL;

	/* the length counts its own digits */
	for (size_t i = 0; i < 4; i++)
		length = rest + (size_t)snprintf(NULL, 0, "%zu", length);
	assert(asprintf(&text, "%zu %s=%s\n", length, key, value) == (int)length);
	made_tar_member(archive, type, "pax", text, length);
	free(text);
}

void made_tar_end(struct made_bytes *archive)
{
	made_fill(archive, 0, 2 * (size_t)MADE_TAR_BLOCK);
}

struct made_bytes made_tar_of(const char *name, const void *data, size_t size)
{
	struct made_bytes archive = {};

	made_tar_member(&archive, '0', name, data, size);
	made_tar_end(&archive);
	return archive;
}

struct made_bytes made_gzip(const struct made_bytes *bytes)
{
	struct made_bytes packed = {};
	z_stream stream = {};

	assert(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) ==
	       Z_OK);
	made_fill(&packed, 0, deflateBound(&stream, bytes->size));
	stream.next_in = bytes->data;
	stream.avail_in = (unsigned int)bytes->size;
	stream.next_out = packed.data;
	stream.avail_out = (unsigned int)packed.size;
	assert(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	packed.size = stream.total_out;
	(void)deflateEnd(&stream);
	return packed;
}

struct made_bytes made_zstd(const struct made_bytes *bytes, int window_log)
{
	struct made_bytes packed = {};
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = { bytes->data, bytes->size, 0 };
	ZSTD_outBuffer out = {};

	made_fill(&packed, 0, ZSTD_compressBound(bytes->size) + 64);
	out = (ZSTD_outBuffer){ packed.data, packed.size, 0 };
	if (window_log) {
		(void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
		(void)ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
	}
	assert(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end) == 0);
	packed.size = out.pos;
	(void)ZSTD_freeCCtx(context);
	return packed;
}
