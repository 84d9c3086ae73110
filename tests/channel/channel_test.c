/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Channels over real socket pairs: what matches its row arrives, whatever does not is refused
 * whole. */
#include "common/cleanup.h"
#include "tests/channel/channel_ends.h"

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static void pairs_are_closed_on_exec(void **state)
{
	const struct ends *ends = *state;

	assert_true(fcntl(ends->upper.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(ends->lower.fd, F_GETFD) & FD_CLOEXEC);
}

static void messages_arrive_as_they_were_sent(void **state)
{
	struct ends *ends = *state;
	const struct ask ask = { .number = 7, .text = "seven" };
	struct channel_message message;

	assert_int_equal(channel_send(&ends->upper, ASK, 99, &ask, NULL), 0);
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message), 0);
	assert_int_equal(message.row->type, ASK);
	assert_string_equal(message.row->name, "ASK");
	assert_int_equal(message.id, 99);
	assert_memory_equal(message.body, &ask, sizeof(ask));
	for (size_t i = 0; i < CHANNEL_DESCRIPTORS_MAX; i++)
		assert_int_equal(message.descriptors[i], -1);
}

static void descriptors_arrive_closed_on_exec(void **state)
{
	struct ends *ends = *state;
	struct channel_message message;
	_cleanup_close_ int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int two = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	const int sent[] = { one, two };

	assert_int_equal(channel_send(&ends->lower, WITH_TWO, 1, NULL, sent), 0);
	assert_int_equal(channel_receive(&ends->upper, STATE_TWO, &ends->buffer, &message), 0);
	assert_true(same_file(message.descriptors[0], one));
	assert_true(same_file(message.descriptors[1], two));
	assert_true(fcntl(message.descriptors[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(message.descriptors[2], -1);
	channel_message_close(&message);
	assert_int_equal(message.descriptors[0], -1);
	channel_message_close(&message); /* again is nothing */
}

static void the_longest_message_fits(void **state)
{
	struct ends *ends = *state;
	struct large *large = calloc(1, sizeof(*large));
	struct channel_message message;

	assert_non_null(large);
	large->bytes[sizeof(large->bytes) - 1] = 42;
	assert_int_equal(channel_send(&ends->lower, LARGE, 0, large, NULL), 0);
	assert_int_equal(channel_receive(&ends->upper, STATE_TWO, &ends->buffer, &message), 0);
	assert_memory_equal(message.body, large, sizeof(*large));
	free(large);
}

static void wrong_sends_are_refused_and_send_nothing(void **state)
{
	struct ends *ends = *state;
	const struct ask ask = {};
	struct channel_message message;

	assert_int_equal(channel_send(&ends->lower, ASK, 0, &ask, NULL),
	                 -EINVAL); /* the other end's */
	assert_int_equal(channel_send(&ends->upper, 0, 0, &ask, NULL), -EINVAL);
	assert_int_equal(channel_send(&ends->upper, 6, 0, &ask, NULL), -EINVAL);
	assert_int_equal(channel_send(&ends->upper, UINT16_MAX, 0, &ask, NULL), -EINVAL);
	assert_int_equal(channel_send(&ends->upper, ASK, 0, NULL, NULL), -EINVAL);
	assert_int_equal(channel_send(&ends->lower, ANSWER, 0, &ask, NULL),
	                 -EINVAL); /* no descriptor */
	assert_int_equal(fcntl(ends->lower.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message),
	                 -EAGAIN);
}

static void whatever_does_not_match_is_refused(void **state)
{
	struct ends *ends = *state;
	_cleanup_close_ int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const size_t before = descriptors_count();
	unsigned char bytes[256];

	for (size_t i = 0; i < BAD_ROWS; i++) {
		const struct bad_row *row = &bad_rows[i];
		struct channel_message message;

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &row->header, sizeof(row->header));
		raw_send(ends->lower.fd, bytes, sizeof(row->header) + row->body - row->cut,
		         descriptor, row->descriptors);
		int result = channel_receive(&ends->upper, STATE_TWO, &ends->buffer, &message);

		if (result != -EPROTO)
			fail_msg("%s: %d", row->what, result);
		for (size_t j = 0; j < CHANNEL_DESCRIPTORS_MAX; j++)
			assert_int_equal(message.descriptors[j], -1);
		if (descriptors_count() != before)
			fail_msg("%s: descriptors leak", row->what);
	}
}

static void states_decide(void **state)
{
	struct ends *ends = *state;
	struct channel_message message;

	assert_int_equal(channel_send(&ends->lower, NOTHING, 0, NULL, NULL), 0);
	assert_int_equal(channel_receive(&ends->upper, STATE_ONE, &ends->buffer, &message),
	                 -EPROTO);
	assert_int_equal(channel_send(&ends->lower, NOTHING, 0, NULL, NULL), 0);
	assert_int_equal(channel_receive(&ends->upper, STATE_TWO, &ends->buffer, &message), 0);
}

/* One byte more than any message may have: the socket cuts it, which must not pass for a whole one.
 */
static void longer_than_the_longest_is_refused(void **state)
{
	struct ends *ends = *state;
	const size_t size = CHANNEL_MESSAGE_MAX + 1;
	unsigned char *bytes = calloc(1, size);
	const struct channel_header header = { .type = LARGE, .length = sizeof(struct large) };
	struct channel_message message;

	assert_non_null(bytes);
	memcpy(bytes, &header, sizeof(header));
	raw_send(ends->lower.fd, bytes, size, -1, 0);
	free(bytes);
	assert_int_equal(channel_receive(&ends->upper, STATE_TWO, &ends->buffer, &message),
	                 -EPROTO);
}

static void an_ended_sibling_is_seen(void **state)
{
	struct ends *ends = *state;
	const struct ask ask = {};
	struct channel_message message;

	/* what was sent before the end still arrives */
	assert_int_equal(channel_send(&ends->upper, ASK, 0, &ask, NULL), 0);
	(void)close(ends->upper.fd);
	ends->upper.fd = -1;
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message), 0);
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message), -EPIPE);
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message), -EPIPE);
	int result = channel_send(&ends->lower, NOTHING, 0, NULL, NULL); /* and no SIGPIPE */

	assert_true(result == -EPIPE || result == -ECONNRESET);
}

