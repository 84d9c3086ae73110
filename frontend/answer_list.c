/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lists of programs and links: bpfd's own first, then, where that was asked for, everybody's. */
#include "frontend/answer_list.h"

#include "frontend/answer_items.h"
#include "frontend/answer_kernel.h"

#include <errno.h>
#include <string.h>

static bool metadata_match(const struct record_metadata_entry *entries, uint32_t count,
                           Bpfd__V1__Metadata *const *wanted, size_t wanted_count)
{
	for (size_t i = 0; i < wanted_count; i++) {
		uint32_t at = 0;

		while (at < count && strcmp(entries[at].key, wanted[i]->key) != 0)
			at++;
		if (at == count || strcmp(entries[at].value, wanted[i]->value) != 0)
			return false;
	}
	return true;
}

/* ---- programs ---- */

static bool program_on(const struct view *view, uint64_t program_id, const char *interface)
{
	size_t count;
	const struct view_use *uses = view_program_uses(view, program_id, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(uses[i].link->head->target.interface, interface) == 0)
			return true;
	}
	return false;
}

static bool owner_matches(const Bpfd__V1__ListProgramsRequest *request, uint32_t uid)
{
	return request->owner_option_case !=
	               BPFD__V1__LIST_PROGRAMS_REQUEST__OWNER_OPTION_OWNER_UID ||
	       request->owner_uid == uid;
}

static bool program_matches(const struct view *view, const struct view_program *program,
                            const Bpfd__V1__ListProgramsRequest *request)
{
	if (request->type != BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED &&
	    program->head->type != (uint32_t)request->type)
		return false;
	if (*request->application && strcmp(program->head->application, request->application) != 0)
		return false;
	if (!owner_matches(request, program->head->owner_uid))
		return false;
	if (*request->interface && !program_on(view, program->id, request->interface))
		return false;
	return metadata_match(program->metadata, program->metadata_count, request->metadata,
	                      request->n_metadata);
}

/* What others loaded has no application and no metadata. */
static bool kernel_program_matches(const struct view *view, const struct kernel_program *program,
                                   const Bpfd__V1__ListProgramsRequest *request)
{
	if (*request->application || request->n_metadata)
		return false;
	if (request->type != BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED &&
	    !kernel_program_is(program, (uint32_t)request->type))
		return false;
	if (!owner_matches(request, program->owner_uid))
		return false;
	return !*request->interface || view_runs_on(view, program->id, request->interface);
}

static int own_programs_add(const struct answer_source *source,
                            const Bpfd__V1__ListProgramsRequest *request,
                            Bpfd__V1__ListProgramsResponse *list)
{
	const struct view_table *programs = &source->view->programs;

	for (size_t i = 0; i < programs->count; i++) {
		const struct view_program *program = programs->items[i];
		Bpfd__V1__Program *item;

		if (!program_matches(source->view, program, request))
			continue;
		item = answer_program_item(source, program);
		if (!item)
			return -ENOMEM;
		answer_counts_fill(source, item);
		list->programs[list->n_programs++] = item;
	}
	return 0;
}

static int kernel_programs_add(const struct answer_source *source,
                               const Bpfd__V1__ListProgramsRequest *request,
                               Bpfd__V1__ListProgramsResponse *list)
{
	const struct kernel_table *table = &source->kernel->tables[KERNEL_KIND_PROGRAM];
	const struct kernel_program *records = table->records;
	struct own_programs own;
	int r = own_programs_take(source, &own);

	for (size_t i = 0; r == 0 && i < table->count; i++) {
		if (own_program(&own, records[i].id) ||
		    !kernel_program_matches(source->view, &records[i], request))
			continue;
		list->programs[list->n_programs] = answer_kernel_program_item(source, &records[i]);
		if (!list->programs[list->n_programs++])
			return -ENOMEM;
	}
	return r;
}

