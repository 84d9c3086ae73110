/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "broker/session.h"

#include "common/sort.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/program_type.h"
#include "common/sandbox.h"
#include "proto/channel_loader.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

struct session {
	struct channel channel; /* to the gate */
	struct channel loader;  /* the gate's own end: until the job is sent */
	uint64_t id;
	pid_t gate;
	enum gate_state state;
	struct gate_map_find question;
	bool gate_ends; /* by itself: its number may soon belong to another process */
	struct session_result result;
};

/* Closes every descriptor above the standard ones but those kept, which are in ascending order; -1
 * is skipped. */
static void descriptors_close_but(const int *kept, size_t count)
{
	unsigned int next = STDERR_FILENO + 1;

	for (size_t i = 0; i < count; i++) {
		if (kept[i] < (int)next)
			continue;
		if ((unsigned int)kept[i] > next)
			(void)close_range(next, (unsigned int)kept[i] - 1, 0);
		next = (unsigned int)kept[i] + 1;
	}
	(void)close_range(next, ~0U, 0);
}

static int descriptor_compare(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

#define END_WAIT_MS 50

/*
 * Until the broker has answered, as a rule: to tear this process's memory down takes longer than
 * that, and would compete with it for the processor.
 */
static void end_wait(int broker_fd)
{
	struct pollfd end = { .fd = broker_fd };

	(void)poll(&end, 1, END_WAIT_MS);
}

/* What the forked child does until it ends. It shares nothing with the broker but its memory as it
 * was, and these descriptors. */
static _Noreturn void gate_child(const struct session_settings *settings, int broker_fd,
                                 int loader_fd)
{
	int kept[2 + EXTENSION_TARGETS] = { broker_fd, loader_fd };
	struct gate_options options = {
		.kernel = kernel,
		.kernel_release = settings->kernel_release,
		.possible_cpus = settings->possible_cpus,
	};
	struct error error = {};

	for (size_t i = 0; i < EXTENSION_TARGETS; i++) {
		options.extension_targets[i] = settings->extension_targets[i];
		kept[2 + i] = settings->extension_targets[i].fd;
	}

	log_open("gate", (enum log_level)settings->launcher->log_level);
	sort_items(kept, sizeof(kept) / sizeof(kept[0]), sizeof(kept[0]), descriptor_compare);
	descriptors_close_but(kept, sizeof(kept) / sizeof(kept[0]));
	if (sandbox_enter(&sandbox_policy_gate, settings->launcher, NULL, &error) < 0) {
		log_error("%s", error.message);
		_exit(EXIT_FAILURE);
	}
	int status = gate_run(&options, broker_fd, loader_fd);

	/* the end of a gate that has no answer is what tells the broker */
	if (status == EXIT_SUCCESS)
		end_wait(broker_fd);
	_exit(status);
}

static struct session *session_new(uint64_t id, int broker_fd, int loader_fd, pid_t gate)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->channel =
		(struct channel){ .fd = broker_fd, .self = CHANNEL_UPPER, .list = &channel_gate };
	session->loader =
		(struct channel){ .fd = loader_fd, .self = CHANNEL_UPPER, .list = &channel_loader };
	session->id = id;
	session->gate = gate;
	session->state = GATE_STATE_WARMING;
	session->result.log_fd = -1;
	return session;
}

int session_start(const struct session_settings *settings, const struct channel *launcher,
                  uint64_t id, struct session **out)
{
	_cleanup_close_ int broker_end = -1, gate_end = -1, gate_loader_end = -1, loader_end = -1;
	int pair[2];
	int result;

	if (settings->possible_cpus == 0)
		return -EINVAL;
	result = channel_pair(pair);
	if (result < 0)
		return result;
	broker_end = pair[0];
	gate_end = pair[1];
	result = channel_pair(pair);
	if (result < 0)
		return result;
	gate_loader_end = pair[0];
	loader_end = pair[1];

	static const struct launcher_worker_start start = { .kind = WORKER_LOADER };
	pid_t gate = fork();

	if (gate < 0)
		return -errno;
	if (gate == 0)
		gate_child(settings, gate_end, gate_loader_end);
	result = channel_send(launcher, LAUNCHER_WORKER_START, id, &start, &loader_end);

	struct session *session =
		result < 0 ? NULL : session_new(id, broker_end, gate_loader_end, gate);

	if (!session) {
		(void)kill(gate, SIGKILL);
		return result < 0 ? result : -ENOMEM;
	}
	(void)steal_fd(&broker_end);
	(void)steal_fd(&gate_loader_end);
	*out = session;
	return 0;
}

int session_fd(const struct session *session)
{
	return session->channel.fd;
}

uint64_t session_id(const struct session *session)
{
	return session->id;
}

pid_t session_gate_pid(const struct session *session)
{
	return session->gate;
}

bool session_is_warm(const struct session *session)
{
	return session->state == GATE_STATE_WARM;
}

int session_submit(struct session *session, const struct gate_job *job,
                   const struct record_globals *globals, int object_fd)
{
	int result;

	if (session->state != GATE_STATE_WARM)
		return -EBUSY;
	/* The gate first: its job does not wake it, which is left to the loader. */
	result = channel_send(&session->channel, GATE_JOB, 0, job, NULL);
	if (result == 0 && globals->count)
		result = channel_send(&session->loader, LOADER_GLOBALS, 0, globals, NULL);
	if (result == 0)
		result = channel_send(&session->loader, LOADER_JOB, 0, job, &object_fd);
	close_cleanup(&session->loader.fd);
	session->loader.fd = -1;
	if (result == 0)
		session->state = GATE_STATE_WORKING;
	return result;
}

