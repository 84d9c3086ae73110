/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/own_pins.h"

#include "broker/kernel.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static const char *const own_pin_directories[OWN_PIN_KINDS] = {
	[OWN_PIN_PROGRAM] = "programs",
	[OWN_PIN_LINK] = "links",
	[OWN_PIN_MAPS] = "maps",
};

static void closedir_cleanup(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

void own_pin_path(const struct launcher_settings *settings, enum own_pin kind, uint64_t id,
                  char *out)
{
	(void)snprintf(out, OWN_PIN_PATH_SIZE, "%s/%s/%llu", settings->bpffs_directory,
	               own_pin_directories[kind], (unsigned long long)id);
}

void own_pin_iter_path(const struct launcher_settings *settings, uint64_t id, char *out)
{
	(void)snprintf(out, OWN_PIN_PATH_SIZE, "%s/iters/%llu", settings->bpffs_directory,
	               (unsigned long long)id);
}

/* "<bpffs>/maps/<id>/<name>": bpffs takes no '.' in a name. */
static void map_pin_path(const struct launcher_settings *settings, uint64_t id, const char *name,
                         char *out)
{
	own_pin_path(settings, OWN_PIN_MAPS, id, out);

	size_t length = strlen(out);

	(void)snprintf(out + length, OWN_PIN_PATH_SIZE - length, "/%s", name);
	for (char *at = out + length; *at; at++) {
		if (*at == '.')
			*at = '_';
	}
}

int own_pins_map_open(const struct launcher_settings *settings, uint64_t program_id,
                      const char *name)
{
	char path[OWN_PIN_PATH_SIZE];

	map_pin_path(settings, program_id, name, path);
	return kernel_pin_open(path);
}

/* The kernel pins with mode 0600; the group comes from the setgid directory. */
static int group_pin(int fd, const char *path)
{
	int result = kernel_pin(fd, path);

	if (!result && chmod(path, 0660) < 0)
		result = -errno;
	return result;
}

static int map_pin(const struct launcher_settings *settings, const struct record_program *program,
                   const struct record_map *map, int fd, struct error *error)
{
	char path[OWN_PIN_PATH_SIZE];

	map_pin_path(settings, program->id, map->name, path);

	int result = group_pin(fd, path);

	if (result == -EEXIST)
		return error_set(
			error, result, ERROR_BAD_OBJECT,
			"map \"%s\" cannot be pinned: another map of program \"%s\" has the same "
			"name once '.' is written '_'; rename one of them",
			map->name, program->name);
	if (result)
		return error_set(error, result, ERROR_KERNEL, "cannot pin map \"%s\" at %s: %s",
		                 map->name, path, strerror(-result));
	return 0;
}

static int maps_pin(const struct launcher_settings *settings, const struct record_program *program,
                    const int *map_fds, struct error *error)
{
	char path[OWN_PIN_PATH_SIZE];

	own_pin_path(settings, OWN_PIN_MAPS, program->id, path);
	/* maps/ is setgid: the new directory inherits its group and that bit. */
	if (mkdir(path, 0750) < 0) {
		int saved = errno;

		return error_set(error, -saved, ERROR_KERNEL, "cannot make the directory %s: %s",
		                 path, strerror(saved));
	}
	for (uint32_t i = 0; i < program->map_count; i++) {
		int result = map_pin(settings, program, &program->maps[i], map_fds[i], error);

		if (result)
			return result;
	}
	return 0;
}

int own_pins_program_make(const struct launcher_settings *settings,
                          const struct record_program *program, int program_fd, const int *map_fds,
                          struct error *error)
{
	char path[OWN_PIN_PATH_SIZE];
	int result = maps_pin(settings, program, map_fds, error);

	if (!result) {
		own_pin_path(settings, OWN_PIN_PROGRAM, program->id, path);
		result = kernel_pin(program_fd, path);
		if (result)
			(void)error_set(error, result, ERROR_KERNEL,
			                "cannot pin program \"%s\" at %s: %s", program->name, path,
			                strerror(-result));
	}
	if (result)
		(void)own_pins_program_remove(settings, program->id);
	return result;
}

static int remove_file(const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* Unlinks what is in the directory; it holds pins only, so nothing is walked. */
static int directory_empty(const char *path)
{
	_cleanup_(closedir) DIR *directory = opendir(path);
	int result = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		const struct dirent *entry = readdir(directory);

		if (!entry)
			return result;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(directory), entry->d_name, 0) < 0 && !result)
			result = -errno;
	}
}

