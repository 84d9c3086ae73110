/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Questions to the gate. Each wake-up of another process costs more than most of the calls, so the
 * loader asks ahead: handles count up from 1, so that it knows what a call that succeeds is
 * answered with, goes on as if it had been, and reads the answers later. When one is not as
 * expected everything that follows is void; the job is then begun anew, step by step.
 */
#include "workers/loader/forward.h"

#include "common/memfd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define AHEAD_MAX \
	16 /* so few that neither side's socket buffer fills up while the other one sends */

static struct channel gate;
static struct object *current_object;
static struct forward_refusal last_refusal;
static uint64_t asked;          /* the id of the last question */
static uint64_t answered;       /* the id of the last answer; between them lie those asked ahead */
static int expected[AHEAD_MAX]; /* by id, modulo */
static bool ahead;
static bool ahead_failed;
static uint32_t handles; /* how many the gate has handed out */

void forward_open(const struct channel *channel)
{
	gate = *channel;
}

void forward_begin(struct object *object, bool ask_ahead)
{
	current_object = object;
	last_refusal = (struct forward_refusal){};
	ahead = ask_ahead;
	ahead_failed = false;
	handles = 0;
}

const struct object *forward_object(void)
{
	return current_object;
}

void forward_refused(const struct bpf_program *program, int result)
{
	last_refusal = (struct forward_refusal){ program, result };
}

struct forward_refusal forward_last_refusal(void)
{
	return last_refusal;
}

/* Without its gate the loader has nothing left to do. */
static void question_send(uint16_t type, const void *body, int fd)
{
	if (channel_send(&gate, type, ++asked, body, fd < 0 ? NULL : &fd) < 0)
		_exit(EXIT_FAILURE);
}

static void answer_receive(struct channel_message *answer)
{
	static struct channel_buffer buffer;

	if (channel_receive(&gate, LOADER_STATE_ASKING, &buffer, answer) < 0 ||
	    answer->id != ++answered)
		_exit(EXIT_FAILURE);
}

static int answer_result(const struct channel_message *answer)
{
	if (answer->row->type == LOADER_ANSWER_INFO)
		return -EPROTO;
	return ((const struct loader_answer *)answer->body)->result;
}

/* Reads answers until no more than `most` are outstanding. */
static void answers_drain(uint64_t most)
{
	while (asked - answered > most) {
		struct channel_message answer;

		answer_receive(&answer);
		if (answer_result(&answer) != expected[answer.id % AHEAD_MAX])
			ahead_failed = true;
		channel_message_close(&answer);
	}
}

bool forward_settle(void)
{
	answers_drain(0);
	return !ahead_failed;
}

void forward_restart(void)
{
	if (channel_send(&gate, LOADER_RESTART, 0, NULL, NULL) < 0)
		_exit(EXIT_FAILURE);
}

/* What a plain question is answered with; asked ahead, if that is allowed. */
static int question_ask(uint16_t type, const void *body, int fd, int expectation,
                        struct forward_log log)
{
	struct channel_message answer;
	int result;

	if (ahead && ahead_failed)
		return -ECANCELED;
	if (ahead && !log.address) {
		answers_drain(AHEAD_MAX - 1);
		question_send(type, body, fd);
		expected[asked % AHEAD_MAX] = expectation;
		return expectation;
	}
	answers_drain(0);
	question_send(type, body, fd);
	answer_receive(&answer);
	result = answer_result(&answer);
	forward_log_take(&answer, log);
	channel_message_close(&answer);
	return result;
}

int forward_do(uint16_t type, const void *body, int fd)
{
	return question_ask(type, body, fd, 0, (struct forward_log){});
}

int forward_make(uint16_t type, const void *body, int fd, struct forward_log log)
{
	int result = question_ask(type, body, fd, (int)handles + 1, log);

	if (result > 0)
		handles = (uint32_t)result;
	return result;
}

int forward_try(uint16_t type, const void *body, struct forward_log log)
{
	bool saved = ahead;
	int result;

	answers_drain(0);
	ahead = false;
	result = forward_make(type, body, -1, log);
	ahead = saved;
	return result;
}

void forward_ask(uint16_t type, const void *body, struct channel_message *answer)
{
	answers_drain(0);
	question_send(type, body, -1);
	answer_receive(answer);
}

/* As much as fits. */
void forward_log_take(const struct channel_message *answer, struct forward_log log)
{
	char *text = (char *)(uintptr_t)log.address;
	uint32_t sent;
	size_t room;
	size_t most;

	if (!text || log.size == 0)
		return;
	text[0] = '\0';
	if (answer->row->type != LOADER_ANSWER_LOG ||
	    memfd_check(answer->descriptors[0], &room) < 0)
		return;
	sent = ((const struct loader_answer *)answer->body)->log_size;
	most = sent < log.size ? sent : log.size - 1;
	if (most <= room && memfd_read(answer->descriptors[0], text, most) == 0)
		text[most] = '\0';
}
