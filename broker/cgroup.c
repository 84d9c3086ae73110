/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/cgroup.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

/* A descriptor of a cgroup2 file system's directory, or -errno. */
static int mount_open(const char *path, uint64_t *device)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs kind;
	struct stat status;

	if (fd < 0 || fstatfs(fd, &kind) < 0 || fstat(fd, &status) < 0)
		return -errno;
	if ((uint32_t)kind.f_type != CGROUP2_SUPER_MAGIC)
		return -ENOENT;
	*device = status.st_dev;
	return steal_fd(&fd);
}

void cgroup_tree_open(struct cgroup_tree *tree)
{
	*tree = (struct cgroup_tree){ .root_fd = -1, .path = mounts[0] };
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]) && tree->root_fd < 0; i++) {
		tree->root_fd = mount_open(mounts[i], &tree->device);
		if (tree->root_fd >= 0)
			tree->path = mounts[i];
	}
}

void cgroup_tree_close(struct cgroup_tree *tree)
{
	if (tree->root_fd >= 0)
		(void)close(tree->root_fd);
	tree->root_fd = -1;
}

/* What of the path lies below the tree, or NULL. */
static const char *path_below(const struct cgroup_tree *tree, const char *path)
{
	size_t length = strlen(tree->path);

	if (strncmp(path, tree->path, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return path + length;
}

/* Copies an absolute path without needless '/'; every byte after it is zero, for paths are compared
 * as a whole. -EINVAL for any other path, and for "." and "..". */
static int path_tidy(const char *path, char out[TARGET_PATH_SIZE])
{
	size_t used = 0;

	memset(out, 0, TARGET_PATH_SIZE);
	if (path[0] != '/')
		return -EINVAL;
	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (strncmp(path, "..", length) == 0 && length)
			return -EINVAL; /* "." or ".." */
		if (length == 0)
			break;
		out[used++] = '/';
		memcpy(out + used, path, length);
		used += length;
		path += length;
	}
	return 0;
}

/* Walks from the root: there are no symbolic links in this file system, but something else may be
 * mounted in it. */
static int directory_walk(const struct cgroup_tree *tree, const char *below, uint64_t *id)
{
	_cleanup_close_ int fd = fcntl(tree->root_fd, F_DUPFD_CLOEXEC, 0);
	struct stat status;

	if (fd < 0)
		return -errno;
	while (*below) {
		char name[TARGET_PATH_SIZE] = {};
		size_t length = strcspn(++below, "/");
		int next;

		memcpy(name, below, length);
		below += length;
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		(void)close(fd);
		fd = next;
	}
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_dev != tree->device)
		return -EXDEV;
	*id = status.st_ino;
	return steal_fd(&fd);
}

static int cgroup_error(struct error *error, int result, const struct cgroup_tree *tree,
                        const char *path)
{
	char shown[TARGET_PATH_SIZE * 4 + 1];

	(void)log_escape(path, shown, sizeof(shown));
	switch (result) {
	case -ENOENT:
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "control group \"%.200s\" does not exist: see the directories "
		                 "below %s",
		                 shown, tree->path);
	case -EACCES:
		return error_set(error, result, ERROR_PERMISSION_DENIED,
		                 "bpfd may not reach control group \"%.200s\": its parents must be "
		                 "open to everybody (mode 0755)",
		                 shown);
	case -EINVAL:
	case -EXDEV:
	case -ELOOP:
	case -ENOTDIR:
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "\"%.200s\" is no control group: it must be a directory at or "
		                 "below %s, named without \".\" and \"..\"",
		                 shown, tree->path);
	default:
		return error_set(error, result, ERROR_KERNEL,
		                 "control group \"%.200s\" cannot be opened: %s", shown,
		                 strerror(-result));
	}
}

int cgroup_open(const struct cgroup_tree *tree, char path[TARGET_PATH_SIZE], uint64_t *id,
                struct error *error)
{
	char tidy[TARGET_PATH_SIZE];
	const char *below;
	int result;

	if (tree->root_fd < 0)
		return error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                 "no control groups of version 2 are mounted at %s (nor at "
		                 "%s/unified): mount them before bpfd starts",
		                 tree->path, tree->path);
	result = path_tidy(path, tidy);
	below = result < 0 ? NULL : path_below(tree, tidy);
	result = below ? directory_walk(tree, below, id) : -EINVAL;
	if (result < 0)
		return cgroup_error(error, result, tree, path);
	memcpy(path, tidy, sizeof(tidy));
	return result;
}

bool cgroup_gone(const struct cgroup_tree *tree, const struct record_target *target)
{
	char path[TARGET_PATH_SIZE];
	struct error ignored;
	uint64_t id = 0;
	int fd;

	memcpy(path, target->path, sizeof(path));
	fd = cgroup_open(tree, path, &id, &ignored);
	if (fd < 0)
		return fd == -ENOENT;
	(void)close(fd);
	return id != target->netns_id;
}
