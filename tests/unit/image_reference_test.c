/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What names an image, and digests. */
#include "image/digest.h"
#include "image/reference.h"

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc" */
#define AT "@sha256:" HEX
#define TAG_LONGEST                                                        \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *text;
	const char *registry;
	const char *repository;
	const char *tag;
	bool has_digest;
	const char *formatted; /* NULL: the text itself */
} good_rows[] = {
	{ "quay.io/bpfd/x:1.0", "quay.io", "bpfd/x", "1.0", false, NULL },
	{ "quay.io/x", "quay.io", "x", "latest", false, "quay.io/x:latest" },
	{ "quay.io/x" AT, "quay.io", "x", "", true, NULL },
	{ "quay.io/x:v" AT, "quay.io", "x", "v", true, NULL },
	{ "localhost/x:y", "localhost", "x", "y", false, NULL },
	{ "localhost:5000/a/b/c:y", "localhost:5000", "a/b/c", "y", false, NULL },
	{ "host:1/x:y", "host:1", "x", "y", false, NULL },
	{ "host:65535/x:y", "host:65535", "x", "y", false, NULL },
	{ "127.0.0.1:5000/x:y", "127.0.0.1:5000", "x", "y", false, NULL },
	{ "[::1]:5000/x:y", "[::1]:5000", "x", "y", false, NULL },
	{ "[FE80::1]/x:y", "[fe80::1]", "x", "y", false, "[fe80::1]/x:y" },
	{ "GHCR.io/x:Y", "ghcr.io", "x", "Y", false, "ghcr.io/x:Y" },
	{ "docker.io/x:y", "docker.io", "library/x", "y", false, "docker.io/library/x:y" },
	{ "Docker.IO/x:y", "docker.io", "library/x", "y", false, "docker.io/library/x:y" },
	{ "docker.io/me/x:y", "docker.io", "me/x", "y", false, NULL },
	{ "a.b/c__d/e.f/g_h/i---j:_k", "a.b", "c__d/e.f/g_h/i---j", "_k", false, NULL },
	{ "a-b.c/x:" TAG_LONGEST, "a-b.c", "x", TAG_LONGEST, false, NULL },
};

static void good_references_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
		const char *text = good_rows[i].text;
		struct reference reference = {}, again = {};
		struct error error = {};
		char formatted[IMAGE_REFERENCE_SIZE], repository[IMAGE_REFERENCE_SIZE];

		if (reference_parse(text, &reference, &error) < 0)
			fail_msg("%s: %s", text, error.message);
		assert_string_equal(reference.registry, good_rows[i].registry);
		assert_string_equal(reference.repository, good_rows[i].repository);
		assert_string_equal(reference.tag, good_rows[i].tag);
		assert_int_equal(reference.has_digest, good_rows[i].has_digest);
		reference_format(&reference, formatted);
		assert_string_equal(formatted, good_rows[i].formatted ?: text);
		/* the normal form is its own */
		assert_int_equal(reference_parse(formatted, &again, &error), 0);
		assert_memory_equal(&reference, &again, sizeof(again));
		reference_format_repository(&reference, repository);
		assert_int_equal(strncmp(formatted, repository, strlen(repository)), 0);
	}
}

