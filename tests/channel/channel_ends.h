/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The two ends of a channel for tests, and what a broken sibling sends. */
#ifndef BPFD_TESTS_CHANNEL_ENDS_H
#define BPFD_TESTS_CHANNEL_ENDS_H

#include "common/channel.h"

#include <stdbool.h>
#include <stddef.h>

enum { STATE_ONE = 1, STATE_TWO = 2 };
enum { ASK = 1, ANSWER, NOTHING, WITH_TWO, LARGE };

struct ask {
	uint64_t number;
	char text[24];
};

struct large {
	unsigned char bytes[CHANNEL_MESSAGE_MAX - sizeof(struct channel_header)];
};

struct ends {
	struct channel upper;
	struct channel lower;
	struct channel_buffer buffer;
	struct channel_outbox outbox; /* of the lower end */
	struct channel_inbox inbox;   /* of the upper end */
	size_t descriptors;           /* open in this process before the test */
};

int ends_open(void **state);
/* Whatever a test did: no descriptor may be left. */
int ends_close(void **state);

/* As if other messages had lain there. */
void stale_fill(struct channel_buffer *buffer);

size_t descriptors_count(void);
bool same_file(int one, int other);

/* Sends bytes as they are, with `count` descriptors. */
void raw_send(int fd, const void *bytes, size_t length, int descriptor, size_t count);

/* What a broken sibling may send to the upper end, which is in STATE_TWO. */
struct bad_row {
	const char *what;
	struct channel_header header;
	size_t body; /* bytes behind the header */
	size_t cut;  /* bytes taken off the end */
	size_t descriptors;
};

#define ASK_SIZE ((uint32_t)sizeof(struct ask))
#define BAD_ROWS 20

extern const struct bad_row bad_rows[BAD_ROWS];

#define TEST(function) cmocka_unit_test_setup_teardown(function, ends_open, ends_close)

#endif
