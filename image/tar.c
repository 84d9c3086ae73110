/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/tar.h"

#include "common/cleanup.h"
#include "image/tar_header.h"

#include <errno.h>
#include <string.h>

static int refuse(struct error *error, const char *why)
{
	return error_set(
		error, -EBADMSG, ERROR_BAD_OBJECT,
		"the image's layer is no tar archive that bpfd reads: %s; build and push it "
		"again",
		why);
}

/* Up to `size` bytes of what comes next. 0 at the archive's end. */
static ssize_t bytes_take(struct tar_reader *reader, size_t size, const unsigned char **bytes,
                          struct error *error)
{
	size_t taken;

	if (!reader->left) {
		ssize_t got = reader->fill(reader->context, &reader->bytes, error);

		if (got <= 0)
			return got;
		reader->left = (size_t)got;
	}
	taken = size < reader->left ? size : reader->left;
	*bytes = reader->bytes;
	reader->bytes += taken;
	reader->left -= taken;
	return (ssize_t)taken;
}

/* Exactly `size` bytes: 1; 0 where the archive ends just here. */
static int bytes_read(struct tar_reader *reader, void *out, size_t size, struct error *error)
{
	unsigned char *next = out;
	size_t done = 0;

	while (done < size) {
		const unsigned char *bytes;
		ssize_t got = bytes_take(reader, size - done, &bytes, error);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return done ? refuse(error, "it ends within a header") : 0;
		memcpy(next + done, bytes, (size_t)got);
		done += (size_t)got;
	}
	return 1;
}

ssize_t tar_read(struct tar_reader *reader, const unsigned char **bytes, struct error *error)
{
	size_t wanted = reader->data_left < SIZE_MAX ? (size_t)reader->data_left : SIZE_MAX;
	ssize_t got = wanted ? bytes_take(reader, wanted, bytes, error) : 0;

	if (wanted && got == 0)
		return refuse(error, "it ends within a file");
	if (got > 0)
		reader->data_left -= (uint64_t)got;
	return got;
}