static const struct {
	const char *text;
	const char *why;
} bad_rows[] = {
	{ "", "it is empty" },
	{ "x", "names no registry" },
	{ "x:y", "names no registry" },
	{ "me/x:y", "names no registry" },
	{ "/x:y", "names no registry" },
	{ "https://quay.io/x", "it is an address" },
	{ "quay.io/x y", "blank" },
	{ "quay.io/x\ny", "blank" },
	{ "quay.io/\xc3\xa4", "blank or a character" },
	{ "quay.io/", "a repository's name" },
	{ "quay.io//x", "a repository's name" },
	{ "quay.io/x/", "a repository's name" },
	{ "quay.io/X", "a repository's name" },
	{ "quay.io/../x", "a repository's name" },
	{ "quay.io/x/../y", "a repository's name" },
	{ "quay.io/x?y", "a repository's name" },
	{ "quay.io/x%2fy", "a repository's name" },
	{ "quay.io/x..y", "a repository's name" },
	{ "quay.io/x___y", "a repository's name" },
	{ "quay.io/-x", "a repository's name" },
	{ "quay.io/x:", "a tag has" },
	{ "quay.io/x:.y", "a tag has" },
	{ "quay.io/x:-y", "a tag has" },
	{ "quay.io/x:y/z", "a tag has" },
	{ "quay.io/x:y:z", "a tag has" },
	{ "quay.io/x:1" TAG_LONGEST, "a tag has" },
	{ "quay.io/x@sha256:abc", "64 digits" },
	{ "quay.io/x@sha512:" HEX, "64 digits" },
	{ "quay.io/x" AT "0", "64 digits" },
	{ "quay.io/x" AT AT, "64 digits" },
	{ "quay.io/x@", "64 digits" },
	{ "quay.io:/x", "no host[:port]" },
	{ "quay.io:0/x", "no host[:port]" },
	{ "quay.io:65536/x", "no host[:port]" },
	{ "quay.io:000080/x", "no host[:port]" },
	{ "quay.io:80a/x", "no host[:port]" },
	{ "user@quay.io/x", "no host[:port]" },
	{ "user:secret@quay.io/x", "no host[:port]" },
	{ "quay..io/x", "no host[:port]" },
	{ ".quay.io/x", "no host[:port]" },
	{ "quay.io./x", "no host[:port]" },
	{ "-quay.io/x", "no host[:port]" },
	{ "quay-.io/x", "no host[:port]" },
	{ "quay_.io/x", "no host[:port]" },
	{ "[::1/x", "no host[:port]" },
	{ "[::1]5000/x", "no host[:port]" },
	{ "[fe80::1%25eth0]/x", "no host[:port]" },
	{ "[:]/x", "no host[:port]" },
};

static void bad_references_are_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		struct reference reference, before;
		struct error error = {};

		memset(&reference, 0x5a, sizeof(reference));
		before = reference;
		if (reference_parse(bad_rows[i].text, &reference, &error) != -EINVAL)
			fail_msg("\"%s\" is taken", bad_rows[i].text);
		if (!strstr(error.message, bad_rows[i].why))
			fail_msg("\"%s\": %s", bad_rows[i].text, error.message);
		assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
		assert_memory_equal(&reference, &before, sizeof(before));
	}
}

/* `total` bytes: the repository's name takes what is left. */
static int reference_of_length(size_t total, const char *prefix, const char *suffix)
{
	char text[2 * IMAGE_REFERENCE_SIZE];
	struct reference reference;
	char formatted[IMAGE_REFERENCE_SIZE];
	struct error error = {};
	size_t middle = total - strlen(prefix) - strlen(suffix);
	char *at = stpcpy(text, prefix);
	int result;

	memset(at, 'x', middle);
	(void)stpcpy(at + middle, suffix);
	result = reference_parse(text, &reference, &error);
	if (result == 0)
		reference_format(&reference, formatted);
	return result;
}

static void references_fit_or_are_refused(void **state)
{
	(void)state;
	/* the repository's 255 bytes */
	assert_int_equal(reference_of_length(4 + 255, "a.b/", ":t"), 0);
	assert_int_equal(reference_of_length(4 + 255 + 2, "a.b/", ":t"), 0);
	assert_int_equal(reference_of_length(4 + 255 + 3, "a.b/", ":t"), -EINVAL);
	/* docker.io/ makes it longer by library/ */
	assert_int_equal(reference_of_length(10 + 247 + 2, "docker.io/", ":t"), 0);
	assert_int_equal(reference_of_length(10 + 248 + 2, "docker.io/", ":t"), -EINVAL);
	/* all of it: the normal form has to fit, whatever was written */
	for (size_t total = 500; total < 530; total++) {
		char prefix[300] = "";
		int result;

		memset(prefix, 'h', total - 200 - 2 - 73);
		memcpy(prefix + strlen(prefix), ".b/", 4);
		result = reference_of_length(total, prefix, ":t" AT);
		assert_int_equal(
			result, total < IMAGE_REFERENCE_SIZE && strlen(prefix) < 257 ? 0 : -EINVAL);
	}
}

