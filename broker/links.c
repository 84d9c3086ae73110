/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Attach and detach: the intent is stored, then the kernel is changed, then the result is stored
 * with the answer. */
#include "broker/broker.h"

#include "broker/validate.h"
#include "common/kernel_release.h"
#include "common/log.h"
#include "common/places.h"
#include "common/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int link_store(struct broker *broker, const struct record_link *link, struct error *error)
{
	store_begin(broker->store);
	store_link_put(broker->store, link);
	return store_commit(broker->store, error);
}

struct store_answer answer_of_one(enum store_operation operation, uint64_t id)
{
	return (struct store_answer){ .operation = (uint32_t)operation, .count = 1, .ids = { id } };
}

int link_store_answered(struct broker *broker, const struct record_link *link,
                        const struct origin *origin, struct error *error)
{
	struct store_answer answer = answer_of_one(origin->operation, link->id);

	store_begin(broker->store);
	store_link_put(broker->store, link);
	store_request_put(broker->store, origin->request_id, origin->peer.uid, &answer);
	return store_commit(broker->store, error);
}

/* With the answer, if there was one. */
static int link_forget(struct broker *broker, const struct origin *origin, uint64_t id)
{
	struct error error;
	int result;

	store_begin(broker->store);
	store_link_delete(broker->store, id);
	store_request_delete(broker->store, origin->request_id, origin->peer.uid);
	result = store_commit(broker->store, &error);
	if (result)
		log_warning("link %llu stays in the store until the next start: %s",
		            (unsigned long long)id, error.message);
	return result;
}

/* The record of a new link, as far as the request gives it. */
static struct record_link link_make(const struct broker *broker,
                                    const struct frontend_attach *request)
{
	struct record_link link = {
		.id = store_next_link(broker->store),
		.program_id = request->program_id,
		.type = request->type,
		.state = LINK_STATE_ATTACHING,
		.owner_uid = request->peer.uid,
		.owner_gid = request->peer.gid,
		.target = request->target,
		.places = request->places,
		.metadata = { .count = request->metadata.count },
	};

	memcpy(link.metadata.entries, request->metadata.entries,
	       link.metadata.count * sizeof(link.metadata.entries[0]));
	return link;
}

int program_loaded_check(const struct record_program *program, struct error *error)
{
	if (program->state == PROGRAM_STATE_LOADED)
		return 0;
	return error_set(error, -ESRCH, ERROR_UNAVAILABLE, "program %llu is not in the kernel: %s",
	                 (unsigned long long)program->id,
	                 program->reason[0] ? program->reason : "it is about to be loaded again");
}

static int program_find(struct broker *broker, const struct frontend_attach *request,
                        struct record_program *program, struct error *error)
{
	int result = store_program_get(broker->store, request->program_id, program, error);

	if (result == -ENOENT)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "there is no program %llu: see \"bpfctl list programs\"",
		                 (unsigned long long)request->program_id);
	if (!result && program->type != request->type)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program %llu is of type %s: attach it as that",
		                 (unsigned long long)request->program_id,
		                 program_type_row(program->type)->name);
	return result ? result : program_loaded_check(program, error);
}

/* Places beside the first are in the store alone. */
static bool link_is_same(struct broker *broker, const struct link_entry *entry,
                         const struct record_link *link)
{
	struct record_link other;
	struct error ignored;

	if (entry->type != link->type || entry->state != LINK_STATE_ATTACHED)
		return false;
	if (!program_type_row(link->type)->many)
		return target_same(&entry->target, &link->target);
	return store_link_get(broker->store, entry->id, &other, &ignored) == 0 &&
	       places_same(&other.target, &other.places, &link->target, &link->places);
}

const struct link_entry *link_same(struct broker *broker, const struct record_link *link)
{
	const struct link_entry *entry = NULL;

	do {
		entry = registry_link_of_program(&broker->registry, link->program_id,
		                                 entry ? entry->id : 0);
	} while (entry && !link_is_same(broker, entry, link));
	return entry;
}

static int link_check(struct broker *broker, const struct record_program *program,
                      struct record_link *link, struct error *error)
{
	int result = attach_type(link->type)->check(&broker->attach, program, link, error);

	if (result)
		return result;

