/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/xdp_pins.h"
#include "bpf/xdp_dispatcher.h"
#include "broker/kernel.h"
#include "common/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_TRIES 500
#define LOCK_PAUSE_MS 10 /* with the tries: 5 s */
#define DIRECTORY_MODE 0700

/* Settings are root's, and their directories are short enough for every path: see the launcher. */
static void path_format(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void path_format(char *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(out, PIN_PATH_SIZE, format, arguments);
	va_end(arguments);
}

void pins_directory_path(const struct launcher_settings *settings, uint32_t ifindex, uint32_t id,
                         char *out)
{
	path_format(out, "%s/dispatch-%u-%u", settings->xdp_directory, ifindex, id);
}

void pins_component_path(const struct launcher_settings *settings, uint32_t ifindex, uint32_t id,
                         size_t slot, enum pin_kind kind, char *out)
{
	path_format(out, "%s/dispatch-%u-%u/prog%zu-%s", settings->xdp_directory, ifindex, id, slot,
	            kind == PIN_LINK ? "link" : "prog");
}

void pins_private_path(const struct launcher_settings *settings, const struct xdp_place *place,
                       uint32_t id, bool map, char *out)
{
	char netns[sizeof("ns4294967295-")] = "";

	if (place->netns)
		(void)snprintf(netns, sizeof(netns), "ns%u-", place->netns);
	path_format(out, "%s/dispatchers/%s%u-%u%s", settings->bpffs_directory, netns,
	            place->ifindex, id, map ? "-map" : "");
}

const char *pins_number_parse(const char *text, uint32_t *out)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (uint64_t)(*at - '0');
		if (value > UINT32_MAX)
			return NULL;
	}
	if (at == text || (*text == '0' && at - text > 1))
		return NULL;
	*out = (uint32_t)value;
	return at;
}

bool pins_name_parse(const char *name, struct xdp_place *place, uint32_t *id)
{
	struct xdp_place found = {};
	uint32_t found_id;
	const char *at = name;

	if (strncmp(at, "ns", 2) == 0) {
		at = pins_number_parse(at + 2, &found.netns);
		if (!at || *at++ != '-' || !found.netns)
			return false;
	}
	at = pins_number_parse(at, &found.ifindex);
	if (!at || *at != '-')
		return false;
	at = pins_number_parse(at + 1, &found_id);
	if (!at || *at != '\0')
		return false;
	*place = found;
	*id = found_id;
	return true;
}

int pins_lock(const struct launcher_settings *settings, struct error *error)
{
	_cleanup_close_ int fd = open(settings->xdp_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(
			error, -errno, ERROR_KERNEL,
			"cannot open %s (%s): bpfd makes it when it starts; somebody removed it or "
			"unmounted bpffs, restart bpfd",
			settings->xdp_directory, strerror(errno));
	for (int try = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; try++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set(error, -errno, ERROR_KERNEL, "cannot lock %s: %s",
			                 settings->xdp_directory, strerror(errno));
		if (try == LOCK_TRIES)
			return error_set(error, -EBUSY, ERROR_BUSY,
			                 "another process (xdp-loader?) has held the lock on %s "
			                 "for 5 s: find it "
			                 "with \"lslocks\" and try again",
			                 settings->xdp_directory);
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return steal_fd(&fd);
}

int pins_private_make(const struct launcher_settings *settings, const struct xdp_place *place,
                      uint32_t id, int program_fd, int map_fd)
{
	char path[PIN_PATH_SIZE];
	int result = 0;

	/* the map first: a program's pin without its map's stands for a program attached by itself
	 */
	if (map_fd >= 0) {
		pins_private_path(settings, place, id, true, path);
		result = kernel_pin(map_fd, path);
	}
	if (result == 0) {
		pins_private_path(settings, place, id, false, path);
		result = kernel_pin(program_fd, path);
	}
	if (result < 0)
		pins_remove(settings, place, id);
	return result;
}

int pins_directory_make(const struct launcher_settings *settings, uint32_t ifindex, uint32_t id)
{
	char path[PIN_PATH_SIZE];

	pins_directory_path(settings, ifindex, id, path);
	return mkdir(path, DIRECTORY_MODE) < 0 ? -errno : 0;
}

void pins_remove(const struct launcher_settings *settings, const struct xdp_place *place,
                 uint32_t id)
{
	char path[PIN_PATH_SIZE];

	for (size_t slot = 0; slot < XDP_DISPATCHER_SLOTS; slot++) {
		pins_component_path(settings, place->ifindex, id, slot, PIN_LINK, path);
		(void)unlink(path);
		pins_component_path(settings, place->ifindex, id, slot, PIN_PROGRAM, path);
		(void)unlink(path);
	}
	pins_directory_path(settings, place->ifindex, id, path);
	(void)rmdir(path);
	pins_private_path(settings, place, id, false, path);
	(void)unlink(path);
	pins_private_path(settings, place, id, true, path);
	(void)unlink(path);
}

static uint32_t attached_id(struct netlink *netlink, uint32_t ifindex)
{
	struct netlink_interface found;

	return netlink && netlink_interface_query(netlink, ifindex, NULL, &found) == 0
	               ? found.program_id
	               : 0;
}

/* A name as above, or the same with "-map": a map whose program's pin is gone is collected too. */
static bool entry_parse(const char *name, struct xdp_place *place, uint32_t *id)
{
	char copy[48];
	size_t length = strlen(name);

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, name, length + 1);
	if (length > 4 && !strcmp(copy + length - 4, "-map"))
		copy[length - 4] = '\0';
	return pins_name_parse(copy, place, id);
}

int pins_collect(const struct launcher_settings *settings, struct netlink *netlink, uint32_t netns,
                 uint32_t ifindex)
{
	char path[PIN_PATH_SIZE];
	int count = 0;
	DIR *directory;

	path_format(path, "%s/dispatchers", settings->bpffs_directory);
	directory = opendir(path);
	if (!directory)
		return -errno;
	for (struct dirent *entry; (entry = readdir(directory));) {
		struct xdp_place where;
		struct stat status;
		uint32_t id;

		/* the files of one that was just removed may still be read from the directory */
		if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !entry_parse(entry->d_name, &where, &id) || where.netns != netns ||
		    (ifindex && where.ifindex != ifindex) ||
		    attached_id(netlink, where.ifindex) == id)
			continue;
		pins_remove(settings, &where, id);
		count++;
	}
	(void)closedir(directory);
	return count;
}