static enum session_event warm_take(struct session *session, struct channel_message *message)
{
	(void)message;
	session->state = GATE_STATE_WARM;
	return SESSION_WARM;
}

static enum session_event defect(struct session *session)
{
	(void)error_set(&session->result.error, 0, ERROR_INTERNAL,
	                "the gate of this load broke its channel's protocol; nothing was loaded");
	return SESSION_FAILED;
}

static enum session_event program_take(struct session *session, struct channel_message *message)
{
	const struct gate_program *program = message->body;
	struct session_result *result = &session->result;

	if (result->program_count == LOAD_PROGRAMS_MAX)
		return defect(session);
	if (!program_type_row(program->type) ||
	    !channel_text_ok(program->target, sizeof(program->target)))
		return defect(session);

	struct session_program *taken = &result->programs[result->program_count++];

	*taken = (struct session_program){
		.fd = steal_fd(&message->descriptors[0]),
		.index = program->index,
		.type = program->type,
		.xdp = program->xdp,
	};
	memcpy(taken->target, program->target, sizeof(taken->target));
	return SESSION_PENDING;
}

static enum session_event map_take(struct session *session, struct channel_message *message)
{
	const struct gate_map *map = message->body;
	struct session_result *result = &session->result;
	struct session_map *taken = &result->maps[result->map_count];

	if (result->map_count == LOAD_MAPS_MAX || !channel_text_ok(map->name, sizeof(map->name)) ||
	    map->by_name > 1 || map->reserved)
		return defect(session);
	taken->fd = steal_fd(&message->descriptors[0]);
	taken->by_name = map->by_name;
	memcpy(taken->name, map->name, sizeof(taken->name));
	result->map_count++;
	return SESSION_PENDING;
}

static enum session_event question_take(struct session *session, struct channel_message *message)
{
	const struct gate_map_find *question = message->body;

	if (!channel_text_ok(question->name, sizeof(question->name)) || question->by_name > 1 ||
	    question->reserved)
		return defect(session);
	session->question = *question;
	return SESSION_ASKS;
}

const struct gate_map_find *session_question(const struct session *session)
{
	return &session->question;
}

int session_answer(const struct session *session, int fd)
{
	if (fd < 0)
		return channel_send(&session->channel, GATE_MAP_NONE, 0, NULL, NULL);
	return channel_send(&session->channel, GATE_MAP_FOUND, 0, NULL, &fd);
}

static enum session_event finished_take(struct session *session, struct channel_message *message)
{
	const struct gate_finished *finished = message->body;
	struct session_result *result = &session->result;

	if (finished->program_count != result->program_count ||
	    finished->map_count != result->map_count)
		return defect(session);
	memcpy(result->digest, finished->digest, sizeof(result->digest));
	session->gate_ends = true;
	return SESSION_FINISHED;
}

static enum session_event failed_take(struct session *session, struct channel_message *message)
{
	const struct gate_failed *failed = message->body;
	struct session_result *result = &session->result;

	if (!channel_text_ok(failed->error.message, sizeof(failed->error.message)))
		return defect(session);
	session->gate_ends = true;
	result->error = failed->error;
	if (message->row->descriptors) {
		result->log_fd = steal_fd(&message->descriptors[0]);
		result->log_size = failed->log_size;
	}
	return SESSION_FAILED;
}

/* By message type; the channel's rows already say in which state each may come. */
static enum session_event (*const session_takers[])(struct session *, struct channel_message *) = {
	[GATE_WARM] = warm_take,         [GATE_PROGRAM] = program_take,
	[GATE_MAP] = map_take,           [GATE_FINISHED] = finished_take,
	[GATE_FAILED] = failed_take,     [GATE_FAILED_WITH_LOG] = failed_take,
	[GATE_MAP_FIND] = question_take,
};

/* What a packet says: of whatever is more than a part of the result nothing may follow. */
static enum session_event packet_take(struct session *session, struct channel_inbox *inbox)
{
	enum session_event event = SESSION_PENDING;

	while (event == SESSION_PENDING && channel_inbox_more(inbox)) {
		struct channel_message message;

		if (channel_inbox_next(&session->channel, session->state, inbox, &message) < 0)
			return defect(session);
		event = session_takers[message.row->type](session, &message);
		channel_message_close(&message);
	}
	return channel_inbox_more(inbox) ? defect(session) : event;
}

enum session_event session_receive(struct session *session)
{
	/* One for all sessions: a packet is done with before the next one is taken. */
	static struct channel_inbox inbox;
	int result = channel_inbox_fill(&session->channel, &inbox);
	enum session_event event;

	if (result == -EAGAIN)
		return SESSION_PENDING;
	if (result == -EPROTO)
		return defect(session);
	if (result < 0) {
		session->gate_ends = true;
		(void)error_set(&session->result.error, 0, ERROR_UNAVAILABLE,
		                "the process that loads programs ended before it was done; nothing "
		                "was loaded: try again");
		return SESSION_FAILED;
	}
	event = packet_take(session, &inbox);
	channel_inbox_drop(&inbox);
	return event;
}

struct session_result *session_result(struct session *session)
{
	return &session->result;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	if (!session->gate_ends)
		(void)kill(session->gate, SIGKILL);
	for (size_t i = 0; i < session->result.program_count; i++)
		close_cleanup(&session->result.programs[i].fd);
	for (size_t i = 0; i < session->result.map_count; i++)
		close_cleanup(&session->result.maps[i].fd);
	close_cleanup(&session->result.log_fd);
	close_cleanup(&session->channel.fd);
	close_cleanup(&session->loader.fd);
	free(session);
}
