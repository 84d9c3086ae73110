/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The gate stands between a loader, which reads a stranger's object with libbpf and may be in the
 * stranger's hands, and bpf(2), for which the broker's capabilities are needed. One gate serves one
 * load and ends.
 *
 * What holds here:
 * - The loader never gets a BPF descriptor, and the gate takes none from it: only handles of what
 * this gate made, and memfds that nobody can change any more, sealed against writing, growing and
 * shrinking.
 * - Only the calls of the table below exist. Each names the states it is allowed in (the channel's
 * rows), has a fixed layout, and is checked field by field; the union that the kernel gets is built
 * here from nothing.
 * - Programs have the types that the job says, or are a few instructions that libbpf probes with
 * and that never leave the gate. What an extension program attaches to is the gate's to fill in.
 * - Maps stay below the site's ceiling together.
 * - Maps of other programs are there only where the broker says so, and their contents are not
 * touched.
 * - What goes up to the broker is what the gate itself made: the loader only names it.
 * - Text of the loader is cut, and made printable.
 * What libbpf may ask for an odd object is answered with an errno; what only a hijacked loader does
 * ends the load.
 */
#include "broker/gate_state.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/memory.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/*
 * The calls and results of a loader. A call with an id is answered; one without was asked ahead,
 * and is answered when it is refused. What a loader says that it has loaded follows its calls in
 * the same way, and is void when one of them was refused.
 */
enum gate_row_kind { GATE_ROW_NOTE, GATE_ROW_CALL, GATE_ROW_QUESTION, GATE_ROW_RESULT };

static const struct gate_row {
	gate_function *function;
	enum gate_row_kind kind;
} gate_rows[LOADER_MESSAGE_END] = {
	[LOADER_MAP_CREATE] = { gate_map_create, GATE_ROW_CALL },
	[LOADER_MAP_UPDATE] = { gate_map_update, GATE_ROW_CALL },
	[LOADER_MAP_UPDATE_LONG] = { gate_map_update_long, GATE_ROW_CALL },
	[LOADER_MAP_SLOT] = { gate_map_slot, GATE_ROW_CALL },
	[LOADER_MAP_FREEZE] = { gate_map_freeze, GATE_ROW_CALL },
	[LOADER_MAP_SHARE] = { gate_map_share, GATE_ROW_QUESTION },
	[LOADER_BTF_LOAD] = { gate_btf_load, GATE_ROW_CALL },
	[LOADER_BTF_LOAD_LONG] = { gate_btf_load_long, GATE_ROW_CALL },
	[LOADER_PROGRAM_LOAD] = { gate_program_load, GATE_ROW_CALL },
	[LOADER_PROGRAM_LOAD_LONG] = { gate_program_load_long, GATE_ROW_CALL },
	[LOADER_PROGRAM_BIND] = { gate_program_bind, GATE_ROW_CALL },
	[LOADER_OBJECT_INFO] = { gate_object_info, GATE_ROW_QUESTION },
	[LOADER_WARM] = { gate_result_warm, GATE_ROW_NOTE },
	[LOADER_PROGRAM] = { gate_result_program, GATE_ROW_RESULT },
	[LOADER_MAP] = { gate_result_map, GATE_ROW_RESULT },
	[LOADER_DONE] = { gate_result_done, GATE_ROW_RESULT },
	[LOADER_FAILED] = { gate_result_failed, GATE_ROW_NOTE },
	[LOADER_FAILED_WITH_LOG] = { gate_result_failed_with_log, GATE_ROW_NOTE },
	[LOADER_RESTART] = { gate_result_restart, GATE_ROW_NOTE },
};

int gate_object_add(struct gate *gate, int fd, const struct gate_object *description)
{
	if (fd < 0)
		return fd;
	if (gate->object_count == LOADER_HANDLES_MAX) {
		(void)close(fd);
		(void)error_set(&gate->refusal, 0, ERROR_LIMIT,
		                "the object needs more than %d maps, programs and other kernel "
		                "objects together, which is the most that one load may make",
		                LOADER_HANDLES_MAX);
		return -EMFILE;
	}
	gate->object_count++;

	struct gate_object *object = &gate->objects[gate->object_count];

	*object = *description;
	object->fd = fd;
	return (int)gate->object_count;
}

struct gate_object *gate_object_find(struct gate *gate, uint32_t handle, enum gate_kind kind)
{
	if (handle == LOADER_HANDLE_NONE || handle > gate->object_count ||
	    gate->objects[handle].kind != kind)
		return NULL;
	return &gate->objects[handle];
}

