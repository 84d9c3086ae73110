/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Clients that do what no client should: each is dropped or answered an error, and everybody else
 * is served as before. */
#include "frontend_requests.h"

#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GREETING "\0SP\0\0\x30\0\0"

static void garbage_is_dropped(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "\0SP\0\0\x31\0\0", 8 },                 /* a replier */
		{ "\0SP\0\0\x50\0\0", 8 },                 /* push */
		{ "\0SP\1\0\x30\0\0", 8 },                 /* another version */
		{ GREETING "\x02\0\0\0\0\0\0\0\x08", 17 }, /* no message */
		{ GREETING "\x01\0\0\0\0\0\0\0\0", 17 },   /* nothing in it */
		{ GREETING "\x01\0\0\0\0\0\0\0\x03"
		           "abc",
		  20 },                                            /* less than a request id */
		{ GREETING "\x01\0\0\0\0\0\0\0\x04\0\0\0\1", 21 }, /* a request id without end */
		{ GREETING "\x01\xff\xff\xff\xff\xff\xff\xff\xff",
		  17 },                                      /* all the bytes there are */
		{ GREETING "\x01\0\0\0\0\x04\0\0\x01", 17 }, /* 64 MiB and one */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = client_connect(&fixture);

		client_write(fd, cases[i].bytes, cases[i].size);
		assert_true(client_closed(fd));
		(void)close(fd);
	}
}

static void every_word_of_a_long_backtrace_counts(void **state)
{
	unsigned char message[17 + 36] = GREETING "\x01\0\0\0\0\0\0\0\x24";
	int fd = client_connect(&fixture);

	(void)state;
	message[17 + 32] = 0x80; /* it ends, one word too late */
	client_write(fd, message, sizeof(message));
	assert_true(client_closed(fd));
	(void)close(fd);
}

static void hops_are_echoed(void **state)
{
	static const unsigned char message[] =
		GREETING "\x01\0\0\0\0\0\0\0\x10\0\0\0\x07\0\0\x12\x34"
			 "\x80\0\0\x09\x08\x01\x62"; /* version_info */
	unsigned char head[8 + 9 + 12];
	int fd = client_connect(&fixture);

	(void)state;
	client_write(fd, message,
	             sizeof(message)); /* the terminating zero is version_info's length */
	client_read(fd, head, sizeof(head));
	assert_memory_equal(head + 17, message + 17, 12);
	(void)close(fd);
}

static void silence_before_the_greeting_ends(void **state)
{
	int fd = client_connect(&fixture);

	(void)state;
	assert_true(client_closed(fd)); /* well before the ten seconds that the client would wait */
	(void)close(fd);
}

static void silence_after_the_greeting_is_allowed(void **state)
{
	int fd = client_open(&fixture);
	unsigned char byte;

	(void)state;
	(void)usleep(900000); /* twice the time limit */
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	(void)close(fd);
}

static void half_a_message_ends_in_time(void **state)
{
	static const unsigned char message[] = "\x01\0\0\0\0\0\0\0\x07\x80\0\0\x01\x08\x01";
	static const size_t cuts[] = { 1, 5, 9, 11, 14 };
	int fds[sizeof(cuts) / sizeof(cuts[0])];

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		fds[i] = client_open(&fixture);
		client_write(fds[i], message, cuts[i]);
	}
	fixture_serves(&fixture);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		assert_true(client_closed(fds[i]));
		(void)close(fds[i]);
	}
}

static void a_drip_does_not_move_the_limit(void **state)
{
	static const unsigned char head[] = "\x01\0\0\0\0\0\0\x10\0\x80\0\0\x01";
	int fd = client_open(&fixture);
	int sent = 0;

	(void)state;
	client_write(fd, head, 13);
	while (sent < 100 && send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
		(void)usleep(20000);
		sent++;
	}
	assert_in_range(sent, 5, 60); /* 400 ms of them, on a machine that may be slow */
	(void)close(fd);
}

