/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/tc_pins.h"
#include "broker/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE 0700
#define PREFIX "tc-"

/* Settings are root's, and their directories are short enough for every path: see the launcher. */
static void pin_path(const struct launcher_settings *settings, const struct tc_place *place,
                     uint32_t id, const char *name, char *out)
{
	(void)snprintf(out, PIN_PATH_SIZE, "%s/dispatchers/" PREFIX "%u-%u-%s-%u%s",
	               settings->bpffs_directory, place->netns, place->ifindex,
	               tc_direction_name(place->direction), id, name);
}

void tc_pins_program_path(const struct launcher_settings *settings, const struct tc_place *place,
                          uint32_t id, char *out)
{
	pin_path(settings, place, id, "/dispatcher", out);
}

void tc_pins_config_path(const struct launcher_settings *settings, const struct tc_place *place,
                         uint32_t id, char *out)
{
	pin_path(settings, place, id, "/config", out);
}

void tc_pins_link_path(const struct launcher_settings *settings, const struct tc_place *place,
                       uint32_t id, size_t slot, char *out)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "/prog%zu-link", slot);
	pin_path(settings, place, id, name, out);
}

/* What follows `text` at `at`, or NULL where something else stands there. */
static const char *skip(const char *at, const char *text)
{
	size_t length = strlen(text);

	return at && strncmp(at, text, length) == 0 ? at + length : NULL;
}

static const char *direction_parse(const char *at, uint32_t *direction)
{
	for (uint32_t each = DIRECTION_INGRESS; at && each <= DIRECTION_EGRESS; each++) {
		const char *after = skip(at, tc_direction_name(each));

		if (after) {
			*direction = each;
			return after;
		}
	}
	return NULL;
}

bool tc_pins_name_parse(const char *name, struct tc_place *place, uint32_t *id)
{
	struct tc_place found = {};
	uint32_t found_id = 0;
	const char *at = skip(name, PREFIX);

	at = skip(at ? pins_number_parse(at, &found.netns) : NULL, "-");
	at = skip(at ? pins_number_parse(at, &found.ifindex) : NULL, "-");
	at = skip(direction_parse(at, &found.direction), "-");
	at = at ? pins_number_parse(at, &found_id) : NULL;
	if (!at || *at != '\0')
		return false;
	*place = found;
	*id = found_id;
	return true;
}

int tc_pins_make(const struct launcher_settings *settings, const struct tc_place *place,
                 uint32_t id, int program_fd, int map_fd)
{
	char path[PIN_PATH_SIZE];
	int result;

	pin_path(settings, place, id, "", path);
	if (mkdir(path, DIRECTORY_MODE) < 0)
		return -errno;
	tc_pins_config_path(settings, place, id, path);
	result = kernel_pin(map_fd, path);
	if (result == 0) {
		tc_pins_program_path(settings, place, id, path);
		result = kernel_pin(program_fd, path);
	}
	if (result < 0)
		tc_pins_remove(settings, place, id);
	return result;
}

void tc_pins_remove(const struct launcher_settings *settings, const struct tc_place *place,
                    uint32_t id)
{
	char path[PIN_PATH_SIZE];

	for (size_t slot = 0; slot < TC_PROGRAMS_MAX; slot++) {
		tc_pins_link_path(settings, place, id, slot, path);
		(void)unlink(path);
	}
	tc_pins_config_path(settings, place, id, path);
	(void)unlink(path);
	tc_pins_program_path(settings, place, id, path);
	(void)unlink(path);
	pin_path(settings, place, id, "", path);
	(void)rmdir(path);
}
