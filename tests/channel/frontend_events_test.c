/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Those who watch: what they are told, and what they cannot do. */
#include "frontend_requests.h"

#include "common/program_type.h"

#include <cmocka.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* AddressSanitizer keeps a shadow of all memory, and what was freed for a while. */
#ifdef __SANITIZE_ADDRESS__
#define PEAK_KB_MAX (16384 * 8)
#else
#define PEAK_KB_MAX 16384
#endif
#define EVENT(kind) BPFD__V1__EVENT_KIND__EVENT_KIND_##kind

/* The next event has this kind, these ids and this number. */
static void event_expect(int fd, const char *topic, uint64_t program_id, uint64_t link_id,
                         uint64_t sequence)
{
	Bpfd__V1__Event *event = event_next(fd, topic);

	assert_int_equal(event->program_id, program_id);
	assert_int_equal(event->link_id, link_id);
	assert_int_equal(event->sequence, sequence);
	event_free(event);
}

static void gone_send(uint32_t kind, uint64_t id)
{
	struct frontend_gone gone = { .kind = kind, .id = id };

	broker_send(&fixture, FRONTEND_GONE, 0, &gone, -1);
}

static void an_unload_takes_its_links_along(void **state)
{
	uint64_t id = 1;
	int client = client_open(&fixture), watcher = watcher_open();

	(void)state;
	ask_unload(client, 1, 1);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_UNLOAD);

	gone_send(FRONTEND_GONE_LINK, 7);
	gone_send(FRONTEND_GONE_PROGRAM, 1);
	broker_done(&fixture, message.id, &id, 1);
	answer_free(client_answer(client, 1));

	Bpfd__V1__Event *event = event_next(watcher, "detach");

	assert_int_equal(event->kind, EVENT(DETACH));
	assert_int_equal(event->link_id, 7);
	assert_int_equal(event->program_id, 1);
	assert_string_equal(event->program_name, "count");
	assert_string_equal(event->where, "veth0");
	assert_int_equal(event->ifindex, 3);
	assert_int_equal(event->started_at, 1700000000);
	assert_int_equal(event->sequence, 1);
	assert_int_equal(event->kind_sequence, 1);
	assert_true(event->time > 1700000000000000);
	assert_int_equal(event->peer->uid, getuid());
	assert_int_equal(event->peer->pid, getpid());
	assert_int_equal(event->request_id.len, sizeof(request_id));
	assert_memory_equal(event->request_id.data, request_id, sizeof(request_id));
	event_free(event);
	event_expect(watcher, "unload", 1, 0, 2);
	(void)close(client);
	(void)close(watcher);
}

static void a_load_is_an_event_for_each_program(void **state)
{
	const uint64_t ids[] = { 20, 21 };
	int client = client_open(&fixture), watcher = watcher_open();

	(void)state;
	ask_load(client, 1, 100);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_LOAD);
	struct frontend_done repeated = { .count = 1, .repeated = 1, .ids = { 20 } };

	for (size_t i = 0; i < 2; i++) {
		struct record_program row = row_program(ids[i], PROGRAM_TYPE_TRACEPOINT, "new");

		broker_send(&fixture, FRONTEND_PROGRAM, 0, &row, -1);
	}
	channel_message_close(&message);
	broker_done(&fixture, message.id, ids, 2);
	answer_free(client_answer(client, 1));
	event_expect(watcher, "load", 20, 0, 1);
	event_expect(watcher, "load", 21, 0, 2);
	/* the same request once more changes nothing, and is no event */
	ask_load(client, 2, 100);
	message = broker_receive_type(&fixture, FRONTEND_LOAD);
	channel_message_close(&message);
	broker_send(&fixture, FRONTEND_DONE, message.id, &repeated, -1);
	answer_free(client_answer(client, 2));
	gone_send(FRONTEND_GONE_PROGRAM, 21);

	Bpfd__V1__Event *event = event_next(watcher, "unload");

	assert_int_equal(event->sequence, 3);
	assert_null(event->peer); /* nobody asked */
	event_free(event);
	(void)close(client);
	(void)close(watcher);
}

