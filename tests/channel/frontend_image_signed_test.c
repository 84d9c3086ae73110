/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Images whose signatures somebody wants to be verified: the broker has the word. */
#include "fetcher_stage.h"

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OPERATION(name) BPFD__V1__REQUEST__OPERATION_##name

static const char reference[] = STAGE_REFERENCE;

static void object_give(const struct stage_fetcher *fetcher)
{
	struct record_image image = image_record(reference);

	fetcher_image(fetcher, &image);
	fetcher_object(fetcher, &image);
	fetcher_done(fetcher, 1, false);
}

/* The question that the broker gets; its id. */
static uint64_t question_take(uint32_t demand)
{
	struct channel_message message = broker_receive_type(&fixture, FRONTEND_VERIFY_IMAGE);
	const struct frontend_verify_image *question = message.body;
	const struct record_image image = image_record(reference);

	assert_string_equal(question->image.reference, reference);
	assert_memory_equal(question->image.digest, image.digest, DIGEST_SIZE);
	assert_int_equal(question->demand, demand);
	assert_int_equal(question->peer.uid, getuid());
	assert_int_equal(lseek(message.descriptors[0], 0, SEEK_END), 1000);
	channel_message_close(&message);
	return message.id;
}

static const struct frontend_verdict verified = { .verdict = { .verdict = IMAGE_VERDICT_VERIFIED,
	                                                       .kind = IMAGE_RULE_KEYLESS,
	                                                       .identity = "ci@example.org",
	                                                       .issuer =
	                                                               "https://issuer.example" } };

static void expect_verified(const Bpfd__V1__Verification *verification)
{
	assert_true(verification->verified);
	assert_string_equal(verification->key, "");
	assert_string_equal(verification->identity, "ci@example.org");
	assert_string_equal(verification->issuer, "https://issuer.example");
}

static void a_pull_under_rules_has_a_verdict(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_PULL));
	assert_int_equal(fetcher_job(&fetcher).operation, FETCHER_OBJECT);
	object_give(&fetcher);
	broker_send(&fixture, FRONTEND_VERDICT, question_take(0), &verified, -1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_IMAGE_PULL);
	assert_string_equal(response->image_pull->image->reference, reference);
	expect_verified(response->image_pull->verification);
	answer_free(response);
	(void)close(fd);
}

static void a_verification_demands_a_signature(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_VERIFY));

	struct fetcher_job job = fetcher_job(&fetcher);

	assert_int_equal(job.operation, FETCHER_OBJECT);
	assert_int_equal(job.signatures, 1);
	object_give(&fetcher);
	broker_send(&fixture, FRONTEND_VERDICT, question_take(1), &verified, -1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_IMAGE_VERIFY);
	assert_string_equal(response->image_verify->image->reference, reference);
	expect_verified(response->image_verify->verification);
	answer_free(response);
	(void)close(fd);
}

static struct frontend_refused refused_new(void)
{
	return (struct frontend_refused){
		.error = { ERROR_UNTRUSTED, "none of its signatures will do" },
	};
}

/* What the broker refuses the client gets, and those who watch. */
static void expect_refusal(int fd, int watcher, const char *operation)
{
	expect_error(client_answer(fd, 1), ERROR_UNTRUSTED, "none of its signatures will do");

	Bpfd__V1__Event *event = event_next(watcher, "refused");

	assert_string_equal(event->operation, operation);
	assert_string_equal(event->image_reference, reference);
	assert_int_equal(event->error->code, ERROR_UNTRUSTED);
	assert_memory_equal(event->request_id.data, request_id, sizeof(request_id));
	event_free(event);
}

static void the_brokers_refusal_is_told(void **state)
{
	static const struct {
		Bpfd__V1__Request__OperationCase operation;
		const char *name;
		uint32_t demand;
	} rows[] = { { OPERATION(IMAGE_PULL), "image_pull", 0 },
		     { OPERATION(IMAGE_VERIFY), "image_verify", 1 } };
	struct frontend_refused refused = refused_new();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stage_fetcher fetcher = fetcher_open();
		int fd = client_open(&fixture), watcher = watcher_open();

		ask_image(fd, 1, rows[i].operation);
		(void)fetcher_job(&fetcher);
		object_give(&fetcher);
		event_free(event_next(watcher, "image-pull")); /* it is in the cache */
		broker_send(&fixture, FRONTEND_REFUSED, question_take(rows[i].demand), &refused,
		            -1);
		expect_refusal(fd, watcher, rows[i].name);
		(void)close(watcher);
		(void)close(fd);
		fetcher_end(&fetcher);
	}
}