	const struct link_entry *same = link_same(broker, link);

	if (same)
		return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
		                 "program %llu is attached there already, as link %llu",
		                 (unsigned long long)link->program_id,
		                 (unsigned long long)same->id);
	if (registry_reserve(&broker->registry, 0, 1, 1) < 0)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	return 0;
}

/* From intent to attached; on failure the kernel and the store are as before. */
static int link_attach(struct broker *broker, const struct origin *origin,
                       const struct record_program *program, struct record_link *link,
                       struct error *error)
{
	const struct attach_type *type = attach_type(link->type);
	int program_fd = registry_program(&broker->registry, program->id)->fd;
	int result = link_store(broker, link, error);

	if (result)
		return result;
	result = type->attach(&broker->attach, program, program_fd, link, error);
	if (result)
		(void)program_type_too_new(link->type, broker->status.kernel_release, error);
	if (!result) {
		struct error ignored;

		link->state = LINK_STATE_ATTACHED;
		link->attached_at_s = clock_now_s();
		result = link_store_answered(broker, link, origin, error);
		if (!result)
			result = persist_copy(broker, program->persist, error);
		if (result && type->detach(&broker->attach, link, &ignored) < 0)
			log_error("link %llu could not be stored nor taken off again: %s",
			          (unsigned long long)link->id, ignored.message);
	}
	if (result)
		(void)link_forget(broker, origin, link->id);
	return result;
}

/* A link that follows a name need not find it: it is attached when an interface gets it. `error`
 * says that there is none. */
static int link_wait(struct broker *broker, const struct origin *origin,
                     const struct record_program *program, struct record_link *link,
                     struct error *error)
{
	int result;

	if (registry_reserve(&broker->registry, 0, 1, 0) < 0)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE,
		                 "bpfd is out of memory: try again");
	link->state = LINK_STATE_WAITING;
	persist_reason(link->reason, error);
	result = link_store_answered(broker, link, origin, error);
	if (!result)
		result = persist_copy(broker, program->persist, error);
	if (result)
		(void)link_forget(broker, origin, link->id);
	return result;
}

/* Attaches the link, or lets it wait for the name that it follows. */
static int link_begin(struct broker *broker, const struct origin *origin,
                      const struct record_program *program, struct record_link *link,
                      struct error *error)
{
	int result = link_check(broker, program, link, error);

	if (result == -ENODEV && link->target.follow)
		return link_wait(broker, origin, program, link, error);
	return result ? result : link_attach(broker, origin, program, link, error);
}

/* "target=\"eth0 ingress\"", safe to print */
static void link_describe(const struct record_link *link, char *out, size_t size)
{
	char text[TARGET_TEXT_SIZE], shown[TARGET_TEXT_SIZE * 4 + 1];

	places_describe(&link->target, &link->places, text);
	(void)snprintf(out, size, "target=\"%s\"", log_escape(text, shown, sizeof(shown)));
}

static void attach_refuse(struct broker *broker, const struct origin *origin,
                          const struct record_link *link, const struct error *error)
{
	char target[700], detail[800];

	link_describe(link, target, sizeof(target));
	(void)snprintf(detail, sizeof(detail), "program=%llu %s",
	               (unsigned long long)link->program_id, target);
	answer_refused(broker, origin, error, detail);
}

static void attach_publish(struct broker *broker, const struct origin *origin,
                           const struct record_link *link)
{
	struct store_answer answer = answer_of_one(STORE_OPERATION_ATTACH, link->id);
	char target[700], detail[800];

	broker->status.attaches++;
	registry_link_put(&broker->registry, link);
	view_link(broker, link);
	monitor_cgroup_read(broker, link->id);
	if (link->target.netns[0])
		monitor_netns_look(broker);
	view_status(broker);
	link_describe(link, target, sizeof(target));
	(void)snprintf(detail, sizeof(detail), "program=%llu link=%llu %s",
	               (unsigned long long)link->program_id, (unsigned long long)link->id, target);
	answer_done(broker, origin, &answer, detail);
}

