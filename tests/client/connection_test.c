/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of libbpfd's connection: answers and requests of every shape, and servers of none. */
#include "client/samples.h"
#include "client/script.h"

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void test_oversized_answer_is_dropped(void **state)
{
	struct script script = { .kind = REPLY_OVERSIZED };

	(void)state;
	(void)scripted_call(&script, 60000, -ECONNRESET, BPFD_ERROR_NO_ANSWER, 30000);
}

static void test_half_an_answer_is_none(void **state)
{
	struct script script = { .kind = REPLY_HALF, .first_only = 1 };

	(void)state;
	assert_int_equal(scripted_call(&script, 20000, 0, 0, 20000), 2);
	assert_true(script.same_id);
}

static void test_answer_to_another_request_is_not_taken(void **state)
{
	struct script script = { .kind = REPLY_FOREIGN_ID };

	(void)state;
	(void)scripted_call(&script, 300, -ETIMEDOUT, BPFD_ERROR_NO_ANSWER, 3000);
}

static void test_answer_without_id_is_not_taken(void **state)
{
	struct script script = { .kind = REPLY_NO_ID };
	struct test_server *server = test_server_start(reply_script, &script, NULL);
	struct bpfd_client *client = client_open(server, 500);

	(void)state;
	assert_in_range(-bpfd_detach(client, 1, NULL, NULL), 1, 200);
	bpfd_client_close(client);
	test_server_free(server);
}

static void test_garbage_is_refused(void **state)
{
	struct script script = { .kind = REPLY_GARBAGE };

	(void)state;
	assert_in_range(scripted_call(&script, 60000, -ECONNRESET, BPFD_ERROR_NO_ANSWER, 30000), 2,
	                6);
}

static void test_answer_in_slices(void **state)
{
	struct script script = { .kind = REPLY_SLICED };

	(void)state;
	assert_int_equal(scripted_call(&script, 20000, 0, 0, 20000), 1);
}

static void test_stray_answer_is_skipped(void **state)
{
	struct script script = { .kind = REPLY_STRAY };

	(void)state;
	assert_int_equal(scripted_call(&script, 20000, 0, 0, 20000), 1);
}

/* There is always something to read, and the time is up nevertheless. */
static void test_flood_does_not_stop_the_clock(void **state)
{
	struct script script = { .kind = REPLY_FLOOD };

	(void)state;
	assert_int_equal(scripted_call(&script, 300, -ETIMEDOUT, BPFD_ERROR_NO_ANSWER, 20000), 1);
}

/* Each call finds its connection ended: none of them counts that as lost, or asks twice. */
static void test_connection_ended_between_calls(void **state)
{
	struct script script = { .kind = REPLY_LAST };
	struct test_server *server = test_server_start(reply_script, &script, NULL);
	struct bpfd_client *client = client_open(server, 20000);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(bpfd_detach(client, 1, NULL, NULL), 0);
	assert_int_equal(test_server_requests(server), 20);
	bpfd_client_close(client);
	test_server_free(server);
}

static void reply_long(void *context, const Bpfd__V1__Request *request, unsigned count,
                       struct reply *reply)
{
	const size_t *size_bytes = context;
	Bpfd__V1__Response response = BPFD__V1__RESPONSE__INIT;
	Bpfd__V1__Error refusal = BPFD__V1__ERROR__INIT;

	(void)request;
	(void)count;
	refusal.code = BPFD__V1__ERROR_CODE__ERROR_CODE_VERIFIER;
	refusal.message = (char *)(uintptr_t) "no";
	refusal.verifier_log.len = *size_bytes;
	refusal.verifier_log.data = malloc(*size_bytes);
	assert_non_null(refusal.verifier_log.data);
	memset(refusal.verifier_log.data, 'v', *size_bytes);
	response.result_case = BPFD__V1__RESPONSE__RESULT_ERROR;
	response.error = &refusal;
	reply_pack(reply, &response);
	free(refusal.verifier_log.data);
}

/* Of a few pieces, and of more than is taken. */
static void test_long_answers(void **state)
{
	size_t size_bytes = 5u << 20;
	struct test_server *server = test_server_start(reply_long, &size_bytes, NULL);
	struct bpfd_client *client = client_open(server, 60000);
	struct bpfd_error *error = NULL;

	(void)state;
	assert_int_equal(bpfd_detach(client, 1, NULL, &error), -EREMOTEIO);
	assert_int_equal(strlen(error->verifier_log), size_bytes);
	assert_int_equal(strspn(error->verifier_log, "v"), size_bytes);
	bpfd_error_free(error);
	size_bytes = 64u << 20; /* and a few bytes around it */
	assert_int_equal(bpfd_detach(client, 1, NULL, NULL), -ECONNRESET);
	bpfd_client_close(client);
	test_server_free(server);
}

struct object_seen {
	const uint8_t *bytes;
	size_t size;
	bool same;
};

static void reply_object(void *context, const Bpfd__V1__Request *request, unsigned count,
                         struct reply *reply)
{
	struct object_seen *seen = context;

	if (request->operation_case == BPFD__V1__REQUEST__OPERATION_LOAD)
		seen->same = request->load->object.len == seen->size &&
		             memcmp(request->load->object.data, seen->bytes, seen->size) == 0;
	sample_reply(NULL, request, count, reply);
}