/* A sibling that ends with messages of ours unread resets the connection: the same end. */
static void a_reset_is_an_end(void **state)
{
	struct ends *ends = *state;
	struct channel_message message;

	assert_int_equal(channel_send(&ends->lower, NOTHING, 0, NULL, NULL), 0);
	(void)close(ends->upper.fd);
	ends->upper.fd = -1;
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message), -EPIPE);
}

static void a_full_socket_is_said(void **state)
{
	struct ends *ends = *state;
	const struct ask ask = {};
	int result = 0;

	assert_int_equal(fcntl(ends->upper.fd, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 100000 && result == 0; i++)
		result = channel_send(&ends->upper, ASK, 0, &ask, NULL);
	assert_int_equal(result, -EAGAIN);
}

static void decoding_needs_no_socket(void **state)
{
	struct ends *ends = *state;
	struct channel_message message = { .id = 5 };
	const struct {
		struct channel_header header;
		struct ask body;
	} whole = { .header = { .type = ANSWER, .length = ASK_SIZE, .id = 3 },
		    .body = { .number = 8 } };
	struct channel_buffer *buffer = &ends->buffer;

	memcpy(buffer->bytes, &whole, sizeof(whole));
	assert_int_equal(
		channel_decode(&ends->upper, STATE_TWO, buffer, sizeof(whole), 0, &message),
		-EPROTO);
	assert_int_equal(message.id, 5); /* untouched */
	assert_int_equal(
		channel_decode(&ends->upper, STATE_TWO, buffer, sizeof(whole), 1, &message), 0);
	assert_int_equal(message.id, 3);
	assert_ptr_equal(message.body, buffer->bytes + sizeof(whole.header));
	for (size_t length = 0; length < sizeof(whole); length++)
		assert_int_equal(
			channel_decode(&ends->upper, STATE_TWO, buffer, length, 1, &message),
			-EPROTO);
}

/* Whatever lay there before: the receiver sees zeros where the sender had them. */
static void zeros_at_the_end_are_not_sent(void **state)
{
	struct ends *ends = *state;
	const struct ask zeros = {};
	struct channel_message message;
	unsigned char bytes[64];

	stale_fill(&ends->buffer);
	assert_int_equal(channel_send(&ends->upper, ASK, 7, &zeros, NULL), 0);
	assert_int_equal(recv(ends->lower.fd, bytes, sizeof(bytes), MSG_PEEK),
	                 sizeof(struct channel_header));
	assert_int_equal(channel_receive(&ends->lower, STATE_ONE, &ends->buffer, &message), 0);
	assert_int_equal(message.id, 7);
	assert_memory_equal(message.body, &zeros, sizeof(zeros));
	channel_message_close(&message);
}

/* Of each length up to the structure's, and no longer; the header has to say the same. */
static void shorter_bodies_are_filled_up(void **state)
{
	struct ends *ends = *state;
	struct channel_message message;

	for (uint32_t length = 0; length <= ASK_SIZE + 1; length++) {
		struct channel_header header = { .type = ANSWER, .length = length, .id = 3 };
		unsigned char expected[ASK_SIZE] = {};
		bool fits = length <= ASK_SIZE;

		stale_fill(&ends->buffer);
		memcpy(ends->buffer.bytes, &header, sizeof(header));
		memset(expected, 0xa5, fits ? length : ASK_SIZE);
		assert_int_equal(channel_decode(&ends->upper, STATE_TWO, &ends->buffer,
		                                sizeof(header) + length, 1, &message),
		                 fits ? 0 : -EPROTO);
		if (fits)
			assert_memory_equal(message.body, expected, ASK_SIZE);
		assert_int_equal(channel_decode(&ends->upper, STATE_TWO, &ends->buffer,
		                                sizeof(header) + length + 1, 1, &message),
		                 -EPROTO);
	}
}

/* Short ones behind long ones, of two sizes, with a receiver that never clears its buffer. */
static void older_messages_leave_nothing(void **state)
{
	static unsigned char sent[sizeof(struct large)];
	struct ends *ends = *state;
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (unsigned int i = 0; i < 2000; i++) {
		bool large = i % 3 == 0;
		size_t size = large ? sizeof(struct large) : ASK_SIZE;
		size_t used = i * 7919UL % (size + 1);
		struct channel_message message;

		memset(sent, (int)(i % 255) + 1, used);
		assert_int_equal(channel_send(&ends->lower, large ? LARGE : ANSWER, i, sent, &fd),
		                 0);
		assert_int_equal(channel_receive(&ends->upper, STATE_TWO, &ends->buffer, &message),
		                 0);
		assert_memory_equal(message.body, sent, size);
		channel_message_close(&message);
		memset(sent, 0, used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pairs_are_closed_on_exec),
		TEST(messages_arrive_as_they_were_sent),
		TEST(descriptors_arrive_closed_on_exec),
		TEST(the_longest_message_fits),
		TEST(wrong_sends_are_refused_and_send_nothing),
		TEST(whatever_does_not_match_is_refused),
		TEST(states_decide),
		TEST(longer_than_the_longest_is_refused),
		TEST(an_ended_sibling_is_seen),
		TEST(a_reset_is_an_end),
		TEST(a_full_socket_is_said),
		TEST(decoding_needs_no_socket),
		TEST(zeros_at_the_end_are_not_sent),
		TEST(shorter_bodies_are_filled_up),
		TEST(older_messages_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
