/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/map_share.h"

#include "broker/kernel.h"
#include "broker/own_pins.h"
#include "broker/validate.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

static const struct record_map *map_named(const struct record_program *program, const char *name)
{
	for (uint32_t i = 0; i < program->map_count; i++) {
		if (strcmp(program->maps[i].name, name) == 0)
			return &program->maps[i];
	}
	return NULL;
}

/* One program at a time; long. NULL when it cannot be read. */
static const struct record_program *program_read(struct broker *broker, uint64_t id)
{
	static struct record_program program;
	struct error ignored;

	return store_program_get(broker->store, id, &program, &ignored) < 0 ? NULL : &program;
}

int map_owner_check(struct broker *broker, const struct frontend_load *request, struct error *error)
{
	const struct program_entry *owner = registry_program(&broker->registry, request->map_owner);
	unsigned long long id = request->map_owner;

	if (!id)
		return 0;
	if (!owner)
		return error_set(error, -ENOENT, ERROR_NOT_FOUND,
		                 "there is no program %llu whose maps could be used: see \"bpfctl "
		                 "list programs\"",
		                 id);
	if (owner->state != PROGRAM_STATE_LOADED)
		return error_set(error, -ESRCH, ERROR_UNAVAILABLE,
		                 "program %llu is not in the kernel, nor are its maps: "
		                 "\"bpfctl get program %llu\" says why",
		                 id, id);
	if (request->persist && !owner->persist)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program %llu is not loaded again after a reboot, so that its "
		                 "maps would be missing then: load it with --persist, or this one "
		                 "without",
		                 id);
	return 0;
}

int map_owner_restored(struct broker *broker, uint64_t owner, struct error *error)
{
	const struct program_entry *entry = registry_program(&broker->registry, owner);

	if (!owner || (entry && entry->state == PROGRAM_STATE_LOADED))
		return 0;
	return error_set(error, -ESRCH, ERROR_UNAVAILABLE,
	                 "program %llu, whose maps it uses, could not be loaded again",
	                 (unsigned long long)owner);
}

/* The origin that a map had before the reboot; 0: it had none, or the load is no restoration. */
static uint64_t origin_before(struct broker *broker, const struct load_job *job, const char *name)
{
	for (uint32_t i = 0; i < job->request.program_count && job->restores[0]; i++) {
		const struct record_program *program = program_read(broker, job->restores[i]);
		const struct record_map *map = program ? map_named(program, name) : NULL;

		if (map)
			return map->origin;
	}
	return 0;
}

bool map_sharing_wanted(struct broker *broker, const struct load_job *job)
{
	for (uint32_t i = 0; i < job->request.program_count && job->restores[0]; i++) {
		const struct program_entry *entry =
			registry_program(&broker->registry, job->restores[i]);

		if (entry && entry->shares)
			return true;
	}
	return job->request.map_owner != 0;
}

/* The program's map of that name (and, unless 0, of that origin). 0 and `id`, or -ENOENT. */
static int map_of(struct broker *broker, uint64_t program_id, const char *name, uint64_t origin,
                  struct record_map *found)
{
	const struct program_entry *entry = registry_program(&broker->registry, program_id);
	const struct record_program *program = entry && entry->state == PROGRAM_STATE_LOADED
	                                               ? program_read(broker, program_id)
	                                               : NULL;
	const struct record_map *map = program ? map_named(program, name) : NULL;

	if (!map || (origin && map->origin != origin))
		return -ENOENT;
	*found = *map;
	return 0;
}

/* A program that shared the map before the reboot and is loaded again: of the load that made it, or
 * another that shares. */
static int partner_restored(struct broker *broker, const struct load_job *job, const char *name,
                            uint64_t *partner, struct record_map *found)
{
	const struct registry *registry = &broker->registry;
	uint64_t origin = origin_before(broker, job, name);

	for (size_t i = 0; i < registry->program_count && origin && origin != job->load_id; i++) {
		const struct program_entry *entry = &registry->programs[i];

		if (entry->load_id != origin && !entry->shares)
			continue;
		*partner = entry->id;
		if (map_of(broker, entry->id, name, origin, found) == 0)
			return 0;
	}
	return -ENOENT;
}

