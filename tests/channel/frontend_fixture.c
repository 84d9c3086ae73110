/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend_fixture.h"

#include "common/log.h"
#include "common/program_type.h"

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
#include <unistd.h>

#define WAIT_S 10

struct launcher_settings fixture_settings(void)
{
	struct launcher_settings settings = {
		.log_level = LOG_LEVEL_DEBUG,
		.access_gid = 64123,
		.image_rules = 3,
		.connections_max = 64,
		.connections_per_uid_max = 64,
		.send_timeout_ms = 8000, /* less than a client waits for its end */
		.bpffs_directory = "/sys/fs/bpf/bpfd",
	};

	return settings;
}

static int listener_open(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(listen(fd, 512), 0);
	return fd;
}

static void timeouts_set(int fd)
{
	struct timeval wait = { .tv_sec = WAIT_S };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)), 0);
}

static void child_run(const struct fixture *fixture, const struct frontend_descriptors *descriptors)
{
	int log = open(fixture->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(99);
	log_open("frontend", LOG_LEVEL_DEBUG);
	exit(frontend_run(&fixture->settings, descriptors, 3));
}

void fixture_start_bare(struct fixture *fixture, const struct launcher_settings *settings)
{
	int launcher[2], broker[2];

	memset(fixture, 0, sizeof(*fixture));
	fixture->settings = *settings;
	(void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/bpfd-frontend-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	assert_int_equal(chmod(fixture->directory, 0755), 0);
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->directory);
	(void)snprintf(fixture->events_path, sizeof(fixture->events_path), "%s/events",
	               fixture->directory);
	(void)snprintf(fixture->log, sizeof(fixture->log), "%s/log", fixture->directory);
	assert_int_equal(channel_pair(launcher), 0);
	assert_int_equal(channel_pair(broker), 0);

	struct frontend_descriptors descriptors = { .launcher_fd = launcher[1],
		                                    .broker_fd = broker[1],
		                                    .listen_fd = listener_open(fixture->path),
		                                    .events_fd =
		                                            listener_open(fixture->events_path) };

	fixture->pid = fork();
	assert_true(fixture->pid >= 0);
	if (fixture->pid == 0) {
		(void)close(launcher[0]);
		(void)close(broker[0]);
		child_run(fixture, &descriptors);
	}
	(void)close(launcher[1]);
	(void)close(broker[1]);
	(void)close(descriptors.listen_fd);
	(void)close(descriptors.events_fd);
	timeouts_set(launcher[0]);
	timeouts_set(broker[0]);
	fixture->launcher = (struct channel){ .fd = launcher[0],
		                              .self = CHANNEL_UPPER,
		                              .list = &channel_launcher };
	fixture->broker = (struct channel){ .fd = broker[0],
		                            .self = CHANNEL_LOWER,
		                            .list = &channel_frontend };
}

void broker_send(struct fixture *fixture, uint16_t type, uint64_t id, const void *body, int fd)
{
	assert_int_equal(channel_send(&fixture->broker, type, id, body, fd >= 0 ? &fd : NULL), 0);
}

void broker_queue(struct fixture *fixture, struct channel_outbox *packet, uint16_t type,
                  const void *body)
{
	assert_int_equal(channel_queue(&fixture->broker, packet, type, 0, body, NULL), 0);
}

struct record_program row_program(uint64_t id, uint32_t type, const char *name)
{
	struct record_program row = { .id = id,
		                      .type = type,
		                      .form = type == PROGRAM_TYPE_XDP ? PROGRAM_FORM_EXTENSION : 0,
		                      .kernel_id = (uint32_t)id + 100,
		                      .kernel_type = type == PROGRAM_TYPE_XDP ? 28 : 5,
		                      .owner_uid = 1000,
		                      .loaded_at_s = 1700000000,
		                      .bytes_xlated = 64,
		                      .gpl_compatible = 1,
		                      .map_count = 2,
		                      .kernel_name = "kernel_name",
		                      .application = "shop",
		                      .source_name = "counter.o" };

	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	row.maps[0] = (struct record_map){
		.name = "counters", .kernel_id = 11, .type = 6, .key_size = 4, .value_size = 8
	};
	row.maps[1] = (struct record_map){ .name = ".rodata.str", .kernel_id = 12, .type = 200 };
	row.metadata.count = 1;
	row.metadata.entries[0] = (struct record_metadata_entry){ .key = "team", .value = "net" };
	return row;
}

struct record_link row_link(uint64_t id, uint64_t program_id)
{
	struct record_link row = { .id = id,
		                   .program_id = program_id,
		                   .type = PROGRAM_TYPE_XDP,
		                   .state = LINK_STATE_ATTACHED,
		                   .target = { .interface = "veth0",
		                               .ifindex = 3,
		                               .priority = 50,
		                               .proceed_on = 1u << 2 | 1u << 31,
		                               .mode = XDP_MODE_NATIVE } };

	return row;
}

static void view_send(struct fixture *fixture)
{
	static struct channel_outbox packet;
	struct record_status status = { .extension_errno = EPERM,
		                        .images = 1,
		                        .image_rules = fixture->settings.image_rules,
		                        .opener = 1,
		                        .landlock_abi = 3,
		                        .store_copy_errno = ENOSPC,
		                        .started_at_s = 1700000000,
		                        .kernel_release = "6.1.0-test" };
	struct record_program xdp = row_program(1, PROGRAM_TYPE_XDP, "count");
	struct record_program tracepoint = row_program(2, PROGRAM_TYPE_TRACEPOINT, "trace");
	struct record_link link = row_link(7, 1);
	struct record_chain chain = { .ifindex = 3,
		                      .type = PROGRAM_TYPE_XDP,
		                      .dispatcher_id = 90,
		                      .dispatcher_version = 2,
		                      .mode = XDP_MODE_NATIVE,
		                      .count = 2,
		                      .interface = "veth0" };

	chain.entries[0] = (struct record_chain_entry){
		.kernel_id = 555, .priority = 10, .proceed_on = 1u << 2, .kernel_name = "foreign"
	};
	chain.entries[1] = (struct record_chain_entry){ .link_id = 7, .kernel_id = 101 };
	memset(tracepoint.application, 0, sizeof(tracepoint.application));
	tracepoint.map_count = 0;
	/* as the broker does it: all in one packet */
	broker_queue(fixture, &packet, FRONTEND_STATUS, &status);
	broker_queue(fixture, &packet, FRONTEND_PROGRAM, &xdp);
	broker_queue(fixture, &packet, FRONTEND_PROGRAM, &tracepoint);
	broker_queue(fixture, &packet, FRONTEND_LINK, &link);
	broker_queue(fixture, &packet, FRONTEND_CHAIN, &chain);
	broker_queue(fixture, &packet, FRONTEND_VIEW_COMPLETE, NULL);
	assert_int_equal(channel_flush(&fixture->broker, &packet), 0);
}

void fixture_start(struct fixture *fixture, const struct launcher_settings *settings)
{
	struct channel_message message;

	fixture_start_bare(fixture, settings);
	view_send(fixture);
	assert_int_equal(channel_receive(&fixture->launcher, LAUNCHER_STATE_STARTING,
	                                 &fixture->buffer, &message),
	                 0);
	assert_int_equal(message.row->type, LAUNCHER_READY);
	assert_int_equal(((const struct launcher_ready *)message.body)->landlock_abi, 3);
}

int fixture_wait(struct fixture *fixture)
{
	int status = -1;

	assert_int_equal(waitpid(fixture->pid, &status, 0), fixture->pid);
	(void)close(fixture->launcher.fd);
	(void)close(fixture->broker.fd);
	(void)unlink(fixture->path);
	(void)unlink(fixture->events_path);
	(void)unlink(fixture->log);
	(void)rmdir(fixture->directory);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int fixture_stop(struct fixture *fixture)
{
	assert_int_equal(channel_send(&fixture->launcher, LAUNCHER_STOP, 0, NULL, NULL), 0);
	return fixture_wait(fixture);
}

static bool file_has(const char *path, const char *text)
{
	char line[4096];
	bool found = false;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, text) != NULL;
	(void)fclose(file);
	return found;
}

bool fixture_logged(const struct fixture *fixture, const char *text)
{
	for (int i = 0; i < 200; i++) {
		if (file_has(fixture->log, text))
			return true;
		(void)usleep(10000);
	}
	return false;
}

size_t fixture_peak_kb(const struct fixture *fixture)
{
	char path[64], line[256];
	size_t kb = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)fixture->pid);

	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtoul(line + 6, NULL, 10);
	}
	(void)fclose(file);
	return kb;
}

