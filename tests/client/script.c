/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/script.h"
#include "client/samples.h"

#include <cmocka.h>
#include <string.h>
#include <time.h>

void reply_script(void *context, const Bpfd__V1__Request *request, unsigned count,
                  struct reply *reply)
{
	struct script *script = context;

	if (request->request_id.len == BPFD_REQUEST_ID_SIZE) {
		if (count == 0)
			memcpy(script->first_id, request->request_id.data, BPFD_REQUEST_ID_SIZE);
		else
			script->same_id = memcmp(script->first_id, request->request_id.data,
			                         BPFD_REQUEST_ID_SIZE) == 0;
	}
	sample_reply(NULL, request, count, reply);
	if (count == 0 || !script->first_only) {
		reply->kind = script->kind;
		reply->delay_ms = script->delay_ms;
	}
}

uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct bpfd_client *client_open(const struct test_server *server, uint32_t timeout_ms)
{
	struct bpfd_client *client = NULL;

	assert_int_equal(bpfd_client_open(test_server_path(server), &client, NULL), 0);
	bpfd_client_set_timeout(client, timeout_ms);
	return client;
}

unsigned scripted_call(struct script *script, uint32_t timeout_ms, int result, int code,
                       uint64_t most_ms)
{
	struct test_server *server = test_server_start(reply_script, script, NULL);
	struct bpfd_client *client = client_open(server, timeout_ms);
	struct bpfd_error *error = NULL;
	uint64_t begin_ms = now_ms();
	unsigned requests;

	assert_int_equal(bpfd_detach(client, 1, NULL, &error), result);
	assert_true(now_ms() - begin_ms < most_ms);
	if (result) {
		assert_int_equal(error->code, code);
		bpfd_error_free(error);
	}
	bpfd_client_close(client);
	requests = test_server_requests(server);
	test_server_free(server);
	return requests;
}