/* Who else has the map that the load shares under this name, if not for its declaration? */
static int partner_find(struct broker *broker, const struct load_job *job, const char *name,
                        uint64_t *partner, struct record_map *found)
{
	if (name[0] == '.')
		return -ENOENT; /* global variables are each load's own */
	if (job->restores[0])
		return partner_restored(broker, job, name, partner, found);
	*partner = job->request.map_owner;
	return *partner ? map_of(broker, *partner, name, 0, found) : -ENOENT;
}

/* The kernel's id of the map behind a descriptor; 0 if it cannot be said. */
static uint32_t kernel_id_of(int fd)
{
	struct record_map map = {};

	return fd >= 0 && kernel_map_info(fd, &map) == 0 ? map.kernel_id : 0;
}

int map_share_find(struct broker *broker, const struct load_job *job,
                   const struct gate_map_find *question)
{
	_cleanup_close_ int fd = -1;
	struct record_map found;
	uint64_t partner;

	if (!validate_map_name(question->name))
		return -ENOENT;
	if (partner_find(broker, job, question->name, &partner, &found) == 0) {
		fd = own_pins_map_open(&broker->settings, partner, found.name);
		return kernel_id_of(fd) == found.kernel_id ? steal_fd(&fd) : -ENOENT;
	}
	if (!question->by_name)
		return -ENOENT;
	fd = own_pins_shared_open(&broker->settings, question->name);
	return fd < 0 ? -ENOENT : steal_fd(&fd);
}

/* 0 where the pin is of this map or there is none, -EAGAIN where it is of another one. */
static int shared_pin_check(struct broker *broker, const struct record_map *map,
                            struct error *error)
{
	_cleanup_close_ int fd = own_pins_shared_open(&broker->settings, map->name);

	if (fd < 0 && fd != -ENOENT)
		return error_set(
			error, fd, ERROR_KERNEL,
			"the pin of map \"%s\", which is shared by name, cannot be opened: "
			"%s; remove it from %s/shared if it is not bpfd's",
			map->name, strerror(-fd), broker->settings.bpffs_directory);
	return fd < 0 || kernel_id_of(fd) == map->kernel_id ? 0 : -EAGAIN;
}

int map_share_settle(struct broker *broker, const struct load_job *job,
                     const struct session_map *map, struct record_map *record, struct error *error)
{
	struct record_map found;
	uint64_t partner;

	if (partner_find(broker, job, record->name, &partner, &found) == 0 &&
	    found.kernel_id == record->kernel_id) {
		record->origin = found.origin;
		record->flags = found.flags;
		return 0;
	}
	record->origin = origin_before(broker, job, record->name);
	record->flags = map->by_name ? RECORD_MAP_BY_NAME : 0;
	return map->by_name ? shared_pin_check(broker, record, error) : 0;
}

int map_shares_pin(struct broker *broker, const struct record_program *program, const int *map_fds,
                   struct error *error)
{
	int result = 0;

	for (uint32_t i = 0; i < program->map_count && !result; i++) {
		const struct record_map *map = &program->maps[i];

		if (!(map->flags & RECORD_MAP_BY_NAME))
			continue;
		result = own_pins_shared_make(&broker->settings, map->name, map_fds[i], error);
		if (result == -EEXIST)
			result = shared_pin_check(broker, map, error);
	}
	return result;
}

/* Does a program of the registry have this map by name? */
static bool shared_map_used(struct broker *broker, const char *name, uint32_t kernel_id)
{
	for (size_t i = 0; i < broker->registry.program_count; i++) {
		const struct program_entry *entry = &broker->registry.programs[i];
		struct record_map map;

		if (entry->by_name && map_of(broker, entry->id, name, 0, &map) == 0 &&
		    map.flags & RECORD_MAP_BY_NAME && map.kernel_id == kernel_id)
			return true;
	}
	return false;
}

