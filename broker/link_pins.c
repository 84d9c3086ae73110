/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/link_pins.h"

#include "broker/own_pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void path_make(const struct launcher_settings *settings, uint64_t id, const char *suffix,
                      char out[LINK_PIN_PATH_SIZE])
{
	size_t length;

	own_pin_path(settings, OWN_PIN_LINK, id, out);
	length = strlen(out);
	(void)snprintf(out + length, LINK_PIN_PATH_SIZE - length, "%s", suffix);
}

void link_pin_path(const struct launcher_settings *settings, uint64_t id,
                   char out[LINK_PIN_PATH_SIZE])
{
	path_make(settings, id, "", out);
}

void link_pin_fresh_path(const struct launcher_settings *settings, uint64_t id,
                         char out[LINK_PIN_PATH_SIZE])
{
	path_make(settings, id, "-new", out);
}

void link_pin_move_path(const struct launcher_settings *settings, uint64_t id,
                        char out[LINK_PIN_PATH_SIZE])
{
	path_make(settings, id, "-move", out);
}

static int entry_remove(const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR ? own_pins_directory_remove(path) : -errno;
}

void link_pins_fresh_remove(const struct launcher_settings *settings, uint64_t id)
{
	char path[LINK_PIN_PATH_SIZE];

	link_pin_fresh_path(settings, id, path);
	(void)entry_remove(path);
	link_pin_move_path(settings, id, path);
	(void)entry_remove(path);
}

void link_pins_settle(const struct launcher_settings *settings, uint64_t id)
{
	char path[LINK_PIN_PATH_SIZE], old[LINK_PIN_PATH_SIZE];

	link_pin_path(settings, id, path);
	path_make(settings, id, "-old", old);
	/* a directory goes where there is none, or an empty one */
	if (renameat(AT_FDCWD, old, AT_FDCWD, path) < 0 && errno != ENOENT)
		(void)entry_remove(old);
	link_pins_fresh_remove(settings, id);
}

int link_pins_replace(const struct launcher_settings *settings, uint64_t id)
{
	char path[LINK_PIN_PATH_SIZE], old[LINK_PIN_PATH_SIZE], fresh[LINK_PIN_PATH_SIZE];
	int saved;

	link_pin_path(settings, id, path);
	link_pin_fresh_path(settings, id, fresh);
	path_make(settings, id, "-old", old);
	if (renameat(AT_FDCWD, fresh, AT_FDCWD, path) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (renameat(AT_FDCWD, path, AT_FDCWD, old) < 0)
		return -errno;
	if (renameat(AT_FDCWD, fresh, AT_FDCWD, path) < 0) {
		saved = errno;
		(void)renameat(AT_FDCWD, old, AT_FDCWD, path);
		return -saved;
	}
	(void)entry_remove(old);
	return 0;
}

int link_pins_remove(const struct launcher_settings *settings, uint64_t id)
{
	static const char *const suffixes[] = { "-old", "-new", "-move", "" };
	char path[LINK_PIN_PATH_SIZE];
	int result;

	own_pin_iter_path(settings, id, path);
	result = entry_remove(path);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !result; i++) {
		path_make(settings, id, suffixes[i], path);
		result = entry_remove(path);
	}
	return result;
}
