/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "declare/plan.h"

#include "declare/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A mark as it was read. */
struct mark {
	char file[DECLARATION_FILE_MAX + 1];
	char digits[DECLARATION_MARK_SIZE];
	char keys[3]; /* of a link: "p" where its priority was declared, "a" for proceed-on */
};

struct planner {
	const struct declarations *declarations;
	const struct bpfd_programs *programs;
	const struct bpfd_links *links;
	uint32_t uid;
	struct plan *plan;
	size_t room;
	int result;
};

static void keys_print(const struct declared_link *link, char keys[3])
{
	(void)snprintf(keys, 3, "%s%s", lines_have(link->lines, "priority") ? "p" : "",
	               lines_have(link->lines, "proceed-on") ? "a" : "");
}

void program_mark_print(const struct declaration *declaration, char out[PLAN_MARK_SIZE])
{
	(void)snprintf(out, PLAN_MARK_SIZE, "%s %s", declaration->file, declaration->mark);
}

void link_mark_print(const struct declaration *declaration, const struct declared_link *link,
                     char out[PLAN_MARK_SIZE])
{
	char keys[3];

	keys_print(link, keys);
	(void)snprintf(out, PLAN_MARK_SIZE, "%s %s %s", declaration->file, link->place, keys);
}

/* False for what nobody declared. */
static _Bool mark_read(const struct bpfd_metadata *metadata, size_t count, struct mark *mark)
{
	*mark = (struct mark){};
	for (size_t i = 0; i < count; i++) {
		if (strcmp(metadata[i].key, DECLARATION_KEY) == 0)
			return sscanf(metadata[i].value, "%64s %32s %2s", mark->file, mark->digits,
			              mark->keys) >= 2;
	}
	return 0;
}

static _Bool program_mark(const struct planner *planner, const struct bpfd_program *program,
                          struct mark *mark)
{
	return program->owner_uid == planner->uid &&
	       mark_read(program->metadata, program->metadata_count, mark);
}

static _Bool link_mark(const struct planner *planner, const struct bpfd_link *link,
                       struct mark *mark)
{
	return link->id && link->owner_uid == planner->uid &&
	       mark_read(link->metadata, link->metadata_count, mark);
}

static void step_add(struct planner *planner, struct plan_step step)
{
	struct plan *plan = planner->plan;

	if (plan->count == planner->room) {
		size_t room = planner->room * 2 + 16;
		void *moved = reallocarray(plan->steps, room, sizeof(*plan->steps));

		if (!moved) {
			planner->result = -ENOMEM;
			return;
		}
		plan->steps = moved;
		planner->room = room;
	}
	plan->steps[plan->count++] = step;
}

static _Bool loaded(const struct planner *planner, const struct declaration *declaration);
static const struct bpfd_program *program_current(const struct planner *planner,
                                                  const struct declaration *declaration,
                                                  const char *function);

/* The program whose maps it uses, if that is loaded and stays; owners' files are read earlier. */
static const struct bpfd_program *owner_current(const struct planner *planner,
                                                const struct declaration *declaration)
{
	if (!declaration->owner || !loaded(planner, declaration->owner))
		return NULL;
	return program_current(planner, declaration->owner, declaration->owner_function);
}

/* Does it use the maps that are declared? */
static _Bool owner_same(const struct planner *planner, const struct declaration *declaration,
                        const struct bpfd_program *program)
{
	const struct bpfd_program *owner = owner_current(planner, declaration);

	return !declaration->owner || (owner && program->map_owner == owner->id);
}

/* The program that was loaded for this function of the declaration as it is now, or NULL. */
static const struct bpfd_program *program_current(const struct planner *planner,
                                                  const struct declaration *declaration,
                                                  const char *function)
{
	struct mark mark;

	for (size_t i = 0; i < planner->programs->count; i++) {
		const struct bpfd_program *program = &planner->programs->items[i];

		if (program->state != BPFD_PROGRAM_FAILED && strcmp(program->name, function) == 0 &&
		    program_mark(planner, program, &mark) &&
		    strcmp(mark.file, declaration->file) == 0 &&
		    strcmp(mark.digits, declaration->mark) == 0 &&
		    owner_same(planner, declaration, program))
			return program;
	}
	return NULL;
}