void gate_objects_close(struct gate *gate)
{
	for (uint32_t handle = 1; handle <= gate->object_count; handle++)
		(void)close(gate->objects[handle].fd);
	gate->object_count = gate->shared_count = 0;
	gate->map_memory = 0;
}

int gate_payload_take(const struct channel_message *message, const uint8_t *inline_bytes,
                      uint64_t size, struct gate_payload *payload)
{
	size_t sent = 0;

	if (inline_bytes) {
		if (size > LOADER_PAYLOAD_SHORT)
			return -EPROTO;
		payload->bytes = (void *)(uintptr_t)inline_bytes;
		return 0;
	}
	if (memfd_check(message->descriptors[0], &sent) < 0 || sent != size || size == 0)
		return -EPROTO;

	void *bytes =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, message->descriptors[0], 0);

	if (bytes == MAP_FAILED)
		return -ENOMEM;
	payload->bytes = bytes;
	payload->mapped_size = size;
	return 0;
}

void gate_payload_cleanup(struct gate_payload *payload)
{
	if (payload->mapped_size)
		(void)munmap(payload->bytes, payload->mapped_size);
	*payload = (struct gate_payload){};
}

char *gate_log_new(void)
{
	void *log = mmap(NULL, VERIFIER_LOG_MAX, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return log == MAP_FAILED ? NULL : log;
}

void gate_log_finish(char *log, struct gate_answer *answer)
{
	if (!log)
		return;

	size_t used = strnlen(log, VERIFIER_LOG_MAX);
	int fd = used ? memfd_from_bytes("log", log, used) : -1;

	(void)munmap(log, VERIFIER_LOG_MAX);
	if (fd < 0)
		return; /* an answer without its log is still the answer */
	answer->log_fd = fd;
	answer->log_size = (uint32_t)used;
}

void gate_fail(struct gate *gate, enum error_code code, const char *message)
{
	struct gate_failed failed = {};

	if (gate->finished)
		return;
	(void)error_set(&failed.error, 0, code, "%s", message);
	(void)channel_send(&gate->broker, GATE_FAILED, 0, &failed, NULL);
	gate->finished = true;
}

static int gate_answer_send(struct gate *gate, uint64_t id, const struct gate_answer *answer)
{
	struct loader_answer plain = { .result = answer->result, .log_size = answer->log_size };

	if (answer->with_info)
		return channel_send(&gate->loader, LOADER_ANSWER_INFO, id, &answer->info, NULL);
	if (answer->log_fd >= 0)
		return channel_send(&gate->loader, LOADER_ANSWER_LOG, id, &plain, &answer->log_fd);
	return channel_send(&gate->loader, LOADER_ANSWER, id, &plain, NULL);
}

/* The second attempt asks step by step, and knows of every refusal before it goes on. */
static void refusal_note(struct gate *gate, const struct gate_row *row,
                         const struct gate_answer *answer)
{
	if (row->kind == GATE_ROW_CALL && answer->result < 0 && !answer->probe &&
	    gate->state == LOADER_STATE_LOADING && !gate->restarted)
		gate->refused = true;
}

/* Of the calls that were asked ahead, which have no id, the first that is refused: the rest is
 * void.
 */
static bool answer_wanted(const struct gate *gate, const struct gate_row *row,
                          const struct channel_message *message, const struct gate_answer *answer)
{
	if (row->kind == GATE_ROW_QUESTION || (row->kind == GATE_ROW_CALL && message->id))
		return true;
	return row->kind == GATE_ROW_CALL && answer->result < 0 && !gate->refused;
}

static int gate_loader_message(struct gate *gate, const struct channel_message *message)
{
	const struct gate_row *row = &gate_rows[message->row->type];
	struct gate_answer answer = { .log_fd = -1 };
	int result = -EPROTO;

	if (row->kind == GATE_ROW_RESULT && gate->refused)
		return 0;
	if (row->function)
		result = row->function(gate, message, &answer);
	if (result == 0 && answer_wanted(gate, row, message, &answer))
		result = gate_answer_send(gate, message->id, &answer);
	refusal_note(gate, row, &answer);
	if (answer.log_fd >= 0)
		(void)close(answer.log_fd);
	return result;
}

/* A loader that is warm has nothing to say before it has its job. */
static bool message_last(const struct channel_message *message)
{
	return message->row->type == LOADER_WARM;
}

int gate_loader_packet(struct gate *gate, struct channel_inbox *inbox)
{
	int result = 0;

	while (result == 0 && !gate->finished) {
		struct channel_message message;

		result = channel_inbox_next(&gate->loader, gate->state, inbox, &message);
		if (result == -EAGAIN)
			return 0;
		if (result < 0)
			return result;
		result = message_last(&message) && channel_inbox_more(inbox)
		                 ? -EPROTO
		                 : gate_loader_message(gate, &message);
		channel_message_close(&message);
	}
	return result;
}

static int gate_loader_receive(struct gate *gate, struct channel_inbox *inbox)
{
	int result = channel_inbox_fill(&gate->loader, inbox);

	return result < 0 ? result : gate_loader_packet(gate, inbox);
}

/* The broker says one thing only: the job, which it has sent to the loader too. */
static int gate_broker_receive(struct gate *gate, struct channel_buffer *buffer)
{
	struct channel_message message;
	int result = channel_receive(
		&gate->broker, gate->warm ? GATE_STATE_WARM : GATE_STATE_WARMING, buffer, &message);

	if (result < 0)
		return result;
	memcpy(&gate->job, message.body, sizeof(gate->job));
	gate->warm = false;
	gate->state = LOADER_STATE_LOADING;
	gate->refusal = (struct error){};
	if (gate->job.program_count == 0 || gate->job.program_count > LOAD_PROGRAMS_MAX ||
	    gate->job.map_sharing > 1)
		result = -EINVAL;
	channel_message_close(&message);
	return result;
}

static void gate_loader_lost(struct gate *gate, int result)
{
	if (result == -EPROTO)
		gate_fail(gate, ERROR_INTERNAL,
		          "the process that read the object broke the protocol and was stopped; "
		          "nothing was loaded");
	else if (gate->state == LOADER_STATE_PROBING)
		gate_fail(gate, ERROR_UNAVAILABLE, "a loader ended before it was ready for work");
	else
		gate_fail(
			gate, ERROR_UNAVAILABLE,
			"the process that read the object ended before it was done (it crashed on "
			"this object, or reached its memory or time limit); nothing was loaded");
}

/*
 * While it is warm it is the loader's first call that wakes it: the broker sends both their jobs,
 * this one's first, and to be woken for that would cost the loader a processor. Whatever a loader
 * says before is looked at when there is a job.
 */
static int gate_serve(struct gate *gate)
{
	static struct channel_inbox inbox;
	bool called = false;

	memory_touch(&inbox.message, sizeof(struct channel_header) + sizeof(struct gate_job));
	memory_touch(&inbox.bytes, CHANNEL_PACKET_MAX);
	while (!gate->finished) {
		/* the loader's end is seen in any case */
		struct pollfd polled[2] = {
			{ .fd = gate->broker.fd, .events = gate->warm && !called ? 0 : POLLIN },
			{ .fd = gate->loader.fd, .events = gate->warm && called ? 0 : POLLIN },
		};
		int result = 0;

		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return EXIT_FAILURE;
		if (polled[0].revents && gate_broker_receive(gate, &inbox.message) < 0)
			return EXIT_FAILURE; /* the broker is gone, or broken: either way nobody
			                        waits */
		if (gate->warm && (polled[1].revents & POLLHUP))
			return EXIT_FAILURE; /* nor here: the broker starts another pair */
		if (gate->warm) {
			called = polled[1].revents & POLLIN;
			continue;
		}
		if (called || polled[1].revents)
			result = gate_loader_receive(gate, &inbox);
		if (result < 0) {
			gate_loader_lost(gate, result);
			return EXIT_FAILURE;
		}
		called = false;
		/* a loader that asks ahead goes on asking: it need not wake this process each time
		 */
		if (!gate->warm && !gate->finished)
			(void)sched_yield();
	}
	return EXIT_SUCCESS;
}

int gate_run(const struct gate_options *options, int broker_fd, int loader_fd)
{
	static struct gate gate; /* large, and of which most pages stay untouched */
	static const char name_sample[MAP_NAME_SIZE] = "a_map.1";
	int status;

	gate.options = *options;
	gate.broker =
		(struct channel){ .fd = broker_fd, .self = CHANNEL_LOWER, .list = &channel_gate };
	gate.loader =
		(struct channel){ .fd = loader_fd, .self = CHANNEL_UPPER, .list = &channel_loader };
	gate.state = LOADER_STATE_PROBING;
	memory_touch(&gate, sizeof(gate));
	(void)gate_map_name_ok(name_sample); /* code that nothing before a result needs */
	status = gate_serve(&gate);
	/* Its end is not enough for the loader to see: until the job is sent, the broker has this
	 * channel too. After a job it is enough, and early enough: the loader's own end would
	 * compete with the answer for the processor. */
	if (status != EXIT_SUCCESS)
		(void)shutdown(loader_fd, SHUT_RDWR);
	return status;
}
