/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libbpfd where the server is away, slow, silent, or sends what no bpfd would. */
#include "bpfd/bpfd.h"
#include "client/samples.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How the first request is answered; later ones are answered honestly if `first_only`. */
struct script {
	enum reply_kind kind;
	unsigned delay_ms;
	int first_only;
	uint8_t first_id[BPFD_REQUEST_ID_SIZE];
	int same_id; /* the second request came with the first one's id */
};

static void reply_script(void *context, const Bpfd__V1__Request *request, unsigned count,
                         struct reply *reply)
{
	struct script *script = context;

	if (request->request_id.len == BPFD_REQUEST_ID_SIZE) {
		if (count == 0)
			memcpy(script->first_id, request->request_id.data, BPFD_REQUEST_ID_SIZE);
		else
			script->same_id = memcmp(script->first_id, request->request_id.data,
			                         BPFD_REQUEST_ID_SIZE) == 0;
	}
	sample_reply(NULL, request, count, reply);
	if (count == 0 || !script->first_only) {
		reply->kind = script->kind;
		reply->delay_ms = script->delay_ms;
	}
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct bpfd_client *client_open(const struct test_server *server, uint32_t timeout_ms)
{
	struct bpfd_client *client = NULL;

	assert_int_equal(bpfd_client_open(test_server_path(server), &client, NULL), 0);
	bpfd_client_set_timeout(client, timeout_ms);
	return client;
}

/* Detaches link 1 with the server as scripted; checks result, code and how long it took; returns
 * the requests. */
static unsigned scripted_call(struct script *script, uint32_t timeout_ms, int result, int code,
                              uint64_t most_ms)
{
	struct test_server *server = test_server_start(reply_script, script, NULL);
	struct bpfd_client *client = client_open(server, timeout_ms);
	struct bpfd_error *error = NULL;
	uint64_t begin_ms = now_ms();
	unsigned requests;

	assert_int_equal(bpfd_detach(client, 1, NULL, &error), result);
	assert_true(now_ms() - begin_ms < most_ms);
	if (result) {
		assert_int_equal(error->code, code);
		bpfd_error_free(error);
	}
	bpfd_client_close(client);
	requests = test_server_requests(server);
	test_server_free(server);
	return requests;
}

static void test_silence_times_out(void **state)
{
	struct script script = { .kind = REPLY_SILENCE };

	(void)state;
	assert_int_equal(scripted_call(&script, 300, -ETIMEDOUT, BPFD_ERROR_NO_ANSWER, 3000), 1);
}

static void test_slow_answer_is_waited_for(void **state)
{
	struct script script = { .kind = REPLY_MESSAGE, .delay_ms = 400 };

	(void)state;
	assert_int_equal(scripted_call(&script, 10000, 0, 0, 9000), 1);
}

static void test_closing_server_is_given_up(void **state)
{
	struct script script = { .kind = REPLY_CLOSE };
	unsigned requests;

	(void)state;
	requests = scripted_call(&script, 60000, -ECONNRESET, BPFD_ERROR_NO_ANSWER, 30000);
	assert_in_range(requests, 2, 6);
}

static void test_oversized_answer_is_dropped(void **state)
{
	struct script script = { .kind = REPLY_OVERSIZED };

	(void)state;
	(void)scripted_call(&script, 60000, -ECONNRESET, BPFD_ERROR_NO_ANSWER, 30000);
}

static void test_lost_connection_repeats_with_the_same_id(void **state)
{
	struct script script = { .kind = REPLY_CLOSE, .first_only = 1 };

	(void)state;
	assert_int_equal(scripted_call(&script, 20000, 0, 0, 20000), 2);
	assert_true(script.same_id);
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

/* The first call's answer comes while the second call waits. */
static void test_late_answer_is_not_the_next_ones(void **state)
{
	struct script script = { .kind = REPLY_MESSAGE, .delay_ms = 600, .first_only = 1 };
	struct test_server *server = test_server_start(reply_script, &script, NULL);
	struct bpfd_client *client = client_open(server, 200);

	(void)state;
	assert_int_equal(bpfd_detach(client, 1, NULL, NULL), -ETIMEDOUT);
	bpfd_client_set_timeout(client, 10000);
	assert_int_equal(bpfd_detach(client, 2, NULL, NULL), 0);
	assert_int_equal(bpfd_detach(client, 3, NULL, NULL), 0);
	bpfd_client_close(client);
	test_server_free(server);
}

static void test_another_protocol_is_no_bpfd(void **state)
{
	static const uint8_t publisher[8] = { 0, 'S', 'P', 0, 0, 0x20, 0, 0 };
	static const uint8_t greeting[8] = "220 mail";
	static const uint8_t *const handshakes[] = { publisher, greeting };
	struct script script = {};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct test_server *server =
			test_server_start(reply_script, &script, handshakes[i]);
		struct bpfd_client *client = client_open(server, 400);
		struct bpfd_error *error = NULL;

		assert_int_not_equal(bpfd_detach(client, 1, NULL, &error), 0);
		assert_int_equal(error->code, BPFD_ERROR_NO_ANSWER);
		assert_non_null(strstr(error->message, "is not bpfd"));
		bpfd_error_free(error);
		assert_int_equal(test_server_requests(server), 0);
		test_server_stop(server);
		assert_int_equal(bpfd_detach(client, 1, NULL, NULL), -ENOENT);
		bpfd_client_close(client);
		test_server_free(server);
	}
}

static void test_daemon_restart(void **state)
{
	struct script script = { .kind = REPLY_MESSAGE };
	struct test_server *server = test_server_start(reply_script, &script, NULL);
	struct bpfd_client *client = client_open(server, 10000);
	struct bpfd_error *error = NULL;
	uint64_t begin_ms;

	(void)state;
	assert_int_equal(bpfd_detach(client, 1, NULL, NULL), 0);
	test_server_stop(server);
	(void)usleep(200000); /* nng notices by itself */
	begin_ms = now_ms();
	assert_int_equal(bpfd_detach(client, 1, NULL, &error), -ENOENT);
	assert_int_equal(error->code, BPFD_ERROR_NOT_REACHABLE);
	bpfd_error_free(error);
	assert_true(now_ms() - begin_ms < 1000);
	test_server_restart(server);
	assert_int_equal(bpfd_detach(client, 1, NULL, NULL), 0);
	bpfd_client_close(client);
	test_server_free(server);
}

static void assert_unreachable(const char *path, int result, const char *words)
{
	struct bpfd_client *client = NULL;
	struct bpfd_error *error = NULL;

	assert_int_equal(bpfd_client_open(path, &client, &error), result);
	assert_null(client);
	if (!strstr(error->message, words))
		fail_msg("\"%s\" does not say \"%s\"", error->message, words);
	bpfd_error_free(error);
}

static void test_paths_without_a_daemon(void **state)
{
	char directory[] = "/tmp/bpfd-client-XXXXXX", path[256];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
	assert_unreachable(address.sun_path, -ENOENT, "is bpfd running");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_unreachable(address.sun_path, -ECONNREFUSED, "nobody listens");
	(void)close(fd);
	(void)unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_unreachable(address.sun_path, -EPROTOTYPE, "another kind");
	(void)close(fd);
	(void)unlink(address.sun_path);
	(void)rmdir(directory);
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_unreachable(path, -EINVAL, "107 bytes");
	assert_unreachable("", -EINVAL, "107 bytes");
}

/* In a child, as nobody: the socket is root's alone. */
static int permission_child(const char *path)
{
	struct bpfd_client *client = NULL;
	struct bpfd_error *error = NULL;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 2;
	if (bpfd_client_open(path, &client, &error) != -EACCES)
		return 3;
	return error->code == BPFD_ERROR_NOT_REACHABLE && strstr(error->message, "group \"bpfd\"")
	               ? 0
	               : 4;
}

static void test_permission_names_the_group(void **state)
{
	struct script script = {};
	struct test_server *server;
	char directory[128];
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: only root can become somebody who may not connect\n");
		skip();
	}
	server = test_server_start(reply_script, &script, NULL);
	(void)snprintf(directory, sizeof(directory), "%s", test_server_path(server));
	*strrchr(directory, '/') = '\0';
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chmod(test_server_path(server), 0660), 0);
	child = fork();
	if (child == 0)
		_exit(permission_child(test_server_path(server)));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	test_server_free(server);
}

