/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The cache of images: a process that is killed at any of its steps leaves it whole. */
#include "common/memfd.h"
#include "workers/fetcher/cache.h"

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFERENCE "registry.example/image:latest"

/* The steps that change a disk; the linker sends the cache's calls here (--wrap). */
static int steps_left = -2; /* until this process is killed; negative: never */
static bool kill_after;     /* the step, not before it */

#define STEP(call)                             \
	({                                     \
		bool last = steps_left-- == 0; \
		if (last && !kill_after)       \
			(void)raise(SIGKILL);  \
		typeof(call) result_ = (call); \
		if (last)                      \
			(void)raise(SIGKILL);  \
		result_;                       \
	})

int __real_fsync(int fd);
int __wrap_fsync(int fd);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);

int __wrap_fsync(int fd)
{
	/* a disk that is slow to sync would be all that is seen here */
	return STEP(steps_left < -1 ? 0 : __real_fsync(fd));
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	return STEP(__real_write(fd, bytes, size));
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
	return STEP(__real_unlinkat(fd, name, flags));
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return STEP(__real_renameat(from_fd, from, to_fd, to));
}

int __wrap_openat(int fd, const char *name, int flags, ...)
{
	return flags & O_CREAT ? STEP(__real_openat(fd, name, flags, 0600))
	                       : __real_openat(fd, name, flags);
}

static char directory[] = "/tmp/bpfd-cache-test-XXXXXX";
static struct cache cache = CACHE_INIT;

static int open_again(void **state)
{
	char command[128];

	(void)state;
	cache_close(&cache);
	(void)snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", directory,
	               directory);
	if (system(command) != 0) /* NOLINT(cert-env33-c): the test's own words */
		return -1;
	return cache_open(directory, 1 << 20, &cache, NULL);
}

static int close_at_last(void **state)
{
	char command[64];

	(void)state;
	cache_close(&cache);
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command); /* NOLINT(cert-env33-c) */
}

static struct cache_image image_make(uint8_t number)
{
	struct cache_image image;

	memset(&image, 0, sizeof(image));
	memset(image.record.digest, number, DIGEST_SIZE);
	image.record.object_size = number;
	return image;
}

static int evidence_make(uint8_t number, size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	memset(bytes, number, size);
	int fd = memfd_from_bytes("evidence", bytes, size);

	free(bytes);
	assert_true(fd >= 0);
	return fd;
}

static int keep(const char *reference, uint8_t number, size_t size, struct error *error)
{
	struct cache_image image = image_make(number);
	int fd = evidence_make(number, size);
	int result = cache_keep(&cache, reference, &image, fd, error);

	(void)close(fd);
	return result;
}

/* What the reference leads to; 0: it is not there. The image is whole, or the test fails. */
static uint8_t kept(const char *reference)
{
	struct cache_reference found;
	struct cache_image image;
	unsigned char bytes[16];
	size_t size = 0;
	int fd = -1;

	if (cache_reference_read(&cache, reference, &found) == -ENOENT)
		return 0;
	int file = cache_image_open(&cache, found.digest);

	assert_true(file >= 0);
	assert_int_equal(cache_image_read(file, found.digest, &image, &fd), 0);
	(void)close(file);
	assert_int_equal(memfd_check(fd, &size), 0);
	assert_int_equal(memfd_read(fd, bytes, sizeof(bytes)), 0);
	(void)close(fd);
	assert_int_equal(bytes[15], found.digest[0]);
	assert_int_equal(image.record.object_size, found.digest[0]);
	return found.digest[0];
}

/* Files with that end; "": all. */
static size_t files_count(const char *end)
{
	size_t count = 0;
	DIR *stream = opendir(directory);

	assert_non_null(stream);
	for (const struct dirent *entry; (entry = readdir(stream));) {
		size_t length = strlen(entry->d_name), tail = strlen(end);

		count += entry->d_name[0] != '.' && length > tail &&
		         strcmp(entry->d_name + length - tail, end) == 0;
	}
	(void)closedir(stream);
	return count;
}

static void images_are_kept_and_found(void **state)
{
	struct error error = {};

	(void)state;
	assert_int_equal(keep(REFERENCE, 1, 100000, &error), 0);
	assert_int_equal(kept(REFERENCE), 1);
	assert_int_equal(kept("registry.example/image:other"), 0);
	assert_int_equal(keep(REFERENCE, 2, 100, &error), 0);
	assert_int_equal(kept(REFERENCE), 2);
	assert_int_equal(files_count(".image"), 1);
	assert_int_equal(cache_forget_reference(&cache, REFERENCE, &error), 0);
	assert_int_equal(cache_forget_reference(&cache, REFERENCE, &error), -ENOENT);
	assert_int_equal(files_count(""), 0);
}