/* Removes shared/<name> unless a program has the map that is pinned there. */
static void shared_pin_collect(struct broker *broker, const char *name)
{
	_cleanup_close_ int fd = own_pins_shared_open(&broker->settings, name);

	if (fd == -ENOENT || shared_map_used(broker, name, kernel_id_of(fd)))
		return;
	own_pins_shared_remove(&broker->settings, name);
}

void map_shares_release(struct broker *broker, const struct record_program *program)
{
	for (uint32_t i = 0; i < program->map_count; i++) {
		if (program->maps[i].flags & RECORD_MAP_BY_NAME)
			shared_pin_collect(broker, program->maps[i].name);
	}
}

/* A pin that somebody removed is made again, from the program's own. */
static void shared_pins_remake(struct broker *broker, uint64_t program_id)
{
	static struct record_program program; /* long */
	struct error error;

	if (store_program_get(broker->store, program_id, &program, &error) < 0)
		return;
	for (uint32_t i = 0; i < program.map_count; i++) {
		const struct record_map *map = &program.maps[i];
		_cleanup_close_ int fd = -1;

		if (!(map->flags & RECORD_MAP_BY_NAME))
			continue;
		fd = own_pins_map_open(&broker->settings, program_id, map->name);
		if (kernel_id_of(fd) == map->kernel_id)
			(void)own_pins_shared_make(&broker->settings, map->name, fd, &error);
	}
}

void map_shares_reconcile(struct broker *broker)
{
	char(*names)[MAP_NAME_SIZE] = NULL;
	size_t count = 0;

	if (own_pins_shared_list(&broker->settings, &names, &count) == 0) {
		for (size_t i = 0; i < count; i++)
			shared_pin_collect(broker, names[i]);
	}
	free(names);
	for (size_t i = 0; i < broker->registry.program_count; i++) {
		const struct program_entry *entry = &broker->registry.programs[i];

		if (entry->by_name && entry->state == PROGRAM_STATE_LOADED)
			shared_pins_remake(broker, entry->id);
	}
}

int map_owner_forget(struct broker *broker, uint64_t owner, struct error *error)
{
	static struct record_program program; /* long */
	const struct program_entry *user = registry_map_user(&broker->registry, owner, 0);

	for (; user; user = registry_map_user(&broker->registry, owner, user->id)) {
		int result = store_program_get(broker->store, user->id, &program, error);

		if (result)
			return result;
		program.map_owner = 0;
		store_program_put(broker->store, &program);
	}
	return 0;
}

void map_owner_forgotten(struct broker *broker, uint64_t owner)
{
	struct program_entry *user = registry_map_user(&broker->registry, owner, 0);

	for (; user; user = registry_map_user(&broker->registry, owner, user->id)) {
		const struct record_program *program = program_read(broker, user->id);

		user->map_owner = 0;
		if (program)
			view_program(broker, program);
	}
}

int map_users_check(const struct registry *registry, uint64_t owner, struct error *error)
{
	const struct program_entry *user = registry_map_user(registry, owner, 0);
	char names[160] = "";
	size_t used = 0;

	if (!user)
		return 0;
	for (; user; user = registry_map_user(registry, owner, user->id)) {
		if (used > sizeof(names) - 32) {
			(void)snprintf(names + used, sizeof(names) - used, ", ...");
			break;
		}
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%llu",
		                         used ? ", " : "", (unsigned long long)user->id);
	}
	return error_set(error, -EBUSY, ERROR_BUSY,
	                 "other programs use the maps of program %llu: %s; unload them first, or "
	                 "unload it with --force: the maps then stay with those that use them",
	                 (unsigned long long)owner, names);
}
