/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Loads through the broker: the object on its way there, the verifier's log on its way back. */
#include "frontend_requests.h"

#include "common/memfd.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_refusal_carries_the_whole_log(void **state)
{
	const size_t log_size = 3u << 20;
	struct frontend_refused refused = { .error = { .code = ERROR_VERIFIER },
		                            .log_size = (uint32_t)log_size };
	uint8_t *log = malloc(log_size);
	int fd = client_open(&fixture);

	(void)state;
	assert_non_null(log);
	memset(log, 'v', log_size);
	strcpy(refused.error.message, "the verifier refuses \"trace\"");
	ask_load(fd, 1, 1000);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);
	int log_fd = memfd_from_bytes("log", log, log_size);

	assert_true(log_fd >= 0);
	assert_int_equal(fcntl(message.descriptors[0], F_GET_SEALS),
	                 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(lseek(message.descriptors[0], 0, SEEK_END), 1000);
	channel_message_close(&message);
	broker_send(&fixture, FRONTEND_REFUSED_WITH_LOG, message.id, &refused, log_fd);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_ERROR);
	assert_int_equal(response->error->code, ERROR_VERIFIER);
	assert_string_equal(response->error->message, refused.error.message);
	assert_int_equal(response->error->verifier_log.len, log_size);
	assert_memory_equal(response->error->verifier_log.data, log, log_size);
	answer_free(response);
	free(log);
	(void)close(log_fd);
	(void)close(fd);
}

/* What is as long as an object is announced when it begins; what is not, is not. */
static void a_load_is_announced(void **state)
{
	uint64_t id = 1;
	int fd = client_open(&fixture);

	(void)state;
	ask_load(fd, 1, 4000);

	struct channel_message message = broker_receive(&fixture);

	assert_int_equal(message.row->type, FRONTEND_LOAD_COMING);
	message = broker_receive(&fixture);
	assert_int_equal(message.row->type, FRONTEND_LOAD);
	channel_message_close(&message);
	broker_done(&fixture, message.id, &id, 1);
	answer_free(client_answer(fd, 1));
	ask_load(fd, 2, 100);
	message = broker_receive(&fixture);
	assert_int_equal(message.row->type, FRONTEND_LOAD);
	channel_message_close(&message);
	broker_done(&fixture, message.id, &id, 1);
	answer_free(client_answer(fd, 2));
	(void)close(fd);
}

static void objects_have_a_size(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	ask_load(fd, 1, 0);
	expect_error(client_answer(fd, 1), ERROR_BAD_OBJECT, "the object is empty");
	ask_load(fd, 2, OBJECT_SIZE_MAX + 1);
	expect_error(client_answer(fd, 2), ERROR_BAD_OBJECT,
	             "the object is 16777217 bytes long: at most 16777216 are allowed");
	(void)close(fd);
}

/* Nobody reads the broker's channel: requests wait without holding up other clients, and are sent
 * when it is read. */
static void a_slow_broker_holds_up_nobody(void **state)
{
	int fds[40];

	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		fds[i] = client_open(&fixture);
		ask_load(fds[i], i, 100);
	}
	fixture_serves(&fixture);
	for (uint32_t i = 0; i < 40; i++) {
		struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);
		uint64_t id = 1000 + i;

		broker_done(&fixture, message.id, &id, 1);
		channel_message_close(&message);
	}
	for (uint32_t i = 0; i < 40; i++) {
		Bpfd__V1__Response *response = client_answer(fds[i], i);

		assert_int_equal(response->load->n_programs, 1);
		assert_int_equal(response->load->programs[0]->id, 1000 + i);
		answer_free(response);
		(void)close(fds[i]);
	}
}

/* One user's objects may take half the budget: four of the largest wait for the broker, the fifth
 * is told so. */
static void objects_have_a_budget(void **state)
{
	int fds[6];
	uint64_t ids[4];
	uint64_t id = 1;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		fds[i] = client_open(&fixture);
		ask_load(fds[i], i, OBJECT_SIZE_MAX - 65536);

		struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);

		ids[i] = message.id;
		channel_message_close(&message);
	}
	fds[4] = client_open(&fixture);
	ask_load(fds[4], 4, OBJECT_SIZE_MAX - 65536);
	expect_error(client_answer(fds[4], 4), ERROR_LIMIT, "bpfd holds too many bytes");
	for (uint32_t i = 0; i < 4; i++) {
		broker_done(&fixture, ids[i], &id, 1);
		answer_free(client_answer(fds[i], i));
	}
	ask_load(fds[4], 5, OBJECT_SIZE_MAX - 65536);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);

	broker_done(&fixture, message.id, &id, 1);
	channel_message_close(&message);
	answer_free(client_answer(fds[4], 5));
	for (uint32_t i = 0; i < 5; i++)
		(void)close(fds[i]);
}

static void a_log_that_is_none_is_the_end(void **state)
{
	struct frontend_refused refused = { .error = { .code = ERROR_VERIFIER }, .log_size = 100 };
	int fd = client_open(&fixture), log_fd = memfd_from_bytes("log", "short", 5);

	(void)state;
	ask_load(fd, 1, 10);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);

	channel_message_close(&message);
	broker_send(&fixture, FRONTEND_REFUSED_WITH_LOG, message.id, &refused, log_fd);
	expect_end("a verifier log that is not as it says");
	(void)close(fd);
	(void)close(log_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(a_refusal_carries_the_whole_log),
		served(a_load_is_announced),
		served(objects_have_a_size),
		served(a_slow_broker_holds_up_nobody),
		served(objects_have_a_budget),
		ended(a_log_that_is_none_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
