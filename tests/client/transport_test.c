/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* libbpfd where the server is away, slow, silent, or sends what no bpfd would. */
#include "client/script.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void test_lost_connection_repeats_with_the_same_id(void **state)
{
	struct script script = { .kind = REPLY_CLOSE, .first_only = 1 };

	(void)state;
	assert_int_equal(scripted_call(&script, 20000, 0, 0, 20000), 2);
	assert_true(script.same_id);
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

static void *detach_run(void *argument)
{
	return (void *)(intptr_t)bpfd_detach(argument, 1, NULL, NULL);
}

/* The request is sent again to the next daemon; that there is none for a while is no failure. */
static void test_daemon_restart_during_a_call(void **state)
{
	struct script script = { .kind = REPLY_SILENCE, .first_only = 1 };
	struct test_server *server = test_server_start(reply_script, &script, NULL);
	struct bpfd_client *client = client_open(server, 60000);
	void *result = NULL;
	pthread_t caller;

	(void)state;
	assert_int_equal(pthread_create(&caller, NULL, detach_run, client), 0);
	while (test_server_requests(server) == 0)
		(void)usleep(1000);
	test_server_stop(server);
	(void)usleep(400000);
	test_server_restart(server);
	assert_int_equal(pthread_join(caller, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(test_server_requests(server), 2);
	assert_true(script.same_id);
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

/* The close of nng's sockets was seen to hang in some versions; that of a stream must not. */
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
		cmocka_unit_test(test_lost_connection_repeats_with_the_same_id),
		cmocka_unit_test(test_late_answer_is_not_the_next_ones),
		cmocka_unit_test(test_another_protocol_is_no_bpfd),
		cmocka_unit_test(test_daemon_restart),
		cmocka_unit_test(test_daemon_restart_during_a_call),
		cmocka_unit_test(test_open_and_close_again_and_again),
	};

	(void)alarm(180); /* a client that hangs is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
