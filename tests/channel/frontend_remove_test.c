/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Detach and unload through the broker, and clients that do not wait for the answer. */
#include "frontend_requests.h"

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

static void an_unload_goes_through(void **state)
{
	struct frontend_gone gone = { .kind = FRONTEND_GONE_PROGRAM, .id = 2 };
	int fd = client_open(&fixture);
	uint64_t id = 2;

	(void)state;
	ask_unload(fd, 1, id);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UNLOAD);
	const struct frontend_remove *body = message.body;

	assert_int_equal(body->target_id, 2);
	assert_int_equal(body->peer.uid, 0);
	assert_int_equal(body->peer.pid, getpid());
	assert_memory_equal(body->request_id, request_id, sizeof(request_id));
	broker_send(&fixture, FRONTEND_GONE, 0, &gone, -1);
	broker_done(&fixture, message.id, &id, 1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_UNLOAD);
	assert_int_equal(response->unload->program_id, 2);
	answer_free(response);
	ask_get_program(fd, 2, 2);
	expect_error(client_answer(fd, 2), ERROR_NOT_FOUND, "there is no program 2");
	(void)close(fd);
}

/* What the client says of force goes on, and nothing else does: a link has none. */
static void force_goes_on(void **state)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_UNLOAD);
	Bpfd__V1__UnloadRequest unload = BPFD__V1__UNLOAD_REQUEST__INIT;
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY,
		                                       .message = "its maps are used" } };
	int fd = client_open(&fixture);

	(void)state;
	unload.program_id = 2;
	request.unload = &unload;
	for (uint32_t force = 0; force < 2; force++) {
		unload.force = force != 0;
		client_ask(fd, 1 + force, &request);

		struct channel_message message = broker_receive_type(&fixture, FRONTEND_UNLOAD);

		assert_int_equal(((const struct frontend_remove *)message.body)->force, force);
		broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
		expect_error(client_answer(fd, 1 + force), ERROR_BUSY, "its maps are used");
	}
	ask_detach(fd, 3, 7);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

	assert_int_equal(((const struct frontend_remove *)message.body)->force, 0);
	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	answer_free(client_answer(fd, 3));
	(void)close(fd);
}

/* The second request waits for the first one's answer; other clients do not. */
static void order_is_kept_on_a_connection(void **state)
{
	int fd = client_open(&fixture), other = client_open(&fixture);
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY,
		                                       .message = "busy now" } };

	(void)state;
	ask_detach(fd, 1, 7);
	ask_get_program(fd, 2, 1);
	ask_detach(fd, 3, 8);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

	ask_get_program(other, 4, 1);
	answer_free(client_answer(other, 4));
	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(fd, 1), ERROR_BUSY, "busy now");
	answer_free(client_answer(fd, 2));
	message = broker_receive_type(&fixture, FRONTEND_DETACH);
	assert_int_equal(((const struct frontend_remove *)message.body)->target_id, 8);
	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(fd, 3), ERROR_BUSY, "busy now");
	(void)close(fd);
	(void)close(other);
}

static void a_client_that_goes_is_forgotten(void **state)
{
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY } };
	uint64_t id = 7;

	(void)state;
	for (int i = 0; i < 200; i++) { /* more often than there are slots */
		int fd = client_open(&fixture);

		ask_detach(fd, 1, id);

		struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

		(void)close(fd);
		fixture_serves(&fixture);
		if (i % 2)
			broker_done(&fixture, message.id, &id, 1);
		else
			broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	}
}

static void half_closed_clients_are_answered(void **state)
{
	int fd = client_open(&fixture);
	uint64_t id = 7;

	(void)state;
	ask_detach(fd, 1, 7);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

	(void)usleep(20000);
	broker_done(&fixture, message.id, &id, 1);
	answer_free(client_answer(fd, 1));
	assert_true(client_closed(fd));
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(an_unload_goes_through),           served(force_goes_on),
		served(order_is_kept_on_a_connection),    served(a_client_that_goes_is_forgotten),
		served(half_closed_clients_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
