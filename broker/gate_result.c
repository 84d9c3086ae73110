/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the loader says about its load: checked against what the gate itself made, then told to the
 * broker. */
#include "broker/gate_state.h"

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/target.h"

#include <string.h>

/* The XDP actions, and a dispatcher's own code. */
#define PROCEED_ON_ANY ((1u << 31) | 0x1fu)

int gate_result_warm(struct gate *gate, const struct channel_message *message,
                     struct gate_answer *answer)
{
	(void)message;
	(void)answer;
	gate_objects_close(gate);
	gate->refusal = (struct error){};
	gate->warm = true;
	return channel_send(&gate->broker, GATE_WARM, 0, NULL, NULL);
}

/* The loader asked ahead, and something was refused: it tries again, step by step. */
int gate_result_restart(struct gate *gate, const struct channel_message *message,
                        struct gate_answer *answer)
{
	(void)message;
	(void)answer;
	if (gate->restarted || gate->map_count)
		return -EPROTO;
	for (uint32_t i = 0; i < gate->job.program_count; i++) {
		if (gate->programs[i].handle != LOADER_HANDLE_NONE)
			return -EPROTO;
	}
	gate->restarted = true;
	gate->refused = false;
	gate_objects_close(gate);
	gate->refusal = (struct error){};
	return 0;
}

/* Shown to users: what a kernel function's or a hook's name may be. */
static bool target_text_ok(const char text[FUNCTION_NAME_SIZE])
{
	return channel_text_ok(text, FUNCTION_NAME_SIZE) &&
	       (!text[0] || target_field_row(TARGET_FUNCTION)->text_ok(text));
}

int gate_result_program(struct gate *gate, const struct channel_message *message,
                        struct gate_answer *answer)
{
	const struct loader_program *program = message->body;
	const struct gate_object *object =
		gate_object_find(gate, program->handle, GATE_KIND_PROGRAM);
	struct gate_loaded_program *loaded;

	(void)answer;
	if (!object || program->index >= gate->job.program_count || object->index != program->index)
		return -EPROTO;
	loaded = &gate->programs[program->index];
	if (loaded->handle != LOADER_HANDLE_NONE || program->xdp.priority > PRIORITY_MAX ||
	    (program->xdp.proceed_on & ~PROCEED_ON_ANY))
		return -EPROTO;
	if (!target_text_ok(program->target))
		return -EPROTO;
	loaded->handle = program->handle;
	loaded->type = object->program_type;
	memcpy(loaded->target, program->target, sizeof(loaded->target));
	if (object->type == BPF_PROG_TYPE_XDP) {
		loaded->xdp.priority = program->xdp.priority;
		loaded->xdp.proceed_on = program->xdp.proceed_on;
		loaded->xdp.frags = (object->flags & BPF_F_XDP_HAS_FRAGS) ? 1 : 0;
	}
	return 0;
}

bool gate_map_name_ok(const char name[MAP_NAME_SIZE])
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";

	return channel_text_ok(name, MAP_NAME_SIZE) && name[0] &&
	       name[strspn(name, allowed)] == '\0';
}

int gate_result_map(struct gate *gate, const struct channel_message *message,
                    struct gate_answer *answer)
{
	const struct loader_map *map = message->body;
	const struct gate_object *object = gate_object_find(gate, map->handle, GATE_KIND_MAP);
	struct gate_loaded_map *loaded;

	(void)answer;
	if (gate->map_count == LOAD_MAPS_MAX || !gate_map_name_ok(map->name) || !object ||
	    map->by_name > 1 || (map->by_name && strchr(map->name, '.')) ||
	    (object->shared && strcmp(gate->shared_names[object->index], map->name) != 0))
		return -EPROTO;
	for (uint32_t i = 0; i < gate->map_count; i++) {
		if (gate->maps[i].handle == map->handle ||
		    strcmp(gate->maps[i].name, map->name) == 0)
			return -EPROTO;
	}
	loaded = &gate->maps[gate->map_count++];
	loaded->handle = map->handle;
	loaded->by_name = map->by_name;
	memcpy(loaded->name, map->name, sizeof(loaded->name));
	return 0;
}

