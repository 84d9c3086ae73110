/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several messages in one packet: each is as strictly looked at as one that comes alone. */
#include "common/cleanup.h"
#include "tests/channel/channel_ends.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* The next message of the packet that the upper end, in STATE_TWO, took in. */
static int packet_next(struct ends *ends, struct channel_message *message)
{
	return channel_inbox_next(&ends->upper, STATE_TWO, &ends->inbox, message);
}

static void queue(struct ends *ends, uint16_t type, uint64_t id, const void *body,
                  const int *descriptors)
{
	assert_int_equal(channel_queue(&ends->lower, &ends->outbox, type, id, body, descriptors),
	                 0);
}

/* Does the upper end have a packet waiting? */
static bool packet_waits(const struct ends *ends)
{
	char byte;

	return recv(ends->upper.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void queued_messages_come_as_one_packet(void **state)
{
	struct ends *ends = *state;
	const struct ask first = { .number = 7, .text = "seven" }, second = { .number = 8 };
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	const int both[] = { zero, null };
	struct channel_message message;

	stale_fill(&ends->inbox.message);
	queue(ends, ANSWER, 1, &first, &null);
	queue(ends, NOTHING, 2, NULL, NULL);
	queue(ends, WITH_TWO, 3, NULL, both);
	queue(ends, ANSWER, 4, &second, &zero);
	assert_false(packet_waits(ends));
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), 0);
	assert_false(packet_waits(ends));

	assert_int_equal(packet_next(ends, &message), 0);
	assert_int_equal(message.id, 1);
	assert_memory_equal(message.body, &first, sizeof(first));
	assert_true(same_file(message.descriptors[0], null));
	assert_true(fcntl(message.descriptors[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(message.descriptors[1], -1);
	channel_message_close(&message);
	assert_int_equal(packet_next(ends, &message), 0);
	assert_int_equal(message.row->type, NOTHING);
	assert_int_equal(message.descriptors[0], -1);
	assert_int_equal(packet_next(ends, &message), 0);
	assert_true(same_file(message.descriptors[0], zero));
	assert_true(same_file(message.descriptors[1], null));
	channel_message_close(&message);
	assert_true(channel_inbox_more(&ends->inbox));
	assert_int_equal(packet_next(ends, &message), 0);
	assert_memory_equal(message.body, &second, sizeof(second)); /* with its zeros */
	channel_message_close(&message);
	assert_false(channel_inbox_more(&ends->inbox));
	assert_int_equal(packet_next(ends, &message), -EAGAIN);
}

static void nothing_queued_is_no_packet(void **state)
{
	struct ends *ends = *state;

	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	queue(ends, NOTHING, 0, NULL, NULL);
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), 0);
	assert_false(packet_waits(ends));
}

/* Takes every message that came, in whatever packets, and checks their order by their ids. How many
 * packets there were. */
static size_t packets_take(struct ends *ends, uint64_t messages)
{
	struct channel_message message;
	uint64_t next = 0;
	size_t packets = 0;

	for (; packet_waits(ends); packets++) {
		assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), 0);
		while (channel_inbox_more(&ends->inbox)) {
			assert_int_equal(packet_next(ends, &message), 0);
			assert_int_equal(message.id, next++);
			channel_message_close(&message);
		}
	}
	assert_int_equal(next, messages);
	return packets;
}

static void what_does_not_fit_goes_in_the_next_packet(void **state)
{
	struct ends *ends = *state;
	const int fds[] = { STDIN_FILENO, STDIN_FILENO };
	struct large *large = calloc(1, sizeof(*large));
	uint64_t id = 0;

	assert_non_null(large);
	memset(large, 0xa5, sizeof(*large));
	/* by their descriptors */
	while (id < 9)
		queue(ends, WITH_TWO, id++, NULL, fds);
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(packets_take(ends, id), 2);
	/* longer than a packet of several: alone, and in its turn */
	queue(ends, NOTHING, 0, NULL, NULL);
	queue(ends, LARGE, 1, large, NULL);
	queue(ends, NOTHING, 2, NULL, NULL);
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(packets_take(ends, 3), 3);
	free(large);
	/* by their bytes */
	for (id = 0; id <= CHANNEL_PACKET_MAX / sizeof(struct channel_header); id++)
		queue(ends, NOTHING, id, NULL, NULL);
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(packets_take(ends, id), 2);
}

static void wrong_messages_are_not_queued(void **state)
{
	struct ends *ends = *state;
	const struct ask ask = {};

	assert_int_equal(channel_queue(&ends->lower, &ends->outbox, ASK, 0, &ask, NULL), -EINVAL);
	assert_int_equal(channel_queue(&ends->lower, &ends->outbox, 0, 0, &ask, NULL), -EINVAL);
	assert_int_equal(channel_queue(&ends->lower, &ends->outbox, 6, 0, &ask, NULL), -EINVAL);
	assert_int_equal(channel_queue(&ends->lower, &ends->outbox, ANSWER, 0, &ask, NULL),
	                 -EINVAL); /* no descriptor */
	assert_int_equal(channel_queue(&ends->lower, &ends->outbox, ANSWER, 0, NULL, &(int){ 0 }),
	                 -EINVAL); /* no body */
	assert_int_equal(ends->outbox.length, 0);
	assert_int_equal(ends->outbox.descriptor_count, 0);
}