static void lying_lengths_cost_nothing(void **state)
{
	static const unsigned char head[] = "\x01\0\0\0\0\x01\0\0\0\x80\0\0\x01"; /* 16 MiB */
	size_t before_kb = fixture_peak_kb(&fixture);
	int fds[50];

	(void)state;
	for (int i = 0; i < 50; i++) {
		fds[i] = client_open(&fixture);
		client_write(fds[i], head, 13);
	}
	fixture_serves(&fixture);
	assert_in_range(fixture_peak_kb(&fixture) - before_kb, 0, 4096);
	for (int i = 0; i < 50; i++)
		(void)close(fds[i]);
}

static Bpfd__V1__Response *big_answer(int fd, size_t size)
{
	unsigned char *bytes = calloc(1, size);

	assert_non_null(bytes);
	client_ask_raw(fd, 3, bytes, size);
	free(bytes);
	return client_answer(fd, 3);
}

/* Longer than any request: read, thrown away, and answered why; the connection goes on. */
static void an_oversized_request_is_answered(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	expect_error(big_answer(fd, (17u << 20) + 100), ERROR_LIMIT, "16777216");
	expect_error(big_answer(fd, 40u << 20), ERROR_LIMIT, "41943044");
	expect_error(big_answer(fd, 10), ERROR_INVALID_ARGUMENT, "field number 0");
	assert_in_range(fixture_peak_kb(&fixture), 0, 40000);
	(void)close(fd);
}

static void connect_and_close(void **state)
{
	static const unsigned char greeting[] = GREETING "\x01\0\0";

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		int fd = client_connect(&fixture);

		client_write(fd, greeting, i % sizeof(greeting));
		(void)close(fd);
	}
}

static void too_many_are_turned_away(void **state)
{
	int fds[300];
	int in = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		unsigned char greeting[8];

		fds[i] = client_connect(&fixture);
		if (send(fds[i], GREETING, 8, MSG_NOSIGNAL) == 8 &&
		    recv(fds[i], greeting, 8, MSG_WAITALL) == 8)
			in++;
	}
	assert_int_equal(in, 64); /* by uid: all are root's */
	assert_true(fixture_logged(&fixture, "connections are refused: 64 are open"));
	for (int i = 0; i < 300; i++)
		(void)close(fds[i]);
	(void)usleep(50000);
}

static void version_ask(int fd, uint32_t id)
{
	static const unsigned char version[] = { 0x08, 0x01, 0x62, 0x00 };

	client_ask_raw(fd, id, version, sizeof(version));
}

static void requests_behind_one_another(void **state)
{
	int fd = client_open(&fixture);

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		version_ask(fd, i);
	for (uint32_t i = 0; i < 100; i++)
		answer_free(client_answer(fd, i));
	(void)close(fd);
}

/* Asks for lists until nothing more can be sent, and reads none of the answers. */
static void who_never_reads_is_dropped(void **state)
{
	static const unsigned char list[] = { 0x08, 0x01, 0x3a, 0x00 };
	int fd = client_open(&fixture);
	struct timeval wait = { .tv_sec = 20 };

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		unsigned char message[17] = { 1, 0, 0, 0, 0, 0, 0, 0, 8, 0x80, 0, 0, 1 };

		memcpy(message + 13, list, sizeof(list));
		if (send(fd, message, sizeof(message), MSG_NOSIGNAL) < 0)
			break;
		assert_true(i < 99999);
	}
	assert_true(errno == EPIPE || errno == ECONNRESET);
	assert_true(fixture_logged(&fixture, "it takes too long"));
	assert_in_range(fixture_peak_kb(&fixture), 0, 20000);
	(void)close(fd);
}

/* Both sides write more than fits while the client reads slowly: everything comes, in order. */
static void a_slow_reader_gets_everything(void **state)
{
	static const unsigned char list[] = { 0x08, 0x01, 0x3a, 0x00 };
	int fd = client_open(&fixture);
	pid_t writer = fork();

	(void)state;
	if (writer == 0) {
		for (uint32_t i = 0; i < 4000; i++)
			client_ask_raw(fd, i, list, sizeof(list));
		_exit(0);
	}
	for (uint32_t i = 0; i < 4000; i++) {
		if (i % 200 == 0)
			(void)usleep(5000);
		answer_free(client_answer(fd, i));
	}
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	(void)close(fd);
}

