/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Questions to the gate. Each wake-up of another process costs more than most of the calls, so the
 * loader asks ahead: handles count up from 1, so that it knows what a call that succeeds is
 * answered with, and goes on as if it had been. Such a call has no id, and is answered only when it
 * is refused. Everything that follows is then void; the job is begun anew, step by step.
 */
#include "workers/loader/forward.h"

#include "common/memfd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct channel gate;
static struct object *current_object;
static struct forward_refusal last_refusal;
static uint64_t asked; /* the id of the last question that waits for its answer */
static bool ahead;
static bool ahead_failed;
static uint32_t handles; /* how many the gate has handed out */
static struct channel_outbox outbox;

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

struct object *forward_object(void)
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
static void message_queue(uint16_t type, uint64_t id, const void *body, int fd)
{
	if (channel_queue(&gate, &outbox, type, id, body, fd < 0 ? NULL : &fd) < 0)
		_exit(EXIT_FAILURE);
}

void forward_flush(void)
{
	if (channel_flush(&gate, &outbox) < 0)
		_exit(EXIT_FAILURE);
}

void forward_tell(uint16_t type, const void *body)
{
	message_queue(type, 0, body, -1);
}

void forward_fail(uint16_t type, const void *body, int fd)
{
	message_queue(type, 0, body, fd);
	forward_flush();
}

/* What is asked ahead goes out with what has to be answered, or is long, or with the results. */
static void question_send(uint16_t type, uint64_t id, const void *body, int fd)
{
	message_queue(type, id, body, fd);
	if (id || fd >= 0)
		forward_flush();
}

/* The next message of the gate; false at the end. A refusal of what was asked ahead is noted. */
static bool answer_next(struct channel_message *answer)
{
	static struct channel_buffer buffer;
	int result = channel_receive(&gate, LOADER_STATE_ASKING, &buffer, answer);

	if (result == -EPIPE)
		return false;
	if (result < 0)
		_exit(EXIT_FAILURE);
	if (answer->id == 0)
		ahead_failed = true;
	return true;
}

static void answer_receive(struct channel_message *answer)
{
	do {
		if (!answer_next(answer))
			_exit(EXIT_FAILURE);
		if (answer->id == 0)
			channel_message_close(answer);
	} while (answer->id == 0);
	if (answer->id != asked)
		_exit(EXIT_FAILURE);
}

static int answer_result(const struct channel_message *answer)
{
	if (answer->row->type == LOADER_ANSWER_INFO)
		return -EPROTO;
	return ((const struct loader_answer *)answer->body)->result;
}

bool forward_settle(void)
{
	struct channel_message answer;

	if (!ahead)
		return true;
	if (!answer_next(&answer))
		return true;
	channel_message_close(&answer);
	if (answer.id != 0)
		_exit(EXIT_FAILURE);
	return false;
}

void forward_restart(void)
{
	forward_tell(LOADER_RESTART, NULL);
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
		question_send(type, 0, body, fd);
		return expectation;
	}
	question_send(type, ++asked, body, fd);
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

	ahead = false;
	result = forward_make(type, body, -1, log);
	ahead = saved;
	return result;
}

void forward_ask(uint16_t type, const void *body, struct channel_message *answer)
{
	question_send(type, ++asked, body, -1);
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