struct channel_message broker_receive(struct fixture *fixture)
{
	struct channel_message message;

	assert_int_equal(
		channel_receive(&fixture->broker, FRONTEND_STATE_READY, &fixture->buffer, &message),
		0);
	return message;
}

struct channel_message broker_receive_type(struct fixture *fixture, uint16_t type)
{
	struct channel_message message = broker_receive(fixture);

	while (message.row->type == FRONTEND_LOAD_COMING && type != FRONTEND_LOAD_COMING)
		message = broker_receive(fixture);
	assert_int_equal(message.row->type, type);
	return message;
}

void broker_done(struct fixture *fixture, uint64_t id, const uint64_t *ids, uint32_t count)
{
	struct frontend_done done = { .count = count };

	memcpy(done.ids, ids, count * sizeof(ids[0]));
	broker_send(fixture, FRONTEND_DONE, id, &done, -1);
}

static int path_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	timeouts_set(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int client_connect(const struct fixture *fixture)
{
	return path_connect(fixture->path);
}

int watcher_connect(const struct fixture *fixture)
{
	return path_connect(fixture->events_path);
}

void client_write(int fd, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		assert_true(sent > 0);
		at += sent;
		size -= (size_t)sent;
	}
}

void client_read(int fd, void *bytes, size_t size)
{
	unsigned char *at = bytes;

	while (size) {
		ssize_t got = recv(fd, at, size, 0);

		assert_true(got > 0);
		at += got;
		size -= (size_t)got;
	}
}

