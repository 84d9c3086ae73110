/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The files of programs.d and the objects that they name: root's own, or refused. */
#include "declare/declaration.h"

#include "bpfctl/globals.h"
#include "bpfctl/object.h"
#include "common/cleanup.h"
#include "declare/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 512

__attribute__((format(printf, 3, 4))) static int refuse(struct declaration_error *error, int result,
                                                        const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, list);
	va_end(list);
	return result;
}

static int owner_check(const struct stat *status, const char *path, struct declaration_error *error)
{
	if (status->st_uid != 0)
		return refuse(error, -EPERM,
		              "%s belongs to uid %u: it must be root's; run \"chown root %s\"",
		              path, status->st_uid, path);
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return refuse(error, -EPERM,
		              "%s is writable by others (mode %04o): run \"chmod go-w %s\"", path,
		              status->st_mode & 07777u, path);
	return 0;
}

int declaration_owner_check(int fd, const char *path, struct declaration_error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return refuse(error, -errno, "cannot examine %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(error, -EINVAL, "%s is not a regular file", path);
	return owner_check(&status, path, error);
}

/* Nothing but the path that was checked is read: through its descriptor. */
static int object_load(struct declaration *declaration, const char *path,
                       struct declaration_error *error)
{
	_cleanup_close_ int fd =
		open(declaration->object_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char complaint[PATH_SIZE], by_fd[64];
	int result;

	if (fd < 0)
		return refuse(error, -errno, "%s:%u: cannot open the object %s: %s", path,
		              declaration->line, declaration->object_path, strerror(errno));
	result = declaration_owner_check(fd, declaration->object_path, error);
	if (result < 0)
		return result;
	(void)snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	result = object_read(by_fd, &declaration->object, &declaration->object_size, complaint,
	                     sizeof(complaint));
	if (result < 0)
		return refuse(error, result, "%s:%u: cannot load the object %s%s", path,
		              declaration->line, declaration->object_path,
		              strchr(complaint, ':') ? strrchr(complaint, ':') : "");
	if (!globals_encode(&declaration->load, by_fd))
		return refuse(error, -EINVAL, "%s:%u: %s", path, declaration->line,
		              declaration->load.complaint);
	return 0;
}

void declaration_mark(struct declaration *declaration)
{
	mark_make(declaration->object, declaration->object_size, NULL, declaration->digest);
	mark_make(declaration->object, declaration->object_size, declaration->lines,
	          declaration->mark);
	for (size_t i = 0; i < declaration->link_count; i++) {
		struct declared_link *link = declaration->links[i];
		_cleanup_free_ char *lines = lines_without_order(link->lines);
		const char *function = link->function ? link->function : "";

		mark_make(function, strlen(function) + 1, lines, link->place);
	}
}

static FILE *file_open(const char *path, struct declaration_error *error, int *result)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");

	*result = stream ? declaration_owner_check(fd, path, error)
	                 : refuse(error, -errno, "cannot open %s: %s", path, strerror(errno));
	if (!stream && fd >= 0)
		(void)close(fd);
	return stream;
}

int declaration_read(const char *directory, const char *file, struct declaration **out,
                     struct declaration_error *error)
{
	struct declaration *declaration = NULL;
	char path[PATH_SIZE];
	int result = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, file);
	_cleanup_fclose_ FILE *stream = file_open(path, error, &result);

	if (!result)
		result = declaration_parse(stream, path, file, &declaration, error);
	if (!result)
		result = object_load(declaration, path, error);
	if (result) {
		declaration_free(declaration);
		return result;
	}
	declaration_mark(declaration);
	*out = declaration;
	return 0;
}

_Bool declarations_collide(const struct declaration *earlier, const struct declaration *later,
                           struct declaration_error *error)
{
	if (strcmp(earlier->mark, later->mark) == 0) {
		(void)refuse(
			error, 0,
			"%s declares the same programs as %s: declare them once, with all their "
			"[attach] sections in that file",
			later->file, earlier->file);
		return 1;
	}
	if (strcmp(earlier->digest, later->digest) != 0)
		return 0;
	for (size_t i = 0; i < later->link_count; i++) {
		for (size_t j = 0; j < earlier->link_count; j++) {
			if (strcmp(later->links[i]->place, earlier->links[j]->place) != 0)
				continue;
			(void)refuse(error, 0,
			             "%s:%u attaches \"%s\" of the same object to the same place "
			             "as %s:%u: remove one of the two",
			             later->file, later->links[i]->line, later->links[i]->function,
			             earlier->file, earlier->links[j]->line);
			return 1;
		}
	}
	return 0;
}

static int bad_add(struct declarations *declarations, const char *file)
{
	void *moved = reallocarray(declarations->bad, declarations->bad_count + 1,
	                           sizeof(*declarations->bad));

	if (!moved)
		return -ENOMEM;
	declarations->bad = moved;
	(void)snprintf(declarations->bad[declarations->bad_count++], sizeof(*declarations->bad),
	               "%s", file);
	return 0;
}

