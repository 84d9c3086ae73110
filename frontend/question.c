/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/question.h"

#include "common/log.h"
#include "common/target.h"
#include "frontend/request.h"
#include "frontend/validate.h"

#include <errno.h>
#include <string.h>

static int application_check(const char *field, const char *application, struct error *error)
{
	char text[APPLICATION_SIZE];

	return text_take(TEXT_APPLICATION, field, application, text, sizeof(text), error);
}

static int metadata_check(const char *field, Bpfd__V1__Metadata *const *entries, size_t count,
                          struct error *error)
{
	struct record_metadata metadata;

	return metadata_take(field, entries, count, &metadata, error);
}

/* A name, or nothing. */
static int interface_check(const char *field, const char *interface, struct error *error)
{
	const struct target_field_row *row = target_field_row(TARGET_INTERFACE);
	char shown[64];

	if (!*interface || (strlen(interface) < INTERFACE_SIZE && row->text_ok(interface)))
		return 0;
	return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
	                 "%s is \"%s\", which is no interface's name: %s", field,
	                 log_escape(interface, shown, sizeof(shown)), row->allowed);
}

static int list_programs_check(const Bpfd__V1__ListProgramsRequest *list, struct error *error)
{
	int r = application_check("list_programs.application", list->application, error);

	if (r == 0)
		r = interface_check("list_programs.interface", list->interface, error);
	if (r == 0 && list->statistics > STATISTICS_S_MAX)
		r = error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		              "list_programs.statistics is %u: at most %d seconds are allowed",
		              list->statistics, STATISTICS_S_MAX);
	if (r == 0)
		r = metadata_check("list_programs.metadata", list->metadata, list->n_metadata,
		                   error);
	return r;
}

static int list_links_check(const Bpfd__V1__ListLinksRequest *list, struct error *error)
{
	int r = application_check("list_links.application", list->application, error);

	if (r == 0)
		r = interface_check("list_links.interface", list->interface, error);
	if (r == 0)
		r = metadata_check("list_links.metadata", list->metadata, list->n_metadata, error);
	return r;
}

static int list_maps_check(const Bpfd__V1__ListMapsRequest *list, struct error *error)
{
	int r = application_check("list_maps.application", list->application, error);

	if (r == 0) /* short words, as applications' names are */
		r = application_check("list_maps.type", list->type, error);
	return r;
}

static int get_program_check(const Bpfd__V1__GetProgramRequest *get, struct error *error)
{
	if (!get->kernel_id)
		return id_check("get_program.program_id", get->program_id, error);
	if (get->program_id)
		return error_set(error, -EINVAL, ERROR_INVALID_ARGUMENT,
		                 "get_program has a program_id and a kernel_id: give one of them");
	return 0;
}

int question_check(const Bpfd__V1__Request *request, struct error *error)
{
	switch (request->operation_case) {
	case BPFD__V1__REQUEST__OPERATION_LIST_PROGRAMS:
		return list_programs_check(request->list_programs, error);
	case BPFD__V1__REQUEST__OPERATION_LIST_LINKS:
		return list_links_check(request->list_links, error);
	case BPFD__V1__REQUEST__OPERATION_LIST_MAPS:
		return list_maps_check(request->list_maps, error);
	case BPFD__V1__REQUEST__OPERATION_GET_PROGRAM:
		return get_program_check(request->get_program, error);
	case BPFD__V1__REQUEST__OPERATION_GET_LINK:
		return id_check("get_link.link_id", request->get_link->link_id, error);
	default:
		return 0;
	}
}