int answer_list_programs(const struct answer_source *source,
                         const Bpfd__V1__ListProgramsRequest *request, Bpfd__V1__Response *response)
{
	bool all = request->all && source->kernel;
	size_t room = source->view->programs.count +
	              (all ? source->kernel->tables[KERNEL_KIND_PROGRAM].count : 0);
	Bpfd__V1__ListProgramsResponse *list =
		message_take(source->arena, Bpfd__V1__ListProgramsResponse,
	                     bpfd__v1__list_programs_response__init);
	int r;

	if (!list)
		return -ENOMEM;
	list->statistics = source->kernel && source->kernel->statistics;
	list->programs = arena_take_array(source->arena, room, sizeof(void *));
	if (!list->programs)
		return -ENOMEM;
	r = own_programs_add(source, request, list);
	if (r == 0 && all)
		r = kernel_programs_add(source, request, list);
	if (r < 0)
		return r;
	response->result_case = BPFD__V1__RESPONSE__RESULT_LIST_PROGRAMS;
	response->list_programs = list;
	return 0;
}

/* ---- links ---- */

int answer_program_links(const struct answer_source *source, uint64_t program_id,
                         Bpfd__V1__Link ***links, size_t *count)
{
	size_t used;
	const struct view_use *uses = view_program_uses(source->view, program_id, &used);
	Bpfd__V1__Link **taken = arena_take_array(source->arena, used, sizeof(void *));

	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < used; i++) {
		taken[i] = answer_link_item(source, uses[i].link);
		if (!taken[i])
			return -ENOMEM;
	}
	*links = taken;
	*count = used;
	return 0;
}

static bool one_program(const Bpfd__V1__ListLinksRequest *request)
{
	return request->program_option_case ==
	       BPFD__V1__LIST_LINKS_REQUEST__PROGRAM_OPTION_PROGRAM_ID;
}

static bool link_owner_matches(const Bpfd__V1__ListLinksRequest *request, uint32_t uid)
{
	return request->owner_option_case != BPFD__V1__LIST_LINKS_REQUEST__OWNER_OPTION_OWNER_UID ||
	       request->owner_uid == uid;
}

static bool application_matches(const struct view *view, const struct view_link *link,
                                const char *application)
{
	const struct view_program *program = view_program(view, link->head->program_id);

	return !*application || (program && strcmp(program->head->application, application) == 0);
}

static bool link_matches(const struct view *view, const struct view_link *link,
                         const Bpfd__V1__ListLinksRequest *request)
{
	const struct record_link *head = link->head;

	if (one_program(request) && head->program_id != request->program_id)
		return false;
	if (request->type != BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED &&
	    head->type != (uint32_t)request->type)
		return false;
	if (*request->interface && strcmp(head->target.interface, request->interface) != 0)
		return false;
	return link_owner_matches(request, head->owner_uid) &&
	       application_matches(view, link, request->application) &&
	       metadata_match(link->metadata, link->metadata_count, request->metadata,
	                      request->n_metadata);
}

/* Whoever attached it is not bpfd: it has no owner, application or metadata. */
static bool foreign_wanted(const Bpfd__V1__ListLinksRequest *request)
{
	return !one_program(request) && !*request->application && !request->n_metadata &&
	       request->owner_option_case != BPFD__V1__LIST_LINKS_REQUEST__OWNER_OPTION_OWNER_UID;
}

static int foreign_add(const struct answer_source *source, const struct record_chain *chain,
                       const Bpfd__V1__ListLinksRequest *request, Bpfd__V1__ListLinksResponse *list)
{
	if (*request->interface && strcmp(chain->interface, request->interface) != 0)
		return 0;
	for (uint32_t i = 0; i < chain->count; i++) {
		Bpfd__V1__Link *item;

		if (chain->entries[i].link_id)
			continue;
		item = answer_foreign_item(source, chain, i);
		if (!item)
			return -ENOMEM;
		if (request->type == BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED ||
		    request->type == item->type)
			list->links[list->n_links++] = item;
	}
	return 0;
}