static void a_packet_for_nobody_is_said(void **state)
{
	struct ends *ends = *state;
	int result;

	(void)close(ends->upper.fd);
	ends->upper.fd = -1;
	queue(ends, NOTHING, 0, NULL, NULL);
	result = channel_flush(&ends->lower, &ends->outbox);
	assert_true(result == -EPIPE || result == -ECONNRESET);
	assert_int_equal(channel_inbox_fill(&ends->lower, &ends->inbox), -EPIPE);
}

/* Behind a message that is as it should be: that one is taken, the rest is refused. */
static void whatever_does_not_match_ends_its_packet(void **state)
{
	struct ends *ends = *state;
	_cleanup_close_ int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const size_t before = descriptors_count(), head = sizeof(struct channel_header);
	const struct channel_header good = { .type = NOTHING };
	unsigned char bytes[256];

	for (size_t i = 0; i < BAD_ROWS; i++) {
		const struct bad_row *row = &bad_rows[i];
		struct channel_message message;
		int result;

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &good, head);
		memcpy(bytes + head, &row->header, head);
		raw_send(ends->lower.fd, bytes, 2 * head + row->body - row->cut, descriptor,
		         row->descriptors);
		assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), 0);
		assert_int_equal(packet_next(ends, &message), 0);
		do {
			result = packet_next(ends, &message);
		} while (result == 0);
		if (result != -EPROTO)
			fail_msg("%s: %d", row->what, result);
		assert_false(channel_inbox_more(&ends->inbox));
		if (descriptors_count() != before)
			fail_msg("%s: descriptors leak", row->what);
	}
}

static void packets_beyond_the_bounds_are_refused(void **state)
{
	struct ends *ends = *state;
	const struct channel_header good = { .type = NOTHING };
	unsigned char *bytes = calloc(1, CHANNEL_MESSAGE_MAX + 1);
	const size_t before = descriptors_count();

	assert_non_null(bytes);
	memcpy(bytes, &good, sizeof(good));
	raw_send(ends->lower.fd, bytes, CHANNEL_MESSAGE_MAX + 1, -1, 0);
	assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), -EPROTO);
	assert_false(channel_inbox_more(&ends->inbox));
	free(bytes);
	raw_send(ends->lower.fd, &good, sizeof(good), STDIN_FILENO,
	         CHANNEL_PACKET_DESCRIPTORS_MAX + 1);
	assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), -EPROTO);
	assert_int_equal(descriptors_count(), before);
}

static void each_message_meets_the_state_that_is_then(void **state)
{
	struct ends *ends = *state;
	struct channel_message message;

	queue(ends, ANSWER, 1, &(struct ask){}, &(int){ STDIN_FILENO });
	queue(ends, NOTHING, 2, NULL, NULL);
	queue(ends, NOTHING, 3, NULL, NULL);
	assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
	assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), 0);
	assert_int_equal(channel_inbox_next(&ends->upper, STATE_ONE, &ends->inbox, &message), 0);
	channel_message_close(&message);
	assert_int_equal(channel_inbox_next(&ends->upper, STATE_TWO, &ends->inbox, &message), 0);
	assert_int_equal(channel_inbox_next(&ends->upper, STATE_ONE, &ends->inbox, &message),
	                 -EPROTO);
	assert_int_equal(channel_inbox_next(&ends->upper, STATE_TWO, &ends->inbox, &message),
	                 -EAGAIN); /* nothing is left of it */
}

static void what_is_left_of_a_packet_is_dropped(void **state)
{
	struct ends *ends = *state;
	const int both[] = { STDIN_FILENO, STDIN_FILENO };
	const size_t before = descriptors_count();
	struct channel_message message;

	for (int i = 0; i < 2; i++) {
		queue(ends, WITH_TWO, 1, NULL, both);
		queue(ends, WITH_TWO, 2, NULL, both);
		assert_int_equal(channel_flush(&ends->lower, &ends->outbox), 0);
		assert_int_equal(channel_inbox_fill(&ends->upper, &ends->inbox), 0);
		assert_int_equal(packet_next(ends, &message), 0);
		channel_message_close(&message);
	}
	assert_int_equal(descriptors_count(), before + 2);
	channel_inbox_drop(&ends->inbox);
	assert_int_equal(descriptors_count(), before);
	assert_int_equal(packet_next(ends, &message), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(queued_messages_come_as_one_packet),
		TEST(nothing_queued_is_no_packet),
		TEST(what_does_not_fit_goes_in_the_next_packet),
		TEST(wrong_messages_are_not_queued),
		TEST(a_packet_for_nobody_is_said),
		TEST(whatever_does_not_match_ends_its_packet),
		TEST(packets_beyond_the_bounds_are_refused),
		TEST(each_message_meets_the_state_that_is_then),
		TEST(what_is_left_of_a_packet_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
