/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/validate.h"

#include "common/places.h"
#include "common/program_type.h"
#include "common/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_OK(array) channel_text_ok((array), sizeof(array))

bool validate_metadata(const struct record_metadata *metadata)
{
	if (metadata->count > METADATA_MAX || metadata->reserved)
		return false;
	for (uint32_t i = 0; i < metadata->count; i++) {
		const struct record_metadata_entry *entry = &metadata->entries[i];

		if (!entry->key[0] || !TEXT_OK(entry->key) || !TEXT_OK(entry->value))
			return false;
	}
	return true;
}

bool validate_globals(const struct record_globals *globals)
{
	if (globals->count > LOAD_GLOBALS_MAX || globals->data_size > GLOBAL_DATA_MAX)
		return false;
	for (uint32_t i = 0; i < globals->count; i++) {
		const struct record_global *global = &globals->entries[i];

		if (!global->name[0] || !TEXT_OK(global->name) ||
		    global->size > globals->data_size ||
		    global->offset > globals->data_size - global->size)
			return false;
	}
	return true;
}

bool validate_map_name(const char name[MAP_NAME_SIZE])
{
	if (!name[0] || !channel_text_ok(name, MAP_NAME_SIZE))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
	       strlen(name);
}

static bool load_well_formed(const struct frontend_load *load)
{
	if (load->peer.reserved || load->persist > 1 || load->program_count > LOAD_PROGRAMS_MAX ||
	    !TEXT_OK(load->application) || !TEXT_OK(load->source_name) ||
	    !validate_metadata(&load->metadata) || !validate_globals(&load->globals))
		return false;
	for (uint32_t i = 0; i < load->program_count; i++) {
		const struct frontend_load_program *program = &load->programs[i];

		if (!program->function[0] || !TEXT_OK(program->function) ||
		    !TEXT_OK(program->target) || program->exclusive > 1 ||
		    (program->type && !program_type_row(program->type)))
			return false;
	}
	return true;
}

int validate_load(const struct frontend_load *load, struct error *error)
{
	if (!load_well_formed(load))
		return -EPROTO;
	if (load->program_count == 0)
		return error_set(
			error, -EINVAL, ERROR_INVALID_ARGUMENT,
			"the request names no program: name at least one function of the object");
	for (uint32_t i = 0; i < load->program_count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(load->programs[i].function, load->programs[j].function) == 0)
				return error_set(
					error, -EINVAL, ERROR_INVALID_ARGUMENT,
					"function \"%s\" is named twice: name each function once",
					load->programs[i].function);
		}
	}
	return 0;
}

static bool attach_well_formed(const struct frontend_attach *attach)
{
	return !attach->peer.reserved && !attach->reserved && program_type_row(attach->type) &&
	       target_well_formed(&attach->target) && !attach->target.ifindex &&
	       !attach->target.netns_id && places_well_formed(&attach->places) &&
	       validate_metadata(&attach->metadata);
}

int validate_attach(const struct frontend_attach *attach, struct error *error)
{
	if (!attach_well_formed(attach))
		return -EPROTO;
	return places_check(attach->type, &attach->target, &attach->places, error);
}

static bool update_well_formed(const struct frontend_update *update)
{
	const uint32_t fields = TARGET_BIT(TARGET_PRIORITY) | TARGET_BIT(TARGET_PROCEED_ON);

	return !update->peer.reserved && !update->reserved && !(update->given & ~fields) &&
	       (update->given & TARGET_BIT(TARGET_PRIORITY) || !update->priority) &&
	       (update->given & TARGET_BIT(TARGET_PROCEED_ON) || !update->proceed_on);
}

int validate_update(const struct frontend_update *update, struct error *error)
{
	if (!update_well_formed(update))
		return -EPROTO;
	if (update->link_id == 0)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the id is 0, which is nobody's: see \"bpfctl list links\"");
	if (!update->program_id && !update->given)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "there is nothing to change: give a priority, proceed_on or a "
		                 "program");
	return 0;
}

int validate_remove(const struct frontend_remove *remove, struct error *error)
{
	if (remove->peer.reserved || remove->reserved || remove->force > 1)
		return -EPROTO;
	if (remove->target_id == 0)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "the id is 0, which is nobody's: see \"bpfctl list\"");
	return 0;
}

int validate_map_read(const struct frontend_map_read *read)
{
	bool known = read->question >= FRONTEND_MAP_GET && read->question <= FRONTEND_MAP_TYPES;

	if (!known || read->peer.reserved || read->reserved || !TEXT_OK(read->map) ||
	    read->key_size > MAP_KEY_MAX)
		return -EPROTO;
	return 0;
}

static bool map_entry_well_formed(const struct frontend_map_entry *entry)
{
	return !entry->peer.reserved && !entry->reserved && TEXT_OK(entry->map) &&
	       entry->key_size <= MAP_KEY_MAX && entry->mode <= BPF_EXIST;
}

int validate_map_set(const struct frontend_map_entry *entry, bool inline_value)
{
	uint32_t most = inline_value ? MAP_VALUE_INLINE_MAX : MAP_VALUE_MAX;

	return map_entry_well_formed(entry) && entry->value_size <= most ? 0 : -EPROTO;
}

int validate_map_delete(const struct frontend_map_entry *entry)
{
	bool plain = !entry->mode && !entry->value_size;

	return map_entry_well_formed(entry) && plain ? 0 : -EPROTO;
}

int validate_object(int fd)
{
	const int sealed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	if (seals < 0 || (seals & sealed) != sealed || fstat(fd, &status) < 0)
		return -EPROTO;
	if (status.st_size < 1 || status.st_size > (off_t)OBJECT_SIZE_MAX)
		return -EPROTO;
	return 0;
}