int own_pins_directory_remove(const char *path)
{
	int result = directory_empty(path);

	if (!result && rmdir(path) < 0 && errno != ENOENT)
		result = -errno;
	return result;
}

int own_pins_program_remove(const struct launcher_settings *settings, uint64_t id)
{
	char path[OWN_PIN_PATH_SIZE];

	own_pin_path(settings, OWN_PIN_PROGRAM, id, path);

	int first = remove_file(path);

	own_pin_path(settings, OWN_PIN_MAPS, id, path);

	int result = own_pins_directory_remove(path);

	return first ? first : result;
}

/* A decimal number as own_pin_path() writes it: no sign, no leading zero, in range. 0 for any other
 * name. */
static uint64_t id_parse(const char *name)
{
	char *end;

	if (name[0] < '1' || name[0] > '9' || strlen(name) > 19)
		return 0;

	uint64_t id = strtoull(name, &end, 10);

	return *end ? 0 : id;
}

static int id_append(uint64_t **ids, size_t *count, uint64_t id)
{
	uint64_t *moved = reallocarray(*ids, *count + 1, sizeof(**ids));

	if (!moved)
		return -ENOMEM;
	moved[(*count)++] = id;
	*ids = moved;
	return 0;
}

int own_pins_list(const struct launcher_settings *settings, enum own_pin kind, uint64_t **ids,
                  size_t *count)
{
	char path[OWN_PIN_PATH_SIZE];
	_cleanup_free_ uint64_t *found = NULL;
	size_t found_count = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", settings->bpffs_directory,
	               own_pin_directories[kind]);

	_cleanup_(closedir) DIR *directory = opendir(path);

	if (!directory)
		return -errno;
	for (;;) {
		const struct dirent *entry = readdir(directory);

		if (!entry)
			break;

		uint64_t id = id_parse(entry->d_name);

		if (id && id_append(&found, &found_count, id) < 0)
			return -ENOMEM;
	}
	*ids = steal_ptr(&found);
	*count = found_count;
	return 0;
}

static void shared_path(const struct launcher_settings *settings, const char *name, char *out)
{
	(void)snprintf(out, OWN_PIN_PATH_SIZE, "%s/shared/%s", settings->bpffs_directory, name);
}

int own_pins_shared_open(const struct launcher_settings *settings, const char *name)
{
	char path[OWN_PIN_PATH_SIZE];

	shared_path(settings, name, path);
	return kernel_pin_open(path);
}

int own_pins_shared_make(const struct launcher_settings *settings, const char *name, int fd,
                         struct error *error)
{
	char path[OWN_PIN_PATH_SIZE];

	shared_path(settings, name, path);

	int result = group_pin(fd, path);

	if (result && result != -EEXIST)
		return error_set(error, result, ERROR_KERNEL, "cannot pin map \"%s\" at %s: %s",
		                 name, path, strerror(-result));
	return result;
}

void own_pins_shared_remove(const struct launcher_settings *settings, const char *name)
{
	char path[OWN_PIN_PATH_SIZE];

	shared_path(settings, name, path);

	int result = remove_file(path);

	if (result)
		log_warning("the pin %s, which no program needs, cannot be removed: %s", path,
		            strerror(-result));
}

int own_pins_shared_list(const struct launcher_settings *settings, char (**names)[MAP_NAME_SIZE],
                         size_t *count)
{
	char path[OWN_PIN_PATH_SIZE];
	char(*found)[MAP_NAME_SIZE] = NULL;
	size_t found_count = 0;

	shared_path(settings, "", path);

	_cleanup_(closedir) DIR *directory = opendir(path);

	if (!directory)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		size_t length = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || length >= MAP_NAME_SIZE)
			continue;

		void *moved = reallocarray(found, found_count + 1, sizeof(*found));

		if (!moved) {
			free(found);
			return -ENOMEM;
		}
		found = moved;
		memcpy(found[found_count++], entry->d_name, length + 1);
	}
	*names = found;
	*count = found_count;
	return 0;
}