static void refusals_are_told_wherever_they_are_decided(void **state)
{
	struct frontend_refused refused = { .error = { .code = ERROR_BUSY,
		                                       .message = "somebody has it" } };
	int client = client_open(&fixture), watcher = watcher_open();

	(void)state;
	ask_detach(client, 1, 7);

	struct channel_message message = broker_receive_type(&fixture, FRONTEND_DETACH);

	broker_send(&fixture, FRONTEND_REFUSED, message.id, &refused, -1);
	expect_error(client_answer(client, 1), BPFD__V1__ERROR_CODE__ERROR_CODE_BUSY, "has it");

	Bpfd__V1__Event *event = event_next(watcher, "refused");

	assert_string_equal(event->operation, "detach");
	assert_int_equal(event->link_id, 7);
	assert_string_equal(event->where, "veth0");
	assert_int_equal(event->error->code, BPFD__V1__ERROR_CODE__ERROR_CODE_BUSY);
	assert_string_equal(event->error->message, "somebody has it");
	event_free(event);
	ask_unload(client, 2, 0); /* which the broker never sees */
	expect_error(client_answer(client, 2), BPFD__V1__ERROR_CODE__ERROR_CODE_INVALID_ARGUMENT,
	             "unload.program_id");
	event_expect(watcher, "refused", 0, 0, 2);
	ask_get_program(client, 3, 999); /* a question is no change */
	answer_free(client_answer(client, 3));
	gone_send(FRONTEND_GONE_LINK, 7);
	event_expect(watcher, "detach", 1, 7, 3);
	(void)close(client);
	(void)close(watcher);
}

static void chain_send(size_t count, const uint32_t *foreign_ids)
{
	struct record_chain chain = { .ifindex = 3,
		                      .type = PROGRAM_TYPE_XDP,
		                      .dispatcher_id = 91,
		                      .dispatcher_version = 2,
		                      .mode = XDP_MODE_NATIVE,
		                      .count = (uint32_t)count,
		                      .interface = "veth0" };

	for (size_t i = 0; i < count; i++)
		chain.entries[i] = (struct record_chain_entry){ .kernel_id = foreign_ids[i],
			                                        .kernel_name = "other" };
	broker_send(&fixture, FRONTEND_CHAIN, 0, &chain, -1);
}

/* The fixture's chain has the foreign program 555 and link 7. */
static void what_others_do(void **state)
{
	static const uint32_t second[] = { 555, 556 }, third[] = { 556 };
	struct record_link removed = row_link(7, 1);
	int watcher = watcher_open();
	Bpfd__V1__Event *event;

	(void)state;
	chain_send(2, second);
	event = event_next(watcher, "foreign-attach");
	assert_int_equal(event->kernel_program_id, 556);
	assert_string_equal(event->program_name, "other");
	assert_string_equal(event->where, "veth0");
	assert_int_equal(event->program_id, 0);
	event_free(event);
	removed.state = LINK_STATE_REMOVED;
	broker_send(&fixture, FRONTEND_LINK, 0, &removed, -1);
	event = event_next(watcher, "link-state");
	assert_int_equal(event->link_id, 7);
	assert_int_equal(event->link_state, BPFD__V1__LINK_STATE__LINK_STATE_REMOVED);
	event_free(event);
	broker_send(&fixture, FRONTEND_LINK, 0, &removed, -1); /* nothing new */
	chain_send(1, third);
	event = event_next(watcher, "foreign-detach");
	assert_int_equal(event->kernel_program_id, 555);
	assert_int_equal(event->sequence, 3);
	assert_int_equal(event->kind_sequence, 1);
	event_free(event);
	(void)close(watcher);
}

static void a_wrong_start_is_the_end(void **state)
{
	static const char *const starts[] = {
		"GET / HTTP/1.1\r\n\r\n", "\0SP\0\0\x30\0\0", /* a requester */
		"\0SP\0\0\x20\0\0",                           /* a publisher */
		"\0SP\0\x01\x21\0\0",                         /* of no known protocol */
		"\0SP\0\0\x21\0\x01",                         /* reserved bytes */
		"\0SP\0\0\x21\0\0\x01",                       /* and a message */
	};
	static const size_t sizes[] = { 18, 8, 8, 8, 8, 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		int fd = watcher_connect(&fixture);

		client_write(fd, starts[i], sizes[i]);
		assert_true(client_closed(fd));
		(void)close(fd);
	}
}

static void a_subscriber_that_speaks_is_the_end(void **state)
{
	int fd = watcher_open();

	(void)state;
	(void)usleep(50000); /* the greeting has been taken */
	client_write(fd, "\x01", 1);
	assert_true(client_closed(fd));
	(void)close(fd);
}

/* Those that say nothing, or half of a greeting, are dropped in time; one that is greeted stays. */
static void subscribers_that_do_not_greet_end(void **state)
{
	int silent = watcher_connect(&fixture), half = watcher_connect(&fixture), fd;

	(void)state;
	client_write(half, subscriber_greeting, 5);
	fd = watcher_open();
	assert_true(client_closed(silent));
	assert_true(client_closed(half));
	gone_send(FRONTEND_GONE_LINK, 7);
	event_expect(fd, "detach", 1, 7, 1);
	(void)close(fd);
	(void)close(silent);
	(void)close(half);
}

