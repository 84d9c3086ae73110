/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stock nng request sockets as clients. */
#include "frontend_fixture.h"

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One socket for the whole process: nng 1.5.2 hangs now and then when many are opened and closed.
 */
static nng_socket requester;

static Bpfd__V1__Response *nng_answer(void)
{
	void *bytes = NULL;
	size_t size = 0;

	assert_int_equal(nng_recv(requester, &bytes, &size, NNG_FLAG_ALLOC), 0);

	Bpfd__V1__Response *response = bpfd__v1__response__unpack(NULL, size, bytes);

	nng_free(bytes, size);
	assert_non_null(response);
	return response;
}

static void nng_ask(const Bpfd__V1__Request *request)
{
	size_t size = bpfd__v1__request__get_packed_size(request);
	void *bytes = nng_alloc(size);

	assert_non_null(bytes);
	(void)bpfd__v1__request__pack(request, bytes);
	assert_int_equal(nng_send(requester, bytes, size, NNG_FLAG_ALLOC), 0);
}

static Bpfd__V1__Response *nng_call(const Bpfd__V1__Request *request)
{
	nng_ask(request);
	return nng_answer();
}

static void get_program(void)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__GetProgramRequest get = BPFD__V1__GET_PROGRAM_REQUEST__INIT;

	request.version = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_GET_PROGRAM;
	request.get_program = &get;
	get.program_id = 1;

	Bpfd__V1__Response *response = nng_call(&request);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_GET_PROGRAM);
	assert_string_equal(response->get_program->program->name, "count");
	answer_free(response);
}

/* Fills a load of `size` bytes whose every byte tells its place. */
static uint8_t *object_make(size_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 12));
	return bytes;
}

static void load(struct fixture *fixture, size_t size)
{
	static uint8_t id[16] = "sixteen bytes ok";
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__LoadRequest load = BPFD__V1__LOAD_REQUEST__INIT;
	Bpfd__V1__LoadProgram program = BPFD__V1__LOAD_PROGRAM__INIT;
	Bpfd__V1__LoadProgram *programs[] = { &program };
	uint8_t *object = object_make(size);
	uint8_t *copy = malloc(size);

	request.version = 1;
	request.request_id = (ProtobufCBinaryData){ .data = id, .len = sizeof(id) };
	request.operation_case = BPFD__V1__REQUEST__OPERATION_LOAD;
	request.load = &load;
	program.type = BPFD__V1__PROGRAM_TYPE__PROGRAM_TYPE_XDP;
	program.function = (char *)(uintptr_t) "count";
	load.programs = programs;
	load.n_programs = 1;
	load.object = (ProtobufCBinaryData){ .data = object, .len = size };
	nng_ask(&request);

	struct channel_message message = broker_receive_type(fixture, FRONTEND_LOAD);
	const struct frontend_load *body = message.body;
	uint64_t ids[] = { 1, 2 };

	assert_memory_equal(body->request_id, id, sizeof(id));
	assert_string_equal(body->programs[0].function, "count");
	assert_non_null(copy);
	assert_int_equal(pread(message.descriptors[0], copy, size, 0), (ssize_t)size);
	assert_memory_equal(copy, object, size);
	broker_done(fixture, message.id, ids, 2);
	channel_message_close(&message);

	Bpfd__V1__Response *response = nng_answer();

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_LOAD);
	assert_int_equal(response->load->n_programs, 2);
	assert_int_equal(response->load->programs[1]->id, 2);
	answer_free(response);
	free(object);
	free(copy);
}

static void stock_nng_client(void **state)
{
	struct launcher_settings settings = fixture_settings();
	struct fixture fixture;
	char url[100];

	(void)state;
	settings.send_timeout_ms = 5000;
	fixture_start(&fixture, &settings);
	(void)snprintf(url, sizeof(url), "ipc://%s", fixture.path);
	assert_int_equal(nng_req0_open(&requester), 0);
	assert_int_equal(nng_socket_set_ms(requester, NNG_OPT_RECVTIMEO, 10000), 0);
	assert_int_equal(nng_dial(requester, url, NULL, 0), 0);
	for (int i = 0; i < 200; i++)
		get_program();
	load(&fixture, 1);
	load(&fixture, 100000);
	load(&fixture, OBJECT_SIZE_MAX);
	get_program();
	assert_int_equal(fixture_stop(&fixture), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stock_nng_client) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
