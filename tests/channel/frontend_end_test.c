/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* When the frontend ends: loudly if a sibling breaks its word, without a failure if it is told to.
 */
#include "frontend_requests.h"

#include "common/program_type.h"

#include <cmocka.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void the_brokers_end_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(shutdown(fixture.broker.fd, SHUT_RDWR), 0);
	expect_end("the broker's channel ends");
}

static void the_launchers_end_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(shutdown(fixture.launcher.fd, SHUT_RDWR), 0);
	expect_end("the launcher's channel ends");
}

static void an_answer_to_nothing_is_the_end(void **state)
{
	uint64_t id = 7;

	(void)state;
	broker_done(&fixture, 0x10000, &id, 1);
	expect_end("which nobody asked");
}

static void an_impossible_row_is_the_end(void **state)
{
	struct record_program row = row_program(5, PROGRAM_TYPE_XDP, "x");

	(void)state;
	row.map_count = LOAD_MAPS_MAX + 1;
	broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	expect_end("the broker's PROGRAM cannot be taken");
}

static void a_second_view_is_the_end(void **state)
{
	(void)state;
	broker_send(&fixture, FRONTEND_VIEW_COMPLETE, 0, NULL, -1);
	expect_end("the broker's channel ends: Protocol error");
}

/* Behind a row that is as it should be. */
static void a_packet_that_goes_wrong_is_the_end(void **state)
{
	static struct channel_outbox packet;
	struct record_program row = row_program(5, PROGRAM_TYPE_XDP, "x");

	(void)state;
	broker_queue(&fixture, &packet, FRONTEND_PROGRAM, &row);
	broker_queue(&fixture, &packet, FRONTEND_VIEW_COMPLETE, NULL);
	assert_int_equal(channel_flush(&fixture.broker, &packet), 0);
	expect_end("the broker's channel ends: Protocol error");
}

static void answers_are_finished_after_stop(void **state)
{
	static const unsigned char list[] = { 0x08, 0x01, 0x3a, 0x00 };
	int fd = client_open(&fixture);

	(void)state;
	for (uint64_t id = 100; id < 700; id++) {
		struct record_program row = row_program(id, PROGRAM_TYPE_XDP, "many");

		broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	}
	client_ask_raw(fd, 1, list, sizeof(list));
	(void)usleep(200000); /* 600 programs do not fit a socket's buffer: the answer waits */
	assert_int_equal(channel_send(&fixture.launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	(void)usleep(50000);

	Bpfd__V1__Response *response = client_answer(fd, 1);

	assert_int_equal(response->list_programs->n_programs, 602);
	answer_free(response);
	assert_true(client_closed(fd));
	(void)close(fd);
	assert_int_equal(fixture_wait(&fixture), 0);
}

/* Who stops first does not matter. */
static void a_broker_that_stops_too_is_no_failure(void **state)
{
	(void)state;
	assert_int_equal(kill(fixture.pid, SIGSTOP), 0);
	assert_int_equal(channel_send(&fixture.launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	assert_int_equal(shutdown(fixture.broker.fd, SHUT_RDWR), 0);
	assert_int_equal(kill(fixture.pid, SIGCONT), 0);
	assert_int_equal(fixture_wait(&fixture), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ended(the_brokers_end_is_the_end),
		ended(the_launchers_end_is_the_end),
		ended(an_answer_to_nothing_is_the_end),
		ended(an_impossible_row_is_the_end),
		ended(a_second_view_is_the_end),
		ended(a_packet_that_goes_wrong_is_the_end),
		ended(answers_are_finished_after_stop),
		ended(a_broker_that_stops_too_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
