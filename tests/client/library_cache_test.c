/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of libraries as ldconfig writes them, made here, and broken ones. */
#include "client/lib/library_cache.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define HERE 0x0303
#elif defined(__aarch64__)
#define HERE 0x0a03
#else
#error "say how ldconfig marks this machine's libraries"
#endif

#define HEADER 48
#define ENTRY 24
#define COUNT_AT 20
#define ORDER_AT 28

struct library {
	uint32_t flags;
	uint64_t hardware;
	const char *name;
	const char *path;
};

static const struct library libraries[] = {
	{ HERE, 0, "libz.so.1", "/lib/libz.so.1" },
	{ HERE, 0, "libz.so", "/lib/libz.so" },
	{ HERE, 0, "libssl.so.3", "/lib/libssl.so.3" },
	{ HERE, 0, "libssl.so.1.1", "/lib/libssl.so.1.1" },
	{ HERE, 0, "libonly.so", "/lib/libonly.so" },
	{ 0x0003 ^ 0x0800, 0, "libc.so.6", "/lib32/libc.so.6" },
	{ HERE, 1ull << 62, "libc.so.6", "/lib/fast/libc.so.6" },
	{ HERE, 0, "libc.so.6", "/lib/libc.so.6" },
	{ HERE, 0, "libc.so.6", "/other/libc.so.6" },
	{ HERE, 0, "libbad.so.1", "not/absolute" },
	{ 0x0003 ^ 0x0800, 0, "libforeign.so.1", "/lib32/libforeign.so.1" },
};
#define LIBRARY_COUNT (sizeof(libraries) / sizeof(libraries[0]))

struct list {
	uint8_t bytes[4096];
	size_t size;
};

static uint32_t text_put(struct list *list, size_t begin, const char *text)
{
	size_t at = list->size;

	memcpy(list->bytes + at, text, strlen(text) + 1);
	list->size += strlen(text) + 1;
	return (uint32_t)(at - begin);
}

/* `skip` bytes of an older list come first. */
static void list_make(struct list *list, size_t skip)
{
	uint32_t count = LIBRARY_COUNT;
	uint8_t *entry = list->bytes + skip + HEADER;

	memset(list, 0, sizeof(*list));
	list->size = skip + HEADER + LIBRARY_COUNT * ENTRY;
	memcpy(list->bytes + skip, "glibc-ld.so.cache1.1", 20);
	memcpy(list->bytes + skip + COUNT_AT, &count, sizeof(count));
	list->bytes[skip + ORDER_AT] = 2;
	for (size_t i = 0; i < LIBRARY_COUNT; i++, entry += ENTRY) {
		uint32_t name = text_put(list, skip, libraries[i].name);
		uint32_t path = text_put(list, skip, libraries[i].path);

		memcpy(entry, &libraries[i].flags, 4);
		memcpy(entry + 4, &name, 4);
		memcpy(entry + 8, &path, 4);
		memcpy(entry + 16, &libraries[i].hardware, 8);
	}
}

static const struct {
	const char *name;
	int result;
	const char *path;
} lookups[] = {
	{ "libz.so.1", 0, "/lib/libz.so.1" },
	{ "libz.so", 0, "/lib/libz.so" },
	{ "libz", 0, "/lib/libz.so.1" },
	{ "libonly", 0, "/lib/libonly.so" },
	{ "libc", 0, "/lib/libc.so.6" },
	{ "libc.so.6", 0, "/lib/libc.so.6" },
	{ "libssl.so.3", 0, "/lib/libssl.so.3" },
	{ "libssl.so.1", 0, "/lib/libssl.so.1.1" },
	{ "libssl", -ENOTUNIQ, NULL },
	{ "libforeign", -ENOENT, NULL },
	{ "libbad", -ENOENT, NULL },
	{ "lib", -ENOENT, NULL },
	{ "libc.so.60", -ENOENT, NULL },
};

static void lookups_check(const struct list *list)
{
	for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		const char *path = NULL, *other = NULL;

		assert_int_equal(
			library_cache_find(list->bytes, list->size, lookups[i].name, &path, &other),
			lookups[i].result);
		if (lookups[i].path)
			assert_string_equal(path, lookups[i].path);
		if (lookups[i].result == -ENOTUNIQ)
			assert_true(path && other && strcmp(path, other) != 0);
	}
}

static void libraries_are_found(void **state)
{
	struct list list;

	(void)state;
	list_make(&list, 0);
	lookups_check(&list);
}

static void libraries_are_found_behind_an_older_list(void **state)
{
	const uint32_t count = 3;
	struct list list;

	(void)state;
	list_make(&list, 56); /* 16 + 3 * 12, rounded up */
	memcpy(list.bytes, "ld.so-1.7.0", 11);
	memcpy(list.bytes + 12, &count, sizeof(count));
	lookups_check(&list);
	memset(list.bytes + 12, 0xff, sizeof(count));
	assert_int_equal(library_cache_find(list.bytes, list.size, "libc", NULL, NULL), -EBADMSG);
}

static int find(const struct list *list, size_t size)
{
	const char *path = NULL, *other = NULL;
	uint8_t *copy = malloc(size ? size : 1); /* so that a look behind it is seen */
	int result;

	assert_non_null(copy);
	memcpy(copy, list->bytes, size);
	result = library_cache_find(copy, size, "libc", &path, &other);
	if (result == 0) {
		assert_true((const uint8_t *)path > copy && (const uint8_t *)path < copy + size);
		assert_true((const uint8_t *)path + strlen(path) < copy + size);
	}
	free(copy);
	return result;
}

static void hostile_lists_are_refused(void **state)
{
	struct list list;

	(void)state;
	list_make(&list, 0);
	for (size_t size = 0; size < HEADER + LIBRARY_COUNT * ENTRY; size++)
		assert_int_equal(find(&list, size), -EBADMSG);
	for (size_t size = HEADER + LIBRARY_COUNT * ENTRY; size <= list.size; size++)
		(void)find(&list, size);
	for (size_t i = 0; i < list.size; i++) {
		uint8_t was = list.bytes[i];

		list.bytes[i] = 0xff;
		(void)find(&list, list.size);
		list.bytes[i] = was;
	}
	list.bytes[ORDER_AT] = 3;
	assert_int_equal(find(&list, list.size), -EBADMSG);
	list.bytes[ORDER_AT] = 2;
	list.bytes[0] = 'G';
	assert_int_equal(find(&list, list.size), -EBADMSG);
}

static void names_fit_files(void **state)
{
	static const struct {
		const char *name;
		const char *file;
		bool fits;
	} names[] = {
		{ "libc", "libc.so.6", true },
		{ "libc", "libc-2.31.so", true },
		{ "libc.so.6", "libc-2.31.so", true },
		{ "libc", "libcrypt.so.1", false },
		{ "libc", "libc", true },
		{ "libz.so.1", "libz.so.1.2.13", true },
		{ "libz.so.1", "libz.so.10", false },
		{ "bash", "bash", true },
		{ "bash", "bashbug", false },
		{ "libc", "libc-client.so.2007", false },
		{ "libc.so.6", "libc.so", false },
		{ "libc", "libc.source", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (library_name_fits(names[i].name, names[i].file) != names[i].fits)
			fail_msg("%s, %s", names[i].name, names[i].file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries_are_found),
		cmocka_unit_test(libraries_are_found_behind_an_older_list),
		cmocka_unit_test(hostile_lists_are_refused),
		cmocka_unit_test(names_fit_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