static int good_add(struct declarations *declarations, struct declaration *declaration)
{
	void *moved = reallocarray(declarations->items, declarations->count + 1,
	                           sizeof(struct declaration *));

	if (!moved) {
		declaration_free(declaration);
		return -ENOMEM;
	}
	declarations->items = moved;
	declarations->items[declarations->count++] = declaration;
	return 0;
}

static _Bool collides(const struct declarations *declarations,
                      const struct declaration *declaration, struct declaration_error *error)
{
	for (size_t i = 0; i < declarations->count; i++) {
		if (declarations_collide(declarations->items[i], declaration, error))
			return 1;
	}
	return 0;
}

static struct declaration *declaration_of_file(const struct declarations *declarations,
                                               const char *file)
{
	for (size_t i = 0; i < declarations->count; i++) {
		if (strcmp(declarations->items[i]->file, file) == 0)
			return declarations->items[i];
	}
	return NULL;
}

static _Bool program_declared(const struct declaration *declaration, const char *function)
{
	for (size_t i = 0; i < declaration->load.program_count; i++) {
		if (strcmp(declaration->load.programs[i].function, function) == 0)
			return 1;
	}
	return 0;
}

int declaration_owner_find(struct declaration *declaration, const struct declarations *earlier,
                           struct declaration_error *error)
{
	const char *function = declaration->owner_function;

	if (!declaration->owner_file)
		return 0;
	declaration->owner = declaration_of_file(earlier, declaration->owner_file);
	if (!declaration->owner)
		return refuse(error, -ENOENT,
		              "%s:%u: map-owner: there is no good file %s before this one: files "
		              "are read in the order of their names",
		              declaration->file, declaration->owner_line, declaration->owner_file);
	if (!program_declared(declaration->owner, function))
		return refuse(error, -ENOENT, "%s:%u: map-owner: %s declares no program \"%s\"",
		              declaration->file, declaration->owner_line, declaration->owner_file,
		              function);
	if (lines_add(&declaration->lines, "map-owner", declaration->owner->mark) < 0)
		return refuse(error, -ENOMEM, "out of memory");
	declaration_mark(declaration);
	return 0;
}

static int file_add(const char *directory, const char *file, struct declarations *declarations,
                    void (*tell)(void *state, const struct declaration_error *error), void *state)
{
	struct declaration *declaration = NULL;
	struct declaration_error error;
	int result = declaration_read(directory, file, &declaration, &error);

	if (!result)
		result = declaration_owner_find(declaration, declarations, &error);
	if (!result && !collides(declarations, declaration, &error))
		return good_add(declarations, declaration);
	declaration_free(declaration);
	tell(state, &error);
	return bad_add(declarations, file);
}

/* Names that fit a mark, and end in ".conf"; others are editors' and packagers' own. */
static int name_fits(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	if (length <= 5 || entry->d_name[0] == '.' ||
	    strcmp(entry->d_name + length - 5, ".conf") != 0)
		return 0;
	return 1;
}

static _Bool name_ok(const char *name)
{
	if (strlen(name) > DECLARATION_FILE_MAX)
		return 0;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
			return 0;
	}
	return 1;
}

static int directory_check(const char *directory, struct declaration_error *error)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse(error, -errno, "cannot open the directory %s: %s", directory,
		              strerror(errno));
	return owner_check(&status, directory, error);
}

int declarations_read(const char *directory,
                      void (*tell)(void *state, const struct declaration_error *error), void *state,
                      struct declarations *out, struct declaration_error *error)
{
	struct declarations declarations = {};
	struct dirent **entries = NULL;
	int result = directory_check(directory, error);
	int count = result ? 0 : scandir(directory, &entries, name_fits, alphasort);

	if (count < 0)
		result = refuse(error, -errno, "cannot list %s: %s", directory, strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (!result && name_ok(name)) {
			result = file_add(directory, name, &declarations, tell, state);
		} else if (!result) {
			struct declaration_error bad = { "" };

			(void)refuse(&bad, 0,
			             "%s/%s: its name has other characters than letters, digits, "
			             "'_', '-' and '.', or more than %d",
			             directory, name, DECLARATION_FILE_MAX);
			tell(state, &bad);
		}
		free(entries[i]);
	}
	free(entries);
	if (result) {
		if (result == -ENOMEM)
			(void)refuse(error, result, "out of memory");
		declarations_free(&declarations);
		return result;
	}
	*out = declarations;
	return 0;
}

void declarations_free(struct declarations *declarations)
{
	for (size_t i = 0; i < declarations->count; i++)
		declaration_free(declarations->items[i]);
	free(declarations->items);
	free(declarations->bad);
	*declarations = (struct declarations){};
}
