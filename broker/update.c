/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Update: what a link runs, and its place in the order, in place. The intent is stored with the old
 * values, then the kernel is changed, then the new values are stored with the answer: an update
 * that a crash cut short is taken back at the next start, and a client that repeats it gets it.
 */
#include "broker/broker.h"

#include "broker/validate.h"
#include "common/log.h"
#include "common/places.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An update on its way: the link as it is and as it shall be, and the programs behind both. */
struct update {
	struct record_link was, link;
	struct record_program runs, program;
};

static const char *idle_reason(const struct record_link *link)
{
	if (link->state == LINK_STATE_GONE)
		return "its place is gone";
	if (link->state == LINK_STATE_WAITING || link->state == LINK_STATE_FAILED)
		return link->reason;
	return "somebody else took it off";
}

static int link_find(struct broker *broker, const struct frontend_update *request,
                     struct update *update, struct error *error)
{
	const struct link_entry *entry = registry_link(&broker->registry, request->link_id);
	int result = entry ? store_link_get(broker->store, request->link_id, &update->was, error)
	                   : -ENOENT;

	if (result == -ENOENT)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "there is no link %llu: see \"bpfctl list links\"",
		                 (unsigned long long)request->link_id);
	if (result)
		return result;
	/* an intent that could not be taken back in the store was taken back all the same */
	update->was.state = entry->state;
	update->was.updating_to = 0;
	if (entry->state == LINK_STATE_ATTACHED)
		return 0;
	return error_set(error, -ENODEV, ERROR_NOT_FOUND,
	                 "link %llu does not run (%s): detach it, and attach its program again",
	                 (unsigned long long)entry->id, idle_reason(&update->was));
}

static int program_find(struct broker *broker, uint64_t id, struct record_program *program,
                        struct error *error)
{
	int result = store_program_get(broker->store, id, program, error);

	if (result == -ENOENT)
		return error_set(error, result, ERROR_NOT_FOUND,
		                 "there is no program %llu: see \"bpfctl list programs\"",
		                 (unsigned long long)id);
	return result;
}

/* Can the one program take the other's place? */
static int program_fits(const struct update *update, struct error *error)
{
	const struct record_program *old = &update->runs, *new = &update->program;
	const char *const forms[] = {
		[PROGRAM_FORM_NATIVE] = "with", [PROGRAM_FORM_EXTENSION] = "without"
	};

	if (new->type != old->type)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program %llu is of type %s, and link %llu is one of a %s "
		                 "program: name a program of that type",
		                 (unsigned long long)new->id, program_type_row(new->type)->name,
		                 (unsigned long long)update->link.id,
		                 program_type_row(old->type)->name);
	if (new->form != old->form)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program %llu was loaded %s --exclusive, and the one that link "
		                 "%llu runs %s: load it again like that one",
		                 (unsigned long long)new->id, forms[new->form],
		                 (unsigned long long)update->link.id, forms[old->form]);
	if (strcmp(new->target, old->target) != 0)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "program %llu was loaded for \"%s\", and link %llu is at \"%s\": "
		                 "load it for that",
		                 (unsigned long long)new->id, new->target,
		                 (unsigned long long)update->link.id, old->target);
	return 0;
}

static int place_check(struct broker *broker, const struct update *update, struct error *error)
{
	const struct link_entry *same;

	if (update->link.program_id == update->was.program_id)
		return 0;
	same = link_same(broker, &update->link);
	if (!same)
		return 0;
	return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
	                 "program %llu is attached there already, as link %llu",
	                 (unsigned long long)update->link.program_id, (unsigned long long)same->id);
}

/* What the link shall be. Changes nothing. */
static int update_prepare(struct broker *broker, const struct frontend_update *request,
                          struct update *update, struct error *error)
{
	struct record_link *link = &update->link;
	int result = link_find(broker, request, update, error);

	if (result)
		return result;
	*link = update->was;
	link->target.given |= request->given;
	if (request->given & TARGET_BIT(TARGET_PRIORITY))
		link->target.priority = request->priority;
	if (request->given & TARGET_BIT(TARGET_PROCEED_ON))
		link->target.proceed_on = request->proceed_on;
	if (request->program_id)
		link->program_id = request->program_id;
	result = program_find(broker, update->was.program_id, &update->runs, error);
	if (!result)
		result = program_find(broker, link->program_id, &update->program, error);
	if (!result)
		result = program_loaded_check(&update->program, error);
	if (!result)
		result = program_fits(update, error);
	if (!result)
		result = places_check(link->type, &link->target, &link->places, error);
	if (!result && !attach_type(link->type)->update)
		result = error_set(error, -EOPNOTSUPP, ERROR_UNSUPPORTED,
		                   "a link of a %s program cannot be changed in place: detach it, "
		                   "and attach again",
		                   program_type_row(link->type)->name);
	return result ? result : place_check(broker, update, error);
}

