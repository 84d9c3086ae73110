/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/fetch.h"

#include "common/cleanup.h"
#include "frontend/frontend.h"
#include "frontend/operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void origin_fill(struct fetch *fetch, const struct connection *connection,
                        const Bpfd__V1__Request *request)
{
	fetch->origin.peer = connection->peer;
	if (request->request_id.len != REQUEST_ID_SIZE)
		return;
	memcpy(fetch->origin.request_id, request->request_id.data, REQUEST_ID_SIZE);
	fetch->origin.request_id_size = REQUEST_ID_SIZE;
}

struct fetch *fetch_new(struct frontend *frontend, struct connection *connection,
                        const Bpfd__V1__Request *request, const struct fetcher_job *job,
                        struct error *error)
{
	struct account *account = connection->payer.account;
	struct fetch *fetch;

	if (account->fetches >= IMAGE_QUEUE_MAX / 2) {
		(void)error_set(error, -EBUSY, ERROR_LIMIT,
		                "%u requests about images are under way for this user, and no more "
		                "may be: try again when they are done",
		                account->fetches);
		return NULL;
	}
	fetch = calloc(1, sizeof(*fetch));
	if (!fetch) {
		(void)error_set(error, -ENOMEM, ERROR_LIMIT, "bpfd has no memory left: try again");
		return NULL;
	}
	fetch->kind = fetch_kind_of(request);
	fetch->connection = connection->slot;
	fetch->object_fd = fetch->evidence_fd = -1;
	fetch->job = *job;
	fetch->account = account;
	account->references++;
	account->fetches++;
	origin_fill(fetch, connection, request);
	connection->fetch = fetch;
	if (fetch_charge(frontend, fetch, sizeof(*fetch), error) == 0)
		return fetch;
	fetch_free(frontend, fetch);
	return NULL;
}

int fetch_charge(struct frontend *frontend, struct fetch *fetch, uint64_t bytes,
                 struct error *error)
{
	if (account_charge(&frontend->accounts, fetch->account, bytes) < 0)
		return error_set(error, -EDQUOT, ERROR_LIMIT,
		                 "what bpfd holds for this user's images takes too much memory "
		                 "together: try again when the others are done");
	fetch->bytes += bytes;
	return 0;
}

void fetch_forget_client(struct frontend *frontend, struct fetch *fetch)
{
	if (fetch->connection != CONNECTION_NONE)
		frontend->connections.slots[fetch->connection].fetch = NULL;
	fetch->connection = CONNECTION_NONE;
}

void fetch_free(struct frontend *frontend, struct fetch *fetch)
{
	if (!fetch)
		return;
	fetch_forget_client(frontend, fetch);
	for (uint32_t i = 0; i < fetch->image_count; i++)
		free(fetch->images[i]);
	free(fetch->images);
	free(fetch->load);
	close_cleanup(&fetch->object_fd);
	close_cleanup(&fetch->evidence_fd);
	fetch->account->fetches--;
	account_refund(&frontend->accounts, fetch->account, fetch->bytes);
	account_unref(&frontend->accounts, fetch->account);
	explicit_bzero(&fetch->job, sizeof(fetch->job));
	free(fetch);
}

/* The client's next request is taken when the fetch is gone. */
static struct connection *client_take(struct frontend *frontend, struct fetch *fetch)
{
	int slot = fetch->connection;

	fetch_forget_client(frontend, fetch);
	return slot == CONNECTION_NONE ? NULL : &frontend->connections.slots[slot];
}

void fetch_fail(struct frontend *frontend, struct fetch *fetch, const struct error *error)
{
	const struct event_request asked = { .operation = fetch->kind->operation,
		                             .image_reference = fetch->job.reference };
	struct connection *connection = client_take(frontend, fetch);

	if (fetch->kind->tells)
		event_refused(frontend, &fetch->origin, &asked, error);
	fetch_free(frontend, fetch);
	if (!connection)
		return;
	operation_refuse(frontend, connection, error);
	connection_resume(frontend, connection);
}

void fetch_finish(struct frontend *frontend, struct fetch *fetch)
{
	struct error error;

	if (fetch->kind->fetches && !fetch->cached)
		event_image(frontend, BPFD__V1__EVENT_KIND__EVENT_KIND_IMAGE_PULL, &fetch->origin,
		            fetch->images[0]->reference);
	if (fetch->kind->finish(frontend, fetch, &error) < 0)
		fetch_fail(frontend, fetch, &error);
}
