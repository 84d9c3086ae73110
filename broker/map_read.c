/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Questions about the entries of a program's map, and about the types that describe them. A dump is
 * asked for page by page, each a bounded piece of work, so that a map of a million entries holds up
 * nobody. What the kernel copies is handed on unread.
 */
#include "broker/kernel.h"
#include "broker/map_open.h"
#include "broker/validate.h"
#include "common/cleanup.h"
#include "common/memfd.h"

#include <errno.h>
#include <string.h>

#define PAGE_BYTES (256u << 10) /* one entry at least, however long */
#define PAGE_STEPS 4096         /* keys looked at for one page */

struct page {
	uint8_t *bytes;
	size_t room;
	struct frontend_map_data data;
};

/* A map that is written to meanwhile could be walked for ever: twice its entries are enough. */
static bool walk_ends(const struct map_shape *shape, uint64_t seen)
{
	return seen >= 2 * (uint64_t)shape->max_entries + PAGE_STEPS;
}

/* Adds the entry that is named: by its key, or by its value. -ENOENT: it has none, or no more. */
static int entry_add(const struct opened_map *map, const uint8_t *key, struct page *page)
{
	uint8_t *at = page->bytes + page->data.size;
	int result;

	memcpy(at, key, map->shape.name_size);
	result = kernel_map_lookup(map->fd, map->shape.key_size ? key : NULL,
	                           at + map->shape.key_size);
	if (result < 0)
		return result;
	page->data.size += map->shape.key_size + map->shape.value_bytes;
	page->data.count++;
	return 0;
}

static size_t entry_size(const struct map_shape *shape)
{
	return shape->key_size + shape->value_bytes;
}

/* Walks on from `key` (`given`: it is one) until the page is full or the map at its end. */
static int entries_add(const struct opened_map *map, uint8_t *key, bool given, uint32_t most,
                       struct page *page)
{
	bool forgets = map_type_forgets(map->shape.type);
	uint8_t next[MAP_KEY_MAX];

	for (int steps = 0; steps < PAGE_STEPS && page->data.count < most &&
	                    page->room - page->data.size >= entry_size(&map->shape);
	     steps++) {
		int result = kernel_map_next(map->fd, given ? key : NULL, next);

		if (result == -ENOENT || walk_ends(&map->shape, page->data.seen)) {
			page->data.disturbed |= result != -ENOENT;
			page->data.complete = 1;
			return 0;
		}
		if (!result)
			result = entry_add(map, next, page);
		/* in an array of programs, an empty place; elsewhere it went just now */
		if (result == -ENOENT)
			page->data.disturbed |= forgets;
		else if (result < 0)
			return result;
		page->data.seen++;
		given = true;
		memcpy(key, next, map->shape.key_size);
	}
	return 0;
}

static int page_fill(const struct opened_map *map, const struct frontend_map_read *request,
                     struct page *page)
{
	bool given = request->key_size != 0;
	uint32_t most = request->entries_max;
	uint8_t *key = page->data.last_key;

	if (!most || most > MAP_PAGE_ENTRIES_MAX)
		most = MAP_PAGE_ENTRIES_MAX;
	memcpy(key, request->key, MAP_KEY_MAX);
	page->data.seen = request->seen;
	/* the last key of the page before is gone: the kernel begins anew */
	if (given && map_type_forgets(map->shape.type))
		page->data.disturbed = kernel_map_lookup(map->fd, key, page->bytes) == -ENOENT;
	return entries_add(map, key, given, most, page);
}

static int page_send(struct broker *broker, uint64_t message_id, const struct page *page,
                     struct error *error)
{
	_cleanup_close_ int fd = memfd_from_bytes("map", page->bytes, page->data.size);

	if (fd < 0)
		return error_set(error, fd, ERROR_UNAVAILABLE,
		                 "bpfd cannot hand the map's entries on (%s): try again",
		                 strerror(-fd));
	answer_map(broker, message_id, &page->data, fd);
	return 0;
}

