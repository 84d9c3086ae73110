/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/rows.h"

#include "frontend/frontend.h"

#include <stddef.h>
#include <string.h>

static int program_row(struct frontend *frontend, const struct record_program *row)
{
	const struct view_program *before = view_program(&frontend->view, row->id);
	uint32_t state_before = before ? before->head->state : PROGRAM_STATE_LOADED;
	bool known = before != NULL;
	int r = view_take_program(&frontend->view, row);

	if (r < 0 || !frontend->serving)
		return r;

	const struct view_program *program = view_program(&frontend->view, row->id);

	if (known && row->state != state_before)
		event_program_state(frontend, program);
	else if (!known && !change_origin(frontend, FRONTEND_LOAD, 0))
		event_program_new(frontend, program);
	return 0;
}

static int link_row(struct frontend *frontend, const struct record_link *row)
{
	const struct view_link *before = view_link(&frontend->view, row->id);
	uint32_t state_before = before ? before->head->state : 0;
	int r = view_take_link(&frontend->view, row);

	if (r < 0 || !frontend->serving)
		return r;

	const struct view_link *link = view_link(&frontend->view, row->id);

	if (state_before && row->state != state_before)
		event_link_state(frontend, link);
	else if (!state_before && !change_origin(frontend, FRONTEND_ATTACH, row->program_id))
		event_link_new(frontend, link);
	return 0;
}

static bool chain_has(const struct record_chain *chain, uint32_t kernel_id)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		if (chain->entries[i].kernel_id == kernel_id)
			return true;
	}
	return false;
}

/* Tells of the programs in `chain` that are not in `other` and not bpfd's. */
static void foreign_compare(struct frontend *frontend, bool attached,
                            const struct record_chain *chain, const struct record_chain *other)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct record_chain_entry *entry = &chain->entries[i];

		if (entry->link_id == 0 && !chain_has(other, entry->kernel_id))
			event_foreign(frontend, attached, chain, entry);
	}
}

/* What ran at a place before bpfd came there is no event. */
static int chain_row(struct frontend *frontend, const struct record_chain *row)
{
	const struct view_chain *known =
		view_chain(&frontend->view,
	                   RECORD_CHAIN_ID(row->type, row->netns, row->ifindex, row->direction));
	struct record_chain before;

	if (known)
		memcpy(&before, &known->chain,
		       offsetof(struct record_chain, entries) +
		               known->chain.count * sizeof(before.entries[0]));

	bool compare = known && frontend->serving;
	int r = view_take_chain(&frontend->view, row);

	if (r == 0 && compare) {
		foreign_compare(frontend, false, &before, row);
		foreign_compare(frontend, true, row, &before);
	}
	return r;
}

/* Detach and unload take a link or a program out of the view: said here, while it can still be
 * described. */
static int gone_row(struct frontend *frontend, const struct frontend_gone *row)
{
	const struct event_origin *origin;

	if (row->kind == FRONTEND_GONE_LINK) {
		const struct view_link *link = view_link(&frontend->view, row->id);

		origin = change_origin(frontend, FRONTEND_DETACH, row->id);
		if (!origin && link)
			origin = change_origin(frontend, FRONTEND_UNLOAD, link->head->program_id);
		if (link)
			event_link_gone(frontend, origin, link);
	} else if (row->kind == FRONTEND_GONE_PROGRAM) {
		const struct view_program *program = view_program(&frontend->view, row->id);

		origin = change_origin(frontend, FRONTEND_UNLOAD, row->id);
		if (program)
			event_program_gone(frontend, origin, program);
	}
	return view_take_gone(&frontend->view, row);
}

/* Whether there are rules is what fetchers are told at their start. */
static int status_row(struct frontend *frontend, const struct record_status *row)
{
	bool rules = frontend->view.status.image_rules != 0;
	int r = view_take_status(&frontend->view, row);

	if (r == 0 && rules != (row->image_rules != 0))
		fetchers_renew(frontend);
	return r;
}

int row_take(struct frontend *frontend, const struct channel_message *message)
{
	switch (message->row->type) {
	case FRONTEND_STATUS:
		return status_row(frontend, message->body);
	case FRONTEND_PROGRAM:
		return program_row(frontend, message->body);
	case FRONTEND_GLOBALS:
		return view_take_globals(&frontend->view, message->body);
	case FRONTEND_LINK:
		return link_row(frontend, message->body);
	case FRONTEND_CHAIN:
		return chain_row(frontend, message->body);
	case FRONTEND_GONE:
		return gone_row(frontend, message->body);
	default: /* VIEW_COMPLETE */
		frontend->state = FRONTEND_STATE_READY;
		return 0;
	}
}