/* All or none: programs of one load share their maps. */
static _Bool loaded(const struct planner *planner, const struct declaration *declaration)
{
	for (size_t i = 0; i < declaration->load.program_count; i++) {
		if (!program_current(planner, declaration, declaration->load.programs[i].function))
			return 0;
	}
	return 1;
}

static const struct bpfd_link *link_present(const struct planner *planner,
                                            const struct declaration *declaration,
                                            const char *place, struct mark *mark)
{
	for (size_t i = 0; i < planner->links->count; i++) {
		const struct bpfd_link *link = &planner->links->items[i];

		if (link_mark(planner, link, mark) && strcmp(mark->file, declaration->file) == 0 &&
		    strcmp(mark->digits, place) == 0)
			return link;
	}
	return NULL;
}

/* In the chain, whatever they say, the dispatcher's own return value goes on. */
static size_t actions_count(const struct bpfd_target *target, enum bpfd_program_type type,
                            int32_t *own)
{
	size_t count = 0;

	if (!bpfd_action_parse(type, "dispatcher_return", own))
		*own = INT32_MIN;
	for (size_t i = 0; i < target->proceed_on_count; i++)
		count += target->proceed_on[i] != *own;
	return count;
}

static _Bool actions_same(const struct bpfd_target *one, const struct bpfd_target *other,
                          enum bpfd_program_type type)
{
	int32_t own;

	if (actions_count(one, type, &own) != actions_count(other, type, &own))
		return 0;
	for (size_t i = 0; i < one->proceed_on_count; i++) {
		_Bool found = one->proceed_on[i] == own;

		for (size_t j = 0; j < other->proceed_on_count; j++)
			found |= one->proceed_on[i] == other->proceed_on[j];
		if (!found)
			return 0;
	}
	return 1;
}

/* Is the link where it is declared to be in the order? */
static _Bool order_same(const struct declared_link *link, const struct bpfd_link *present)
{
	const struct bpfd_target *wanted = &link->arguments.target;

	if (wanted->priority_set && wanted->priority != present->target.priority)
		return 0;
	return !wanted->proceed_on_count ||
	       actions_same(wanted, &present->target, link->arguments.type);
}

/* What runs, and what waits for its interface, can stay. */
static _Bool state_good(const struct bpfd_link *present)
{
	return present->state == BPFD_LINK_ATTACHED || present->state == BPFD_LINK_UPDATING ||
	       present->state == BPFD_LINK_WAITING ||
	       (present->state == BPFD_LINK_GONE && present->target.follow);
}

static void link_plan(struct planner *planner, struct declaration *declaration,
                      struct declared_link *link)
{
	struct mark mark;
	const struct bpfd_link *present = link_present(planner, declaration, link->place, &mark);
	const struct bpfd_program *program =
		loaded(planner, declaration) ? program_current(planner, declaration, link->function)
					     : NULL;
	_Bool same_program = present && program && present->program_id == program->id;
	struct plan_step step = {
		.declaration = declaration,
		.link = link,
		.present = present,
		.program = program,
		.file = declaration->file,
	};
	char keys[3];

	keys_print(link, keys);
	if (present && same_program && state_good(present) && strcmp(keys, mark.keys) == 0 &&
	    order_same(link, present))
		return;
	/* in place where that can be: what a mark says of keys cannot be changed */
	if (present && present->state == BPFD_LINK_ATTACHED && strcmp(keys, mark.keys) == 0) {
		step.action = PLAN_UPDATE;
		step_add(planner, step);
		return;
	}
	if (present) {
		step.action = PLAN_DETACH;
		step_add(planner, step);
	}
	step.action = PLAN_ATTACH;
	step_add(planner, step);
}