static bool kernel_link_matches(const struct answer_source *source, const struct own_programs *own,
                                const struct kernel_link *link,
                                const Bpfd__V1__ListLinksRequest *request)
{
	const struct kernel_program *program =
		kernel_view_program(source->kernel, link->program_id);

	/* bpfd's own links, and what runs on its interfaces, are there already */
	if (own_program(own, link->program_id) || view_runs_foreign(source->view, link->program_id))
		return false;
	if (request->owner_option_case == BPFD__V1__LIST_LINKS_REQUEST__OWNER_OPTION_OWNER_UID &&
	    (!program || program->owner_uid != request->owner_uid))
		return false;
	return request->type == BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_UNSPECIFIED ||
	       (program && kernel_program_is(program, (uint32_t)request->type));
}

static int kernel_links_add(const struct answer_source *source,
                            const Bpfd__V1__ListLinksRequest *request,
                            Bpfd__V1__ListLinksResponse *list)
{
	const struct kernel_table *table = &source->kernel->tables[KERNEL_KIND_LINK];
	const struct kernel_link *records = table->records;
	struct own_programs own;
	int r = own_programs_take(source, &own);

	for (size_t i = 0; r == 0 && i < table->count; i++) {
		if (!kernel_link_matches(source, &own, &records[i], request))
			continue;
		list->links[list->n_links] = answer_kernel_link_item(source, &records[i]);
		if (!list->links[list->n_links++])
			return -ENOMEM;
	}
	return r;
}

static int own_links_add(const struct answer_source *source,
                         const Bpfd__V1__ListLinksRequest *request,
                         Bpfd__V1__ListLinksResponse *list)
{
	const struct view_table *links = &source->view->links;

	for (size_t i = 0; i < links->count; i++) {
		if (!link_matches(source->view, links->items[i], request))
			continue;
		list->links[list->n_links] = answer_link_item(source, links->items[i]);
		if (!list->links[list->n_links++])
			return -ENOMEM;
	}
	return 0;
}

/* Interfaces that bpfd does not manage have no name here. */
static bool kernel_links_wanted(const struct answer_source *source,
                                const Bpfd__V1__ListLinksRequest *request)
{
	return request->all && source->kernel && !one_program(request) && !*request->application &&
	       !*request->interface && !request->n_metadata;
}

static size_t chain_entries(const struct view_table *chains)
{
	size_t count = 0;

	for (size_t i = 0; i < chains->count; i++)
		count += ((const struct view_chain *)chains->items[i])->chain.count;
	return count;
}

int answer_list_links(const struct answer_source *source, const Bpfd__V1__ListLinksRequest *request,
                      Bpfd__V1__Response *response)
{
	const struct view_table *chains = &source->view->chains;
	Bpfd__V1__ListLinksResponse *list = message_take(source->arena, Bpfd__V1__ListLinksResponse,
	                                                 bpfd__v1__list_links_response__init);
	size_t room = source->view->links.count + chain_entries(chains) +
	              (source->kernel ? source->kernel->tables[KERNEL_KIND_LINK].count : 0);
	int r;

	if (!list)
		return -ENOMEM;
	if (one_program(request) && !view_program(source->view, request->program_id))
		return -ENOENT;
	list->links = arena_take_array(source->arena, room, sizeof(void *));
	if (!list->links)
		return -ENOMEM;
	r = own_links_add(source, request, list);
	for (size_t i = 0; r == 0 && foreign_wanted(request) && i < chains->count; i++)
		r = foreign_add(source, &((const struct view_chain *)chains->items[i])->chain,
		                request, list);
	if (r == 0 && kernel_links_wanted(source, request))
		r = kernel_links_add(source, request, list);
	if (r < 0)
		return r;
	response->result_case = BPFD__V1__RESPONSE__RESULT_LIST_LINKS;
	response->list_links = list;
	return 0;
}
