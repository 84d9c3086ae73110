/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One load with everything confined as in service: a broker's process with the broker's identity
 * and sandbox, its gate, and the loader that the installed binary is. The test is the launcher. A
 * missing system call in a policy kills a process here.
 */
#include "broker/kernel.h"
#include "broker/session.h"
#include "common/memfd.h"
#include "common/program_type.h"
#include "common/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BROKER_ID 64001
#define LOADER_ID 64002

/* What the broker's process says when it ends. */
enum outcome { OUTCOME_LOADED = 0, OUTCOME_REFUSED = 1, OUTCOME_SETUP = 2, OUTCOME_DIED = 3 };

static char state_directory[] = "/tmp/bpfd-gate-XXXXXX";
static char objects_directory[sizeof(state_directory) + 16]; /* as the broker's policy names it */

static int object_open(const char *name)
{
	static unsigned char bytes[1 << 20];
	char path[512];
	FILE *file;
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/tests/%s.bpf.o", BPFD_BUILD_DIR, name);
	file = fopen(path, "re");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	return memfd_from_bytes("object", bytes, size);
}

/* Whether it was the object's fault. */
static int failure_outcome(uint32_t code)
{
	return code == ERROR_VERIFIER || code == ERROR_BAD_OBJECT ? OUTCOME_REFUSED : OUTCOME_DIED;
}

static const struct record_globals no_globals;

static int session_serve(struct session *session, const struct gate_job *job, int object_fd)
{
	for (;;) {
		switch (session_receive(session)) {
		case SESSION_WARM:
			if (session_submit(session, job, &no_globals, object_fd) < 0)
				return OUTCOME_DIED;
			break;
		case SESSION_ASKS:
			if (session_answer(session, -1) < 0)
				return OUTCOME_DIED;
			break;
		case SESSION_FINISHED:
			return OUTCOME_LOADED;
		case SESSION_FAILED:
			(void)fprintf(stderr, "%s\n", session_result(session)->error.message);
			return failure_outcome(session_result(session)->error.code);
		default:
			break;
		}
	}
}

static int broker_main(const struct channel *launcher, const struct gate_job *job, int object_fd)
{
	struct launcher_settings settings = { .log_level = 6 };
	struct session_settings session_settings = {
		.launcher = &settings, .extension_targets = { { 0, -1, 0 }, { 0, -1, 0 } }
	};
	struct session *session;
	struct error error = {};

	session_settings.possible_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	(void)snprintf(settings.state_directory, sizeof(settings.state_directory), "%s",
	               state_directory);
	memcpy(settings.bpffs_directory, settings.state_directory,
	       sizeof(settings.state_directory));
	memcpy(settings.xdp_directory, settings.state_directory, sizeof(settings.state_directory));
	memcpy(settings.runtime_directory, settings.state_directory,
	       sizeof(settings.state_directory));
	memcpy(settings.tracefs_directory, settings.state_directory,
	       sizeof(settings.state_directory));
	if (sandbox_identity(&sandbox_policy_broker, BROKER_ID, BROKER_ID, NULL, 0, &error) < 0 ||
	    sandbox_enter(&sandbox_policy_broker, &settings, NULL, &error) < 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		return OUTCOME_SETUP;
	}
	if (session_start(&session_settings, launcher, 1, &session) < 0)
		return OUTCOME_SETUP;
	return session_serve(session, job, object_fd);
}

static pid_t loader_start(int fd)
{
	struct error error = {};
	pid_t loader = fork();

	assert_true(loader >= 0);
	if (loader > 0)
		return loader;
	/* dup2() to itself would leave it to close at exec */
	if (fd == ROLE_FD_LAUNCHER ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, ROLE_FD_LAUNCHER) < 0)
		_exit(126);
	(void)close_range(ROLE_FD_LAUNCHER + 1, ~0U, 0);
	if (sandbox_identity(&sandbox_policy_loader, LOADER_ID, LOADER_ID, NULL, 0, &error) < 0) {
		(void)fprintf(stderr, "%s\n", error.message);
		_exit(126);
	}
	(void)execl(BPFD_BUILD_DIR "/bin/bpfd-loader", "bpfd-loader", (char *)NULL);
	_exit(127);
}

static int exit_status(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		fail_msg("process %d was killed by signal %d: a system call is missing in a policy",
		         pid, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int confined_load(const char *object, const char *function, uint32_t type)
{
	static struct channel_buffer buffer;
	static struct gate_job job;
	struct channel_message message;
	int pair[2];
	int object_fd = object_open(object);

	job = (struct gate_job){ .program_count = 1, .map_memory_max = 64u << 20 };
	(void)snprintf(job.programs[0].function, sizeof(job.programs[0].function), "%s", function);
	job.programs[0].type = type;
	assert_int_equal(channel_pair(pair), 0);

	const struct channel upper = { pair[0], CHANNEL_UPPER, &channel_launcher };
	const struct channel lower = { pair[1], CHANNEL_LOWER, &channel_launcher };
	pid_t broker = fork();

	assert_true(broker >= 0);
	if (broker == 0)
		_exit(broker_main(&lower, &job, object_fd));
	(void)close(pair[1]);
	(void)close(object_fd);
	assert_int_equal(channel_receive(&upper, LAUNCHER_STATE_STARTING, &buffer, &message), 0);

	pid_t loader = loader_start(message.descriptors[0]);
	int outcome;

	channel_message_close(&message);
	outcome = exit_status(broker);
	assert_int_equal(exit_status(loader), 0);
	(void)close(pair[0]);
	return outcome;
}

static void everything_confined_loads(void **state)
{
	(void)state;
	assert_int_equal(confined_load("gate_data", "data_sum", PROGRAM_TYPE_XDP), OUTCOME_LOADED);
	assert_int_equal(confined_load("gate_data", "data_tracepoint", PROGRAM_TYPE_TRACEPOINT),
	                 OUTCOME_LOADED);
	assert_int_equal(confined_load("gate_maps", "maps_main", PROGRAM_TYPE_XDP), OUTCOME_LOADED);
	assert_int_equal(confined_load("gate_priority", "priority_seven", PROGRAM_TYPE_XDP),
	                 OUTCOME_LOADED);
}

static void kernel_files_are_readable(void **state)
{
	(void)state;
	assert_int_equal(confined_load("gate_kernel", "kernel_all", PROGRAM_TYPE_XDP),
	                 OUTCOME_LOADED);
}

static void verifier_log_needs_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(confined_load("gate_refused", "refused_read", PROGRAM_TYPE_XDP),
	                 OUTCOME_REFUSED);
	assert_int_equal(confined_load("gate_no_field", "no_field", PROGRAM_TYPE_XDP),
	                 OUTCOME_REFUSED);
}

static int directory_make(void **state)
{
	(void)state;
	if (!mkdtemp(state_directory) || chmod(state_directory, 0755) < 0)
		return -1;
	(void)snprintf(objects_directory, sizeof(objects_directory), "%s/objects", state_directory);
	return mkdir(objects_directory, 0755);
}

static int directory_remove(void **state)
{
	(void)state;
	return rmdir(objects_directory) < 0 ? -1 : rmdir(state_directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_confined_loads),
		cmocka_unit_test(kernel_files_are_readable),
		cmocka_unit_test(verifier_log_needs_nothing_else),
	};

	if (geteuid() != 0) {
		print_message("SKIP: taking on other users needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
