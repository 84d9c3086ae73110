/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The small parts of common/: errors, log lines, program types, texts in messages, names of
 * capabilities. */
#include "common/capability.h"
#include "common/channel.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/log.h"
#include "common/program_type.h"
#include "common/memfd.h"
#include "common/sort.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void errors_carry_code_and_sentence(void **state)
{
	struct error error = {};

	(void)state;
	assert_int_equal(error_set(&error, -EBUSY, ERROR_BUSY, "port %d is %s", 7, "taken"),
	                 -EBUSY);
	assert_int_equal(error.code, ERROR_BUSY);
	assert_string_equal(error.message, "port 7 is taken");
	assert_int_equal(error_set(NULL, -EIO, ERROR_KERNEL, "nobody reads %s", "this"), -EIO);
}

static void long_sentences_are_cut(void **state)
{
	struct error error;
	char text[2 * ERROR_MESSAGE_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)error_set(&error, 0, ERROR_INTERNAL, "%s", text);
	assert_int_equal(strlen(error.message), ERROR_MESSAGE_MAX - 1);
}

static void error_codes_have_names(void **state)
{
	(void)state;
	assert_string_equal(error_code_name(ERROR_INVALID_ARGUMENT), "INVALID_ARGUMENT");
	assert_string_equal(error_code_name(ERROR_INTERNAL), "INTERNAL");
	assert_string_equal(error_code_name(ERROR_UNTRUSTED), "UNTRUSTED");
	assert_string_equal(error_code_name(ERROR_NONE), "UNKNOWN");
	assert_string_equal(error_code_name(ERROR_UNTRUSTED + 1), "UNKNOWN");
	assert_string_equal(error_code_name(UINT32_MAX), "UNKNOWN");
}

static void program_types_are_found_by_number_and_name(void **state)
{
	(void)state;
	assert_null(program_type_row(PROGRAM_TYPE_NONE));
	assert_null(program_type_row(PROGRAM_TYPE_END));
	assert_null(program_type_row(UINT32_MAX));
	for (uint32_t type = PROGRAM_TYPE_NONE + 1; type < PROGRAM_TYPE_END; type++) {
		const struct program_type_row *row = program_type_row(type);

		if (!row)
			continue; /* a number in reserve */
		assert_int_equal(program_type_by_name(row->name), type);
	}
	assert_int_equal(program_type_row(PROGRAM_TYPE_XDP)->bpf_type, BPF_PROG_TYPE_XDP);
	assert_int_equal(program_type_row(PROGRAM_TYPE_TRACEPOINT)->bpf_type,
	                 BPF_PROG_TYPE_TRACEPOINT);
	assert_int_equal(program_type_by_name(""), PROGRAM_TYPE_NONE);
	assert_int_equal(program_type_by_name("XDP"), PROGRAM_TYPE_NONE);
	assert_int_equal(program_type_by_name("xdp2"), PROGRAM_TYPE_NONE);
}

static void texts_are_terminated_and_zero_filled(void **state)
{
	(void)state;
	assert_true(channel_text_ok((const char[4]){ "abc" }, 4));
	assert_true(channel_text_ok((const char[4]){ "" }, 4));
	assert_false(channel_text_ok((const char[4]){ 'a', 'b', 'c', 'd' }, 4));
	assert_false(channel_text_ok((const char[4]){ 'a', '\0', 'c', '\0' }, 4));
	assert_false(channel_text_ok((const char[4]){ '\0', '\0', '\0', 'd' }, 4));
	assert_false(channel_text_ok("", 0)); /* no room for the terminator */
}

static void strangers_strings_cannot_forge_a_line(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(log_escape("plain text-1.0/x", out, sizeof(out)), "plain text-1.0/x");
	assert_string_equal(log_escape("a\nb\x1b[0m\"\\\x7f\xff", out, sizeof(out)),
	                    "a\\x0ab\\x1b[0m\\x22\\x5c\\x7f\\xff");
	assert_ptr_equal(log_escape("", out, sizeof(out)), out);
	assert_string_equal(out, "");
}

static void escaped_texts_are_cut_whole(void **state)
{
	char out[16];

	(void)state;
	for (size_t size = 1; size <= sizeof(out); size++) {
		memset(out, '#', sizeof(out));
		(void)log_escape("\n\n\n\n\n\n", out, size);
		assert_true(strlen(out) < size);
		assert_int_equal(strlen(out) % 4, 0); /* no half of an escape */
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], '#');
	}
}

/* What log_line() writes to standard error, which is a memfd meanwhile. */
static void log_capture(enum log_level most, const char *journal, enum log_level level,
                        const char *text, char *out, size_t size)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	_cleanup_close_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);

	assert_true(fd >= 0 && saved >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	if (journal)
		(void)setenv("JOURNAL_STREAM", journal, 1);
	else
		(void)unsetenv("JOURNAL_STREAM");
	log_open("test", most);
	log_line(level, "%s", text);
	(void)dup2(saved, STDERR_FILENO);
	ssize_t length = pread(fd, out, size - 1, 0);

	assert_true(length >= 0);
	out[length] = '\0';
}

