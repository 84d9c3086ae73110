/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "common/sp.h"

#include <errno.h>
#include <string.h>

#define SP_FRAME_MESSAGE 1
#define SP_BACKTRACE_END 0x80 /* in the first byte of the last word */

#define SP_GREETING_PROTOCOL 5 /* place of the protocol's low byte; the high one is 0 */

static const uint8_t greeting[SP_GREETING_SIZE] = { 0, 'S', 'P', 0, 0, 0, 0, 0 };

void sp_greeting_encode(enum sp_protocol own, uint8_t bytes[SP_GREETING_SIZE])
{
	memcpy(bytes, greeting, SP_GREETING_SIZE);
	bytes[SP_GREETING_PROTOCOL] = (uint8_t)own;
}

void sp_reader_init(struct sp_reader *reader, enum sp_protocol peer)
{
	*reader = (struct sp_reader){ .phase = SP_PHASE_GREETING, .peer = (uint8_t)peer };
}

static uint8_t greeting_wanted(const struct sp_reader *reader)
{
	return reader->have == SP_GREETING_PROTOCOL ? reader->peer : greeting[reader->have];
}

/* Every byte is compared as it comes, so that garbage is refused at its first byte, not after a
 * wait. */
static int greeting_take(struct sp_reader *reader, const uint8_t *bytes, size_t size,
                         struct sp_step *step)
{
	while (step->used < size && reader->have < SP_GREETING_SIZE) {
		if (bytes[step->used++] != greeting_wanted(reader))
			return -EPROTO;
		reader->have++;
	}
	if (reader->have == SP_GREETING_SIZE) {
		reader->phase = SP_PHASE_HEAD;
		reader->have = 0;
		step->event = SP_EVENT_GREETED;
	}
	return 0;
}

static uint64_t big_endian_64(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static int head_take(struct sp_reader *reader, const uint8_t *bytes, size_t size,
                     struct sp_step *step)
{
	while (step->used < size && reader->have < SP_HEAD_SIZE)
		reader->head[reader->have++] = bytes[step->used++];
	if (reader->have && reader->head[0] != SP_FRAME_MESSAGE)
		return -EPROTO;
	if (reader->have < SP_HEAD_SIZE)
		return 0;

	uint64_t body_size = big_endian_64(reader->head + 1);

	if (body_size < SP_BODY_MIN)
		return -EPROTO;
	reader->phase = SP_PHASE_BODY;
	reader->have = 0;
	reader->body_size = body_size;
	reader->body_left = body_size;
	step->event = SP_EVENT_MESSAGE;
	return 0;
}

void sp_reader_skip(struct sp_reader *reader, size_t size)
{
	reader->body_left -= size;
	if (reader->body_left == 0)
		reader->phase = SP_PHASE_HEAD;
}

static int body_take(struct sp_reader *reader, const uint8_t *bytes, size_t size,
                     struct sp_step *step)
{
	size_t here = size < reader->body_left ? size : (size_t)reader->body_left;

	if (here == 0)
		return 0;
	step->event = SP_EVENT_BODY;
	step->used = here;
	step->body = bytes;
	step->body_size = here;
	sp_reader_skip(reader, here);
	return 0;
}

int sp_reader_take(struct sp_reader *reader, const uint8_t *bytes, size_t size,
                   struct sp_step *step)
{
	*step = (struct sp_step){ .event = SP_EVENT_NONE };
	switch (reader->phase) {
	case SP_PHASE_GREETING:
		return greeting_take(reader, bytes, size, step);
	case SP_PHASE_HEAD:
		return head_take(reader, bytes, size, step);
	case SP_PHASE_BODY:
		return body_take(reader, bytes, size, step);
	}
	return -EPROTO;
}

bool sp_reader_idle(const struct sp_reader *reader)
{
	return reader->phase == SP_PHASE_HEAD && reader->have == 0;
}

int sp_backtrace_size(const uint8_t *body, size_t size)
{
	for (size_t at = 0; at + 4 <= size && at < SP_BACKTRACE_MAX; at += 4) {
		if (body[at] & SP_BACKTRACE_END)
			return (int)at + 4;
	}
	return -EPROTO;
}

void sp_head_encode(uint64_t body_size, uint8_t head[SP_HEAD_SIZE])
{
	head[0] = SP_FRAME_MESSAGE;
	for (int i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)(body_size >> (56 - 8 * i));
}
