/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions in files that the build makes (symbols/sample.c): at what is found lie the bytes that
 * the source has put there. */
#include "client/lib/elf_symbols.h"
#include "common/cleanup.h"

#include <cmocka.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct row {
	const char *path;
	const char *function;
	const char *bytes; /* NULL: refused */
	int result;
	const char *message;
};

#define SEVERAL "has several functions \"twice\", at the offsets "

static const struct row rows[] = {
	{ SAMPLE_PIE, "marked", "marked is here", 0, NULL },
	{ SAMPLE_PIE, "inner", "inner is here", 0, NULL },
	{ SAMPLE_PIE, "preferred", "the global one", 0, NULL },
	{ SAMPLE_PIE, "twice", NULL, -ENOTUNIQ, SEVERAL },
	{ SAMPLE_PIE, "chosen", NULL, -EOPNOTSUPP, "chosen for the processor" },
	{ SAMPLE_PIE, "mark", NULL, -ENOENT, "has no function \"mark\": check" },
	{ SAMPLE_PIE, "marked2", NULL, -ENOENT, "has no function \"marked2\": check" },
	{ SAMPLE_FIXED, "marked", "marked is here", 0, NULL },
	{ SAMPLE_FIXED, "inner", "inner is here", 0, NULL },
	{ SAMPLE_FIXED, "twice", NULL, -ENOTUNIQ, SEVERAL },
	{ SAMPLE_LIBRARY_FILE, "marked", "marked is here", 0, NULL },
	{ SAMPLE_LIBRARY_FILE, "inner", "inner is here", 0, NULL },
	{ SAMPLE_LIBRARY_FILE, "versioned", "the new one", 0, NULL },
	{ SAMPLE_LIBRARY_FILE, "old", "only old", 0, NULL },
	{ SAMPLE_LIBRARY_FILE, "versioned@SAMPLE_1", "the old one", 0, NULL },
	{ SAMPLE_LIBRARY_STRIPPED, "marked", "marked is here", 0, NULL },
	{ SAMPLE_LIBRARY_STRIPPED, "versioned", "the new one", 0, NULL },
	{ SAMPLE_LIBRARY_STRIPPED, "old", "only old", 0, NULL },
	{ SAMPLE_LIBRARY_STRIPPED, "inner", NULL, -ENOENT, "exports no function \"inner\", and" },
	{ SAMPLE_STRIPPED, "marked", NULL, -ENOENT, "names no functions: it was stripped" },
	{ "/proc/self/cmdline", "marked", NULL, -ENOEXEC, "no ELF file, or a broken one" },
	{ "/etc/passwd", "marked", NULL, -ENOEXEC, "no ELF file, or a broken one" },
};

static void row_check(const struct row *row)
{
	_cleanup_close_ int fd = open(row->path, O_RDONLY | O_CLOEXEC);
	struct bpfd_error *error = NULL;
	uint64_t offset = 7;
	char found[64] = {};

	assert_true(fd >= 0);
	assert_int_equal(elf_function_find(fd, row->path, row->function, &offset, &error),
	                 row->result);
	if (row->bytes) {
		assert_true(pread(fd, found, strlen(row->bytes), (off_t)offset) > 0);
		assert_string_equal(found, row->bytes);
		return;
	}
	assert_int_equal(offset, 7);
	if (!strstr(error->message, row->message))
		fail_msg("%s: %s", row->function, error->message);
	bpfd_error_free(error);
}

static void functions_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_check(&rows[i]);
}

/* A sample in memory, to be broken. */
struct copy {
	uint8_t *bytes;
	size_t size;
};

static struct copy copy_read(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status = {};
	struct copy copy;

	assert_true(fd >= 0 && fstat(fd, &status) == 0);
	assert_true(status.st_size > 0);
	copy.size = (size_t)status.st_size;
	copy.bytes =
		malloc(copy.size + 1); /* the analyzer does not know that an assertion ends it */
	assert_non_null(copy.bytes);
	assert_int_equal(pread(fd, copy.bytes, copy.size, 0), copy.size);
	return copy;
}

static int copy_find(const uint8_t *bytes, size_t size, uint64_t *offset)
{
	_cleanup_close_ int fd = memfd_create("sample", MFD_CLOEXEC);
	struct bpfd_error *error = NULL;
	int result;

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	result = elf_function_find(fd, "sample", "marked", offset, &error);
	bpfd_error_free(error);
	return result;
}

/* However short it is, what is found lies in the file. The sections' headers are the end of it. */
static void truncated_files_are_refused(void **state)
{
	struct copy copy = copy_read(SAMPLE_LIBRARY_FILE);
	uint64_t offset;

	(void)state;
	for (size_t size = 0; size < copy.size; size += size < 256 ? 1 : 509)
		assert_int_equal(copy_find(copy.bytes, size, &offset), -ENOEXEC);
	assert_int_equal(copy_find(copy.bytes, copy.size - 1, &offset), -ENOEXEC);
	assert_int_equal(copy_find(copy.bytes, copy.size, &offset), 0);
	free(copy.bytes);
}

