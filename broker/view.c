/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/broker.h"

#include <errno.h>
#include <string.h>

static void row_send(struct broker *broker, uint16_t type, const void *body)
{
	if (!broker->failed && broker->view_open)
		tell_later(broker, type, body);
}

void view_program(struct broker *broker, const struct record_program *program)
{
	static struct record_program row; /* long */

	if (program->state == PROGRAM_STATE_LOADED) {
		row_send(broker, FRONTEND_PROGRAM, program);
		return;
	}
	/* what is not in the kernel has no maps there: the record keeps what it had */
	row = *program;
	row.map_count = 0;
	row_send(broker, FRONTEND_PROGRAM, &row);
}

void view_globals(struct broker *broker, uint64_t program_id, const struct record_globals *globals)
{
	struct frontend_globals row;

	if (globals->count == 0)
		return;
	/* What lies beyond the counts is nobody's business. */
	row = (struct frontend_globals){ .program_id = program_id };
	row.globals.count = globals->count;
	row.globals.data_size = globals->data_size;
	memcpy(row.globals.entries, globals->entries, globals->count * sizeof(globals->entries[0]));
	memcpy(row.globals.data, globals->data, globals->data_size);
	row_send(broker, FRONTEND_GLOBALS, &row);
}

void view_link(struct broker *broker, const struct record_link *link)
{
	row_send(broker, FRONTEND_LINK, link);
}

void view_chain(struct broker *broker, const struct record_chain *chain)
{
	row_send(broker, FRONTEND_CHAIN, chain);
}

void view_status(struct broker *broker)
{
	row_send(broker, FRONTEND_STATUS, &broker->status);
}

void view_gone(struct broker *broker, enum frontend_gone_kind kind, uint64_t id)
{
	struct frontend_gone row = { .kind = (uint32_t)kind, .id = id };

	row_send(broker, FRONTEND_GONE, &row);
}

static int program_send(struct broker *broker, uint64_t id, struct error *error)
{
	struct record_program program;
	struct record_globals globals;
	int result = store_program_get(broker->store, id, &program, error);

	if (result)
		return result;
	view_program(broker, &program);
	result = store_globals_get(broker->store, id, &globals, error);
	if (!result)
		view_globals(broker, id, &globals);
	return result == -ENOENT ? 0 : result;
}

static int link_send(struct broker *broker, uint64_t id, struct error *error)
{
	struct record_link link;
	int result = store_link_get(broker->store, id, &link, error);

	if (!result)
		view_link(broker, &link);
	return result;
}

int view_send_all(struct broker *broker, struct error *error)
{
	int result = 0;

	broker->view_open = true;
	view_status(broker);
	for (size_t i = 0; i < broker->registry.program_count && !result; i++)
		result = program_send(broker, broker->registry.programs[i].id, error);
	for (size_t i = 0; i < broker->registry.link_count && !result; i++)
		result = link_send(broker, broker->registry.links[i].id, error);
	if (result)
		return result;
	monitor_read_all(broker);
	row_send(broker, FRONTEND_VIEW_COMPLETE, NULL);
	return 0;
}
