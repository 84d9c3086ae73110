/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Unload: all links of the program are marked in one transaction, taken off one after the other,
 * and forgotten together with the program in a second one. The commit that forgets the program is
 * the moment from which it is gone; pins follow.
 */
#include "broker/broker.h"

#include "broker/map_share.h"
#include "broker/own_pins.h"
#include "broker/validate.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Writes `state` (0: the one in the registry) into the record of a link, within a change. */
static int link_mark(struct broker *broker, const struct link_entry *entry, uint32_t state,
                     struct error *error)
{
	struct record_link link;
	int result = store_link_get(broker->store, entry->id, &link, error);

	if (result)
		return result;
	link.state = state ? state : entry->state;
	store_link_put(broker->store, &link);
	return 0;
}

/* Writes whether the program is persistent, within a change: one that is being unloaded is not. */
static int program_mark(struct broker *broker, uint64_t program_id, uint32_t persist,
                        struct error *error)
{
	struct record_program program;
	int result = persist_program(broker, program_id)
	                     ? store_program_get(broker->store, program_id, &program, error)
	                     : -ENOENT;

	if (result)
		return result == -ENOENT ? 0 : result;
	program.persist = persist;
	store_program_put(broker->store, &program);
	return 0;
}

static int links_mark(struct broker *broker, uint64_t program_id, struct error *error)
{
	const struct link_entry *entry = registry_link_of_program(&broker->registry, program_id, 0);

	if (!entry && !persist_program(broker, program_id))
		return 0;
	store_begin(broker->store);
	if (program_mark(broker, program_id, 0, error) < 0) {
		store_abort(broker->store);
		return -EBADMSG;
	}
	for (; entry; entry = registry_link_of_program(&broker->registry, program_id, entry->id)) {
		int result = link_mark(broker, entry, LINK_STATE_DETACHING, error);

		if (result) {
			store_abort(broker->store);
			return result;
		}
	}
	return store_commit(broker->store, error);
}

/* Takes the links off in ascending order; `stopped_at` is the first that could not be, or
 * UINT64_MAX. */
static int links_take_off(struct broker *broker, uint64_t program_id, uint64_t *stopped_at,
                          struct error *error)
{
	uint64_t after = 0;

	for (;;) {
		const struct link_entry *entry =
			registry_link_of_program(&broker->registry, program_id, after);
		struct record_link link;

		*stopped_at = entry ? entry->id : UINT64_MAX;
		if (!entry)
			return 0;

		int result = store_link_get(broker->store, entry->id, &link, error);

		link.state = entry->state;
		if (!result)
			result = link_take_off(broker, &link, error);
		if (result)
			return result;
		after = link.id;
	}
}

/* Within a change: forgets the links below `stopped_at`, and gives the others their states back. */
static void links_settle(struct broker *broker, uint64_t program_id, uint64_t stopped_at)
{
	const struct link_entry *entry = registry_link_of_program(&broker->registry, program_id, 0);
	struct error error;

	for (; entry; entry = registry_link_of_program(&broker->registry, program_id, entry->id)) {
		if (entry->id < stopped_at)
			store_link_delete(broker->store, entry->id);
		else if (link_mark(broker, entry, 0, &error) < 0)
			log_error("%s", error.message);
	}
	if (stopped_at != UINT64_MAX && program_mark(broker, program_id, 1, &error) < 0)
		log_error("%s", error.message);
}

/* After the commit: the same in the registry and in the view. */
static void links_publish(struct broker *broker, uint64_t program_id, uint64_t stopped_at)
{
	for (;;) {
		const struct link_entry *entry =
			registry_link_of_program(&broker->registry, program_id, 0);

		if (!entry || entry->id >= stopped_at)
			return;

		const struct record_target target = entry->target;
		uint64_t id = entry->id;

		registry_link_remove(&broker->registry, id);
		view_gone(broker, FRONTEND_GONE_LINK, id);
		monitor_chain_forget(broker, &target);
	}
}

