/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Indexes, and which of their entries is this machine's. */
#include "image/manifest.h"

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define D1 "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\""
#define ENTRY(more) \
	"{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":" D1 ",\"size\":7" more "}"
#define PLATFORM(os, architecture, more) \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" architecture "\"" more "}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static struct index index_;
static struct error error;

static int index_of(const char *text, const char *type)
{
	error = (struct error){};
	return index_read(text, strlen(text), type, &index_, &error);
}

static char *many(const char *start, const char *part, size_t count, const char *end)
{
	char *text = malloc(strlen(start) + count * (strlen(part) + 1) + strlen(end) + 1), *at;

	at = stpcpy(text, start);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(stpcpy(at, i ? "," : ""), part);
	(void)stpcpy(at, end);
	return text;
}

#define ATTESTATION ENTRY(PLATFORM("unknown", "unknown", ""))

static void an_index_is_read(void **state)
{
	(void)state;
	assert_int_equal(
		index_of(INDEX(ENTRY(PLATFORM("linux", "arm64", ",\"variant\":\"v8\"")) "," ENTRY(
				 ",\"artifactType\":\"a/b\"") "," ATTESTATION),
	                 MEDIA_OCI_INDEX),
		0);
	assert_int_equal(index_.count, 3);
	assert_string_equal(index_.entries[0].os, "linux");
	assert_string_equal(index_.entries[0].architecture, "arm64");
	assert_string_equal(index_.entries[0].variant, "v8");
	assert_int_equal(index_.entries[0].descriptor.size, 7);
	assert_string_equal(index_.entries[1].artifact_type, "a/b");
	assert_string_equal(index_.entries[1].os, "");
	assert_int_equal(index_of(INDEX(""), NULL), 0);
	assert_int_equal(index_.count, 0);
}

static void indexes_that_are_none_change_nothing(void **state)
{
	static const char *const bad[] = {
		"{\"schemaVersion\":2,\"config\":{},\"layers\":[]}",
		"{\"schemaVersion\":2,\"manifests\":{}}",
		"{\"schemaVersion\":2,\"manifests\":null}",
		INDEX("null"),
		INDEX("{}"),
		INDEX("[]"),
		INDEX(ENTRY(",\"platform\":7")),
		INDEX(ENTRY(",\"platform\":[]")),
		INDEX(ENTRY(",\"platform\":{\"os\":7}")),
		INDEX(ENTRY(PLATFORM("linux", "amd 64", ""))),
		INDEX(ENTRY(PLATFORM("linux", "\\u001b[31m", ""))),
		INDEX(ENTRY(PLATFORM("linux", "amd64", ",\"variant\":{}"))),
		INDEX(ENTRY(PLATFORM("linux", "0123456789012345678901234567890123", ""))),
		INDEX(ENTRY(",\"artifactType\":[]")),
		INDEX(ENTRY("") "," ENTRY(",\"platform\":1")),
	};
	static struct index before;

	(void)state;
	assert_int_equal(index_of(INDEX(ENTRY("")), NULL), 0);
	before = index_;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (index_of(bad[i], NULL) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(error.code, ERROR_REGISTRY);
		assert_memory_equal(&index_, &before, sizeof(before));
	}
}

static void an_index_has_a_bound(void **state)
{
	(void)state;
	for (size_t count = INDEX_ENTRIES_MAX; count <= INDEX_ENTRIES_MAX + 1; count++) {
		char *text = many("{\"schemaVersion\":2,\"manifests\":[", ENTRY(""), count, "]}");

		assert_int_equal(index_of(text, NULL), count > INDEX_ENTRIES_MAX ? -EMSGSIZE : 0);
		free(text);
	}
	assert_non_null(strstr(error.message, "129 entries, at most 128"));
}

#define ON(architecture, more) ENTRY(PLATFORM("linux", architecture, more))

static const struct {
	const char *text;
	int wanted; /* the entry; -1: none */
	const char *why;
} choose_rows[] = {
	{ INDEX(ON("amd64", "") "," ON("arm64", "")), 1, NULL },
	{ INDEX(ON("arm64", "") "," ON("amd64", "")), 0, NULL },
	{ INDEX(ON("arm64", ",\"variant\":\"v8\"") "," ON("arm64", "")), 1, NULL },
	{ INDEX(ON("arm64", ",\"variant\":\"v8\"") "," ON("arm64", ",\"variant\":\"v9\"")), 0,
	  NULL },
	{ INDEX(ATTESTATION "," ENTRY("") "," ON("arm64", ",\"variant\":\"v8\"")), 2, NULL },
	{ INDEX(ATTESTATION "," ENTRY("") "," ENTRY("")), 1, NULL },
	{ INDEX(ENTRY(",\"platform\":null")), 0, NULL },
	{ INDEX(ENTRY(PLATFORM("", "arm64", ""))), 0, NULL },
	{ INDEX(ENTRY(PLATFORM("windows", "arm64", "") "")), -1, "is for windows/arm64," },
	{ INDEX(ENTRY(PLATFORM("linux", "", ""))), -1, "is for linux/," },
	{ INDEX(ON("amd64", "") "," ON("arm", ",\"variant\":\"v7\"") "," ATTESTATION), -1,
	  "is for linux/amd64, linux/arm/v7, this machine is linux/arm64" },
	{ INDEX(ATTESTATION), -1, "is for none," },
	{ INDEX(""), -1, "is for none," },
};

static void the_machines_own_entry_is_chosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choose_rows) / sizeof(choose_rows[0]); i++) {
		const struct index_entry *entry = NULL;
		int result;

		assert_int_equal(index_of(choose_rows[i].text, NULL), 0);
		result = index_choose(&index_, "arm64", &entry, &error);
		if (choose_rows[i].wanted >= 0) {
			assert_int_equal(result, 0);
			if (entry != &index_.entries[choose_rows[i].wanted])
				fail_msg("row %zu: entry %td", i, entry - index_.entries);
			continue;
		}
		assert_int_equal(result, -ENOENT);
		assert_int_equal(error.code, ERROR_UNSUPPORTED);
		if (!strstr(error.message, choose_rows[i].why))
			fail_msg("row %zu: %s", i, error.message);
	}
}

static void platforms_that_are_many_are_cut(void **state)
{
	const struct index_entry *entry;
	char *text = many("{\"schemaVersion\":2,\"manifests\":[",
	                  ON("0123456789012345678901234567890", ""), 100, "]}");

	(void)state;
	assert_int_equal(index_of(text, NULL), 0);
	assert_int_equal(index_choose(&index_, "arm64", &entry, &error), -ENOENT);
	assert_non_null(strstr(error.message, "this machine is linux/arm64: build"));
	free(text);
}

static void architectures_have_a_byte_order(void **state)
{
	bool big_endian = false;

	(void)state;
	assert_true(architecture_is_known(architecture_host(), &big_endian));
	assert_int_equal(big_endian, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	assert_true(architecture_is_known("s390x", &big_endian));
	assert_true(big_endian);
	assert_true(architecture_is_known("ppc64le", &big_endian));
	assert_false(big_endian);
	assert_false(architecture_is_known("x86_64", &big_endian));
	assert_false(architecture_is_known("", &big_endian));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_is_read),
		cmocka_unit_test(indexes_that_are_none_change_nothing),
		cmocka_unit_test(an_index_has_a_bound),
		cmocka_unit_test(the_machines_own_entry_is_chosen),
		cmocka_unit_test(platforms_that_are_many_are_cut),
		cmocka_unit_test(architectures_have_a_byte_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
