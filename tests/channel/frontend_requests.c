/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend_requests.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct fixture fixture;
uint8_t request_id[16] = "0123456789abcde";

int serving_start(void **state)
{
	struct launcher_settings settings = fixture_settings();

	(void)state;
	fixture_start(&fixture, &settings);
	return 0;
}

int serving_start_hastened(void **state)
{
	struct launcher_settings settings = fixture_settings();

	(void)state;
	settings.send_timeout_ms = 400;
	fixture_start(&fixture, &settings);
	return 0;
}

int serving_stop(void **state)
{
	(void)state;
	fixture_serves(&fixture);
	assert_int_equal(fixture_stop(&fixture), 0);
	return 0;
}

Bpfd__V1__Request request_new(Bpfd__V1__Request__OperationCase operation)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;

	request.version = 1;
	request.operation_case = operation;
	request.request_id = (ProtobufCBinaryData){ .data = request_id, .len = sizeof(request_id) };
	return request;
}

void ask_get_program(int fd, uint32_t id, uint64_t program_id)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_GET_PROGRAM);
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;

	get.program_id = program_id;
	request.get_program = &get;
	client_ask(fd, id, &request);
}

void ask_unload(int fd, uint32_t id, uint64_t program_id)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_UNLOAD);
	Bpfd__V1__UnloadRequest unload = BPFD__V1__UNLOAD_REQUEST__INIT;

	unload.program_id = program_id;
	request.unload = &unload;
	client_ask(fd, id, &request);
}

void ask_detach(int fd, uint32_t id, uint64_t link_id)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_DETACH);
	Bpfd__V1__DetachRequest detach = BPFD__V1__DETACH_REQUEST__INIT;

	detach.link_id = link_id;
	request.detach = &detach;
	client_ask(fd, id, &request);
}

void ask_load(int fd, uint32_t id, size_t object_size)
{
	Bpfd__V1__Request request = request_new(BPFD__V1__REQUEST__OPERATION_LOAD);
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__LoadProgram program = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram *programs[] = { &program };
	uint8_t *object = calloc(1, object_size + 1);

	assert_non_null(object);
	program.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_TRACEPOINT;
	program.function = (char *)(uintptr_t) "trace";
	load.programs = programs;
	load.n_programs = 1;
	load.object = (ProtobufCBinaryData){ .data = object, .len = object_size };
	request.load = &load;
	client_ask(fd, id, &request);
	free(object);
}

void expect_error(Bpfd__V1__Response *response, int code, const char *text)
{
	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_ERROR);
	if (!strstr(response->error->message, text))
		fail_msg("\"%s\" is not in \"%s\"", text, response->error->message);
	assert_int_equal(response->error->code, code);
	answer_free(response);
}

void expect_link(const Bpfd__V1__Link *link)
{
	assert_int_equal(link->id, 7);
	assert_int_equal(link->program_id, 1);
	assert_string_equal(link->program_name, "count");
	assert_int_equal(link->kernel_program_id, 101);
	assert_string_equal(link->target->interface, "veth0");
	assert_string_equal(link->where, "veth0");
	assert_int_equal(link->ifindex, 3);
	assert_int_equal(link->state, BPFD__V1__LINK_STATE__LINK_STATE_ATTACHED);
	assert_int_equal(link->target->mode, BPFD__V1__XDP_MODE__XDP_MODE_NATIVE);
	assert_int_equal(link->target->priority_option_case,
	                 BPFD__V1__TARGET__PRIORITY_OPTION_PRIORITY);
	assert_int_equal(link->target->priority, 50);
	assert_int_equal(link->position_option_case, BPFD__V1__LINK__POSITION_OPTION_POSITION);
	assert_int_equal(link->position, 1);
	assert_int_equal(link->target->n_proceed_on, 2);
	assert_int_equal(link->target->proceed_on[0], 2);
	assert_int_equal(link->target->proceed_on[1], 31);
}

void expect_end(const char *text)
{
	assert_true(fixture_logged(&fixture, text));
	assert_int_equal(fixture_wait(&fixture), 1);
}

const unsigned char subscriber_greeting[8] = { 0, 'S', 'P', 0, 0, 0x21, 0, 0 };
const unsigned char publisher_greeting[8] = { 0, 'S', 'P', 0, 0, 0x20, 0, 0 };

int watcher_open(void)
{
	unsigned char got[8];
	int fd = watcher_connect(&fixture);

	client_write(fd, subscriber_greeting, sizeof(subscriber_greeting));
	client_read(fd, got, sizeof(got));
	assert_memory_equal(got, publisher_greeting, sizeof(got));
	return fd;
}

Bpfd__V1__Event *event_next(int fd, const char *topic)
{
	static unsigned char bytes[8192];
	unsigned char head[9];
	size_t topic_size = strlen(topic);
	uint64_t size = 0;

	client_read(fd, head, sizeof(head));
	assert_int_equal(head[0], 1);
	for (int i = 0; i < 8; i++)
		size = size << 8 | head[1 + i];
	assert_in_range(size, topic_size + 1, sizeof(bytes));
	client_read(fd, bytes, size);
	if (memcmp(bytes, topic, topic_size) != 0 || bytes[topic_size] != ' ')
		fail_msg("the topic is not \"%s\" but \"%.*s\"", topic, 16, (const char *)bytes);

	Bpfd__V1__Event *event =
		bpfd__v1__event__unpack(NULL, size - topic_size - 1, bytes + topic_size + 1);

	assert_non_null(event);
	return event;
}

void event_free(Bpfd__V1__Event *event)
{
	bpfd__v1__event__free_unpacked(event, NULL);
}
