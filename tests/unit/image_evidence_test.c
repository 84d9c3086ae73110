/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The evidence of an image: what is written is read again, and nothing else is. */
#include "common/memfd.h"
#include "image/evidence.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER sizeof(struct evidence_header)
#define ENTRY sizeof(struct evidence_entry)

static struct error error;

static void part_is(const struct evidence *evidence, uint32_t part, enum evidence_kind kind,
                    const char *text)
{
	void *bytes = NULL;
	size_t size = 77;

	assert_int_equal(evidence->parts[part].kind, kind);
	assert_int_equal(evidence->parts[part].offset % 8, 0);
	assert_int_equal(evidence_read(evidence, part, 100, &bytes, &size), 0);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(bytes, text, size);
	free(bytes);
}

static void what_is_written_is_read(void **state)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;
	struct evidence evidence;
	int source = memfd_create("layer", 0), fd;
	void *bytes;
	size_t size;

	(void)state;
	assert_int_equal(write(source, "a layer", 7), 7);
	assert_int_equal(evidence_add(&writer, EVIDENCE_MANIFEST, "manifest", 8, &error), 0);
	assert_int_equal(evidence_add_fd(&writer, EVIDENCE_LAYER, source, 7, &error), 0);
	assert_int_equal(evidence_add(&writer, EVIDENCE_SIGNATURE_MANIFEST, "s", 1, &error), 0);
	assert_int_equal(evidence_add(&writer, EVIDENCE_SIGNATURE_BLOB, NULL, 0, &error), 0);
	assert_int_equal(evidence_add(&writer, EVIDENCE_SIGNATURE_BLOB, "blob", 4, &error), 0);
	fd = evidence_finish(&writer, &error);
	assert_true(fd >= 0);
	assert_int_equal(writer.fd, -1);
	assert_int_equal(writer.count, 0);
	assert_int_equal(evidence_open(fd, &evidence, &error), 0);
	assert_int_equal(evidence.count, 5);
	part_is(&evidence, 0, EVIDENCE_MANIFEST, "manifest");
	part_is(&evidence, 1, EVIDENCE_LAYER, "a layer");
	part_is(&evidence, 2, EVIDENCE_SIGNATURE_MANIFEST, "s");
	part_is(&evidence, 3, EVIDENCE_SIGNATURE_BLOB, "");
	part_is(&evidence, 4, EVIDENCE_SIGNATURE_BLOB, "blob");
	assert_int_equal(evidence_read(&evidence, 0, 7, &bytes, &size), -EMSGSIZE);
	assert_int_equal(evidence_find(&evidence, EVIDENCE_LAYER, 0), 1);
	assert_int_equal(evidence_find(&evidence, EVIDENCE_LAYER, 2), -ENOENT);
	assert_int_equal(evidence_find(&evidence, EVIDENCE_SIGNATURE_BLOB, 4), 4);
	assert_int_equal(evidence_find(&evidence, EVIDENCE_SIGNATURE_BLOB, 5), -ENOENT);
	assert_int_equal(evidence_find(&evidence, EVIDENCE_INDEX, 0), -ENOENT);
	(void)close(fd);
	(void)close(source);
}

static void nothing_is_evidence_too(void **state)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;
	struct evidence evidence;
	int fd = evidence_finish(&writer, &error);

	(void)state;
	assert_int_equal(evidence_open(fd, &evidence, &error), 0);
	assert_int_equal(evidence.count, 0);
	(void)close(fd);
}

static void what_does_not_fit_changes_nothing(void **state)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;
	struct evidence evidence;
	char *large = calloc(1, EVIDENCE_SIZE_MAX);
	uint64_t room = EVIDENCE_SIZE_MAX - HEADER - EVIDENCE_ENTRIES_MAX * ENTRY;
	int fd;

	(void)state;
	assert_int_equal(evidence_add(&writer, EVIDENCE_LAYER, large, room + 1, &error), -E2BIG);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_int_equal(evidence_add(&writer, EVIDENCE_LAYER, large, SIZE_MAX, &error), -E2BIG);
	assert_int_equal(evidence_add_fd(&writer, EVIDENCE_LAYER, -1, 1, &error), -EBADF);
	assert_int_equal(writer.count, 0);
	assert_int_equal(evidence_add(&writer, EVIDENCE_LAYER, large, room, &error), 0);
	assert_int_equal(evidence_add(&writer, EVIDENCE_LAYER, large, 1, &error), -E2BIG);
	fd = evidence_finish(&writer, &error);
	assert_int_equal(evidence_open(fd, &evidence, &error), 0);
	assert_int_equal(evidence.parts[0].size, room);
	(void)close(fd);
	for (int i = 0; i < EVIDENCE_ENTRIES_MAX; i++)
		assert_int_equal(evidence_add(&writer, EVIDENCE_INDEX, "i", 1, &error), 0);
	assert_int_equal(evidence_add(&writer, EVIDENCE_INDEX, "i", 1, &error), -E2BIG);
	assert_non_null(strstr(error.message, "more than 64 parts"));
	fd = evidence_finish(&writer, &error);
	assert_int_equal(evidence_open(fd, &evidence, &error), 0);
	assert_int_equal(evidence.count, EVIDENCE_ENTRIES_MAX);
	(void)close(fd);
	free(large);
}

