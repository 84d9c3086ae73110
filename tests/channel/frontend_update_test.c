/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Updates through the broker: what of a request gets there, and the link that comes back. */
#include "frontend_requests.h"

#include "common/program_type.h"
#include "common/target.h"

#include <cmocka.h>
#include <unistd.h>

static void ask_update(int fd, uint32_t id, Bpfd__V1__UpdateRequest *update)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_UPDATE);

	request.update = update;
	client_ask(fd, id, &request);
}

static Bpfd__V1__UpdateRequest update_new(uint64_t link_id)
{
	Bpfd__V1__UpdateRequest update = BPFD__V1__UPDATE_REQUEST__INIT;

	update.link_id = link_id;
	return update;
}

static void an_update_answers_the_link(void **state)
{
	Bpfd__V1__UpdateRequest update = update_new(7);
	struct record_link link = row_link(7, 2);
	int32_t proceed_on[] = { 31, 2 };
	int fd = client_open(&fixture);

	(void)state;
	update.program_id = 2;
	update.priority_option_case = BPFD__V1__UPDATE_REQUEST__PRIORITY_OPTION_PRIORITY;
	update.priority = -3; /* the broker knows the range */
	update.proceed_on = proceed_on;
	update.n_proceed_on = 2;
	ask_update(fd, 1, &update);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UPDATE);
	const struct frontend_update *body = message.body;

	assert_int_equal(body->link_id, 7);
	assert_int_equal(body->program_id, 2);
	assert_int_equal(body->priority, -3);
	assert_int_equal(body->proceed_on, 1u << 2 | 1u << 31);
	assert_int_equal(body->given, TARGET_BIT(TARGET_PRIORITY) | TARGET_BIT(TARGET_PROCEED_ON));
	assert_memory_equal(body->request_id, request_id, sizeof(request_id));
	assert_int_equal(body->peer.uid, getuid());
	broker_send(&fixture, FRONTEND_LINK, 0, &link, -1);
	broker_done(&fixture, message.id, &link.id, 1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_UPDATE);
	assert_int_equal(response->update->link->id, 7);
	assert_int_equal(response->update->link->program_id, 2);
	answer_free(response);
	(void)close(fd);
}

/* A link that is gone may have been updated by the first of two equal requests: the broker knows.
 */
static void unknown_links_are_the_brokers_to_judge(void **state)
{
	Bpfd__V1__UpdateRequest update = update_new(99);
	int32_t proceed_on[] = { 77 };
	uint64_t gone = 99;
	int fd = client_open(&fixture);

	(void)state;
	update.proceed_on = proceed_on;
	update.n_proceed_on = 1;
	ask_update(fd, 1, &update);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UPDATE);
	const struct frontend_update *body = message.body;

	assert_int_equal(body->given, TARGET_BIT(TARGET_PROCEED_ON));
	assert_int_equal(body->proceed_on, 0);
	broker_done(&fixture, message.id, &gone, 1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_UPDATE);
	assert_int_equal(response->update->link->id, 99);
	answer_free(response);
	(void)close(fd);
}

/* The broker hears nothing of these. */
static void wrong_updates_are_refused(void **state)
{
	Bpfd__V1__UpdateRequest update = update_new(0);
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY, .message = "busy" } };
	int32_t proceed_on[] = { 2, 2 };
	int fd = client_open(&fixture);

	(void)state;
	update.program_id = 1;
	ask_update(fd, 1, &update);
	expect_error(client_answer(fd, 1), ERROR_INVALID_ARGUMENT, "update.link_id is 0");
	update = update_new(7);
	ask_update(fd, 2, &update);
	expect_error(client_answer(fd, 2), ERROR_INVALID_ARGUMENT, "there is nothing to change");
	update.proceed_on = proceed_on;
	update.n_proceed_on = 2;
	ask_update(fd, 3, &update);
	expect_error(client_answer(fd, 3), ERROR_INVALID_ARGUMENT, "proceed_on has 2 twice");
	proceed_on[1] = 30;
	ask_update(fd, 4, &update);
	expect_error(client_answer(fd, 4), ERROR_INVALID_ARGUMENT,
	             "proceed_on has 30, which is no return value of xdp programs");
	proceed_on[1] = 0;
	ask_update(fd, 5, &update); /* the first that arrives */

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UPDATE);

	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(fd, 5), ERROR_BUSY, "busy");
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(an_update_answers_the_link),
		served(unknown_links_are_the_brokers_to_judge),
		served(wrong_updates_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