static struct declaration *declaration_find(const struct planner *planner, const char *file)
{
	for (size_t i = 0; i < planner->declarations->count; i++) {
		if (strcmp(planner->declarations->items[i]->file, file) == 0)
			return planner->declarations->items[i];
	}
	return NULL;
}

/* What a file declared that cannot be read now stays as it is. */
static _Bool file_is_bad(const struct planner *planner, const char *file)
{
	for (size_t i = 0; i < planner->declarations->bad_count; i++) {
		if (strcmp(planner->declarations->bad[i], file) == 0)
			return 1;
	}
	return 0;
}

static _Bool place_declared(const struct declaration *declaration, const char *place)
{
	for (size_t i = 0; i < declaration->link_count; i++) {
		if (strcmp(declaration->links[i]->place, place) == 0)
			return 1;
	}
	return 0;
}

/* Links of files that still declare something; those of others go with their programs. */
static void links_detach_plan(struct planner *planner)
{
	for (size_t i = 0; i < planner->links->count; i++) {
		const struct bpfd_link *link = &planner->links->items[i];
		struct declaration *declaration;
		struct mark mark;

		if (!link_mark(planner, link, &mark))
			continue;
		declaration = declaration_find(planner, mark.file);
		if (declaration && !place_declared(declaration, mark.digits))
			step_add(planner, (struct plan_step){ .action = PLAN_DETACH,
			                                      .declaration = declaration,
			                                      .present = link,
			                                      .file = declaration->file });
	}
}

/* Do programs that a file still declares use its maps? */
static _Bool maps_needed(const struct planner *planner, uint64_t owner)
{
	struct mark mark;

	for (size_t i = 0; i < planner->programs->count; i++) {
		const struct bpfd_program *program = &planner->programs->items[i];

		if (program->map_owner == owner && program_mark(planner, program, &mark) &&
		    declaration_find(planner, mark.file))
			return 1;
	}
	return 0;
}

/*
 * Of files that declare nothing any more, or of those that declare it otherwise; then also what of
 * the first these used the maps of. The newest come first: no map owner before its users.
 */
static void programs_unload_plan(struct planner *planner, _Bool declared)
{
	for (size_t i = planner->programs->count; i-- > 0;) {
		const struct bpfd_program *program = &planner->programs->items[i];
		struct declaration *declaration;
		struct mark mark;

		if (!program_mark(planner, program, &mark) || file_is_bad(planner, mark.file))
			continue;
		declaration = declaration_find(planner, mark.file);
		if ((declaration || maps_needed(planner, program->id)) != declared)
			continue;
		if (declaration && loaded(planner, declaration) &&
		    program_current(planner, declaration, program->name) == program)
			continue;
		step_add(planner,
		         (struct plan_step){ .action = PLAN_UNLOAD,
		                             .declaration = declaration,
		                             .program = program,
		                             .file = declaration ? declaration->file : NULL });
	}
}

int plan_make(const struct declarations *declarations, const struct bpfd_programs *programs,
              const struct bpfd_links *links, uint32_t uid, struct plan *plan)
{
	struct plan made = {};
	struct planner planner = {
		.declarations = declarations,
		.programs = programs,
		.links = links,
		.uid = uid,
		.plan = &made,
	};

	for (size_t i = 0; i < declarations->count; i++) {
		struct declaration *declaration = declarations->items[i];

		if (!loaded(&planner, declaration))
			step_add(&planner, (struct plan_step){
						   .action = PLAN_LOAD,
						   .declaration = declaration,
						   .program = owner_current(&planner, declaration),
						   .file = declaration->file });
	}
	/* what goes makes room first */
	programs_unload_plan(&planner, 0);
	links_detach_plan(&planner);
	for (size_t i = 0; i < declarations->count; i++) {
		struct declaration *declaration = declarations->items[i];

		for (size_t at = 0; at < declaration->link_count; at++)
			link_plan(&planner, declaration, declaration->links[at]);
	}
	programs_unload_plan(&planner, 1);
	if (planner.result) {
		plan_free(&made);
		return planner.result;
	}
	*plan = made;
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){};
}
