/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Attachments through the broker: what of a target gets there, and the link that comes back. */
#include "frontend_requests.h"

#include "common/program_type.h"
#include "common/target.h"

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char *text(const char *value)
{
	return (char *)(uintptr_t)value;
}

static void ask_attach(int fd, uint32_t id, uint64_t program_id, uint32_t type,
                       Bpfd__V1__Target *target)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_ATTACH);
	Bpfd__V1__AttachRequest attach = BPFD__V1__ATTACH_REQUEST__INIT;

	attach.program_id = program_id;
	attach.type = (Bpfd__V1__ProgramType)type;
	attach.target = target;
	request.attach = &attach;
	client_ask(fd, id, &request);
}

static Bpfd__V1__Response *attach_answer(int fd, uint32_t id)
{
	Bpfd__V1__Response *response = client_answer(fd, id);

	if (response->result_case != BPFD__V1__RESPONSE__RESULT_ATTACH)
		fail_msg("%s", response->result_case == BPFD__V1__RESPONSE__RESULT_ERROR
		                       ? response->error->message
		                       : "no answer to an attach");
	return response;
}

static void an_attach_answers_the_link(void **state)
{
	Bpfd__V1__Target target = BPFD__V1__TARGET__INIT;
	struct record_link link = row_link(8, 1);
	int32_t proceed_on[] = { 2, 31 };
	int fd = client_open(&fixture);

	(void)state;
	target.interface = text("veth0");
	target.priority_option_case = BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY;
	target.proceed_on = proceed_on;
	target.n_proceed_on = 2;
	ask_attach(fd, 1, 1, PROGRAM_TYPE_XDP, &target);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_ATTACH);
	const struct frontend_attach *body = message.body;
	uint64_t gone_link = 99;

	assert_int_equal(body->type, PROGRAM_TYPE_XDP);
	assert_string_equal(body->target.interface, "veth0");
	assert_int_equal(body->target.proceed_on, 1u << 2 | 1u << 31);
	assert_int_equal(body->target.priority, 0);
	assert_int_equal(body->target.given,
	                 TARGET_BIT(TARGET_PRIORITY) | TARGET_BIT(TARGET_PROCEED_ON));
	broker_send(&fixture, FRONTEND_LINK, 0, &link, -1);
	broker_done(&fixture, message.id, &link.id, 1);

	Bpfd__V1__Response *response = attach_answer(fd, 1);

	assert_int_equal(response->attach->link->id, 8);
	assert_string_equal(response->attach->link->program_name, "count");
	assert_string_equal(response->attach->link->where, "veth0");
	assert_int_equal(response->attach->link->position_option_case,
	                 BPFD__V1__LINK__POSITION_OPTION__NOT_SET);
	answer_free(response);
	/* a repeat, of which the link is gone since */
	ask_attach(fd, 2, 1, PROGRAM_TYPE_XDP, &target);
	message = broker_receive_type(&fixture, FRONTEND_ATTACH);
	broker_done(&fixture, message.id, &gone_link, 1);
	response = attach_answer(fd, 2);
	assert_int_equal(response->attach->link->id, 99);
	answer_free(response);
	(void)close(fd);
}

static void a_tracepoint_has_no_place_in_an_order(void **state)
{
	Bpfd__V1__Target target = BPFD__V1__TARGET__INIT;
	struct record_link link = { .id = 8,
		                    .program_id = 2,
		                    .type = PROGRAM_TYPE_TRACEPOINT,
		                    .state = LINK_STATE_ATTACHED,
		                    .target = { .group = "sched", .name = "sched_switch" } };
	int fd = client_open(&fixture);

	(void)state;
	target.group = text("sched");
	target.name = text("sched_switch");
	ask_attach(fd, 1, 2, PROGRAM_TYPE_TRACEPOINT, &target);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_ATTACH);
	const struct frontend_attach *body = message.body;

	assert_int_equal(body->program_id, 2);
	assert_int_equal(body->type, PROGRAM_TYPE_TRACEPOINT);
	assert_memory_equal(&body->target, &link.target, sizeof(link.target));
	broker_send(&fixture, FRONTEND_LINK, 0, &link, -1);
	broker_done(&fixture, message.id, &link.id, 1);

	Bpfd__V1__Response *response = attach_answer(fd, 1);
	const Bpfd__V1__Link *got = response->attach->link;

	assert_string_equal(got->where, "sched/sched_switch");
	assert_string_equal(got->target->group, "sched");
	assert_string_equal(got->target->interface, "");
	assert_int_equal(got->target->priority_option_case,
	                 BPFD__V1__TARGET__PRIORITY_OPTION__NOT_SET);
	assert_int_equal(got->target->n_proceed_on, 0);
	assert_int_equal(got->ifindex, 0);
	answer_free(response);
	(void)close(fd);
}