/* The store could not be written, but the links below `stopped_at` are off: shown as what their
 * records say. */
static void links_publish_marked(struct broker *broker, uint64_t program_id, uint64_t stopped_at)
{
	struct link_entry *entry = registry_link_of_program(&broker->registry, program_id, 0);

	for (; entry && entry->id < stopped_at;
	     entry = registry_link_of_program(&broker->registry, program_id, entry->id)) {
		struct record_link link;
		struct error error;

		entry->state = LINK_STATE_DETACHING;
		if (store_link_get(broker->store, entry->id, &link, &error) == 0)
			view_link(broker, &link);
	}
}

static int program_forget(struct broker *broker, const struct origin *origin, uint64_t program_id,
                          const struct store_answer *answer, uint64_t stopped_at,
                          struct error *error)
{
	int result = 0;

	store_begin(broker->store);
	links_settle(broker, program_id, stopped_at);
	if (stopped_at == UINT64_MAX) {
		store_program_delete(broker->store, program_id);
		store_request_put(broker->store, origin->request_id, origin->peer.uid, answer);
		result = map_owner_forget(broker, program_id, error);
	}
	if (result)
		store_abort(broker->store);
	else
		result = store_commit(broker->store, error);

	if (result)
		links_publish_marked(broker, program_id, stopped_at);
	else
		links_publish(broker, program_id, stopped_at);
	return result;
}

static int program_unload(struct broker *broker, const struct origin *origin, uint64_t id,
                          const struct store_answer *answer, struct error *error)
{
	struct error ignored;
	uint64_t stopped_at;
	int result = links_mark(broker, id, error);

	if (result)
		return result;
	stopped_at = 0;
	result = persist_copy(broker, persist_program(broker, id), error);
	if (!result)
		result = links_take_off(broker, id, &stopped_at, error);
	if (result) {
		(void)program_forget(broker, origin, id, answer, stopped_at, &ignored);
		return result;
	}
	return program_forget(broker, origin, id, answer, stopped_at, error);
}

static void unload_publish(struct broker *broker, const struct record_program *program)
{
	uint64_t id = program->id;
	bool persistent = persist_program(broker, id);
	int result = own_pins_program_remove(&broker->settings, id);

	if (result)
		log_warning("the pins of program %llu are removed at the next start: %s",
		            (unsigned long long)id, strerror(-result));
	registry_program_remove(&broker->registry, id);
	map_shares_release(broker, program);
	map_owner_forgotten(broker, id);
	view_gone(broker, FRONTEND_GONE_PROGRAM, id);
	if (persistent)
		persist_object_release(broker, program->digest);
}

int unload_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_remove *request = message->body;
	uint64_t id = request->target_id;
	struct origin origin = { message->id, STORE_OPERATION_UNLOAD, request->peer, {} };
	struct store_answer answer = { .operation = STORE_OPERATION_UNLOAD,
		                       .count = 1,
		                       .ids = { id } };
	struct record_program program;
	struct error error = {};
	char detail[64];
	int result = validate_remove(request, &error);

	if (result == -EPROTO)
		return result;
	memcpy(origin.request_id, request->request_id, REQUEST_ID_SIZE);
	if (!result && answer_repeated(broker, &origin))
		return 0;
	(void)snprintf(detail, sizeof(detail), "program=%llu", (unsigned long long)id);
	if (!result && !registry_program(&broker->registry, id))
		result = error_set(&error, -ENOENT, ERROR_NOT_FOUND,
		                   "there is no program %llu: see \"bpfctl list programs\"",
		                   (unsigned long long)id);
	if (!result && !request->force)
		result = map_users_check(&broker->registry, id, &error);
	if (!result)
		result = store_program_get(broker->store, id, &program, &error);
	if (!result)
		result = program_unload(broker, &origin, id, &answer, &error);
	if (result) {
		answer_refused(broker, &origin, &error, detail);
		return 0;
	}
	unload_publish(broker, &program);
	answer_done(broker, &origin, &answer, detail);
	return 0;
}