/* nng's close was seen to hang in some versions; with one socket after another it must not here. */
static void test_open_and_close_again_and_again(void **state)
{
	struct script script = { .kind = REPLY_MESSAGE };

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct test_server *server = test_server_start(reply_script, &script, NULL);

		for (int i = 0; i < 40; i++) {
			struct bpfd_client *client = client_open(server, 10000);

			assert_int_equal(bpfd_detach(client, 1, NULL, NULL), 0);
			bpfd_client_close(client);
		}
		test_server_free(server);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permission_names_the_group), /* first: it forks, and nng has
		                                                      no threads yet */
		cmocka_unit_test(test_paths_without_a_daemon),
		cmocka_unit_test(test_silence_times_out),
		cmocka_unit_test(test_slow_answer_is_waited_for),
		cmocka_unit_test(test_closing_server_is_given_up),
		cmocka_unit_test(test_oversized_answer_is_dropped),
		cmocka_unit_test(test_lost_connection_repeats_with_the_same_id),
		cmocka_unit_test(test_half_an_answer_is_none),
		cmocka_unit_test(test_answer_to_another_request_is_not_taken),
		cmocka_unit_test(test_answer_without_id_is_not_taken),
		cmocka_unit_test(test_late_answer_is_not_the_next_ones),
		cmocka_unit_test(test_another_protocol_is_no_bpfd),
		cmocka_unit_test(test_daemon_restart),
		cmocka_unit_test(test_open_and_close_again_and_again),
	};

	(void)alarm(180); /* a client that hangs is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