static void lines_name_the_role_and_the_priority(void **state)
{
	char out[4096];

	(void)state;
	log_capture(LOG_LEVEL_INFO, NULL, LOG_LEVEL_INFO, "hello", out, sizeof(out));
	assert_string_equal(out, "bpfd-test: hello\n");
	log_capture(LOG_LEVEL_INFO, "8:1", LOG_LEVEL_WARNING, "hello", out, sizeof(out));
	assert_string_equal(out, "<4>bpfd-test: hello\n");
	log_capture(LOG_LEVEL_INFO, NULL, LOG_LEVEL_DEBUG, "hello", out, sizeof(out));
	assert_string_equal(out, "");
	log_capture(LOG_LEVEL_ERROR, NULL, LOG_LEVEL_WARNING, "hello", out, sizeof(out));
	assert_string_equal(out, "");
}

static void long_lines_are_cut_and_end(void **state)
{
	char text[5000], out[8192];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_capture(LOG_LEVEL_INFO, NULL, LOG_LEVEL_INFO, text, out, sizeof(out));
	assert_true(strlen(out) > 1000 && strlen(out) < sizeof(text));
	assert_int_equal(out[strlen(out) - 1], '\n');
	assert_ptr_equal(strchr(out, '\n'), &out[strlen(out) - 1]);
}

static void capabilities_have_names(void **state)
{
	const uint64_t broker = 1ull << CAP_BPF | 1ull << CAP_NET_ADMIN | 1ull << CAP_PERFMON;
	char out[128], small[8];

	(void)state;
	assert_string_equal(capability_names(0, out, sizeof(out)), "none");
	assert_string_equal(capability_names(broker, out, sizeof(out)),
	                    "CAP_NET_ADMIN CAP_PERFMON CAP_BPF");
	assert_string_equal(
		capability_names(1ull << CAP_KILL | 1ull << CAP_SYS_BOOT, out, sizeof(out)),
		"CAP_KILL and 1 more");
	assert_string_equal(capability_names(1ull << 63, out, sizeof(out)), "1 more");
	assert_string_equal(capability_names(broker, small, sizeof(small)), "CAP_NET");
}

static void cleanup_takes_what_was_not_stolen(void **state)
{
	int stolen = -1, closed = -1;

	(void)state;
	{
		_cleanup_close_ int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_cleanup_close_ int two = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_cleanup_free_ char *text = strdup("text");
		char *kept = steal_ptr(&text);

		assert_null(text);
		assert_string_equal(kept, "text");
		free(kept);
		closed = one;
		stolen = steal_fd(&two);
		assert_int_equal(two, -1);
	}
	assert_int_equal(fcntl(closed, F_GETFD), -1);
	assert_true(fcntl(stolen, F_GETFD) >= 0);
	(void)close(stolen);
}

static int number_compare(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Of every length up to 300, with the same number again and again: 1 + 3 * i modulo `modulus`. */
static void check_sorted(size_t count, uint32_t modulus)
{
	uint32_t numbers[300];
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		numbers[i] = (uint32_t)(1 + 3 * i) % modulus;
		sum += numbers[i] * (uint64_t)numbers[i];
	}
	sort_items(numbers, count, sizeof(numbers[0]), number_compare);
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || numbers[i - 1] <= numbers[i]);
		sum -= numbers[i] * (uint64_t)numbers[i];
	}
	assert_int_equal(sum, 0);
}

/* Nobody sees the room that was made; what is sealed is the bytes. */
static void memfds_are_filled_and_sealed(void **state)
{
	_cleanup_close_ int fd = memfd_open("test");
	char bytes[] = "some bytes", read[sizeof(bytes)];
	size_t size = 1;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(memfd_reserve(fd, 32768), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	assert_int_equal(memfd_check(fd, &size), -EPROTO);
	assert_int_equal(memfd_fill(fd, bytes, sizeof(bytes)), 0);
	assert_int_equal(memfd_check(fd, &size), 0);
	assert_int_equal(size, sizeof(bytes));
	assert_int_equal(memfd_read(fd, read, sizeof(read)), 0);
	assert_memory_equal(read, bytes, sizeof(bytes));
	assert_int_equal(memfd_reserve(fd, 65536), -EPERM);
}

static void items_are_sorted(void **state)
{
	(void)state;
	for (size_t count = 0; count <= 300; count++) {
		check_sorted(count, 1);
		check_sorted(count, 7);
		check_sorted(count, 101);
		check_sorted(count, 100000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_carry_code_and_sentence),
		cmocka_unit_test(long_sentences_are_cut),
		cmocka_unit_test(error_codes_have_names),
		cmocka_unit_test(program_types_are_found_by_number_and_name),
		cmocka_unit_test(texts_are_terminated_and_zero_filled),
		cmocka_unit_test(strangers_strings_cannot_forge_a_line),
		cmocka_unit_test(escaped_texts_are_cut_whole),
		cmocka_unit_test(lines_name_the_role_and_the_priority),
		cmocka_unit_test(long_lines_are_cut_and_end),
		cmocka_unit_test(capabilities_have_names),
		cmocka_unit_test(cleanup_takes_what_was_not_stolen),
		cmocka_unit_test(memfds_are_filled_and_sealed),
		cmocka_unit_test(items_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
