/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The real opener, confined as the launcher starts it, asked what it answers and what it must not.
 */
#include "broker/kernel.h"
#include "broker/opener_client.h"
#include "tests/xdp/harness.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host host;
static struct chain_member program;

static void attach(void)
{
	assert_int_equal(
		host_run("ip link set dev in xdp pinned " BPFFS "/bpfd/programs/1", NULL, 0), 0);
	assert_int_equal(attached_id(&host), program.kernel_id);
}

static void take_off(void)
{
	assert_int_equal(host_run("ip link set dev in xdp off", NULL, 0), 0);
}

static void dispatcher(void **state)
{
	struct record_program info;
	struct error error = {};
	int program_fd = -1, map_fd = -1;

	(void)state;
	attach();
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.ifindex, program.kernel_id,
	                                        &program_fd, &map_fd, &error),
	                 0);
	assert_int_equal(kernel_program_info(program_fd, &info), 0);
	assert_int_equal(info.kernel_id, program.kernel_id);
	assert_true(map_fd >= 0); /* it has exactly one map */
	assert_int_equal(fcntl(program_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(program_fd);
	(void)close(map_fd);
	take_off();
}

/* The map comes read-only: the broker only reads a foreign configuration. */
static void dispatcher_map_read_only(void **state)
{
	const uint32_t key = 0;
	uint64_t value = 1;
	union bpf_attr attr = {};
	int program_fd = -1, map_fd = -1;

	(void)state;
	attach();
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.ifindex, program.kernel_id,
	                                        &program_fd, &map_fd, NULL),
	                 0);
	assert_int_equal(kernel_map_lookup(map_fd, &key, &value), 0);
	attr.map_fd = (uint32_t)map_fd;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&value;
	assert_int_equal(kernel_real.bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), -EPERM);
	(void)close(program_fd);
	(void)close(map_fd);
	take_off();
}

static void dispatcher_refused(void **state)
{
	struct error error = {};
	int program_fd = -7, map_fd = -7;

	(void)state;
	/* it is loaded, and attached nowhere; nothing; elsewhere */
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.ifindex, program.kernel_id,
	                                        &program_fd, &map_fd, &error),
	                 -ENOENT);
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.ifindex, 0, &program_fd,
	                                        &map_fd, &error),
	                 -ENOENT);
	attach();
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.ifindex, 0, &program_fd,
	                                        &map_fd, &error),
	                 -ENOENT);
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.peer_ifindex,
	                                        program.kernel_id, &program_fd, &map_fd, &error),
	                 -ENOENT);
	assert_int_equal(opener_dispatcher_open(&host.opener, "", 0, program.kernel_id, &program_fd,
	                                        &map_fd, &error),
	                 -ENOENT);
	assert_int_equal(opener_dispatcher_open(&host.opener, "", host.ifindex,
	                                        program.kernel_id + 1, &program_fd, &map_fd,
	                                        &error),
	                 -ENOENT);
	assert_int_equal(program_fd, -7);
	assert_int_equal(map_fd, -7);
	take_off();
}

static void path_of(char *out, size_t size, const char *file)
{
	(void)snprintf(out, size, BPFFS "/xdp/dispatch-%u-%u%s", host.ifindex, program.kernel_id,
	               file);
}