static bool kernel_concerned(const struct update *update)
{
	return update->link.program_id != update->was.program_id ||
	       update->link.target.priority != update->was.target.priority ||
	       update->link.target.proceed_on != update->was.target.proceed_on;
}

static int kernel_update(struct broker *broker, const struct record_program *program, uint32_t runs,
                         struct record_link *link, struct error *error)
{
	int program_fd = registry_program(&broker->registry, program->id)->fd;

	return attach_type(link->type)
	        ->update(&broker->attach, program, program_fd, runs, link, error);
}

/* The link is as it was, in the kernel: the store shall say so too. */
static void intent_take_back(struct broker *broker, const struct record_link *was)
{
	struct error error;

	if (link_store(broker, was, &error) < 0)
		log_warning("link %llu stays marked in the store until the next start: %s",
		            (unsigned long long)was->id, error.message);
}

/* Stores what the link is now, with the answer, where it matters on the disk too. */
static int update_store(struct broker *broker, const struct origin *origin,
                        const struct update *update, struct error *error)
{
	struct error ignored;
	int result = link_store_answered(broker, &update->link, origin, error);

	if (!result)
		result = persist_copy(broker, update->runs.persist || update->program.persist,
		                      error);
	if (result) {
		store_begin(broker->store);
		store_request_delete(broker->store, origin->request_id, origin->peer.uid);
		store_link_put(broker->store, &update->was);
		(void)store_commit(broker->store, &ignored); /* else at the next change of it */
	}
	return result;
}

/* The kernel was changed, but the store cannot be. */
static void update_undo(struct broker *broker, struct update *update)
{
	struct error error;

	if (kernel_update(broker, &update->runs, update->program.kernel_id, &update->was, &error) <
	    0)
		log_error("link %llu could not be stored nor made what it was: %s",
		          (unsigned long long)update->was.id, error.message);
}

/* From intent to done; on failure kernel and store are as before. */
static int update_apply(struct broker *broker, const struct origin *origin, struct update *update,
                        struct error *error)
{
	struct record_link intent = update->was;
	int result;

	if (!kernel_concerned(update))
		return update_store(broker, origin, update, error);
	intent.state = LINK_STATE_UPDATING;
	intent.updating_to = update->link.program_id;
	result = link_store(broker, &intent, error);
	if (result)
		return result;
	result = kernel_update(broker, &update->program, update->runs.kernel_id, &update->link,
	                       error);
	if (!result) {
		result = update_store(broker, origin, update, error);
		if (result)
			update_undo(broker, update);
	}
	if (result)
		intent_take_back(broker, &update->was);
	return result;
}

static void update_publish(struct broker *broker, const struct origin *origin,
                           const struct update *update)
{
	struct store_answer answer = answer_of_one(STORE_OPERATION_UPDATE, update->link.id);
	char detail[160];

	registry_link_put(&broker->registry, &update->link);
	view_link(broker, &update->link);
	(void)snprintf(detail, sizeof(detail), "link=%llu program=%llu was=%llu priority=%d",
	               (unsigned long long)update->link.id,
	               (unsigned long long)update->link.program_id,
	               (unsigned long long)update->was.program_id, update->link.target.priority);
	answer_done(broker, origin, &answer, detail);
}

int update_request(struct broker *broker, struct channel_message *message)
{
	const struct frontend_update *request = message->body;
	struct origin origin = { message->id, STORE_OPERATION_UPDATE, request->peer, {} };
	struct update update = {};
	struct error error = {};
	char detail[64];
	int result = validate_update(request, &error);

	if (result == -EPROTO)
		return result;
	memcpy(origin.request_id, request->request_id, REQUEST_ID_SIZE);
	if (!result && answer_repeated(broker, &origin))
		return 0;
	if (!result)
		result = update_prepare(broker, request, &update, &error);
	if (!result)
		result = update_apply(broker, &origin, &update, &error);
	if (!result) {
		update_publish(broker, &origin, &update);
		return 0;
	}
	(void)snprintf(detail, sizeof(detail), "link=%llu program=%llu",
	               (unsigned long long)request->link_id,
	               (unsigned long long)request->program_id);
	answer_refused(broker, &origin, &error, detail);
	return 0;
}