static void size_is_limited(void **state)
{
	struct error error = {};
	char reference[32];

	(void)state;
	for (uint8_t number = 1; number <= 20; number++) {
		(void)snprintf(reference, sizeof(reference), "a.example/b:%d", number);
		assert_int_equal(keep(reference, number, 200000, &error), 0);
		assert_int_equal(kept(reference), number);
		assert_true(files_count(".image") <= 5);
		assert_int_equal(files_count(".image"), files_count(".reference"));
	}
	assert_int_equal(files_count(".image"), 4);
	assert_int_equal(keep(reference, 21, 2000000, &error), -EFBIG);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_int_equal(kept(reference), 20);
}

static void references_are_limited(void **state)
{
	struct error error = {};
	char reference[32];

	(void)state;
	cache.references_max = 8;
	assert_int_equal(keep(REFERENCE, 1, 100, &error), 0);
	for (int number = 0; number < 20; number++) {
		struct cache_image image = image_make(1);

		(void)snprintf(reference, sizeof(reference), "a.example/b:%d", number);
		assert_int_equal(cache_point(&cache, reference, image.record.digest, &error), 0);
		assert_int_equal(kept(reference), 1);
		assert_true(files_count(".reference") <= 8);
	}
	assert_int_equal(files_count(".reference"), 8);
}

/* One change in a child that is killed at that step. True: it was killed. */
static bool change_killed(int step, bool after, int (*change)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		steps_left = step;
		kill_after = after;
		_exit(change() == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static int change_tag(void)
{
	return keep(REFERENCE, 2, 100000, NULL);
}

static int change_remove(void)
{
	return cache_forget_reference(&cache, REFERENCE, NULL);
}

static int change_remove_image(void)
{
	struct cache_image image = image_make(1);

	return cache_forget_image(&cache, image.record.digest, NULL);
}

/* Makes room: two others go. */
static int change_evict(void)
{
	return keep(REFERENCE, 2, 1000000, NULL);
}

static void kill_at_each_step(int (*change)(void), uint8_t expected, size_t others)
{
	bool killed = true;
	struct error error = {};

	for (int step = 0; killed; step++) {
		for (int after = 0; after < 2; after++) {
			assert_int_equal(open_again(NULL), 0);
			assert_int_equal(keep("a.example/other:1", 8, 1000, &error), 0);
			assert_int_equal(keep("a.example/other:2", 9, 1000, &error), 0);
			assert_int_equal(keep(REFERENCE, 1, 100000, &error), 0);
			killed = change_killed(step, after, change);
			cache_close(&cache);
			assert_int_equal(cache_open(directory, 1 << 20, &cache, &error), 0);
			uint8_t found = kept(REFERENCE);

			assert_true(found == expected || (killed && found == 1));
			assert_true(files_count(".image") <= 3);
			assert_int_equal(files_count(".image"), files_count(".reference"));
			if (others == 2)
				assert_int_equal(
					kept("a.example/other:1") + kept("a.example/other:2"), 17);
			/* and it can be used as ever */
			assert_int_equal(keep(REFERENCE, 3, 100, &error), 0);
			assert_int_equal(kept(REFERENCE), 3);
		}
		assert_true(step < 1000);
	}
}

static void killed_while_a_tag_moves(void **state)
{
	(void)state;
	kill_at_each_step(change_tag, 2, 2);
}

static void killed_while_a_reference_is_removed(void **state)
{
	(void)state;
	kill_at_each_step(change_remove, 0, 2);
}

static void killed_while_an_image_is_removed(void **state)
{
	(void)state;
	kill_at_each_step(change_remove_image, 0, 2);
}

static void killed_while_room_is_made(void **state)
{
	(void)state;
	kill_at_each_step(change_evict, 2, 0);
}

static void directories_of_others_are_refused(void **state)
{
	struct cache other = CACHE_INIT;
	struct error error = {};

	(void)state;
	assert_int_equal(chmod(directory, 0750), 0);
	assert_int_equal(cache_open(directory, 1 << 20, &other, &error), -EPERM);
	assert_int_equal(error.code, ERROR_STORE);
	assert_int_equal(cache_open("/tmp/none/of/this", 1 << 20, &other, &error), -ENOENT);
	assert_non_null(strstr(error.message, "/tmp/none/of/this"));
}

static void names_of_others_are_left_alone(void **state)
{
	static const char *const names[] = { "note", "new.0123", "new.0123456789abcdeg",
		                             "0123456789abcdef" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		(void)close(fd);
	}
	cache_clean(&cache);
	assert_int_equal(files_count(""), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(images_are_kept_and_found, open_again),
		cmocka_unit_test_setup(size_is_limited, open_again),
		cmocka_unit_test_setup(references_are_limited, open_again),
		cmocka_unit_test(killed_while_a_tag_moves),
		cmocka_unit_test(killed_while_a_reference_is_removed),
		cmocka_unit_test(killed_while_an_image_is_removed),
		cmocka_unit_test(killed_while_room_is_made),
		cmocka_unit_test_setup(directories_of_others_are_refused, open_again),
		cmocka_unit_test_setup(names_of_others_are_left_alone, open_again),
	};

	if (!mkdtemp(directory))
		return 1;
	return cmocka_run_group_tests(tests, NULL, close_at_last);
}
