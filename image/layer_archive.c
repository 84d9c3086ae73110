/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "image/layer_archive.h"

#include "common/cleanup.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

/* Small, so that little of what belongs to a file's data is given when a header is asked for. */
#define SLICE_SIZE 4096u

struct input {
	const struct layer_archive *layer;
	struct error *error;
	int failed; /* what ended it, with its sentence in `error`; 0: nothing yet */
	bool in_header;
	size_t headers_left;
	const unsigned char *bytes; /* that were filled and not given yet */
	size_t left;
	int64_t given;
	int64_t used; /* up to the last byte that is not zero */
};

static void archive_cleanup(struct archive **archive)
{
	(void)archive_read_free(*archive);
}

static int refuse(struct error *error, const char *why)
{
	return error_set(error, -EBADMSG, ERROR_BAD_OBJECT,
	                 "the image's layer is no tar archive that bpfd reads: %s; build and push "
	                 "it again",
	                 why);
}

static int refuse_name(struct error *error, const char *name, const char *what)
{
	char printable[LAYER_NAME_SIZE];

	layer_name_copy(printable, name);
	return error_set(error, -EBADMSG, ERROR_BAD_OBJECT,
	                 "the image's layer holds %s, \"%.128s\"; a bytecode image holds one "
	                 "object file and nothing else: build it again",
	                 what, printable);
}

static int headers_use(struct input *input, size_t size)
{
	if (size > input->headers_left)
		return error_set(input->error, -EFBIG, ERROR_LIMIT,
		                 "the image's layer has more than %u KiB of tar headers; a "
		                 "bytecode image holds one object file and nothing else: build it "
		                 "again",
		                 LAYER_HEADERS_MAX >> 10);
	input->headers_left -= size;
	return 0;
}

/* The next bytes: how many; 0 at the end; -errno, which stays. */
static ssize_t input_next(struct input *input, const unsigned char **bytes)
{
	size_t size;

	if (input->failed < 0)
		return input->failed;
	if (!input->left) {
		ssize_t got =
			input->layer->fill(input->layer->context, &input->bytes, input->error);

		if (got <= 0)
			return input->failed = (int)got;
		input->left = (size_t)got;
	}
	size = input->left < SLICE_SIZE ? input->left : SLICE_SIZE;
	if (input->in_header)
		input->failed = headers_use(input, size);
	if (input->failed < 0)
		return input->failed;
	*bytes = input->bytes;
	for (size_t i = size; i > 0; i--) {
		if (input->bytes[i - 1]) {
			input->used = input->given + (int64_t)i;
			break;
		}
	}
	input->given += (int64_t)size;
	input->bytes += size;
	input->left -= size;
	return (ssize_t)size;
}

static la_ssize_t input_read(struct archive *archive, void *context, const void **buffer)
{
	const unsigned char *bytes = NULL;
	ssize_t got = input_next(context, &bytes);

	if (got < 0)
		archive_set_error(archive, (int)-got, "the layer cannot be read");
	*buffer = bytes;
	return got < 0 ? -1 : got;
}

/* Whatever libarchive did not do, as an errno with a sentence. */
static int input_fail(struct input *input, struct archive *archive)
{
	const char *why = archive_error_string(archive);

	if (input->failed < 0)
		return input->failed;
	if (archive_errno(archive) == ENOMEM)
		return error_set(input->error, -ENOMEM, ERROR_LIMIT,
		                 "reading the image's layer takes more memory than bpfd gives it; "
		                 "a bytecode image holds one object file and nothing else: build "
		                 "it again");
	return refuse(input->error, why ? why : "it is damaged");
}

/* Whether one of the name's parts is, or begins with, `part`. */
static bool name_has(const char *name, const char *part, bool whole)
{
	size_t length = strlen(part);

	while (*name) {
		size_t end = strcspn(name, "/");

		if (end >= length && strncmp(name, part, length) == 0 && (!whole || end == length))
			return true;
		name += end + (name[end] == '/');
	}
	return false;
}