/* Any byte of the headers may be anything. */
static void broken_headers_are_survived(void **state)
{
	struct copy copy = copy_read(SAMPLE_LIBRARY_FILE);
	size_t sections = copy.size - 4096, refused = 0;
	uint64_t offset = 0;

	(void)state;
	for (size_t i = 0; i < 1024 + 4096; i++) {
		uint8_t *byte = copy.bytes + (i < 1024 ? i : sections + i - 1024), was = *byte;

		*byte = i % 2 ? 0xff : (uint8_t)~was;
		if (copy_find(copy.bytes, copy.size, &offset) == 0)
			assert_true(offset < copy.size);
		else
			refused++;
		*byte = was;
	}
	assert_true(refused > 100);
	free(copy.bytes);
}

static void other_kinds_of_files_are_refused(void **state)
{
	struct copy copy = copy_read(SAMPLE_PIE);
	uint64_t offset;
	Elf64_Half *type = (Elf64_Half *)(void *)(copy.bytes + offsetof(Elf64_Ehdr, e_type));

	(void)state;
	*type = ET_REL;
	assert_int_equal(copy_find(copy.bytes, copy.size, &offset), -ENOEXEC);
	*type = ET_CORE;
	assert_int_equal(copy_find(copy.bytes, copy.size, &offset), -ENOEXEC);
	*type = ET_DYN;
	assert_int_equal(copy_find(copy.bytes, copy.size, &offset), 0);
	copy.bytes[EI_DATA] ^= ELFDATA2LSB | ELFDATA2MSB;
	assert_int_equal(copy_find(copy.bytes, copy.size, &offset), -ENOEXEC);
	free(copy.bytes);
}

/* The C library of this very process: what lies at the place is what runs. */
static void libraries_are_found_by_name(void **state)
{
	static const struct bpfd_symbol_query queries[] = {
		{ .binary = "libc", .function = "rand_r" },
		{ .binary = "libc.so.6", .function = "rand_r" },
		{ .binary = "libc", .function = "rand_r", .pid = 1 },
	};
	const void *function = dlsym(dlopen("libc.so.6", RTLD_NOW), "rand_r");

	(void)state;
	assert_non_null(function);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct bpfd_symbol_query query = queries[i];
		struct bpfd_symbol *symbol = NULL;
		_cleanup_close_ int fd = -1;
		uint8_t bytes[32];

		if (query.pid)
			query.pid = (uint32_t)getpid();
		assert_int_equal(bpfd_symbol_find(&query, &symbol, NULL), 0);
		fd = open(symbol->path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, bytes, sizeof(bytes), (off_t)symbol->offset),
		                 sizeof(bytes));
		assert_memory_equal(bytes, function, sizeof(bytes));
		bpfd_symbol_free(symbol);
	}
}

/* A relative path becomes absolute; without a function nothing but the path is looked up. */
static void paths_are_made_absolute(void **state)
{
	const struct bpfd_symbol_query query = { .binary = "./passwd" };
	struct bpfd_symbol *symbol = NULL;

	(void)state;
	assert_int_equal(chdir("/etc"), 0);
	assert_int_equal(bpfd_symbol_find(&query, &symbol, NULL), 0);
	assert_string_equal(symbol->path, "/etc/passwd");
	assert_int_equal(symbol->offset, 0);
	bpfd_symbol_free(symbol);
}

static void questions_are_refused(void **state)
{
	static const struct {
		struct bpfd_symbol_query query;
		int result;
		const char *message;
	} refused[] = {
		{ {}, -EINVAL, "no program or library is named" },
		{ { .binary = "/etc/passwd", .function = "" }, -EINVAL, "name is empty" },
		{ { .binary = "/dev/null", .function = "f" }, -ENODEV, "not a regular file" },
		{ { .binary = "/dev", .function = "f" }, -EISDIR, "not a regular file" },
		{ { .binary = "/none/at/all", .function = "f" }, -ENOENT, "cannot read" },
		{ { .binary = "./none/at/all", .function = "f" }, -ENOENT, "cannot read" },
		{ { .binary = "libnone" }, -ENOENT, "\"ldconfig -p\" lists those that are" },
		{ { .binary = "libc", .pid = 4194304 }, -ESRCH, "there is no process 4194304" },
		{ { .binary = "libc", .container_pid = 4194304 }, -ESRCH, "no process 4194304" },
		{ { .binary = "/bin/sh", .function = "f", .container_pid = 4194304 },
		  -ESRCH,
		  "no process 4194304" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct bpfd_symbol *symbol = NULL;
		struct bpfd_error *error = NULL;

		assert_int_equal(bpfd_symbol_find(&refused[i].query, &symbol, &error),
		                 refused[i].result);
		assert_null(symbol);
		if (!strstr(error->message, refused[i].message))
			fail_msg("%s", error->message);
		bpfd_error_free(error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found),
		cmocka_unit_test(truncated_files_are_refused),
		cmocka_unit_test(broken_headers_are_survived),
		cmocka_unit_test(other_kinds_of_files_are_refused),
		cmocka_unit_test(libraries_are_found_by_name),
		cmocka_unit_test(questions_are_refused),
		cmocka_unit_test(paths_are_made_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
