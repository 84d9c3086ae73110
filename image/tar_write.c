/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/tar_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#define TIME_MAX ((INT64_C(1) << 33) - 1) /* eleven octal digits */

struct tar_writer {
	struct archive *archive;
	struct archive_entry *entry;
	tar_take *take;
	void *context;
	int failed; /* what `take` returned */
};

static la_ssize_t writer_take(struct archive *archive, void *context, const void *bytes,
                              size_t size)
{
	struct tar_writer *writer = context;

	writer->failed = writer->take(writer->context, bytes, size);
	if (writer->failed < 0)
		archive_set_error(archive, -writer->failed, "it is not taken");
	return writer->failed < 0 ? -1 : (la_ssize_t)size;
}

static int writer_result(const struct tar_writer *writer, int result)
{
	if (result == ARCHIVE_OK)
		return 0;
	if (writer->failed < 0)
		return writer->failed;
	return archive_errno(writer->archive) == ENOMEM ? -ENOMEM : -EINVAL;
}

struct tar_writer *tar_writer_new(tar_take *take, void *context)
{
	struct tar_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->take = take;
	writer->context = context;
	writer->archive = archive_write_new();
	writer->entry = archive_entry_new();
	/* no blocks of its own, hence nothing that fills up the last */
	if (!writer->archive || !writer->entry ||
	    archive_write_set_format_ustar(writer->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(writer->archive, 0) != ARCHIVE_OK ||
	    archive_write_open(writer->archive, writer, NULL, writer_take, NULL) != ARCHIVE_OK) {
		tar_writer_free(writer);
		return NULL;
	}
	return writer;
}

void tar_writer_free(struct tar_writer *writer)
{
	if (!writer)
		return;
	/* which would otherwise write the end of what has none */
	if (writer->archive)
		(void)archive_write_fail(writer->archive);
	(void)archive_write_free(writer->archive);
	archive_entry_free(writer->entry);
	free(writer);
}

int tar_file_begin(struct tar_writer *writer, const char *name, uint64_t size, int64_t modified_s)
{
	struct archive_entry *entry = archive_entry_clear(writer->entry);

	if (modified_s < 0 || modified_s > TIME_MAX || size > INT64_MAX)
		return -EINVAL;
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, modified_s, 0);
	return writer_result(writer, archive_write_header(writer->archive, entry));
}

int tar_file_write(struct tar_writer *writer, const void *bytes, size_t size)
{
	la_ssize_t written = archive_write_data(writer->archive, bytes, size);

	return written == (la_ssize_t)size ? 0 : writer_result(writer, ARCHIVE_FATAL);
}

int tar_finish(struct tar_writer *writer)
{
	return writer_result(writer, archive_write_close(writer->archive));
}
