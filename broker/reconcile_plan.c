/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/reconcile.h"

struct plan {
	struct reconcile_step *steps;
	size_t count;
};

static void step_add(struct plan *plan, enum reconcile_action action, uint64_t id)
{
	plan->steps[plan->count++] = (struct reconcile_step){ action, id };
}

static enum reconcile_action program_action(const struct reconcile_program *program)
{
	if (program->pinned && program->same)
		return RECONCILE_PROGRAM_KEEP;
	return program->persistent ? RECONCILE_PROGRAM_RESTORE : RECONCILE_PROGRAM_DROP;
}

static enum reconcile_action program_action_of(const struct reconcile_facts *facts, uint64_t id)
{
	for (size_t i = 0; i < facts->program_count; i++) {
		if (facts->programs[i].id == id)
			return program_action(&facts->programs[i]);
	}
	return RECONCILE_PROGRAM_DROP;
}

static bool program_kept(const struct reconcile_facts *facts, uint64_t id)
{
	return program_action_of(facts, id) == RECONCILE_PROGRAM_KEEP;
}

/* What was half made or half removed is neither made nor kept. */
static enum reconcile_action link_restore_action(const struct reconcile_link *link)
{
	return link->state == LINK_STATE_ATTACHING || link->state == LINK_STATE_DETACHING
	               ? RECONCILE_LINK_DROP
	               : RECONCILE_LINK_WAIT;
}

static enum reconcile_action link_action(const struct reconcile_facts *facts,
                                         const struct reconcile_link *link)
{
	enum reconcile_action program = program_action_of(facts, link->program_id);

	if (program != RECONCILE_PROGRAM_KEEP)
		return program == RECONCILE_PROGRAM_RESTORE ? link_restore_action(link)
		                                            : RECONCILE_LINK_DROP;
	switch (link->state) {
	case LINK_STATE_ATTACHING:
		return RECONCILE_LINK_UNDO;
	case LINK_STATE_DETACHING:
		return RECONCILE_LINK_FINISH;
	case LINK_STATE_ATTACHED:
		return RECONCILE_LINK_ADOPT;
	case LINK_STATE_UPDATING:
		return RECONCILE_LINK_RESTORE;
	default:
		return RECONCILE_LINK_KEEP;
	}
}

/* A link that is undone or finished loses its pin with that: only one that goes on keeps it. */
static bool link_pin_kept(const struct reconcile_facts *facts, uint64_t id)
{
	for (size_t i = 0; i < facts->link_count; i++) {
		enum reconcile_action action = link_action(facts, &facts->links[i]);

		if (facts->links[i].id == id)
			return action == RECONCILE_LINK_ADOPT || action == RECONCILE_LINK_RESTORE;
	}
	return false;
}

static void programs_plan(const struct reconcile_facts *facts, struct plan *plan,
                          enum reconcile_action action)
{
	for (size_t i = 0; i < facts->program_count; i++) {
		if (program_action(&facts->programs[i]) == action)
			step_add(plan, action, facts->programs[i].id);
	}
}

static void links_plan(const struct reconcile_facts *facts, struct plan *plan,
                       enum reconcile_action action)
{
	for (size_t i = 0; i < facts->link_count; i++) {
		if (link_action(facts, &facts->links[i]) == action)
			step_add(plan, action, facts->links[i].id);
	}
}

static void pins_plan(const struct reconcile_facts *facts, struct plan *plan,
                      const struct reconcile_ids *pins,
                      bool (*kept)(const struct reconcile_facts *facts, uint64_t id),
                      enum reconcile_action action)
{
	for (size_t i = 0; i < pins->count; i++) {
		if (!kept(facts, pins->ids[i]))
			step_add(plan, action, pins->ids[i]);
	}
}

size_t reconcile_steps_max(const struct reconcile_facts *facts)
{
	return facts->program_count + facts->link_count + facts->program_pins.count +
	       facts->link_pins.count + facts->map_pins.count;
}

size_t reconcile_plan(const struct reconcile_facts *facts, struct reconcile_step *steps)
{
	struct plan plan = { .steps = steps };

	for (enum reconcile_action action = RECONCILE_PROGRAM_KEEP;
	     action <= RECONCILE_PROGRAM_RESTORE; action++)
		programs_plan(facts, &plan, action);
	for (enum reconcile_action action = RECONCILE_LINK_DROP; action <= RECONCILE_LINK_RESTORE;
	     action++)
		links_plan(facts, &plan, action);
	pins_plan(facts, &plan, &facts->program_pins, program_kept, RECONCILE_PROGRAM_UNPIN);
	pins_plan(facts, &plan, &facts->link_pins, link_pin_kept, RECONCILE_LINK_UNPIN);
	pins_plan(facts, &plan, &facts->map_pins, program_kept, RECONCILE_MAPS_UNPIN);
	return plan.count;
}
