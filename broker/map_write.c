/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Changes of a map's entries. The kernel is changed first and the answer remembered then: a crash
 * between the two makes a repeated request set the same value again.
 */
#include "broker/kernel.h"
#include "broker/map_open.h"
#include "broker/validate.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/memfd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The value, which is in the message or in the memfd that came with it. */
static int value_copy(const struct frontend_map_entry *entry, const struct channel_message *message,
                      uint8_t *value)
{
	const struct frontend_map_set *set = message->body;
	size_t size = 0;
	int result;

	if (message->row->type != FRONTEND_MAP_SET_LONG) {
		memcpy(value, set->value, entry->value_size);
		return 0;
	}
	result = memfd_check(message->descriptors[0], &size);
	if (!result && size != entry->value_size)
		result = -EPROTO;
	return result ? result : memfd_read(message->descriptors[0], value, size);
}

static int value_take(const struct frontend_map_entry *entry, const struct channel_message *message,
                      uint8_t **out)
{
	uint8_t *value = malloc(entry->value_size + 1);
	int result;

	if (!value)
		return -ENOMEM;
	result = value_copy(entry, message, value);
	if (result)
		free(value);
	else
		*out = value;
	return result;
}

/* One value, where each processor has its own, counts for all of them. */
static int value_spread(const struct map_shape *shape, uint8_t **value, size_t size)
{
	if (!shape->cpus || size == shape->value_bytes)
		return 0;

	size_t step = shape->value_bytes / shape->cpus;
	uint8_t *spread = calloc(shape->cpus, step);

	if (!spread)
		return -ENOMEM;
	for (uint32_t i = 0; i < shape->cpus; i++)
		memcpy(spread + i * step, *value, size);
	free(*value);
	*value = spread;
	return 0;
}

static int entry_set(const struct opened_map *map, const struct frontend_map_entry *entry,
                     uint8_t **value, struct error *error)
{
	int result = map_key_check(&map->shape, entry->key_size, error);

	if (!result)
		result = map_value_check(&map->shape, *value, entry->value_size, error);
	if (result)
		return result;
	result = value_spread(&map->shape, value, entry->value_size);
	if (!result)
		result = kernel_map_set(map->fd, entry->key_size ? entry->key : NULL, *value,
		                        entry->mode);
	return result ? map_refusal(&map->shape, "change", result, error) : 0;
}

static int entry_delete(const struct opened_map *map, const struct frontend_map_entry *entry,
                        struct error *error)
{
	int result = map_key_check(&map->shape, entry->key_size, error);

	if (result)
		return result;
	result = kernel_map_delete(map->fd, entry->key);
	return result ? map_refusal(&map->shape, "change", result, error) : 0;
}

static int answer_keep(struct broker *broker, const struct origin *origin,
                       const struct store_answer *answer, struct error *error)
{
	store_begin(broker->store);
	store_request_put(broker->store, origin->request_id, origin->peer.uid, answer);
	return store_commit(broker->store, error);
}

/* Does it and answers. */
static void entry_change(struct broker *broker, const struct origin *origin,
                         const struct frontend_map_entry *entry, uint8_t **value)
{
	bool set = origin->operation == STORE_OPERATION_MAP_SET;
	struct store_answer answer = answer_of_one(origin->operation, entry->program_id);
	struct opened_map map = { .fd = -1 };
	struct error error = {};
	char name[4 * MAP_NAME_SIZE], detail[5 * MAP_NAME_SIZE];
	int result = map_open_for(broker, entry->program_id, entry->map,
	                          set ? MAP_ACT_SET : MAP_ACT_DELETE, &map, &error);

	if (!result)
		result = set ? entry_set(&map, entry, value, &error)
		             : entry_delete(&map, entry, &error);
	close_cleanup(&map.fd);
	if (!result)
		result = answer_keep(broker, origin, &answer, &error);
	(void)snprintf(detail, sizeof(detail), "program=%llu map=\"%s\"",
	               (unsigned long long)entry->program_id,
	               log_escape(entry->map, name, sizeof(name)));
	if (result)
		answer_refused(broker, origin, &error, detail);
	else
		answer_done(broker, origin, &answer, detail);
}

static struct origin origin_make(const struct channel_message *message,
                                 const struct frontend_map_entry *entry,
                                 enum store_operation operation)
{
	struct origin origin = { message->id, operation, entry->peer, {} };

	memcpy(origin.request_id, entry->request_id, REQUEST_ID_SIZE);
	return origin;
}

/* `result` says whether the value could be taken over. */
static void set_answer(struct broker *broker, const struct origin *origin,
                       const struct frontend_map_entry *entry, uint8_t **value, int result)
{
	struct error error = {};

	if (answer_repeated(broker, origin))
		return;
	if (!result) {
		entry_change(broker, origin, entry, value);
		return;
	}
	(void)error_set(&error, result, ERROR_UNAVAILABLE,
	                "the value cannot be taken over (%s): try again", strerror(-result));
	answer_refused(broker, origin, &error, "");
}

int map_set_request(struct broker *broker, struct channel_message *message)
{
	bool inline_value = message->row->type == FRONTEND_MAP_SET;
	const struct frontend_map_entry *entry = message->body; /* the first member of both */
	struct origin origin = origin_make(message, entry, STORE_OPERATION_MAP_SET);
	uint8_t *value = NULL;
	int result = validate_map_set(entry, inline_value);

	if (!result)
		result = value_take(entry, message, &value);
	if (result == -EPROTO)
		return result;
	set_answer(broker, &origin, entry, &value, result);
	free(value);
	return 0;
}

int map_delete_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_map_entry *entry = message->body;
	struct origin origin = origin_make(message, entry, STORE_OPERATION_MAP_DELETE);
	int result = validate_map_delete(entry);

	if (result)
		return result;
	if (!answer_repeated(broker, &origin))
		entry_change(broker, &origin, entry, NULL);
	return 0;
}
