/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/builder/pieces.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALIGNMENT 8u

static uint64_t aligned(uint64_t size)
{
	return (size + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

static int bytes_write(int fd, const void *bytes, size_t size, uint64_t offset, struct error *error)
{
	const unsigned char *next = bytes;

	while (size) {
		ssize_t written = pwrite(fd, next, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return error_set(error, written < 0 ? -errno : -EIO, ERROR_INTERNAL,
			                 "no memory for the image: %s", strerror(errno));
		next += written;
		offset += (uint64_t)written;
		size -= (size_t)written;
	}
	return 0;
}

int pieces_take(void *context, const struct build_piece *piece, struct error *error)
{
	struct pieces_writer *writer = context;
	struct piece_record record = { .kind = (uint32_t)piece->kind,
		                       .size = piece->descriptor.size };
	uint64_t at = writer->count ? writer->size : sizeof(struct pieces_head);
	int result;

	memcpy(record.digest, piece->descriptor.digest, DIGEST_SIZE);
	result = bytes_write(writer->fd, &record, sizeof(record), at, error);
	at += sizeof(record);
	if (result == 0)
		result = bytes_write(writer->fd, piece->bytes, (size_t)piece->descriptor.size, at,
		                     error);
	if (result < 0)
		return result;
	writer->size = at + aligned(piece->descriptor.size);
	writer->count++;
	return 0;
}

int pieces_finish(const struct pieces_writer *writer, uint32_t uploaded, struct error *error)
{
	const struct pieces_head head = { .count = writer->count, .uploaded = uploaded };

	if (ftruncate(writer->fd, (off_t)writer->size) < 0)
		return error_set(error, -errno, ERROR_INTERNAL, "no memory for the image: %s",
		                 strerror(errno));
	return bytes_write(writer->fd, &head, sizeof(head), 0, error);
}

static int record_read(const unsigned char *map, uint64_t left, struct piece *piece)
{
	struct piece_record record;

	if (left < sizeof(record))
		return -EPROTO;
	memcpy(&record, map, sizeof(record));
	left -= sizeof(record);
	if (record.kind < BUILD_BLOB || record.kind > BUILD_INDEX || record.size == 0 ||
	    record.size > left || aligned(record.size) > left)
		return -EPROTO;
	piece->kind = (enum build_kind)record.kind;
	piece->size = record.size;
	piece->bytes = map + sizeof(record);
	memcpy(piece->digest, record.digest, DIGEST_SIZE);
	return 0;
}

static int records_read(struct pieces *pieces)
{
	const unsigned char *map = pieces->map;
	uint64_t at = sizeof(pieces->head);

	memcpy(&pieces->head, map, sizeof(pieces->head));
	if (pieces->head.count == 0 || pieces->head.count > PIECES_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < pieces->head.count; i++) {
		struct piece *piece = &pieces->items[i];
		int result = record_read(map + at, pieces->map_size - at, piece);

		if (result < 0)
			return result;
		at += sizeof(struct piece_record) + aligned(piece->size);
	}
	/* the root is what a reference can lead to, and the last one */
	return at == pieces->map_size && pieces->items[pieces->head.count - 1].kind != BUILD_BLOB
	               ? 0
	               : -EPROTO;
}

int pieces_read(int fd, struct pieces *pieces, struct error *error)
{
	struct stat status;
	void *map;

	*pieces = (struct pieces){};
	if (fstat(fd, &status) < 0)
		return error_set(error, -errno, ERROR_INTERNAL, "the image cannot be read back: %s",
		                 strerror(errno));
	if (status.st_size < (off_t)sizeof(pieces->head))
		return error_set(error, -EPROTO, ERROR_INTERNAL,
		                 "what makes images ended without an image");
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return error_set(error, -errno, ERROR_INTERNAL, "no memory for the image: %s",
		                 strerror(errno));
	pieces->map = map;
	pieces->map_size = (size_t)status.st_size;
	if (records_read(pieces) < 0)
		return error_set(error, -EPROTO, ERROR_INTERNAL,
		                 "what makes images gave out what is no image");
	return 0;
}

void pieces_close(struct pieces *pieces)
{
	if (pieces->map)
		(void)munmap((void *)(uintptr_t)pieces->map, pieces->map_size);
	*pieces = (struct pieces){};
}

const char *piece_media_type(const struct piece *piece)
{
	return piece->kind == BUILD_INDEX ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
}