int attach_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_attach *request = message->body;
	struct origin origin = { message->id, STORE_OPERATION_ATTACH, request->peer, {} };
	struct record_program program;
	struct error error = {};
	int result = validate_attach(request, &error);

	if (result == -EPROTO)
		return result;
	memcpy(origin.request_id, request->request_id, REQUEST_ID_SIZE);
	if (!result && answer_repeated(broker, &origin))
		return 0;

	/* one that was made again may have the number of the one before */
	if (!result && request->target.netns[0])
		monitor_netns_look(broker);

	struct record_link link = link_make(broker, request);

	if (!result)
		result = program_find(broker, request, &program, &error);
	if (!result)
		result = link_begin(broker, &origin, &program, &link, &error);
	if (result)
		attach_refuse(broker, &origin, &link, &error);
	else
		attach_publish(broker, &origin, &link);
	return 0;
}

int link_take_off(struct broker *broker, const struct record_link *link, struct error *error)
{
	/* Somebody else has taken it off already, or its interface is gone: the kernel holds
	 * nothing of it. */
	if (link->state == LINK_STATE_REMOVED || link->state == LINK_STATE_GONE ||
	    link->state == LINK_STATE_WAITING || link->state == LINK_STATE_FAILED)
		return 0;
	return attach_type(link->type)->detach(&broker->attach, link, error);
}

/* Stores the link's state, which is an intent or takes an intent back, and shows it. */
static int link_state_set(struct broker *broker, struct record_link *link, uint32_t state,
                          struct error *error)
{
	struct record_link changed = *link;
	int result;

	changed.state = state;
	result = link_store(broker, &changed, error);
	if (result)
		return result;
	*link = changed;
	registry_link_put(&broker->registry, link);
	return 0;
}

static int detach_commit(struct broker *broker, const struct origin *origin, uint64_t id,
                         struct error *error)
{
	struct store_answer answer = answer_of_one(STORE_OPERATION_DETACH, id);

	store_begin(broker->store);
	store_link_delete(broker->store, id);
	store_request_put(broker->store, origin->request_id, origin->peer.uid, &answer);
	return store_commit(broker->store, error);
}

static int link_detach(struct broker *broker, const struct origin *origin, struct record_link *link,
                       struct error *error)
{
	struct record_link before = *link;
	struct error ignored;
	int result = link_state_set(broker, link, LINK_STATE_DETACHING, error);

	if (result)
		return result;
	/* the intent is what must not be lost: a restored store finishes it */
	result = persist_copy(broker, persist_program(broker, link->program_id), error);
	if (!result)
		result = link_take_off(broker, &before, error);
	if (result) {
		if (link_state_set(broker, link, before.state, &ignored) < 0)
			log_warning("link %llu will be taken off at the next start: %s",
			            (unsigned long long)link->id, ignored.message);
		return result;
	}
	result = detach_commit(broker, origin, link->id, error);
	/* It is off and its intent is stored: it is DETACHING until the store can be written again.
	 */
	if (result)
		view_link(broker, link);
	return result;
}

int detach_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_remove *request = message->body;
	struct origin origin = { message->id, STORE_OPERATION_DETACH, request->peer, {} };
	struct store_answer answer = answer_of_one(STORE_OPERATION_DETACH, request->target_id);
	struct record_link link;
	struct error error = {};
	char detail[64];
	int result = validate_remove(request, &error);

	if (result == -EPROTO || request->force)
		return -EPROTO;
	memcpy(origin.request_id, request->request_id, REQUEST_ID_SIZE);
	if (!result && answer_repeated(broker, &origin))
		return 0;
	(void)snprintf(detail, sizeof(detail), "link=%llu", (unsigned long long)request->target_id);
	if (!result) {
		result = store_link_get(broker->store, request->target_id, &link, &error);
		if (result == -ENOENT)
			(void)error_set(&error, result, ERROR_NOT_FOUND,
			                "there is no link %llu: see \"bpfctl list links\"",
			                (unsigned long long)request->target_id);
	}
	if (!result)
		result = link_detach(broker, &origin, &link, &error);
	if (result) {
		answer_refused(broker, &origin, &error, detail);
		return 0;
	}
	registry_link_remove(&broker->registry, link.id);
	view_gone(broker, FRONTEND_GONE_LINK, link.id);
	monitor_chain_forget(broker, &link.target);
	answer_done(broker, &origin, &answer, detail);
	return 0;
}