static int data_skip(struct tar_reader *reader, struct error *error)
{
	const unsigned char *bytes;
	ssize_t got = 1;

	while (got > 0)
		got = tar_read(reader, &bytes, error);
	reader->data_left = reader->padding;
	reader->padding = 0;
	while (got >= 0 && reader->data_left)
		got = tar_read(reader, &bytes, error);
	return got < 0 ? (int)got : 0;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* Behind the end there may be whatever one reader passes over and another takes: there is nothing.
 */
static int end_check(struct tar_reader *reader, struct error *error)
{
	const unsigned char *bytes;
	ssize_t got;

	while ((got = bytes_take(reader, SIZE_MAX, &bytes, error)) > 0) {
		if (!is_zero(bytes, (size_t)got))
			return refuse(error, "it goes on behind its end");
	}
	return (int)got;
}

static void data_begin(struct tar_reader *reader, uint64_t size)
{
	reader->data_left = size;
	reader->padding = -size % TAR_BLOCK_SIZE;
}

/* 1: a header; 0: the archive's end */
static int header_read(struct tar_reader *reader, struct tar_header *header, uint64_t *size,
                       struct error *error)
{
	unsigned char block[TAR_BLOCK_SIZE];
	uint64_t sum;
	int result = bytes_read(reader, block, sizeof(block), error);

	if (result <= 0)
		return result;
	if (is_zero(block, sizeof(block)))
		return end_check(reader, error);
	memcpy(header, block, sizeof(*header));
	if (tar_number_read(header->checksum, sizeof(header->checksum), &sum) < 0 ||
	    sum != tar_header_sum(header))
		return refuse(error, "a header's checksum is wrong");
	if (tar_number_read(header->size, sizeof(header->size), size) < 0 || *size > INT64_MAX)
		return refuse(error, "a header's size is no number");
	return 1;
}

static int name_set(struct tar_reader *reader, const char *name, size_t length, struct error *error)
{
	if (length >= sizeof(reader->name))
		return refuse(error, "a name in it is too long");
	memcpy(reader->name, name, length);
	reader->name[length] = '\0';
	if (strlen(reader->name) != length)
		return refuse(error, "a name in it holds a zero");
	return 0;
}

static int size_set(struct tar_reader *reader, const char *text, size_t length, struct error *error)
{
	uint64_t value = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9' || value > INT64_MAX / 10 - 1)
			return refuse(error, "a pax header's size is no number");
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	reader->has_size = true;
	reader->size = value;
	return 0;
}

static bool key_is(const char *record, size_t length, const char *key)
{
	return length >= strlen(key) && memcmp(record, key, strlen(key)) == 0;
}

/* "key=value", of which a few keys matter here. */
static int record_use(struct tar_reader *reader, const char *record, size_t length,
                      struct error *error)
{
	if (key_is(record, length, "path="))
		return name_set(reader, record + strlen("path="), length - strlen("path="), error);
	if (key_is(record, length, "size="))
		return size_set(reader, record + strlen("size="), length - strlen("size="), error);
	if (key_is(record, length, "GNU.sparse."))
		reader->is_sparse = true;
	return 0;
}

/* Records "<length of the whole record> <key>=<value>\n". */
static int records_use(struct tar_reader *reader, const char *text, size_t size,
                       struct error *error)
{
	while (size) {
		size_t length = 0;
		size_t digits = 0;
		int result;

		while (digits < size && digits < 6 && text[digits] >= '0' && text[digits] <= '9')
			length = length * 10 + (size_t)(text[digits++] - '0');
		if (!digits || length > size || length < digits + 3 || text[digits] != ' ' ||
		    text[length - 1] != '\n')
			return refuse(error, "a pax header is not made as it should");
		result = record_use(reader, text + digits + 1, length - digits - 2, error);
		if (result < 0)
			return result;
		text += length;
		size -= length;
	}
	return 0;
}

/* A header about the next entry, or about all that follow: 'x', 'g', 'L'; 'K' is passed over, links
 * are refused anyway. */
static int extension_read(struct tar_reader *reader, char type, uint64_t size, struct error *error)
{
	_cleanup_free_ char *text = NULL;
	int result;

	if (size > TAR_EXTENSION_MAX)
		return refuse(error, "a header in it is too long");
	text = malloc(size + 1);
	if (!text)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read a tar header");
	result = size ? bytes_read(reader, text, size, error) : 1;
	if (result <= 0)
		return result < 0 ? result : refuse(error, "it ends within a header");
	reader->data_left = 0;
	if (type == 'L') {
		text[size] = '\0';
		return name_set(reader, text, strlen(text), error);
	}
	return type == 'K' ? 0 : records_use(reader, text, size, error);
}

static bool is_extension(char type)
{
	return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

static size_t field_length(const char *field, size_t size)
{
	return strnlen(field, size);
}

/* The header's own name, where no header before it gave another. */
static int own_name_set(struct tar_reader *reader, const struct tar_header *header,
                        struct error *error)
{
	char name[sizeof(header->prefix) + 1 + sizeof(header->name)];
	size_t length = 0;

	/* GNU's own format has other things where ustar has the prefix */
	if (memcmp(header->magic, "ustar", sizeof(header->magic)) == 0 && header->prefix[0]) {
		length = field_length(header->prefix, sizeof(header->prefix));
		memcpy(name, header->prefix, length);
		name[length++] = '/';
	}
	memcpy(name + length, header->name, field_length(header->name, sizeof(header->name)));
	length += field_length(header->name, sizeof(header->name));
	return name_set(reader, name, length, error);
}

static int entry_make(struct tar_reader *reader, const struct tar_header *header, uint64_t size,
                      struct tar_entry *entry, struct error *error)
{
	int result = reader->name[0] ? 0 : own_name_set(reader, header, error);

	if (result < 0)
		return result;
	if (!reader->name[0])
		return refuse(error, "a file in it has no name");
	entry->type = header->type ? header->type : '0';
	if (entry->type == '7')
		entry->type = '0'; /* contiguous: the same for whoever reads it */
	entry->is_sparse = reader->is_sparse || header->type == 'S';
	entry->size = reader->has_size ? reader->size : size;
	memcpy(entry->name, reader->name, sizeof(entry->name));
	data_begin(reader, entry->size);
	reader->name[0] = '\0';
	reader->has_size = false;
	reader->is_sparse = false;
	return 1;
}

int tar_next(struct tar_reader *reader, struct tar_entry *entry, struct error *error)
{
	for (;;) {
		struct tar_header header;
		uint64_t size = 0;
		int result = data_skip(reader, error);

		if (result == 0)
			result = header_read(reader, &header, &size, error);
		if (result <= 0)
			return result;
		if (!is_extension(header.type))
			return entry_make(reader, &header, size, entry, error);
		data_begin(reader, size);
		result = extension_read(reader, header.type, size, error);
		if (result < 0)
			return result;
	}
}