/* A source that is too short was copied in part: nothing of it is handed on. */
static void a_failed_part_leaves_nothing(void **state)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;
	int source = memfd_create("layer", 0), fd;
	char bytes[HEADER + ENTRY + 8] = "";
	size_t size;

	(void)state;
	assert_int_equal(write(source, "XXXXXXXXXXXXXXXXXXXX", 20), 20);
	assert_int_equal(evidence_add_fd(&writer, EVIDENCE_LAYER, source, 21, &error), -EPROTO);
	assert_int_equal(evidence_add(&writer, EVIDENCE_INDEX, "i", 1, &error), 0);
	fd = evidence_finish(&writer, &error);
	assert_int_equal(memfd_check(fd, &size), 0);
	assert_int_equal(size, sizeof(bytes));
	assert_int_equal(memfd_read(fd, bytes, size), 0);
	assert_memory_equal(bytes + HEADER + ENTRY, "i\0\0\0\0\0\0\0", 8);
	(void)close(fd);
	(void)close(source);
}

struct table {
	struct evidence_header header;
	struct evidence_entry entries[3];
	char bytes[24];
};

static const struct table good = {
	{ EVIDENCE_MAGIC, 3, 0 },
	{ { EVIDENCE_INDEX, 0, 5 }, { EVIDENCE_LAYER, 0, 0 }, { EVIDENCE_SIGNATURE_BLOB, 0, 16 } },
	"12345"
};

static int open_bytes(const void *bytes, size_t size)
{
	struct evidence evidence, before;
	int fd = memfd_from_bytes("evidence", bytes, size);
	int result;

	memset(&evidence, 0x5a, sizeof(evidence));
	before = evidence;
	error = (struct error){};
	result = evidence_open(fd, &evidence, &error);
	if (result < 0) {
		assert_memory_equal(&evidence, &before, sizeof(before));
		assert_int_equal(error.code, ERROR_INTERNAL);
		assert_non_null(strstr(error.message, "bpfd's fetcher did not write it so"));
	}
	(void)close(fd);
	return result;
}

static void what_is_written_otherwise_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_bytes(&good, sizeof(good)), 0);
	for (size_t size = 0; size < sizeof(good); size++)
		assert_int_equal(open_bytes(&good, size), -EPROTO);
	for (int i = 0; i < 12; i++) {
		struct table bad[2] = { good, {} };

		switch (i) {
		case 0:
			bad->header.magic++;
			break;
		case 1:
			bad->header.count = 4;
			break;
		case 2:
			bad->header.count = 2;
			break;
		case 3:
			bad->header.count = EVIDENCE_ENTRIES_MAX + 1;
			break;
		case 4:
			bad->header.count = UINT32_MAX;
			break;
		case 5:
			bad->header.reserved = 1;
			break;
		case 6:
			bad->entries[0].kind = 0;
			break;
		case 7:
			bad->entries[0].kind = EVIDENCE_SIGNATURE_BLOB + 1;
			break;
		case 8:
			bad->entries[1].reserved = 1;
			break;
		case 9:
			bad->entries[1].size = 1;
			break;
		case 10:
			bad->entries[2].size = UINT64_MAX;
			break;
		default:
			bad->entries[0].size = UINT64_MAX - 6;
			break;
		}
		if (open_bytes(bad, sizeof(good)) != -EPROTO)
			fail_msg("change %d is taken", i);
	}
}

static void more_behind_the_last_part_is_refused(void **state)
{
	char bytes[sizeof(good) + 8] = "";

	(void)state;
	memcpy(bytes, &good, sizeof(good));
	assert_int_equal(open_bytes(bytes, sizeof(bytes)), -EPROTO);
	assert_non_null(strstr(error.message, "goes on behind its last part"));
}

static void what_can_change_is_refused(void **state)
{
	struct evidence evidence;
	int fd = memfd_open("evidence"), pipes[2];

	(void)state;
	assert_int_equal(write(fd, &good, sizeof(good)), sizeof(good));
	assert_int_equal(evidence_open(fd, &evidence, &error), -EPROTO);
	assert_non_null(strstr(error.message, "is no sealed memfd"));
	(void)close(fd);
	assert_int_equal(evidence_open(-1, &evidence, &error), -EPROTO);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(evidence_open(pipes[0], &evidence, &error), -EPROTO);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

static void a_closed_writer_is_new(void **state)
{
	struct evidence_writer writer = EVIDENCE_WRITER_INIT;

	(void)state;
	assert_int_equal(evidence_add(&writer, EVIDENCE_INDEX, "i", 1, &error), 0);
	evidence_writer_close(&writer);
	assert_int_equal(writer.fd, -1);
	assert_int_equal(writer.count, 0);
	assert_int_equal(writer.size, 0);
	evidence_writer_close(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(nothing_is_evidence_too),
		cmocka_unit_test(what_does_not_fit_changes_nothing),
		cmocka_unit_test(a_failed_part_leaves_nothing),
		cmocka_unit_test(what_is_written_otherwise_is_refused),
		cmocka_unit_test(more_behind_the_last_part_is_refused),
		cmocka_unit_test(what_can_change_is_refused),
		cmocka_unit_test(a_closed_writer_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
