/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/fixture.h"

#include <stdlib.h>
#include <string.h>

static void reply_seen(void *context, const Bpfd__V1__Request *request, unsigned count,
                       struct reply *reply)
{
	struct seen *seen = context;
	size_t size = bpfd__v1__request__get_packed_size(request);
	uint8_t *bytes = malloc(size + 1);

	if (!bytes || request->request_id.len > sizeof(seen->request_id))
		abort();
	seen->version = request->version;
	seen->request_id_size = request->request_id.len;
	if (request->request_id.len)
		memcpy(seen->request_id, request->request_id.data, request->request_id.len);
	if (seen->request)
		bpfd__v1__request__free_unpacked(seen->request, NULL);
	(void)bpfd__v1__request__pack(request, bytes);
	seen->request = bpfd__v1__request__unpack(NULL, size, bytes);
	free(bytes);
	sample_reply(NULL, request, count, reply);
}

int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->server = test_server_start(reply_seen, &fixture->seen, NULL);
	*state = fixture;
	return bpfd_client_open(test_server_path(fixture->server), &fixture->client, NULL);
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	bpfd_client_close(fixture->client);
	test_server_free(fixture->server);
	if (fixture->seen.request)
		bpfd__v1__request__free_unpacked(fixture->seen.request, NULL);
	free(fixture);
	return 0;
}
