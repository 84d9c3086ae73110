/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/evidence.h"

#include "common/cleanup.h"
#include "common/memfd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK_SIZE (64u << 10)

static uint64_t padding(uint64_t size)
{
	return -size & 7;
}

static uint64_t table_size(uint32_t count)
{
	return sizeof(struct evidence_header) + (uint64_t)count * sizeof(struct evidence_entry);
}

static int bytes_write(int fd, const unsigned char *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t written = pwrite(fd, bytes, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		offset += (uint64_t)written;
		size -= (size_t)written;
	}
	return 0;
}

/* `size` bytes from one file to another, by way of a small block: neither is mapped. */
static int bytes_copy(int to, uint64_t to_offset, int from, uint64_t size)
{
	_cleanup_free_ unsigned char *block = malloc(BLOCK_SIZE);
	uint64_t done = 0;

	if (!block)
		return -ENOMEM;
	while (done < size) {
		size_t wanted = size - done < BLOCK_SIZE ? (size_t)(size - done) : BLOCK_SIZE;
		ssize_t got = pread(from, block, wanted, (off_t)done);
		int result;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		result = bytes_write(to, block, (size_t)got, to_offset + done);
		if (result < 0)
			return result;
		done += (uint64_t)got;
	}
	return 0;
}

static int writer_fail(struct error *error, int result)
{
	return error_set(error, result, ERROR_INTERNAL, "cannot collect an image's evidence: %s",
	                 strerror(-result));
}

static int room_check(struct evidence_writer *writer, uint64_t size, struct error *error)
{
	if (writer->count == EVIDENCE_ENTRIES_MAX)
		return error_set(error, -E2BIG, ERROR_LIMIT,
		                 "the image and its signatures have more than %d parts: remove "
		                 "signatures that nobody needs",
		                 EVIDENCE_ENTRIES_MAX);
	if (size > EVIDENCE_SIZE_MAX ||
	    table_size(EVIDENCE_ENTRIES_MAX) + writer->size + size + padding(size) >
	            EVIDENCE_SIZE_MAX)
		return error_set(error, -E2BIG, ERROR_LIMIT,
		                 "the image and its signatures have more than %u bytes: remove "
		                 "signatures that nobody needs",
		                 EVIDENCE_SIZE_MAX);
	if (writer->fd < 0)
		writer->fd = memfd_open("bpfd-evidence");
	return writer->fd < 0 ? writer_fail(error, writer->fd) : 0;
}

/* What was written of a part that failed would be what fills up the next one. */
static int part_fail(const struct evidence_writer *writer, int result, struct error *error)
{
	if (ftruncate(writer->fd, (off_t)writer->size) < 0)
		result = -errno;
	return writer_fail(error, result);
}

/* The bytes are there already; those that fill up are zeroes, by writing behind them or by the
 * file's size. */
static void entry_add(struct evidence_writer *writer, enum evidence_kind kind, uint64_t size)
{
	writer->entries[writer->count++] = (struct evidence_entry){ .kind = kind, .size = size };
	writer->size += size + padding(size);
}

int evidence_add(struct evidence_writer *writer, enum evidence_kind kind, const void *bytes,
                 size_t size, struct error *error)
{
	int result = room_check(writer, size, error);

	if (result < 0)
		return result;
	result = bytes_write(writer->fd, bytes, size, writer->size);
	if (result < 0)
		return part_fail(writer, result, error);
	entry_add(writer, kind, size);
	return 0;
}

int evidence_add_fd(struct evidence_writer *writer, enum evidence_kind kind, int fd, uint64_t size,
                    struct error *error)
{
	int result = room_check(writer, size, error);

	if (result < 0)
		return result;
	result = bytes_copy(writer->fd, writer->size, fd, size);
	if (result < 0)
		return part_fail(writer, result, error);
	entry_add(writer, kind, size);
	return 0;
}

static int evidence_write(const struct evidence_writer *writer, int fd)
{
	const struct evidence_header header = { .magic = EVIDENCE_MAGIC, .count = writer->count };
	size_t entries = writer->count * sizeof(writer->entries[0]);
	uint64_t table = table_size(writer->count);
	int result = bytes_write(fd, (const unsigned char *)&header, sizeof(header), 0);

	if (result == 0)
		result = bytes_write(fd, (const unsigned char *)writer->entries, entries,
		                     sizeof(header));
	/* fills the last part up */
	if (result == 0 && writer->fd >= 0 && ftruncate(writer->fd, (off_t)writer->size) < 0)
		result = -errno;
	if (result == 0 && writer->size)
		result = bytes_copy(fd, table, writer->fd, writer->size);
	return result < 0 ? result : memfd_seal(fd);
}