/* What was loaded for one place is attached there: nothing is to be said, and the place is shown.
 */
static void a_program_knows_where_it_was_loaded_for(void **state)
{
	struct record_program program = row_program(5, PROGRAM_TYPE_LSM, "guard");
	struct record_link link = {
		.id = 8, .program_id = 5, .type = PROGRAM_TYPE_LSM, .state = LINK_STATE_ATTACHED
	};
	int fd = client_open(&fixture);

	(void)state;
	(void)snprintf(program.target, sizeof(program.target), "file_open");
	broker_send(&fixture, FRONTEND_PROGRAM, 0, &program, -1);
	ask_attach(fd, 1, 5, PROGRAM_TYPE_LSM, NULL);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_ATTACH);
	const struct frontend_attach *body = message.body;

	assert_int_equal(body->type, PROGRAM_TYPE_LSM);
	assert_memory_equal(&body->target, &link.target, sizeof(link.target));
	broker_send(&fixture, FRONTEND_LINK, 0, &link, -1);
	broker_done(&fixture, message.id, &link.id, 1);

	Bpfd__V1__Response *response = attach_answer(fd, 1);

	assert_int_equal(response->attach->link->type, BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_LSM);
	assert_string_equal(response->attach->link->where, "file_open");
	answer_free(response);
	ask_get_program(fd, 2, 5);
	response = client_answer(fd, 2);
	assert_string_equal(response->get_program->program->target, "file_open");
	assert_string_equal(response->get_program->links[0]->where, "file_open");
	answer_free(response);
	(void)close(fd);
}

/* The broker hears nothing of these. */
static void wrong_targets_are_refused(void **state)
{
	Bpfd__V1__Target target = BPFD__V1__TARGET__INIT;
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY, .message = "busy" } };
	int fd = client_open(&fixture);

	(void)state;
	target.interface = text("veth0");
	ask_attach(fd, 1, 0, PROGRAM_TYPE_XDP, &target);
	expect_error(client_answer(fd, 1), ERROR_INVALID_ARGUMENT, "attach.program_id is 0");
	ask_attach(fd, 2, 1, PROGRAM_TYPE_NONE, &target);
	expect_error(client_answer(fd, 2), ERROR_INVALID_ARGUMENT, "attach.type is missing");
	ask_attach(fd, 3, 1, PROGRAM_TYPE_XDP, NULL);
	expect_error(client_answer(fd, 3), ERROR_INVALID_ARGUMENT, "interface is missing");
	ask_attach(fd, 4, 1, PROGRAM_TYPE_TRACEPOINT, &target);
	expect_error(client_answer(fd, 4), ERROR_INVALID_ARGUMENT,
	             "interface is given, which tracepoint programs do not take");
	target.group = text("sched");
	ask_attach(fd, 5, 1, PROGRAM_TYPE_XDP, &target);
	expect_error(client_answer(fd, 5), ERROR_INVALID_ARGUMENT,
	             "group is given, which xdp programs do not take");
	target.group = text("");
	ask_attach(fd, 6, 1, PROGRAM_TYPE_XDP, &target); /* the first that arrives */

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_ATTACH);

	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(fd, 6), ERROR_BUSY, "busy");
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(an_attach_answers_the_link),
		served(a_tracepoint_has_no_place_in_an_order),
		served(a_program_knows_where_it_was_loaded_for),
		served(wrong_targets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
