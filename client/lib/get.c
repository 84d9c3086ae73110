/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

static int details_give(struct arena **arena, const Bpfd__V1__GetProgramResponse *message,
                        struct bpfd_program_details **details, struct bpfd_error **error)
{
	struct bpfd_program_details *made = result_new(*arena, sizeof(*made));
	int result;

	if (!made)
		return error_memory(error);
	result = program_describe(*arena, message->program, &made->program, error);
	if (result == 0)
		result = links_describe(*arena, message->links, message->n_links, &made->links,
		                        error);
	if (result < 0)
		return result;
	made->link_count = message->n_links;
	(void)steal_ptr(arena);
	*details = made;
	return 0;
}

static bool program_asked_for(const Bpfd__V1__GetProgramRequest *get,
                              const Bpfd__V1__Program *program)
{
	if (!program)
		return false;
	if (get->kernel_id)
		return program->kernel && program->kernel->id == get->kernel_id;
	return program->id == get->program_id;
}

static int program_get(struct bpfd_client *client, Bpfd__V1__GetProgramRequest *get,
                       struct bpfd_program_details **details, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_GET_PROGRAM;
	request.get_program = get;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_GET_PROGRAM, arena,
	                     &response, error);
	if (result < 0)
		return result;
	if (!program_asked_for(get, response->get_program->program))
		return error_answer(error, "not the program that was asked for");
	return details_give(&arena, response->get_program, details, error);
}

int bpfd_get_program(struct bpfd_client *client, uint64_t program_id,
                     struct bpfd_program_details **details, struct bpfd_error **error)
{
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;

	get.program_id = program_id;
	return program_get(client, &get, details, error);
}

int bpfd_get_kernel_program(struct bpfd_client *client, uint32_t kernel_id,
                            struct bpfd_program_details **details, struct bpfd_error **error)
{
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;

	get.kernel_id = kernel_id;
	return program_get(client, &get, details, error);
}

void bpfd_program_details_free(struct bpfd_program_details *details)
{
	result_free(details);
}

int bpfd_get_link(struct bpfd_client *client, uint64_t link_id, struct bpfd_link **link,
                  struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	Bpfd__V1__GetLinkRequest get = BPFD__V1__GET_LINK_REQUEST__INIT;
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	const Bpfd__V1__Response *response;
	int result;

	if (!arena)
		return -ENOMEM;
	get.link_id = link_id;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_GET_LINK;
	request.get_link = &get;
	result = client_call(client, &request, BPFD__V1__RESPONSE__RESULT_GET_LINK, arena,
	                     &response, error);
	if (result < 0)
		return result;
	if (response->get_link->link && response->get_link->link->id != link_id)
		return error_answer(error, "not the link that was asked for");
	return link_give(&arena, response->get_link->link, link, error);
}