static const char *type_name(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return "a hard link";
	if (archive_entry_sparse_count(entry))
		return "a sparse file";
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return NULL;
	case AE_IFDIR:
		return archive_entry_size(entry) ? "a directory with data of its own" : NULL;
	case AE_IFLNK:
		return "a symbolic link";
	case AE_IFCHR:
	case AE_IFBLK:
		return "a device";
	case AE_IFIFO:
		return "a pipe";
	default:
		return "something that is no file";
	}
}

static int entry_check(struct archive_entry *entry, struct error *error)
{
	const char *name = archive_entry_pathname(entry);
	const char *what = type_name(entry);

	if (!name || !name[0])
		return refuse(error, "a file in it has no name");
	if (!what && name[0] == '/')
		what = "a file with an absolute name";
	if (!what && name_has(name, "..", true))
		what = "a file with \"..\" in its name";
	if (!what && name_has(name, ".wh.", false))
		what = "a whiteout";
	return what ? refuse_name(error, name, what) : 0;
}

/* libarchive says where bytes belong, and leaves out what a sparse file leaves out. */
static int data_take(struct input *input, struct archive *archive, int64_t size)
{
	const struct layer_archive *layer = input->layer;
	int64_t taken = 0;
	int result = 0;

	while (result == 0) {
		const void *bytes;
		size_t got;
		la_int64_t at;

		result = archive_read_data_block(archive, &bytes, &got, &at);
		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK)
			return input_fail(input, archive);
		if (at != taken)
			return refuse(input->error, "a file in it has holes");
		taken += (int64_t)got;
		result = layer->take(layer->context, bytes, got, input->error);
	}
	if (result < 0)
		return result;
	return taken == size ? 0 : refuse(input->error, "a file in it has holes");
}

static int entry_take(struct input *input, struct archive *archive, struct archive_entry *entry,
                      bool *found)
{
	const struct layer_archive *layer = input->layer;
	const char *name = archive_entry_pathname(entry);
	int64_t size = archive_entry_size(entry);
	int result = entry_check(entry, input->error);

	if (result < 0 || archive_entry_filetype(entry) != AE_IFREG)
		return result;
	if (*found)
		return refuse_name(input->error, name, "a second file");
	*found = true;
	result = layer->begin(layer->context, name, (uint64_t)size, input->error);
	return result < 0 ? result : data_take(input, archive, size);
}

/* Behind the end there may be whatever one reader passes over and another takes: there is nothing.
 */
static int end_check(struct input *input, struct archive *archive)
{
	int64_t end = archive_filter_bytes(archive, 0);
	const unsigned char *bytes;
	ssize_t got = 1;

	while (got > 0)
		got = input_next(input, &bytes);
	if (got < 0)
		return (int)got;
	return input->used > end ? refuse(input->error, "it goes on behind its end") : 0;
}

static int entries_take(struct input *input, struct archive *archive)
{
	struct archive_entry *entry;
	bool found = false;
	int result;

	for (;;) {

		input->in_header = true;
		result = archive_read_next_header(archive, &entry);
		input->in_header = false;
		if (result == ARCHIVE_EOF)
			break;
		/* a warning is about a name that is not ASCII, or an attribute of no matter here */
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return input_fail(input, archive);
		result = entry_take(input, archive, entry, &found);
		if (result < 0)
			return result;
	}
	result = end_check(input, archive);
	if (result == 0 && !found)
		return error_set(input->error, -EBADMSG, ERROR_BAD_OBJECT,
		                 "the image's layer holds no file; a bytecode image holds one "
		                 "object file and nothing else: build it again");
	return result;
}

int layer_archive_read(const struct layer_archive *layer, struct error *error)
{
	_cleanup_(archive) struct archive *archive = archive_read_new();
	struct input input = {
		.layer = layer, .error = error, .headers_left = LAYER_HEADERS_MAX, .in_header = true
	};

	if (!archive)
		return error_set(error, -ENOMEM, ERROR_INTERNAL, "no memory to read the layer");
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    archive_read_open(archive, &input, NULL, input_read, NULL) != ARCHIVE_OK)
		return input_fail(&input, archive);
	return entries_take(&input, archive);
}