static void component(void **state)
{
	struct record_program info;
	struct error error = {};
	char path[128];
	int fd = -1;

	(void)state;
	path_of(path, sizeof(path), "");
	assert_return_code(mkdir(path, 0700), errno);
	path_of(path, sizeof(path), "/prog3-prog");
	assert_int_equal(kernel_pin(program.program_fd, path), 0);
	/* not while something else is attached */
	assert_int_equal(opener_component_open(&host.opener, "", host.ifindex, program.kernel_id, 3,
	                                       &fd, &error),
	                 -ENOENT);
	attach();
	assert_int_equal(opener_component_open(&host.opener, "", host.ifindex, program.kernel_id, 3,
	                                       &fd, &error),
	                 0);
	assert_int_equal(kernel_program_info(fd, &info), 0);
	assert_int_equal(info.kernel_id, program.kernel_id);
	(void)close(fd);
	assert_int_equal(opener_component_open(&host.opener, "", host.ifindex, program.kernel_id, 2,
	                                       &fd, &error),
	                 -ENOENT);
	assert_int_equal(opener_component_open(&host.opener, "", host.ifindex, program.kernel_id,
	                                       10, &fd, &error),
	                 -EINVAL);
	assert_int_equal(opener_component_open(&host.opener, "", host.ifindex, program.kernel_id,
	                                       UINT32_MAX, &fd, &error),
	                 -EINVAL);
	/* pins stay while their dispatcher runs */
	assert_int_equal(
		opener_pins_remove(&host.opener, "", host.ifindex, program.kernel_id, &error),
		-EBUSY);
	assert_int_equal(access(path, F_OK), 0);
	take_off();
	assert_int_equal(
		opener_pins_remove(&host.opener, "", host.ifindex, program.kernel_id, &error), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(
		opener_pins_remove(&host.opener, "", host.ifindex, program.kernel_id, &error), 0);
	assert_int_equal(pins_count(), 1); /* the program's */
}

/* A file that is no component's stays, and keeps its directory. */
static void strange_file_stays(void **state)
{
	struct error error = {};
	char path[128];

	(void)state;
	path_of(path, sizeof(path), "");
	assert_return_code(mkdir(path, 0700), errno);
	path_of(path, sizeof(path), "/strange");
	assert_int_equal(kernel_pin(program.program_fd, path), 0);
	assert_int_equal(
		opener_pins_remove(&host.opener, "", host.ifindex, program.kernel_id, &error),
		-ENOTEMPTY);
	assert_int_equal(access(path, F_OK), 0);
	assert_return_code(unlink(path), errno);
	assert_int_equal(
		opener_pins_remove(&host.opener, "", host.ifindex, program.kernel_id, &error), 0);
}

static void tracepoint(void **state)
{
	static const char *const bad[][2] = { { "..", "sched" },  { "sched", "../sched" },
		                              { "sched", "" },    { "", "sched_switch" },
		                              { "sched", "a/b" }, { ".", "." } };
	struct error error = {};
	int fd = -7;

	(void)state;
	assert_int_equal(
		opener_tracepoint_open(&host.opener, "sched", "sched_process_fork", &fd, &error),
		0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(fd);
	fd = -7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
			opener_tracepoint_open(&host.opener, bad[i][0], bad[i][1], &fd, &error),
			-EINVAL);
	assert_int_equal(opener_tracepoint_open(&host.opener, "sched", "none", &fd, &error),
	                 -ENOENT);
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_int_equal(fd, -7);
}

static void netns(void **state)
{
	static const struct {
		const char *path;
		int result;
	} rows[] = {
		{ "/proc/self/ns/pid", -EINVAL },  { "/proc/self/ns", -EINVAL },
		{ "/etc/passwd", -EINVAL },        { "/dev/zero", -EINVAL },
		{ "/run/no/such/thing", -ENOENT }, { "/etc/passwd/x", -ENOENT },
		{ "relative", -EINVAL },           { "", -EINVAL },
		{ "/proc/1/ns/net\n", -EINVAL },
	};
	struct error error = {};
	struct stat own, found;
	int fd = -7;

	(void)state;
	/* the opener's own namespace is that of this test */
	assert_int_equal(opener_netns_open(&host.opener, "/proc/self/ns/net", &fd, &error), 0);
	assert_int_equal(stat("/proc/self/ns/net", &own), 0);
	assert_int_equal(fstat(fd, &found), 0);
	assert_int_equal(found.st_ino, own.st_ino);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_PATH | O_ACCMODE), O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(fd);
	fd = -7;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		error = (struct error){};
		assert_int_equal(opener_netns_open(&host.opener, rows[i].path, &fd, &error),
		                 rows[i].result);
		assert_int_not_equal(error.code, 0);
		assert_true(strlen(error.message) > 0);
	}
	assert_int_equal(fd, -7);
	assert_int_equal(opener_netns_open(NULL, "/proc/self/ns/net", &fd, &error), -EOPNOTSUPP);
}

/* Whatever is asked, nothing is kept: its descriptors are as many as before. */
static void nothing_kept(void **state)
{
	size_t before = opener_descriptors(&host);
	struct error error;
	int fd;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(opener_tracepoint_open(&host.opener, "sched", "sched_process_fork",
		                                        &fd, &error),
		                 0);
		(void)close(fd);
		assert_int_equal(opener_tracepoint_open(&host.opener, "sched", "none", &fd, &error),
		                 -ENOENT);
		assert_int_equal(opener_pins_remove(&host.opener, "", host.ifindex, 999999, &error),
		                 0);
		assert_int_equal(opener_netns_open(&host.opener, "/proc/self/ns/net", &fd, &error),
		                 0);
		(void)close(fd);
		assert_int_equal(opener_netns_open(&host.opener, "/proc/self/ns/pid", &fd, &error),
		                 -EINVAL);
	}
	assert_int_equal(opener_descriptors(&host), before);
}

/* A broker that breaks the protocol ends the opener, loudly. */
static void protocol_broken(void **state)
{
	static const struct channel_header wrong[] = {
		{ .type = 99 },
		{ .type = OPENER_OPENED },
		{ .type = OPENER_DISPATCHER, .length = 4 },
		{ .type = OPENER_TRACEPOINT, .flags = 1 },
		{ .type = OPENER_UPROBE, .length = sizeof(struct opener_file) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct host other = host;
		int status;

		host_opener_start(&other);
		assert_true(write(other.opener.channel.fd, &wrong[i], sizeof(wrong[i])) ==
		            sizeof(wrong[i]));
		assert_int_equal(waitpid(other.opener_pid, &status, 0), other.opener_pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		(void)close(other.opener.channel.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dispatcher),
		cmocka_unit_test(dispatcher_map_read_only),
		cmocka_unit_test(dispatcher_refused),
		cmocka_unit_test(component),
		cmocka_unit_test(strange_file_stays),
		cmocka_unit_test(tracepoint),
		cmocka_unit_test(netns),
		cmocka_unit_test(nothing_kept),
		cmocka_unit_test(protocol_broken),
	};
	int result;

	host_open(&host);
	host_opener_start(&host);
	program_load(&host, NULL, "plain", 1, XDP_PASS, &program);
	assert_int_equal(kernel_pin(program.program_fd, BPFFS "/bpfd/programs/1"), 0);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	host_opener_stop(&host);
	return result;
}