/* Events for one that never reads are dropped, whole; others get all of theirs. */
static void a_slow_one_harms_nobody(void **state)
{
	enum { EVENTS = 6000 };
	struct record_link row = row_link(7, 1);
	int slow = watcher_open(), fast = watcher_open();
	uint64_t expected = 1, last = 0;
	size_t gaps = 0;

	(void)state;
	for (int i = 1; i <= EVENTS; i++) {
		row.state = i % 2 ? LINK_STATE_REMOVED : LINK_STATE_ATTACHED;
		broker_send(&fixture, FRONTEND_LINK, 0, &row, -1);
		event_expect(fast, "link-state", 1, 7, (uint64_t)i);
	}
	assert_true(fixture_logged(&fixture, "does not read its events"));
	assert_true(fixture_peak_kb(&fixture) < PEAK_KB_MAX);
	fixture_serves(&fixture);
	/* what it gets in the end is whole, in order, and shows by its numbers what is missing */
	do {
		Bpfd__V1__Event *event = event_next(slow, "link-state");

		assert_true(event->sequence > last);
		gaps += event->sequence != expected;
		expected = event->sequence + 1;
		last = event->sequence;
		event_free(event);
		if (gaps == 0 && last % 100 == 0) { /* room is made: the next ones come again */
			row.state = row.state == LINK_STATE_ATTACHED ? LINK_STATE_REMOVED
			                                             : LINK_STATE_ATTACHED;
			broker_send(&fixture, FRONTEND_LINK, 0, &row, -1);
		}
	} while (gaps == 0);
	assert_true(last > EVENTS);
	(void)close(slow);
	(void)close(fast);
}

static void nothing_is_kept_for_nobody(void **state)
{
	struct record_link row = row_link(7, 1);
	int fd;

	(void)state;
	for (int i = 1; i <= 100; i++) {
		row.state = i % 2 ? LINK_STATE_REMOVED : LINK_STATE_ATTACHED;
		broker_send(&fixture, FRONTEND_LINK, 0, &row, -1);
	}
	(void)usleep(100000);
	fd = watcher_open();
	gone_send(FRONTEND_GONE_LINK, 7);
	event_expect(fd, "detach", 1, 7, 101); /* but they were counted */
	(void)close(fd);
}

static void too_many_are_refused(void **state)
{
	int fds[SUBSCRIBERS_PER_UID_MAX];
	int more;

	(void)state;
	for (size_t i = 0; i < SUBSCRIBERS_PER_UID_MAX; i++)
		fds[i] = watcher_open();
	more = watcher_connect(&fixture);
	assert_true(client_closed(more));
	(void)close(more);
	assert_true(fixture_logged(&fixture, "subscribers are refused"));
	gone_send(FRONTEND_GONE_LINK, 7);
	for (size_t i = 0; i < SUBSCRIBERS_PER_UID_MAX; i++) {
		event_expect(fds[i], "detach", 1, 7, 1);
		(void)close(fds[i]);
	}
	(void)usleep(100000);
	more = watcher_open(); /* there is room again */
	(void)close(more);
}

/* As a user that may do nothing: an exit status says what it found. */
static void a_stranger_is_told_nothing(void **state)
{
	int status;
	int watcher = watcher_open();
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(65500) < 0 || setuid(65500) < 0)
			_exit(1);
		for (int i = 0; i < 5; i++) {
			int fd = watcher_connect(&fixture);
			char byte;

			if (recv(fd, &byte, 1, 0) > 0)
				_exit(2);
			(void)close(fd);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(fixture_logged(&fixture, "audit operation=watch result=denied uid=65500"));

	Bpfd__V1__Event *event = event_next(watcher, "refused");

	assert_string_equal(event->operation, "watch");
	assert_int_equal(event->peer->uid, 65500);
	event_free(event);
	gone_send(FRONTEND_GONE_LINK, 7);
	event_expect(watcher, "detach", 1, 7, 2); /* one refusal was told, not five */
	(void)close(watcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(an_unload_takes_its_links_along),
		served(a_load_is_an_event_for_each_program),
		served(refusals_are_told_wherever_they_are_decided),
		served(what_others_do),
		served(a_wrong_start_is_the_end),
		served(a_subscriber_that_speaks_is_the_end),
		hastened(subscribers_that_do_not_greet_end),
		served(a_slow_one_harms_nobody),
		served(nothing_is_kept_for_nobody),
		served(too_many_are_refused),
		served(a_stranger_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
