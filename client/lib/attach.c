/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/lib/client.h"
#include "client/lib/describe.h"
#include "client/lib/encode.h"
#include "client/lib/error.h"
#include "common/cleanup.h"

#include <errno.h>

/* The messages of one attach request, together because the outer one points to the inner ones. */
struct attach_messages {
	Bpfd__V1__Request request;
	Bpfd__V1__AttachRequest attach;
	Bpfd__V1__XdpAttach xdp;
	Bpfd__V1__TracepointAttach tracepoint;
};

static void xdp_encode(const struct bpfd_xdp_target *target, struct attach_messages *messages)
{
	Bpfd__V1__XdpAttach *xdp = &messages->xdp;

	bpfd__v1__xdp_attach__init(xdp);
	xdp->interface = text_encode(target->interface);
	xdp->mode = (Bpfd__V1__XdpMode)target->mode;
	xdp->exclusive = target->exclusive;
	if (target->priority_set) {
		xdp->priority_option_case = BPFD__V1__XDP_ATTACH__PRIORITY_OPTION_PRIORITY;
		xdp->priority = target->priority;
	}
	xdp->n_proceed_on = target->proceed_on_count;
	xdp->proceed_on = (uint32_t *)(uintptr_t)target->proceed_on;
	messages->attach.target_case = BPFD__V1__ATTACH_REQUEST__TARGET_XDP;
	messages->attach.xdp = xdp;
}

static void tracepoint_encode(const struct bpfd_tracepoint_target *target,
                              struct attach_messages *messages)
{
	Bpfd__V1__TracepointAttach *tracepoint = &messages->tracepoint;

	bpfd__v1__tracepoint_attach__init(tracepoint);
	tracepoint->group = text_encode(target->group);
	tracepoint->name = text_encode(target->name);
	messages->attach.target_case = BPFD__V1__ATTACH_REQUEST__TARGET_TRACEPOINT;
	messages->attach.tracepoint = tracepoint;
}

static int attach_encode(struct arena *arena, const struct bpfd_attach_request *request,
                         struct attach_messages *messages, struct bpfd_error **error)
{
	bpfd__v1__request__init(&messages->request);
	bpfd__v1__attach_request__init(&messages->attach);
	messages->request.operation_case = BPFD__V1__REQUEST__OPERATION_ATTACH;
	messages->request.attach = &messages->attach;
	messages->attach.program_id = request->program_id;
	messages->attach.n_metadata = request->metadata_count;
	messages->attach.metadata =
		metadata_encode(arena, request->metadata, request->metadata_count);
	if (!messages->attach.metadata)
		return error_memory(error);
	switch (request->type) {
	case BPFD_PROGRAM_XDP:
		xdp_encode(&request->xdp, messages);
		return 0;
	case BPFD_PROGRAM_TRACEPOINT:
		tracepoint_encode(&request->tracepoint, messages);
		return 0;
	default:
		return error_make(error, -EINVAL, BPFD_ERROR_INVALID_ARGUMENT,
		                  "no program type %d: use one of enum bpfd_program_type",
		                  (int)request->type);
	}
}

int bpfd_attach(struct bpfd_client *client, const struct bpfd_attach_request *request,
                struct bpfd_link **link, struct bpfd_error **error)
{
	_cleanup_(arena) struct arena *arena = client_arena(error);
	const Bpfd__V1__Response *response;
	struct attach_messages messages;
	int result;

	if (!arena)
		return -ENOMEM;
	result = attach_encode(arena, request, &messages, error);
	if (result < 0)
		return result;
	result = client_change(client, &messages.request, request->request_id,
	                       BPFD__V1__RESPONSE__RESULT_ATTACH, arena, &response, error);
	if (result < 0)
		return result;
	return link_give(&arena, response->attach->link, link, error);
}