static int page_answer(struct broker *broker, uint64_t message_id,
                       const struct frontend_map_read *request, const struct opened_map *map,
                       struct error *error)
{
	struct page page = {
		.room = entry_size(&map->shape) > PAGE_BYTES ? entry_size(&map->shape) : PAGE_BYTES,
		.data = {
			.question = request->question,
			.key_size = map->shape.key_size,
			.value_size = (uint32_t)map->shape.value_bytes,
			.cpus = map->shape.cpus,
		},
	};
	int result;

	page.bytes = malloc(page.room);
	if (!page.bytes)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	result = request->question == FRONTEND_MAP_DUMP ? page_fill(map, request, &page)
	                                                : entry_add(map, request->key, &page);
	result = result ? map_refusal(&map->shape, "read", result, error)
	                : page_send(broker, message_id, &page, error);
	free(page.bytes);
	return result;
}

static int entries_answer(struct broker *broker, uint64_t message_id,
                          const struct frontend_map_read *request, struct error *error)
{
	bool dump = request->question == FRONTEND_MAP_DUMP;
	struct opened_map map = { .fd = -1 };
	int result = map_open_for(broker, request->program_id, request->map,
	                          dump ? MAP_ACT_DUMP : MAP_ACT_GET, &map, error);

	if (!result && (!dump || request->key_size))
		result = map_name_check(&map.shape, request->key_size, error);
	if (!result)
		result = page_answer(broker, message_id, request, &map, error);
	close_cleanup(&map.fd);
	return result;
}

static int btf_answer(struct broker *broker, uint64_t message_id, int btf_fd,
                      struct frontend_map_data *data, struct error *error)
{
	uint32_t room = 0, size;
	int result = kernel_btf_read(btf_fd, NULL, &room);

	if (result < 0 || room == 0 || room > BTF_SIZE_MAX)
		return error_set(error, result ? result : -E2BIG, ERROR_LIMIT,
		                 "the map's types cannot be read, or are longer than %u bytes",
		                 BTF_SIZE_MAX);

	_cleanup_free_ uint8_t *bytes = malloc(room);
	struct page page = { .bytes = bytes };

	if (!bytes)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	size = room;
	result = kernel_btf_read(btf_fd, bytes, &size);
	if (result < 0 || size > room)
		return error_set(error, result ? result : -E2BIG, ERROR_KERNEL,
		                 "the map's types cannot be read");
	page.data = *data;
	page.data.size = size;
	return page_send(broker, message_id, &page, error);
}

static int types_answer(struct broker *broker, uint64_t message_id,
                        const struct frontend_map_read *request, struct error *error)
{
	struct frontend_map_data data = { .question = FRONTEND_MAP_TYPES };
	struct opened_map map = { .fd = -1 };
	uint32_t btf_id = 0;
	int result = map_open(broker, request->program_id, request->map, &map, error);

	if (result)
		return result;

	_cleanup_close_ int map_fd = map.fd, btf_fd = -1;

	result = kernel_map_types(map_fd, &btf_id, &data.key_type, &data.value_type);
	if (!btf_id) /* as of queues: what declares the map in its object may say more */
		btf_id = map.program_btf_id;
	if (!result && !btf_id)
		return error_set(error, -ENODATA, ERROR_NOT_FOUND,
		                 "nobody has described the types of map \"%s\": its object was "
		                 "compiled without -g",
		                 map.record.name);
	if (result)
		return error_set(error, result, ERROR_KERNEL, "the map's types cannot be read: %s",
		                 strerror(-result));
	result = opener_btf_open(broker->attach.opener, btf_id, &btf_fd, error);
	return result ? result : btf_answer(broker, message_id, btf_fd, &data, error);
}

int map_read_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_map_read *request = message->body;
	struct error error = {};
	int result = validate_map_read(request);

	if (result)
		return result;
	if (request->question == FRONTEND_MAP_TYPES)
		result = types_answer(broker, message->id, request, &error);
	else
		result = entries_answer(broker, message->id, request, &error);
	if (result)
		answer_question_refused(broker, message->id, &error);
	return 0;
}
