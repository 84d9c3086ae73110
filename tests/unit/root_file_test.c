/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A path in a root that a stranger owns never leads out of it. */
#include "workers/opener/opener.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64];
static int root_fd = -1;

static void file_make(const char *path, const char *text)
{
	int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void link_make(const char *text, const char *path)
{
	assert_return_code(symlinkat(text, root_fd, path), errno);
}

static void directory_make(const char *path)
{
	assert_return_code(mkdirat(root_fd, path, 0700), errno);
}

static int tree_make(void **state)
{
	(void)state;
	(void)strcpy(base, "/tmp/bpfd-root-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	root_fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	directory_make("root");
	directory_make("root/lib");
	directory_make("root/etc");
	file_make("secret", "outside");
	(void)close(root_fd);
	(void)snprintf(base + strlen(base), sizeof(base) - strlen(base), "/root");
	root_fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	file_make("lib/c.so", "inside");
	file_make("etc/passwd", "inside");
	link_make("c.so", "lib/relative");
	link_make("/lib/c.so", "lib/absolute");
	link_make("../lib/../lib/./c.so", "lib/up");
	link_make("/lib", "alias");
	link_make("../../../../secret", "lib/escape");
	link_make("/../secret", "lib/escape2");
	link_make("/etc/passwd", "lib/passwd");
	link_make("loop2", "loop1");
	link_make("loop1", "loop2");
	link_make("/proc/self/root/etc/passwd", "magic");
	assert_return_code(mkfifoat(root_fd, "fifo", 0600), errno);
	return 0;
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int tree_remove(void **state)
{
	(void)state;
	(void)close(root_fd);
	*strrchr(base, '/') = '\0';
	return nftw(base, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* What the descriptor is: O_PATH, and which file. */
static void found_assert(int fd, const char *path)
{
	struct stat found, wanted;

	assert_true(fcntl(fd, F_GETFL) & O_PATH);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_return_code(fstat(fd, &found), errno);
	assert_return_code(fstatat(root_fd, path, &wanted, 0), errno);
	assert_int_equal(found.st_ino, wanted.st_ino);
}

static void stays_inside(void **state)
{
	static const struct {
		const char *path;
		const char *found; /* NULL: refused */
		int result;
	} rows[] = {
		{ "/lib/c.so", "lib/c.so", 0 },
		{ "//lib/./c.so", "lib/c.so", 0 },
		{ "/lib/relative", "lib/c.so", 0 },
		{ "/lib/absolute", "lib/c.so", 0 },
		{ "/lib/up", "lib/c.so", 0 },
		{ "/alias/absolute", "lib/c.so", 0 },
		{ "/alias/../etc/passwd", "etc/passwd", 0 },
		{ "/lib/passwd", "etc/passwd", 0 }, /* the container's, not the host's */
		{ "/../../../lib/c.so", "lib/c.so", 0 },
		{ "/lib/escape", NULL, -ENOENT },
		{ "/lib/escape2", NULL, -ENOENT },
		{ "/../secret", NULL, -ENOENT },
		{ "/magic", NULL, -ENOENT },
		{ "/loop1", NULL, -ELOOP },
		{ "/fifo", NULL, -EINVAL },
		{ "/lib", NULL, -EINVAL },
		{ "/", NULL, -EINVAL },
		{ "/lib/c.so/x", NULL, -ENOTDIR },
		{ "/none", NULL, -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = -7;

		if (root_file_open(root_fd, rows[i].path, &fd) != rows[i].result)
			fail_msg("%s: not %d", rows[i].path, rows[i].result);
		if (!rows[i].found) {
			assert_int_equal(fd, -7);
			continue;
		}
		found_assert(fd, rows[i].found);
		(void)close(fd);
	}
}

static void too_long(void **state)
{
	char path[8192];
	int fd = -7;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[300] = '\0'; /* one name */
	assert_int_equal(root_file_open(root_fd, path, &fd), -ENAMETOOLONG);
	path[300] = 'a';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(root_file_open(root_fd, path, &fd), -ENAMETOOLONG);
	assert_int_equal(fd, -7);
}

/* Neither depth nor links make it hold more descriptors than the opener may have. */
static void too_deep(void **state)
{
	char path[256] = "";
	size_t length = 0;
	int fd = -7;

	(void)state;
	for (int depth = 0; depth < 34; depth++) {
		length +=
			(size_t)snprintf(path + length, sizeof(path) - length, depth ? "/d" : "d");
		directory_make(path);
	}
	(void)snprintf(path + length, sizeof(path) - length, "/f");
	file_make(path, "deep");
	assert_int_equal(root_file_open(root_fd, path, &fd), -ENAMETOOLONG);
	assert_int_equal(fd, -7);
	assert_int_equal(root_file_open(root_fd, "/d/d/d/../../../lib/c.so", &fd), 0);
	(void)close(fd);
}

static void nothing_kept(void **state)
{
	int before = dup(0), after;

	(void)state;
	(void)close(before);
	stays_inside(NULL);
	after = dup(0);
	(void)close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_inside),
		cmocka_unit_test(too_long),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(nothing_kept),
	};

	return cmocka_run_group_tests(tests, tree_make, tree_remove);
}
