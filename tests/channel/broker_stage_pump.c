/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the broker says to the launcher and to the frontend, which the test plays both. */
#include <cmocka.h>

#include "tests/channel/broker_stage.h"
#include "tests/channel/broker_stage_roles.h"
#include "tests/channel/broker_stage_verifier.h"

#include "broker/broker.h"
#include "common/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

static void loader_start(struct channel_message *message)
{
	struct stage_loader *loader = &stage->loaders[stage->loader_count % STAGE_MOST];

	stage->loader_starts++;
	if (!stage->loaders_refused) {
		stage_loader_start(message->descriptors[0], &loader->pid);
		loader->id = message->id;
		stage->loader_count++;
	}
}

static void worker_start_take(struct channel_message *message)
{
	const struct launcher_worker_start *start = message->body;

	assert_int_equal(start->reserved, 0);
	if (start->kind == WORKER_VERIFIER)
		stage_verifier_start(message->id, &message->descriptors[0]);
	else if (start->kind == WORKER_LOADER)
		loader_start(message);
	else
		fail_msg("the broker wants a worker of kind %u", start->kind);
}

static void launcher_take(struct channel_message *message)
{
	switch (message->row->type) {
	case LAUNCHER_READY:
		stage->ready = true;
		break;
	case LAUNCHER_WORKER_START:
		worker_start_take(message);
		break;
	case LAUNCHER_RULES_READ:
		assert_int_equal(channel_send(&stage->launcher, LAUNCHER_RULES,
		                              message->id + stage->rules_id_wrong, &stage->rules,
		                              NULL),
		                 0);
		break;
	case LAUNCHER_WORKER_KILL:
		stage->loader_killed = message->id;
		stage_verifier_kill(message->id);
		for (size_t i = 0; i < stage->loader_count && i < STAGE_MOST; i++) {
			if (stage->loaders[i].id == message->id)
				(void)kill(stage->loaders[i].pid, SIGKILL);
		}
		break;
	default:
		fail_msg("the launcher got a %s", message->row->name);
	}
}

/* Puts a row with the id (its first member) in its place among `count` others of the same size. */
static void row_put(void *rows, size_t *count, size_t size, size_t id_size, const void *row)
{
	for (size_t i = 0; i < *count; i++) {
		if (memcmp((char *)rows + i * size, row, id_size) == 0) {
			memcpy((char *)rows + i * size, row, size);
			return;
		}
	}
	assert_true(*count < STAGE_MOST);
	memcpy((char *)rows + (*count)++ * size, row, size);
}

static void row_remove(void *rows, size_t *count, size_t size, size_t id_size, const void *id)
{
	for (size_t i = 0; i < *count; i++) {
		char *row = (char *)rows + i * size;

		if (memcmp(row, id, id_size) != 0)
			continue;
		(*count)--;
		memmove(row, row + size, (*count - i) * size);
		return;
	}
}

static void gone_take(const struct frontend_gone *gone)
{
	uint32_t ifindex = (uint32_t)gone->id;

	if (gone->kind == FRONTEND_GONE_PROGRAM)
		row_remove(stage->programs, &stage->program_count, sizeof(stage->programs[0]), 8,
		           &gone->id);
	else if (gone->kind == FRONTEND_GONE_LINK)
		row_remove(stage->links, &stage->link_count, sizeof(stage->links[0]), 8, &gone->id);
	else
		row_remove(stage->chains, &stage->chain_count, sizeof(stage->chains[0]), 4,
		           &ifindex);
}

static void answer_take(const struct channel_message *message)
{
	struct stage_answer *answer = &stage->answers[stage->answer_count++ % STAGE_MOST];

	*answer = (struct stage_answer){ .id = message->id, .type = message->row->type };
	if (answer->type == FRONTEND_DONE)
		memcpy(&answer->done, message->body, sizeof(answer->done));
	else if (answer->type == FRONTEND_RULES)
		memcpy(&answer->rules, message->body, sizeof(answer->rules));
	else if (answer->type == FRONTEND_VERDICT)
		memcpy(&answer->verdict, message->body, sizeof(answer->verdict));
	else
		memcpy(&answer->refused, message->body, sizeof(answer->refused));
	if (answer->type == FRONTEND_REFUSED_WITH_LOG)
		assert_true(pread(message->descriptors[0], answer->log, sizeof(answer->log) - 1,
		                  0) > 0);
}

static void frontend_take(const struct channel_message *message)
{
	switch (message->row->type) {
	case FRONTEND_STATUS:
		memcpy(&stage->status, message->body, sizeof(stage->status));
		break;
	case FRONTEND_PROGRAM:
		row_put(stage->programs, &stage->program_count, sizeof(stage->programs[0]), 8,
		        message->body);
		break;
	case FRONTEND_GLOBALS:
		stage->globals_count++;
		break;
	case FRONTEND_LINK:
		row_put(stage->links, &stage->link_count, sizeof(stage->links[0]), 8,
		        message->body);
		break;
	case FRONTEND_CHAIN:
		row_put(stage->chains, &stage->chain_count, sizeof(stage->chains[0]), 4,
		        message->body);
		break;
	case FRONTEND_GONE:
		gone_take(message->body);
		break;
	case FRONTEND_VIEW_COMPLETE:
		stage->complete = true;
		break;
	default:
		answer_take(message);
	}
}

static int frontend_pump(void)
{
	static struct channel_inbox inbox;
	struct channel_message message;
	int result = channel_inbox_fill(&stage->frontend, &inbox);

	while (result == 0 && channel_inbox_more(&inbox)) {
		result = channel_inbox_next(&stage->frontend,
		                            stage->complete ? FRONTEND_STATE_READY
		                                            : FRONTEND_STATE_STARTING,
		                            &inbox, &message);
		if (result == 0) {
			frontend_take(&message);
			channel_message_close(&message);
		}
	}
	return result;
}

static int launcher_pump(void)
{
	static struct channel_buffer buffer;
	struct channel_message message;
	int result = channel_receive(
		&stage->launcher, stage->ready ? LAUNCHER_STATE_RUNNING : LAUNCHER_STATE_STARTING,
		&buffer, &message);

	if (result == 0) {
		launcher_take(&message);
		channel_message_close(&message);
	}
	return result;
}

int stage_pump(int timeout_ms)
{
	struct pollfd polled[] = { { .fd = stage->launcher.fd, .events = POLLIN },
		                   { .fd = stage->frontend.fd, .events = POLLIN } };
	int result;

	if (poll(polled, 2, timeout_ms) <= 0)
		return -ETIMEDOUT;
	result = polled[1].revents ? frontend_pump() : launcher_pump();
	if (result == -EPIPE)
		return result;
	assert_int_equal(result, 0);
	return 0;
}

void stage_pump_for(int duration_ms)
{
	uint64_t end_ms = clock_now_ms() + (uint64_t)duration_ms;

	while (clock_now_ms() < end_ms && stage_pump((int)(end_ms - clock_now_ms())) != -EPIPE) {
	}
}