static int programs_queue(struct gate *gate)
{
	for (uint32_t i = 0; i < gate->job.program_count; i++) {
		struct gate_program program = { .index = i,
			                        .type = gate->programs[i].type,
			                        .xdp = gate->programs[i].xdp };
		int result;

		memcpy(program.target, gate->programs[i].target, sizeof(program.target));
		result = channel_queue(&gate->broker, &gate->results, GATE_PROGRAM, 0, &program,
		                       &gate->objects[gate->programs[i].handle].fd);

		if (result < 0)
			return result;
	}
	return 0;
}

static int maps_queue(struct gate *gate)
{
	for (uint32_t i = 0; i < gate->map_count; i++) {
		struct gate_map map = { .by_name = gate->maps[i].by_name };
		int result;

		memcpy(map.name, gate->maps[i].name, sizeof(map.name));
		result = channel_queue(&gate->broker, &gate->results, GATE_MAP, 0, &map,
		                       &gate->objects[gate->maps[i].handle].fd);
		if (result < 0)
			return result;
	}
	return 0;
}

int gate_result_done(struct gate *gate, const struct channel_message *message,
                     struct gate_answer *answer)
{
	const struct loader_done *done = message->body;
	struct gate_finished finished = { .program_count = done->program_count,
		                          .map_count = done->map_count };
	int result;

	(void)answer;
	if (done->program_count != gate->job.program_count || done->map_count != gate->map_count)
		return -EPROTO;
	for (uint32_t i = 0; i < gate->job.program_count; i++) {
		if (gate->programs[i].handle == LOADER_HANDLE_NONE)
			return -EPROTO;
	}
	memcpy(finished.digest, done->digest, sizeof(finished.digest));
	result = programs_queue(gate);
	if (result == 0)
		result = maps_queue(gate);
	if (result == 0)
		result = channel_queue(&gate->broker, &gate->results, GATE_FINISHED, 0, &finished,
		                       NULL);
	if (result == 0)
		result = channel_flush(&gate->broker, &gate->results);
	gate->finished = true;
	return result;
}

/* Leaves printable ASCII, line ends and tabs; terminals and logs see the rest as question marks. */
static void text_make_printable(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((text[i] < 0x20 || text[i] > 0x7e) && text[i] != '\n' && text[i] != '\t')
			text[i] = '?';
	}
}

static int failed_fill(const struct gate *gate, const struct loader_failed *failed,
                       struct gate_failed *out)
{
	const struct error *error = gate->refusal.code ? &gate->refusal : &failed->error;
	size_t length = strnlen(error->message, sizeof(error->message));

	if (error->code < ERROR_INVALID_ARGUMENT || error->code > ERROR_INTERNAL ||
	    length == sizeof(error->message))
		return -EPROTO;
	out->error.code = error->code;
	memcpy(out->error.message, error->message, length);
	text_make_printable(out->error.message, length);
	return 0;
}

int gate_result_failed(struct gate *gate, const struct channel_message *message,
                       struct gate_answer *answer)
{
	struct gate_failed out = {};
	int result = failed_fill(gate, message->body, &out);

	(void)answer;
	if (result < 0)
		return result;
	gate->finished = true;
	return channel_send(&gate->broker, GATE_FAILED, 0, &out, NULL);
}

int gate_result_failed_with_log(struct gate *gate, const struct channel_message *message,
                                struct gate_answer *answer)
{
	const struct loader_failed *failed = message->body;
	__attribute__((cleanup(gate_payload_cleanup))) struct gate_payload log = {};
	struct gate_failed out = { .log_size = failed->log_size };
	int result = failed_fill(gate, failed, &out);

	(void)answer;
	if (result < 0 || failed->log_size == 0 || failed->log_size > VERIFIER_LOG_MAX)
		return -EPROTO;
	result = gate_payload_take(message, NULL, failed->log_size, &log);
	if (result < 0)
		return result;
	text_make_printable(log.bytes, failed->log_size);

	_cleanup_close_ int fd = memfd_from_bytes("verifier log", log.bytes, failed->log_size);

	if (fd < 0)
		return fd;
	gate->finished = true;
	return channel_send(&gate->broker, GATE_FAILED_WITH_LOG, 0, &out, &fd);
}