static int object_load(struct bpfd_client *client, const struct object_seen *object,
                       struct bpfd_error **error)
{
	const struct bpfd_load_program program = { .type = BPFD_PROGRAM_XDP, .function = "good" };
	const struct bpfd_load_request request = {
		.object = object->bytes,
		.object_size = object->size,
		.programs = &program,
		.program_count = 1,
	};
	struct bpfd_programs *programs = NULL;
	int result = bpfd_load(client, &request, &programs, error);

	bpfd_programs_free(programs);
	return result;
}

static void test_long_request_arrives_whole(void **state)
{
	struct object_seen seen = { .size = BPFD_OBJECT_SIZE_MAX };
	struct test_server *server;
	struct bpfd_client *client;
	uint8_t *bytes = malloc(seen.size);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < seen.size; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	seen.bytes = bytes;
	server = test_server_start(reply_object, &seen, NULL);
	client = client_open(server, 60000);
	assert_int_equal(object_load(client, &seen, NULL), 0);
	assert_true(seen.same);
	bpfd_client_close(client);
	test_server_free(server);
	free(bytes);
}

/* A listening socket that the test accepts from, or does not. */
struct listener {
	char directory[32];
	struct sockaddr_un address;
	int fd;
};

static void listener_open(struct listener *listener, int backlog)
{
	*listener = (struct listener){ .directory = "/tmp/bpfd-client-XXXXXX",
		                       .address.sun_family = AF_UNIX };
	assert_non_null(mkdtemp(listener->directory));
	(void)snprintf(listener->address.sun_path, sizeof(listener->address.sun_path), "%s/s",
	               listener->directory);
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener->fd, (const struct sockaddr *)&listener->address,
	                      sizeof(listener->address)),
	                 0);
	assert_int_equal(listen(listener->fd, backlog), 0);
}

static void listener_close(struct listener *listener)
{
	(void)close(listener->fd);
	(void)unlink(listener->address.sun_path);
	(void)rmdir(listener->directory);
}

static void assert_silence(struct bpfd_client *client, int result, struct bpfd_error *error,
                           const char *words)
{
	assert_int_equal(result, -ETIMEDOUT);
	assert_int_equal(error->code, BPFD_ERROR_NO_ANSWER);
	if (!strstr(error->message, words))
		fail_msg("\"%s\" does not say \"%s\"", error->message, words);
	bpfd_error_free(error);
	bpfd_client_close(client);
}

static void test_no_greeting_is_no_connection(void **state)
{
	struct bpfd_client *client = NULL;
	struct bpfd_error *error = NULL;
	struct listener listener;
	int result;

	(void)state;
	listener_open(&listener, 8);
	assert_int_equal(bpfd_client_open(listener.address.sun_path, &client, NULL), 0);
	bpfd_client_set_timeout(client, 200);
	result = bpfd_detach(client, 1, NULL, &error);
	assert_silence(client, result, error, "gave no connection within 0.200 s");
	listener_close(&listener);
}

/* Its queue is full: that is no reason to give up at once. */
static void test_busy_server_is_waited_for(void **state)
{
	struct bpfd_client *client = NULL;
	struct bpfd_error *error = NULL;
	struct listener listener;
	int queued[8], count = 0, result;

	(void)state;
	listener_open(&listener, 0);
	for (result = 0; result == 0 && count < 8; count++) {
		queued[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		result = connect(queued[count], (const struct sockaddr *)&listener.address,
		                 sizeof(listener.address));
	}
	assert_int_equal(result, -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(bpfd_client_open(listener.address.sun_path, &client, NULL), 0);
	bpfd_client_set_timeout(client, 200);
	result = bpfd_detach(client, 1, NULL, &error);
	assert_silence(client, result, error, "gave no connection within 0.200 s");
	while (count > 0)
		(void)close(queued[--count]);
	listener_close(&listener);
}

static void test_server_that_does_not_read(void **state)
{
	struct object_seen object = { .size = 4u << 20, .bytes = calloc(1, 4u << 20) };
	struct test_server *server = test_server_start(reply_object, &object, test_server_deaf);
	struct bpfd_client *client = client_open(server, 300);
	struct bpfd_error *error = NULL;
	int result;

	(void)state;
	assert_non_null(object.bytes);
	result = object_load(client, &object, &error);
	assert_silence(client, result, error, "it may still do what was asked");
	test_server_free(server);
	free((void *)(uintptr_t)object.bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oversized_answer_is_dropped),
		cmocka_unit_test(test_half_an_answer_is_none),
		cmocka_unit_test(test_answer_to_another_request_is_not_taken),
		cmocka_unit_test(test_answer_without_id_is_not_taken),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_answer_in_slices),
		cmocka_unit_test(test_stray_answer_is_skipped),
		cmocka_unit_test(test_flood_does_not_stop_the_clock),
		cmocka_unit_test(test_connection_ended_between_calls),
		cmocka_unit_test(test_long_answers),
		cmocka_unit_test(test_long_request_arrives_whole),
		cmocka_unit_test(test_no_greeting_is_no_connection),
		cmocka_unit_test(test_busy_server_is_waited_for),
		cmocka_unit_test(test_server_that_does_not_read),
	};

	(void)alarm(180); /* a client that hangs is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