int client_open(const struct fixture *fixture)
{
	static const unsigned char mine[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
	static const unsigned char theirs[8] = { 0, 'S', 'P', 0, 0, 0x31, 0, 0 };
	unsigned char got[8];
	int fd = client_connect(fixture);

	client_write(fd, mine, sizeof(mine));
	client_read(fd, got, sizeof(got));
	assert_memory_equal(got, theirs, sizeof(got));
	return fd;
}

bool client_closed(int fd)
{
	unsigned char bytes[4096];
	ssize_t got;

	do {
		got = recv(fd, bytes, sizeof(bytes), 0);
	} while (got > 0);
	return got == 0 || errno == ECONNRESET;
}

void client_ask_raw(int fd, uint32_t request_id, const void *bytes, size_t size)
{
	unsigned char head[13] = { 1 };
	uint64_t body = size + 4;

	for (int i = 0; i < 8; i++)
		head[1 + i] = (unsigned char)(body >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		head[9 + i] = (unsigned char)((request_id | 1u << 31) >> (24 - 8 * i));
	client_write(fd, head, sizeof(head));
	client_write(fd, bytes, size);
}

void client_ask(int fd, uint32_t request_id, const Bpfd__V1__Request *request)
{
	size_t size = bpfd__v1__request__get_packed_size(request);
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	(void)bpfd__v1__request__pack(request, bytes);
	client_ask_raw(fd, request_id, bytes, size);
	free(bytes);
}

Bpfd__V1__Response *client_answer(int fd, uint32_t request_id)
{
	unsigned char head[13];
	uint64_t size = 0;
	uint32_t id = 0;

	client_read(fd, head, sizeof(head));
	assert_int_equal(head[0], 1);
	for (int i = 0; i < 8; i++)
		size = size << 8 | head[1 + i];
	for (int i = 0; i < 4; i++)
		id = id << 8 | head[9 + i];
	assert_int_equal(id, request_id | 1u << 31);
	assert_in_range(size, 4, 64u << 20);

	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	client_read(fd, bytes, size - 4);

	Bpfd__V1__Response *response = bpfd__v1__response__unpack(NULL, size - 4, bytes);

	free(bytes);
	assert_non_null(response);
	return response;
}

void answer_free(Bpfd__V1__Response *response)
{
	bpfd__v1__response__free_unpacked(response, NULL);
}

void fixture_serves(const struct fixture *fixture)
{
	Bpfd__V1__Request request = BPFD__V1__REQUEST__INIT;
	Bpfd__V1__VersionRequest version = BPFD__V1__VERSION_REQUEST__INIT;
	int fd = client_open(fixture);

	request.version = 1;
	request.operation_case = BPFD__V1__REQUEST__OPERATION_VERSION_INFO;
	request.version_info = &version;
	client_ask(fd, 5, &request);

	Bpfd__V1__Response *response = client_answer(fd, 5);

	assert_int_equal(response->result_case, BPFD__V1__RESPONSE__RESULT_VERSION_INFO);
	assert_string_equal(response->version_info->version, BPFD_VERSION);
	answer_free(response);
	(void)close(fd);
}