int evidence_finish(struct evidence_writer *writer, struct error *error)
{
	_cleanup_close_ int fd = memfd_open("bpfd-evidence");
	int result = fd < 0 ? fd : evidence_write(writer, fd);

	if (result < 0)
		return writer_fail(error, result);
	evidence_writer_close(writer);
	return steal_fd(&fd);
}

void evidence_writer_close(struct evidence_writer *writer)
{
	close_cleanup(&writer->fd);
	*writer = (struct evidence_writer)EVIDENCE_WRITER_INIT;
}

static int reader_refuse(struct error *error, const char *why)
{
	return error_set(error, -EPROTO, ERROR_INTERNAL,
	                 "the evidence of an image %s: bpfd's fetcher did not write it so", why);
}

static bool kind_is_known(uint32_t kind)
{
	return kind >= EVIDENCE_INDEX && kind <= EVIDENCE_SIGNATURE_BLOB;
}

static int parts_read(const struct evidence_entry *entries, uint64_t size,
                      struct evidence *evidence, struct error *error)
{
	uint64_t offset = table_size(evidence->count);

	for (uint32_t i = 0; i < evidence->count; i++) {
		const struct evidence_entry *entry = &entries[i];

		if (!kind_is_known(entry->kind) || entry->reserved)
			return reader_refuse(error, "has a part of an unknown kind");
		if (entry->size > size || size - entry->size < offset + padding(entry->size))
			return reader_refuse(error, "has a part that ends behind it");
		evidence->parts[i] = (struct evidence_part){ .kind = entry->kind,
			                                     .offset = offset,
			                                     .size = entry->size };
		offset += entry->size + padding(entry->size);
	}
	return offset == size ? 0 : reader_refuse(error, "goes on behind its last part");
}

int evidence_open(int fd, struct evidence *evidence, struct error *error)
{
	struct {
		struct evidence_header header;
		struct evidence_entry entries[EVIDENCE_ENTRIES_MAX];
	} table = {};
	struct evidence read = { .fd = fd };
	size_t size = 0;
	int result;

	if (memfd_check(fd, &size) < 0)
		return reader_refuse(error, "is no sealed memfd");
	if (size < sizeof(table.header) || size > EVIDENCE_SIZE_MAX)
		return reader_refuse(error, "is too short or too long");
	if (memfd_read(fd, &table, size < sizeof(table) ? size : sizeof(table)) < 0)
		return reader_refuse(error, "cannot be read");
	if (table.header.magic != EVIDENCE_MAGIC || table.header.reserved)
		return reader_refuse(error, "does not begin as it should");
	if (table.header.count > EVIDENCE_ENTRIES_MAX || table_size(table.header.count) > size)
		return reader_refuse(error, "has too many parts");
	read.count = table.header.count;
	result = parts_read(table.entries, size, &read, error);
	if (result == 0)
		*evidence = read;
	return result;
}

int evidence_read(const struct evidence *evidence, uint32_t part, size_t size_max, void **bytes,
                  size_t *size)
{
	const struct evidence_part *found = &evidence->parts[part];
	_cleanup_free_ unsigned char *memory = NULL;
	size_t done = 0;

	if (found->size > size_max)
		return -EMSGSIZE;
	memory = calloc(1, (size_t)found->size + 1);
	if (!memory)
		return -ENOMEM;
	while (done < found->size) {
		ssize_t got = pread(evidence->fd, memory + done, (size_t)found->size - done,
		                    (off_t)(found->offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		done += (size_t)got;
	}
	*bytes = steal_ptr(&memory);
	*size = (size_t)found->size;
	return 0;
}

int evidence_find(const struct evidence *evidence, enum evidence_kind kind, uint32_t from)
{
	for (uint32_t i = from; i < evidence->count; i++) {
		if (evidence->parts[i].kind == kind)
			return (int)i;
	}
	return -ENOENT;
}