static void descriptors_run_out(void **state)
{
	struct rlimit few = { 20, 20 }, many;
	int fds[30];

	(void)state;
	assert_int_equal(prlimit(fixture.pid, RLIMIT_NOFILE, NULL, &many), 0);
	assert_int_equal(prlimit(fixture.pid, RLIMIT_NOFILE, &few, NULL), 0);
	for (int i = 0; i < 30; i++)
		fds[i] = client_connect(&fixture);
	assert_true(fixture_logged(&fixture, "no connection can be accepted"));
	for (int i = 0; i < 30; i++)
		(void)close(fds[i]);
	fixture_serves(&fixture); /* from what is accepted after a moment */
}

/* A child with these credentials asks; its exit status tells how it went. */
static int as_user(gid_t group, int (*ask)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(group != 0, &group) < 0 || setgid(64001) < 0 || setuid(64001) < 0)
			_exit(90);
		_exit(ask());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 91;
}

static int expect_denied(Bpfd__V1__Response *response, const char *text)
{
	if (response->result_case != BPFD__V1__RESPONSE__RESULT_ERROR)
		return 1;
	if (response->error->code != BPFD__V1__ERROR_CODE__ERROR_CODE_PERMISSION_DENIED)
		return 2;
	return strstr(response->error->message, text) ? 0 : 3;
}

static int denied_list(void)
{
	static const unsigned char list[] = { 0x08, 0x01, 0x3a, 0x00 };
	int fd = client_open(&fixture);

	client_ask_raw(fd, 1, list, sizeof(list));
	return expect_denied(
		client_answer(fd, 1),
		"permission denied: uid 64001 may not list_programs: only root and members "
		"of bpfd's access group (gid 64123) may");
}

static int denied_unload(void)
{
	static const unsigned char unload[] = "\x08\x01\x12\x10"
					      "0123456789abcdef"
					      "\x32\x02\x08\x05";
	int fd = client_open(&fixture);

	client_ask_raw(fd, 1, unload, sizeof(unload) - 1);
	return expect_denied(client_answer(fd, 1), "uid 64001 may not unload");
}

/* As long as an object, and read; the broker does not hear of it. */
static int refused_nonsense(void)
{
	const Bpfd__V1__Response *response = big_answer(client_open(&fixture), 4000);

	if (response->result_case != BPFD__V1__RESPONSE__RESULT_ERROR)
		return 1;
	return response->error->code == BPFD__V1__ERROR_CODE__ERROR_CODE_INVALID_ARGUMENT ? 0 : 2;
}

/* It is not even read. */
static int denied_big_load(void)
{
	return expect_denied(big_answer(client_open(&fixture), 1u << 20), "may not load");
}

static int served_version(void)
{
	int fd = client_open(&fixture);

	version_ask(fd, 1);
	return client_answer(fd, 1)->result_case == BPFD__V1__RESPONSE__RESULT_VERSION_INFO ? 0 : 1;
}

static void strangers_may_nothing(void **state)
{
	(void)state;
	assert_int_equal(as_user(0, denied_list), 0);
	assert_true(fixture_logged(&fixture,
	                           "audit operation=list_programs result=denied uid=64001 "
	                           "gid=64001 pid="));
	assert_int_equal(as_user(0, denied_unload), 0);
	assert_true(fixture_logged(&fixture, "request=30313233343536373839616263646566"));
	assert_int_equal(as_user(0, refused_nonsense), 0);
	assert_int_equal(as_user(0, denied_big_load), 0);
	assert_int_equal(as_user(64124, denied_list), 0);
	assert_int_equal(recv(fixture.broker.fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void members_of_the_group_may(void **state)
{
	(void)state;
	assert_int_equal(as_user(64123, served_version), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(garbage_is_dropped),
		served(every_word_of_a_long_backtrace_counts),
		served(hops_are_echoed),
		hastened(silence_before_the_greeting_ends),
		hastened(silence_after_the_greeting_is_allowed),
		hastened(half_a_message_ends_in_time),
		hastened(a_drip_does_not_move_the_limit),
		served(lying_lengths_cost_nothing),
		served(an_oversized_request_is_answered),
		served(connect_and_close),
		served(too_many_are_turned_away),
		served(requests_behind_one_another),
		hastened(who_never_reads_is_dropped),
		served(a_slow_reader_gets_everything),
		served(descriptors_run_out),
		served(strangers_may_nothing),
		served(members_of_the_group_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
