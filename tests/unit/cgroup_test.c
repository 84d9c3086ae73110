/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Control groups by paths that strangers choose, on a real cgroup2 file system. */
#include "broker/cgroup.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"

static struct cgroup_tree tree;
static char group[64]; /* a directory of the test's own, in MOUNT */

static int opened(const char *text, char path[TARGET_PATH_SIZE], uint64_t *id)
{
	struct error error = {};
	int fd;

	memset(path, 0, TARGET_PATH_SIZE);
	(void)snprintf(path, TARGET_PATH_SIZE, "%s", text);
	fd = cgroup_open(&tree, path, id, &error);
	if (fd < 0) {
		/* untouched, and a reason */
		assert_string_equal(path, text);
		assert_int_not_equal(error.code, 0);
		return fd;
	}
	/* a place alone: nothing can be read through it */
	assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(fd);
	return 0;
}

static void directories_are_found(void **state)
{
	char path[TARGET_PATH_SIZE], text[TARGET_PATH_SIZE], zero[TARGET_PATH_SIZE] = {};
	struct stat status;
	uint64_t id = 0, again = 0;

	(void)state;
	(void)snprintf(text, sizeof(text), MOUNT "/%s", group);
	assert_int_equal(opened(text, path, &id), 0);
	assert_string_equal(path, text);
	assert_int_equal(stat(text, &status), 0);
	assert_int_equal(id, status.st_ino);
	/* one name for one group, with nothing behind its end */
	(void)snprintf(text, sizeof(text), "//sys///fs/cgroup//%s///", group);
	assert_int_equal(opened(text, path, &again), 0);
	assert_int_equal(again, id);
	(void)snprintf(text, sizeof(text), MOUNT "/%s", group);
	assert_string_equal(path, text);
	assert_memory_equal(path + strlen(path), zero, sizeof(path) - strlen(path));
	assert_int_equal(opened(MOUNT, path, &again), 0);
	assert_int_not_equal(again, id);
	assert_int_equal(opened(MOUNT "/", path, &again), 0);
	assert_string_equal(path, MOUNT);
}

static void others_are_not(void **state)
{
	static const struct {
		const char *path;
		int result;
	} rows[] = {
		{ "", -EINVAL },
		{ "/", -EINVAL },
		{ "x", -EINVAL },
		{ "sys/fs/cgroup", -EINVAL },
		{ ".", -EINVAL },
		{ "/sys/fs", -EINVAL },
		{ "/sys/fs/cgroupx", -EINVAL },
		{ "/tmp", -EINVAL },
		{ MOUNT "/.", -EINVAL },
		{ MOUNT "/..", -EINVAL },
		{ MOUNT "/../cgroup", -EINVAL },
		{ "/sys/fs/../fs/cgroup", -EINVAL },
		{ MOUNT "/cgroup.procs", -EINVAL },
		{ MOUNT "/cgroup.procs/x", -EINVAL },
		{ MOUNT "/...", -ENOENT },
		{ MOUNT "/missing", -ENOENT },
		{ MOUNT "/missing/x", -ENOENT },
	};
	char path[TARGET_PATH_SIZE];
	uint64_t id = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int result = opened(rows[i].path, path, &id);

		if (result != rows[i].result)
			fail_msg("\"%s\": %d", rows[i].path, result);
	}
	assert_int_equal(id, 0);
}

/* As long as a path may be, in one name and in many. */
static void long_paths(void **state)
{
	char text[TARGET_PATH_SIZE] = MOUNT "/", path[TARGET_PATH_SIZE];
	uint64_t id = 0;

	(void)state;
	memset(text + strlen(MOUNT) + 1, 'x', sizeof(text) - strlen(MOUNT) - 2);
	assert_int_equal(opened(text, path, &id), -ENOENT);
	memset(text, '/', sizeof(text) - 1);
	assert_int_equal(opened(text, path, &id), -EINVAL);
	for (size_t i = 1; i < sizeof(text) - 1; i += 2)
		text[i] = 'x';
	assert_int_equal(opened(text, path, &id), -EINVAL);
}

/* Something else may be mounted in the tree. */
static void other_file_systems(void **state)
{
	char text[TARGET_PATH_SIZE], path[TARGET_PATH_SIZE];
	uint64_t id = 0;

	(void)state;
	(void)snprintf(text, sizeof(text), MOUNT "/%s", group);
	assert_int_equal(mount("tmpfs", text, "tmpfs", 0, NULL), 0);
	assert_int_equal(opened(text, path, &id), -EINVAL);
	assert_int_equal(umount2(text, MNT_DETACH), 0);
	assert_int_equal(opened(text, path, &id), 0);
}

static void no_tree(void **state)
{
	const struct cgroup_tree none = { .root_fd = -1, .path = MOUNT };
	char path[TARGET_PATH_SIZE] = MOUNT;
	struct error error = {};
	uint64_t id = 0;

	(void)state;
	assert_int_equal(cgroup_open(&none, path, &id, &error), -EOPNOTSUPP);
	assert_int_equal(error.code, ERROR_UNSUPPORTED);
}

static int prepare(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(group, sizeof(group), "bpfd-cgroup-test-%d", (int)getpid());
	(void)snprintf(path, sizeof(path), MOUNT "/%s", group);
	cgroup_tree_open(&tree);
	return tree.root_fd < 0 || mkdir(path, 0755) < 0;
}

static int finish(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), MOUNT "/%s", group);
	cgroup_tree_close(&tree);
	return rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_are_found),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(long_paths),
		cmocka_unit_test(other_file_systems),
		cmocka_unit_test(no_tree),
	};

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("cgroup2", MOUNT, "cgroup2", 0, NULL) < 0) {
		printf("SKIP: control groups cannot be mounted: %s\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, prepare, finish);
}
