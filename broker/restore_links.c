/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Links that are to be attached again: after a reboot, and when their interface returns. Their
 * state is no intent: what a crash leaves of an attempt is put right by the next one.
 */
#include "broker/broker.h"

#include "common/log.h"
#include "common/target.h"

#include <errno.h>
#include <string.h>

static void link_settle(struct broker *broker, struct record_link *link, uint32_t state,
                        const struct error *reason)
{
	struct error error;

	link->state = state;
	link->updating_to = 0;
	persist_reason(link->reason, reason);
	if (link_store(broker, link, &error) < 0)
		log_warning("%s", error.message);
	registry_link_put(&broker->registry, link);
	view_link(broker, link);
}

/* What attaching filled in belongs to what was there before. */
static void target_reset(struct record_target *target)
{
	target->ifindex = 0;
	target->netns_id = 0;
	if (!(target->given & TARGET_BIT(TARGET_MODE)))
		target->mode = 0;
}

static int duplicate_check(struct broker *broker, const struct record_link *link,
                           struct error *error)
{
	const struct link_entry *same = link_same(broker, link);

	if (!same || same->id == link->id)
		return 0;
	return error_set(error, -EEXIST, ERROR_ALREADY_EXISTS,
	                 "program %llu is attached there already, as link %llu",
	                 (unsigned long long)link->program_id, (unsigned long long)same->id);
}

static int link_attach_again(struct broker *broker, const struct program_entry *entry,
                             struct record_link *link, struct error *error)
{
	const struct attach_type *type = attach_type(link->type);
	struct record_program program;
	int program_fd = entry->fd;
	int result = store_program_get(broker->store, entry->id, &program, error);

	if (result)
		return result;
	if (registry_reserve(&broker->registry, 0, 0, 1) < 0)
		return error_set(error, -ENOMEM, ERROR_UNAVAILABLE, "bpfd was out of memory");
	target_reset(&link->target);
	result = type->check(&broker->attach, &program, link, error);
	if (!result)
		result = duplicate_check(broker, link, error);
	if (!result)
		result = type->attach(&broker->attach, &program, program_fd, link, error);
	return result;
}

/* Is its interface not there (yet)? Everything else that is wrong is not put right by waiting. */
static bool waits(const struct record_link *link, int result)
{
	return link->target.interface[0] && (result == -ENODEV || result == -ENOENT);
}

void restore_link(struct broker *broker, uint64_t id)
{
	const struct link_entry *entry = registry_link(&broker->registry, id);
	const struct program_entry *program =
		registry_program(&broker->registry, entry->program_id);
	uint32_t before = entry->state;
	struct record_link link;
	struct error error = {};
	int result = store_link_get(broker->store, id, &link, &error);

	if (result) {
		log_warning("%s", error.message);
		return;
	}
	if (!program || program->fd < 0)
		result = error_set(&error, -ESRCH, ERROR_UNAVAILABLE,
		                   "program %llu could not be loaded again",
		                   (unsigned long long)link.program_id);
	else
		result = link_attach_again(broker, program, &link, &error);
	if (!result) {
		link.attached_at_s = clock_now_s();
		log_info("audit operation=restore result=done link=%llu program=%llu",
		         (unsigned long long)id, (unsigned long long)link.program_id);
		link_settle(broker, &link, LINK_STATE_ATTACHED, &(struct error){});
	} else if (before == LINK_STATE_GONE && waits(&link, result)) {
		return;
	} else {
		char reason[ERROR_MESSAGE_MAX];

		log_warning("audit operation=restore result=failed link=%llu program=%llu "
		            "reason=\"%s\"",
		            (unsigned long long)id, (unsigned long long)link.program_id,
		            log_escape(error.message, reason, sizeof(reason)));
		link_settle(broker, &link,
		            waits(&link, result) ? LINK_STATE_WAITING : LINK_STATE_FAILED, &error);
	}
}

void restore_link_wait(struct broker *broker, uint64_t id)
{
	struct record_link link;
	struct error error;

	if (store_link_get(broker->store, id, &link, &error) == 0)
		link_settle(broker, &link, LINK_STATE_WAITING, &(struct error){});
}

bool restore_waits(const struct link_entry *link)
{
	return link->state == LINK_STATE_WAITING ||
	       (link->state == LINK_STATE_GONE && link->target.follow);
}

void restore_links(struct broker *broker)
{
	/* in the order of ids, which an attempt does not change */
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (restore_waits(link) || link->state == LINK_STATE_FAILED)
			restore_link(broker, link->id);
	}
}

void restore_interface(struct broker *broker, const char *interface)
{
	for (size_t i = 0; i < broker->registry.link_count; i++) {
		const struct link_entry *link = &broker->registry.links[i];

		if (restore_waits(link) && !link->target.netns[0] &&
		    strcmp(link->target.interface, interface) == 0)
			restore_link(broker, link->id);
	}
}