static void a_refused_load_is_told(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct frontend_refused refused = refused_new();
	int fd = client_open(&fixture), watcher = watcher_open();

	(void)state;
	ask_load_image(fd, 1, NULL);
	(void)fetcher_job(&fetcher);
	object_give(&fetcher);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD_IMAGE);

	channel_message_close(&message);
	event_free(event_next(watcher, "image-pull"));
	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_refusal(fd, watcher, "load");
	(void)close(watcher);
	(void)close(fd);
}

static void the_ceiling_has_signatures_fetched(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	int fd = client_open(&fixture);

	(void)state;
	ask_load_image(fd, 1, NULL);
	assert_int_equal(fetcher_job(&fetcher).signatures, 1);
	(void)close(fd);
	fetcher_killed(&fetcher);
}

/* Fetchers are told at their start whether there are rules. */
static void new_rules_want_new_fetchers(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct record_status status = { .images = 1, .image_rules = 1 };
	int fd = client_open(&fixture);

	(void)state;
	broker_send(&fixture, FRONTEND_STATUS, 0, &status, -1);
	fetcher_killed(&fetcher);
	fetcher = fetcher_open();
	ask_image(fd, 1, OPERATION(IMAGE_PULL));
	assert_int_equal(fetcher_job(&fetcher).operation, FETCHER_OBJECT);
	(void)close(fd);
	fetcher_killed(&fetcher);
}

static void rules_are_read_again(void **state)
{
	Bpfd__V1__Request request = request_new(OPERATION(RULES_READ));
	Bpfd__V1__RulesReadRequest read = BPFD__V1__RULES_READ_REQUEST__INIT;
	struct frontend_rules rules = { .demands = 5, .changed = 1 };
	int fd = client_open(&fixture);

	(void)state;
	request.rules_read = &read;
	client_ask(fd, 1, &request);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_RULES_READ);

	broker_send(&fixture, FRONTEND_RULES, message.id, &rules, -1);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_RULES_READ);
	assert_int_equal(response->rules_read->demands, 5);
	assert_true(response->rules_read->changed);
	answer_free(response);
	(void)close(fd);
}

static void no_verdict_is_taken_for_another_question(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	ask_unload(fd, 1, 1);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UNLOAD);

	broker_send(&fixture, FRONTEND_VERDICT, message.id, &verified, -1);
	expect_end("the broker answers VERDICT to what was asked as message 4");
	(void)close(fd);
}

static void a_verdict_that_cannot_be_ends_the_frontend(void **state)
{
	struct stage_fetcher fetcher = fetcher_open();
	struct frontend_verdict wrong = { .verdict = { .verdict = IMAGE_VERDICT_REFUSED } };
	int fd = client_open(&fixture);

	(void)state;
	ask_image(fd, 1, OPERATION(IMAGE_VERIFY));
	(void)fetcher_job(&fetcher);
	object_give(&fetcher);
	broker_send(&fixture, FRONTEND_VERDICT, question_take(1), &wrong, -1);
	expect_end("the broker's VERDICT cannot be taken");
	(void)close(fd);
}

static void an_unterminated_reference_of_the_brokers_ends_the_frontend(void **state)
{
	struct record_program row = row_program(9, 1, "count");

	(void)state;
	memset(row.image.reference, 'a', sizeof(row.image.reference));
	broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	expect_end("the broker's PROGRAM cannot be taken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ruled(a_pull_under_rules_has_a_verdict),
		ruled(a_verification_demands_a_signature),
		ruled(the_brokers_refusal_is_told),
		ruled(a_refused_load_is_told),
		cmocka_unit_test_setup_teardown(the_ceiling_has_signatures_fetched,
		                                images_signed_only_start, serving_stop),
		imaged(new_rules_want_new_fetchers),
		imaged(rules_are_read_again),
		ended(no_verdict_is_taken_for_another_question),
		cmocka_unit_test_setup(a_verdict_that_cannot_be_ends_the_frontend,
		                       images_rules_start),
		ended(an_unterminated_reference_of_the_brokers_ends_the_frontend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
