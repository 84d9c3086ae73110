/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/library_maps.h"

#include "client/lib/error.h"
#include "client/lib/library_cache.h"
#include "common/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DELETED " (deleted)"

/* The file of a line of /proc/PID/maps, which follows five words; NULL if it has none. */
static char *line_file(char *line)
{
	char *at = line;

	line[strcspn(line, "\n")] = '\0';
	for (int word = 0; word < 5; word++) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return *at == '/' ? at : NULL;
}

/* Does its last part fit, without the mark of a file that is there no more? */
static bool file_fits(const char *name, const char *file, bool *deleted)
{
	char base[PATH_MAX];
	size_t length, mark = sizeof(DELETED) - 1;

	length = (size_t)snprintf(base, sizeof(base), "%s", strrchr(file, '/') + 1);
	if (length >= sizeof(base))
		return false;
	*deleted = length > mark && strcmp(base + length - mark, DELETED) == 0;
	if (*deleted)
		base[length - mark] = '\0';
	return library_name_fits(name, base);
}

static int error_maps(struct bpfd_error **error, int result, const char *name, uint32_t pid)
{
	if (result == -ENOENT || result == -ESRCH)
		return error_make(error, -ESRCH, BPFD_ERROR_NOT_FOUND, "there is no process %u",
		                  pid);
	return error_make(error, result, BPFD_ERROR_PERMISSION_DENIED,
	                  "cannot look up \"%s\" among the files of process %u (%s): give its path",
	                  name, pid, strerror(-result));
}

/* The file of another line, after `found`, which is empty before the first. */
static int file_take(const char *name, uint32_t pid, const char *file, char found[PATH_MAX],
                     struct bpfd_error **error)
{
	bool deleted = false;

	if (strlen(file) >= PATH_MAX || !file_fits(name, file, &deleted))
		return 0;
	if (deleted)
		return error_make(
			error, -ESTALE, BPFD_ERROR_INVALID_ARGUMENT,
			"process %u runs a file that was deleted or replaced, %s: start it "
			"again first",
			pid, file);
	if (*found && strcmp(found, file) != 0)
		return error_make(
			error, -ENOTUNIQ, BPFD_ERROR_INVALID_ARGUMENT,
			"\"%s\" means several files of process %u, %s and %s: give one of "
			"these paths",
			name, pid, found, file);
	memcpy(found, file, strlen(file) + 1);
	return 0;
}

static int maps_search(FILE *maps, const char *name, uint32_t pid, char found[PATH_MAX],
                       struct bpfd_error **error)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int result = 0;

	found[0] = '\0';
	while (result == 0 && getline(&line, &size, maps) >= 0) {
		const char *file = line_file(line);

		if (file)
			result = file_take(name, pid, file, found, error);
	}
	if (result == 0 && ferror(maps))
		return error_maps(error, -errno, name, pid);
	if (result == 0 && !*found)
		return error_make(error, -ENOENT, BPFD_ERROR_NOT_FOUND,
		                  "process %u has no library \"%s\" in use: /proc/%u/maps lists "
		                  "what it has",
		                  pid, name, pid);
	return result;
}

/* A process that was only chrooted is seen with its root's path in front. */
static const char *root_strip(const char *path, uint32_t pid)
{
	char link[32], root[PATH_MAX];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/%u/root", pid);
	length = readlink(link, root, sizeof(root) - 1);
	if (length <= 1)
		return path;
	root[length] = '\0';
	if (strncmp(path, root, (size_t)length) == 0 && path[length] == '/')
		return path + length;
	return path;
}

/* A process may see other files than the caller, at the same path. */
static int path_check(const char *path, uint32_t pid, struct bpfd_error **error)
{
	char inside[PATH_MAX + 32];
	struct stat theirs, ours;

	(void)snprintf(inside, sizeof(inside), "/proc/%u/root%s", pid, root_strip(path, pid));
	if (stat(inside, &theirs) == 0 && stat(path, &ours) == 0 && theirs.st_dev == ours.st_dev &&
	    theirs.st_ino == ours.st_ino)
		return 0;
	return error_make(error, -EXDEV, BPFD_ERROR_INVALID_ARGUMENT,
	                  "%s is another file for process %u than here, as in a container: name it "
	                  "with --container-pid %u",
	                  path, pid, pid);
}

int library_maps_find(const char *name, uint32_t pid, uint32_t container_pid, char **path,
                      struct bpfd_error **error)
{
	_cleanup_fclose_ FILE *maps = NULL;
	char file[32], found[PATH_MAX];
	int result;

	(void)snprintf(file, sizeof(file), "/proc/%u/maps", pid);
	maps = fopen(file, "re");
	if (!maps)
		return error_maps(error, -errno, name, pid);
	result = maps_search(maps, name, pid, found, error);
	if (result == 0 && !container_pid)
		result = path_check(found, pid, error);
	if (result < 0)
		return result;
	*path = strdup(container_pid ? root_strip(found, container_pid) : found);
	return *path ? 0 : error_memory(error);
}