static void loopback_is_this_machine_alone(void **state)
{
	static const char *const yes[] = { "localhost",      "localhost:5000", "127.0.0.1",
		                           "127.255.1.2:80", "[::1]",          "[::1]:5000" };
	static const char *const no[] = { "localhost.evil.example",
		                          "127.evil.example",
		                          "127.0.0.1.evil.example",
		                          "127.0.0.1.2",
		                          "128.0.0.1",
		                          "27.0.0.1",
		                          "[::2]",
		                          "[::1:1]",
		                          "[::ffff:127.0.0.1]",
		                          "evil.example",
		                          "localhos",
		                          "",
		                          ":80" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!reference_host_is_loopback(yes[i]))
			fail_msg("%s is not", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (reference_host_is_loopback(no[i]))
			fail_msg("%s is", no[i]);
}

static void docker_lives_elsewhere(void **state)
{
	struct reference reference;

	(void)state;
	assert_int_equal(reference_parse("docker.io/x", &reference, NULL), 0);
	assert_string_equal(reference_host(&reference), "registry-1.docker.io");
	assert_int_equal(reference_parse("quay.io:81/x", &reference, NULL), 0);
	assert_string_equal(reference_host(&reference), "quay.io:81");
}

static void digests_have_one_form(void **state)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		HEX,
		"sha256:" HEX "0",
		"sha256" HEX,
		"SHA256:" HEX,
		" sha256:" HEX,
		"sha512:" HEX,
		"sha256:Ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a\n"
	};
	uint8_t digest[DIGEST_SIZE] = { 1 }, other[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE], hex[DIGEST_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(digest_parse(bad[i], digest), -EINVAL);
		assert_int_equal(digest[0], 1);
	}
	assert_int_equal(digest_parse("sha256:" HEX, digest), 0);
	digest_format(digest, text);
	assert_string_equal(text, "sha256:" HEX);
	digest_hex(digest, hex);
	assert_string_equal(hex, HEX);
	assert_int_equal(digest_of_bytes("abc", 3, other), 0);
	assert_true(digest_equal(digest, other));
	other[DIGEST_SIZE - 1] ^= 1;
	assert_false(digest_equal(digest, other));
}

static void files_and_streams_are_hashed_alike(void **state)
{
	int fd = memfd_create("digest", 0);
	struct digest_stream *stream = digest_stream_new();
	uint8_t wanted[DIGEST_SIZE], got[DIGEST_SIZE];

	(void)state;
	assert_int_equal(write(fd, "xabcy", 5), 5);
	assert_int_equal(digest_of_bytes("abc", 3, wanted), 0);
	assert_int_equal(digest_of_fd(fd, 1, 3, got), 0);
	assert_memory_equal(got, wanted, sizeof(got));
	assert_int_equal(digest_of_fd(fd, 1, 5, got), -EPROTO);
	assert_int_equal(digest_of_fd(-1, 0, 1, got), -EBADF);
	for (int i = 0; i < 2; i++) { /* it starts anew */
		assert_int_equal(digest_stream_update(stream, "a", 1), 0);
		assert_int_equal(digest_stream_update(stream, "bc", 2), 0);
		assert_int_equal(digest_stream_finish(stream, got), 0);
		assert_memory_equal(got, wanted, sizeof(got));
	}
	digest_stream_free(stream);
	digest_stream_free(NULL);
	(void)close(fd);
}

static void another_digest_is_told_with_both(void **state)
{
	uint8_t one[DIGEST_SIZE], other[DIGEST_SIZE] = {};
	struct error error = {};

	(void)state;
	assert_int_equal(digest_of_bytes("abc", 3, one), 0);
	assert_int_equal(digest_expect("the thing", one, one, &error), 0);
	assert_int_equal(error.code, ERROR_NONE);
	assert_int_equal(digest_expect("the thing", one, other, &error), -EBADMSG);
	assert_int_equal(error.code, ERROR_REGISTRY);
	assert_non_null(strstr(error.message,
	                       "the thing has the digest sha256:" HEX ", not sha256:00000000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_references_are_read),
		cmocka_unit_test(bad_references_are_refused_with_the_reason),
		cmocka_unit_test(references_fit_or_are_refused),
		cmocka_unit_test(loopback_is_this_machine_alone),
		cmocka_unit_test(docker_lives_elsewhere),
		cmocka_unit_test(digests_have_one_form),
		cmocka_unit_test(files_and_streams_are_hashed_alike),
		cmocka_unit_test(another_digest_is_told_with_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
