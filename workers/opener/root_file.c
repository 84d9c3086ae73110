/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A path in a root directory that a stranger owns. The kernel would follow an absolute symbolic
 * link there to the opener's own root, and openat2(2), which would not, has its flags in memory,
 * where no seccomp filter sees them: so the path is walked here, one name at a time, for O_PATH
 * descriptors alone. ".." goes back to the directory that was walked through.
 */
#include "common/cleanup.h"
#include "workers/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32 /* the opener may hold 64 descriptors */
#define SYMLINKS_MAX 40

struct walk {
	int root_fd; /* the caller's */
	int directories[DEPTH_MAX];
	unsigned int depth;
	unsigned int symlinks;
	char rest[PATH_MAX]; /* what is still to be walked */
};

static void walk_rise(struct walk *walk, unsigned int depth)
{
	while (walk->depth > depth)
		(void)close(walk->directories[--walk->depth]);
}

static void walk_cleanup(struct walk *walk)
{
	walk_rise(walk, 0);
}

/* Takes the first name off the rest; false at its end. */
static bool name_next(struct walk *walk, char name[NAME_MAX + 1], int *result)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");

	if (length > NAME_MAX)
		*result = -ENAMETOOLONG;
	if (length == 0 || length > NAME_MAX)
		return false;
	memcpy(name, start, length);
	name[length] = '\0';
	memmove(walk->rest, start + length, strlen(start + length) + 1);
	return true;
}

/* Puts a symbolic link's text before the rest. */
static int symlink_follow(struct walk *walk, int link_fd)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(link_fd, "", text, sizeof(text));
	size_t rest = strlen(walk->rest);

	if (length < 0)
		return -errno;
	if (length == 0)
		return -ENOENT;
	if (++walk->symlinks > SYMLINKS_MAX)
		return -ELOOP;
	if ((size_t)length + 1 + rest + 1 > sizeof(walk->rest))
		return -ENAMETOOLONG;
	if (text[0] == '/')
		walk_rise(walk, 0);
	memmove(walk->rest + length + 1, walk->rest, rest + 1);
	memcpy(walk->rest, text, (size_t)length);
	walk->rest[length] = '/';
	return 0;
}

static int directory_enter(struct walk *walk, int *fd)
{
	if (walk->depth == DEPTH_MAX)
		return -ENAMETOOLONG;
	walk->directories[walk->depth++] = steal_fd(fd);
	return 0;
}

/* One name: 0 to go on, 1 with the file, or -errno. */
static int name_walk(struct walk *walk, const char *name, int *out)
{
	struct stat status;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		walk_rise(walk, walk->depth ? walk->depth - 1 : 0);
		return 0;
	}
	_cleanup_close_ int fd =
		openat(walk->depth ? walk->directories[walk->depth - 1] : walk->root_fd, name,
	               O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (S_ISLNK(status.st_mode))
		return symlink_follow(walk, fd);
	if (S_ISDIR(status.st_mode))
		return directory_enter(walk, &fd);
	if (strspn(walk->rest, "/") != strlen(walk->rest))
		return -ENOTDIR;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*out = steal_fd(&fd);
	return 1;
}

int root_file_open(int root_fd, const char *path, int *fd)
{
	_cleanup_(walk) struct walk walk = { .root_fd = root_fd };
	char name[NAME_MAX + 1];
	int result = 0;

	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, strlen(path) + 1);
	while (result == 0 && name_next(&walk, name, &result))
		result = name_walk(&walk, name, fd);
	if (result == 0)
		return -EINVAL; /* it ended at a directory */
	return result > 0 ? 0 : result;
}
