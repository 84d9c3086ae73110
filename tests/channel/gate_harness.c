/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/channel/gate_harness.h"

#include "broker/kernel.h"
#include "common/memfd.h"
#include "common/sandbox.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct record_globals harness_globals;

/*
 * The gate's sandbox wants the broker's user: tests/sandbox has it. Here the gate runs as the test
 * does, so that what is tested is the gate's own checks.
 */
const struct sandbox_policy sandbox_policy_gate = { .role = "gate" };

int sandbox_enter(const struct sandbox_policy *policy, const struct launcher_settings *settings,
                  uint32_t *landlock_abi, struct error *error)
{
	(void)policy;
	(void)settings;
	(void)landlock_abi;
	(void)error;
	return 0;
}

struct harness_object harness_object_read(const char *name)
{
	struct harness_object object = {};
	char path[512];
	struct stat status;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/tests/%s.bpf.o", BPFD_BUILD_DIR, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	object.size = (size_t)status.st_size;
	object.bytes = malloc(object.size);
	assert_non_null(object.bytes);
	assert_int_equal(fread(object.bytes, 1, object.size, file), object.size);
	(void)fclose(file);
	return object;
}

void harness_object_free(struct harness_object *object)
{
	free(object->bytes);
	*object = (struct harness_object){};
}

int harness_memfd(const void *bytes, size_t size)
{
	int fd = memfd_from_bytes("object", bytes, size);

	assert_true(fd >= 0);
	return fd;
}

static pid_t loader_spawn(int fd)
{
	pid_t loader = fork();

	assert_true(loader >= 0);
	if (loader > 0)
		return loader;
	/* dup2() to itself would leave it to close at exec */
	if (fd == ROLE_FD_LAUNCHER ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, ROLE_FD_LAUNCHER) < 0)
		_exit(127);
	(void)close_range(ROLE_FD_LAUNCHER + 1, ~0U, 0);
	(void)execl(BPFD_BUILD_DIR "/tests/gate_test_loader", "gate_test_loader", (char *)NULL);
	_exit(127);
}

static int loader_start_take(struct harness *harness)
{
	static struct channel_buffer buffer;
	struct channel_message message;

	assert_int_equal(
		channel_receive(&harness->launcher, LAUNCHER_STATE_RUNNING, &buffer, &message), 0);
	assert_int_equal(message.row->type, LAUNCHER_WORKER_START);
	return message.descriptors[0];
}

static void session_open(struct harness *harness, int extension_target_fd,
                         uint32_t extension_target_btf_id)
{
	static const struct launcher_settings settings = { .log_level = 6 };
	const struct session_settings session_settings = {
		.launcher = &settings,
		.extension_targets = { { BPF_PROG_TYPE_XDP, extension_target_fd,
		                         extension_target_btf_id },
		                       { BPF_PROG_TYPE_SCHED_CLS, -1, 0 } },
		.possible_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF),
	};
	int pair[2];

	assert_int_equal(channel_pair(pair), 0);
	harness->launcher = (struct channel){ pair[0], CHANNEL_UPPER, &channel_launcher };

	struct channel broker_end = { pair[1], CHANNEL_LOWER, &channel_launcher };

	assert_int_equal(session_start(&session_settings, &broker_end, 1, &harness->session), 0);
	harness->loader_fd = loader_start_take(harness);
	(void)close(pair[1]);
}

void harness_open(struct harness *harness, int extension_target_fd,
                  uint32_t extension_target_btf_id)
{
	*harness = (struct harness){ .loader_fd = -1 };
	session_open(harness, extension_target_fd, extension_target_btf_id);
	harness->loader = loader_spawn(harness->loader_fd);
	(void)close(harness->loader_fd);
	harness->loader_fd = -1;
}

void harness_open_raw(struct harness *harness)
{
	*harness = (struct harness){ .loader_fd = -1 };
	session_open(harness, -1, 0);
}

void harness_close(struct harness *harness)
{
	pid_t gate = session_gate_pid(harness->session);

	session_free(harness->session);
	if (harness->loader_fd >= 0)
		(void)close(harness->loader_fd);
	(void)close(harness->launcher.fd);
	assert_int_equal(waitpid(gate, NULL, 0), gate);
	/* a loader ends by itself once its gate is gone */
	if (harness->loader)
		assert_int_equal(waitpid(harness->loader, NULL, 0), harness->loader);
}

enum session_event harness_wait(struct harness *harness)
{
	enum session_event event;

	do {
		event = session_receive(harness->session);
	} while (event == SESSION_PENDING);
	return event;
}

enum session_event harness_load(struct harness *harness, const struct gate_job *job,
                                const void *bytes, size_t size)
{
	int fd = harness_memfd(bytes, size);

	assert_int_equal(harness_wait(harness), SESSION_WARM);
	assert_int_equal(session_submit(harness->session, job, &harness_globals, fd), 0);
	(void)close(fd);

	enum session_event event = harness_wait(harness);

	for (; event == SESSION_ASKS; event = harness_wait(harness))
		assert_int_equal(session_answer(harness->session, -1), 0);
	return event;
}

void harness_job(struct gate_job *job, const char *function, uint32_t type)
{
	*job = (struct gate_job){ .map_memory_max = 64u << 20 };
	memset(&harness_globals, 0, sizeof(harness_globals));
	harness_job_program(job, function, type, PROGRAM_FORM_NATIVE);
}

void harness_job_program(struct gate_job *job, const char *function, uint32_t type, uint32_t form)
{
	struct gate_job_program *program = &job->programs[job->program_count++];

	(void)snprintf(program->function, sizeof(program->function), "%s", function);
	program->type = type;
	program->form = form;
}

void harness_global(const char *name, const void *value, uint32_t size)
{
	struct record_global *global = &harness_globals.entries[harness_globals.count++];

	(void)snprintf(global->name, sizeof(global->name), "%s", name);
	global->offset = harness_globals.data_size;
	global->size = size;
	memcpy(harness_globals.data + global->offset, value, size);
	harness_globals.data_size += size;
}

uint32_t harness_test_run(int program_fd)
{
	unsigned char packet[64] = {};
	unsigned char out[256];
	union bpf_attr attr = {};

	attr.test.prog_fd = (uint32_t)program_fd;
	attr.test.data_in = (uint64_t)(uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	attr.test.data_out = (uint64_t)(uintptr_t)out;
	attr.test.data_size_out = sizeof(out);
	attr.test.repeat = 1;
	assert_int_equal(kernel->bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	return attr.test.retval;
}
