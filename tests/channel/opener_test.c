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

static bool kprobes_here(void)
{
	return access("/sys/bus/event_source/devices/kprobe", F_OK) == 0;
}

static void perf_event_assert(int fd)
{
	char path[64], target[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "anon_inode:[perf_event]");
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(fd);
}

static void kprobe(void **state)
{
	struct opener_kprobe question = { .function = "do_nanosleep" };
	struct error error = {};
	int fd = -7;

	(void)state;
	if (!kprobes_here()) {
		assert_int_equal(opener_kprobe_open(&host.opener, &question, &fd, &error),
		                 -EOPNOTSUPP);
		assert_int_equal(error.code, ERROR_UNSUPPORTED);
		print_message("SKIP: kprobes: this kernel has none\n");
		return;
	}
	assert_int_equal(opener_kprobe_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
	question.returns = 1;
	assert_int_equal(opener_kprobe_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
	question = (struct opener_kprobe){ .function = "do_nanosleep", .offset = 1 };
	fd = -7;
	/* an offset inside an instruction, one behind the function, no function */
	assert_int_equal(opener_kprobe_open(&host.opener, &question, &fd, &error), -EILSEQ);
	assert_int_equal(error.code, ERROR_INVALID_ARGUMENT);
	question.offset = 100000;
	assert_int_equal(opener_kprobe_open(&host.opener, &question, &fd, &error), -EINVAL);
	question = (struct opener_kprobe){ .function = "no_such_function" };
	assert_int_equal(opener_kprobe_open(&host.opener, &question, &fd, &error), -ENOENT);
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_non_null(strstr(error.message, "no_such_function"));
	assert_int_equal(fd, -7);
}

/* What the broker would not ask. */
static void kprobe_malformed(void **state)
{
	static const struct opener_kprobe rows[] = {
		{ .function = "" },
		{ .function = "a b" },
		{ .function = "do_nanosleep", .returns = 2 },
		{ .function = "do_nanosleep", .returns = 1, .offset = 4 },
		{ .function = "do_nanosleep", .reserved = 1 },
		{ .function = "do_nanosleep", .offset = UINT64_C(1) << 32 },
		{ .function = "do_nanosleep\0x" },
	};
	struct error error = {};
	int fd = -7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(opener_kprobe_open(&host.opener, &rows[i], &fd, &error), -EINVAL);
	assert_int_equal(fd, -7);
}

/* Where this program's function lies in its file. */
static uint64_t probed_offset(void)
{
	uintptr_t function = (uintptr_t)(void *)program_count; /* any function will do */
	unsigned long start, end, offset, found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    function >= start && function < end)
			found = function - start + offset;
	}
	(void)fclose(maps);
	return found;
}

static struct opener_uprobe uprobe_question(const char *path)
{
	struct opener_uprobe question = { .offset = probed_offset() };

	(void)snprintf(question.file.path, sizeof(question.file.path), "%s", path);
	return question;
}

static char self[256];

static void uprobe(void **state)
{
	struct opener_uprobe question = uprobe_question(self);
	struct error error = {};
	int fd = -7;

	(void)state;
	assert_int_equal(opener_uprobe_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
	question.returns = 1;
	assert_int_equal(opener_uprobe_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
	question.pid = (uint32_t)getpid();
	assert_int_equal(opener_uprobe_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
}

static void uprobe_refused(void **state)
{
	const struct {
		const char *path;
		uint64_t offset; /* 0: as it should be */
		int result;
		uint32_t pid;
		uint32_t returns;
		uint32_t reserved;
	} rows[] = {
		{ self, UINT64_C(1) << 40, -EINVAL, 0, 0, 0 },
		{ self, UINT64_MAX, -EINVAL, 0, 0, 0 },
		{ self, 0, -ESRCH, INT32_MAX, 0, 0 },
		{ self, 0, -EINVAL, UINT32_MAX, 0, 0 },
		{ self, 0, -EINVAL, 0, 2, 0 },
		{ self, 0, -EINVAL, 0, 0, 1 },
		{ "/none/at/all", 0, -ENOENT, 0, 0, 0 },
		{ "/etc/passwd/x", 0, -ENOENT, 0, 0, 0 },
		{ "/dev/null", 0, -EINVAL, 0, 0, 0 },
		{ "/etc", 0, -EINVAL, 0, 0, 0 },
		{ "relative", 0, -EINVAL, 0, 0, 0 },
		{ "", 0, -EINVAL, 0, 0, 0 },
		{ "/bin/\x01", 0, -EINVAL, 0, 0, 0 },
		{ "/etc/", 0, -EINVAL, 0, 0, 0 },
	};
	int fd = -7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct opener_uprobe question = uprobe_question(rows[i].path);
		struct error error = {};

		if (rows[i].offset)
			question.offset = rows[i].offset;
		question.pid = rows[i].pid;
		question.returns = rows[i].returns;
		question.reserved = rows[i].reserved;
		if (opener_uprobe_open(&host.opener, &question, &fd, &error) != rows[i].result)
			fail_msg("row %zu: %s", i, error.message);
		assert_true(error.message[0]);
	}
	assert_int_equal(fd, -7);
}

/* A FIFO's writer waits for a reader: the opener must not become one. */
static void fifo_untouched(void **state)
{
	char directory[] = "/tmp/bpfd-fifo-XXXXXX", path[64];
	struct opener_uprobe question;
	struct error error = {};
	int fd = -7;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/fifo", directory);
	question = uprobe_question(path);
	assert_return_code(mkfifo(path, 0600), errno);
	assert_int_equal(opener_uprobe_open(&host.opener, &question, &fd, &error), -EINVAL);
	assert_int_equal(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
	assert_int_equal(errno, ENXIO); /* nobody reads it */
	(void)unlink(path);
	(void)rmdir(directory);
}

static void sample(void **state)
{
	struct opener_sample question = {
		.type = 1 /* software */, .config = 0 /* cpu-clock */, .by_frequency = 1, .rate = 99
	};
	struct error error = {};
	int fd = -7;

	(void)state;
	assert_int_equal(opener_sample_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
	question.by_frequency = 0;
	question.rate = 1000000;
	assert_int_equal(opener_sample_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
	question.cpu = -1;
	question.pid = (uint32_t)getpid();
	assert_int_equal(opener_sample_open(&host.opener, &question, &fd, &error), 0);
	perf_event_assert(fd);
}

static void sample_refused(void **state)
{
	static const struct {
		struct opener_sample question;
		int result;
	} rows[] = {
		{ { 4 /* raw */, 1, 0, 99, 0, 0 }, -EINVAL },
		{ { 1, 1, 9 /* dummy */, 99, 0, 0 }, -EINVAL },
		{ { 0, 1, 10, 99, 0, 0 }, -EINVAL },
		{ { 1, 2, 0, 99, 0, 0 }, -EINVAL },
		{ { 1, 1, 0, 0, 0, 0 }, -EINVAL },
		{ { 1, 1, 0, 100001, 0, 0 }, -EINVAL },
		{ { 1, 0, 0, UINT64_MAX, 0, 0 }, -EINVAL },
		{ { 1, 1, 0, 99, -1, 0 }, -EINVAL },
		{ { 1, 1, 0, 99, -2, 1 }, -EINVAL },
		{ { 1, 1, 0, 99, 65536, 0 }, -EINVAL },
		{ { 1, 1, 0, 99, 65535, 0 }, -EINVAL }, /* the kernel's word: no such CPU */
		{ { 1, 1, 0, 99, -1, UINT32_MAX }, -EINVAL },
		{ { 1, 1, 0, 99, -1, INT32_MAX }, -ESRCH },
	};
	struct error error = {};
	int fd = -7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (opener_sample_open(&host.opener, &rows[i].question, &fd, &error) !=
		    rows[i].result)
			fail_msg("row %zu: %s", i, error.message);
	}
	assert_int_equal(fd, -7);
}

static void file(void **state)
{
	struct opener_file question = {};
	struct error error = {};
	char byte;
	int fd = -7;

	(void)state;
	(void)strcpy(question.path, "/etc/passwd");
	assert_int_equal(opener_file_open(&host.opener, &question, &fd, &error), 0);
	assert_true(fcntl(fd, F_GETFL) & O_PATH);
	assert_int_equal(read(fd, &byte, 1), -1);
	(void)close(fd);
	fd = -7;
	question.reserved = 1;
	assert_int_equal(opener_file_open(&host.opener, &question, &fd, &error), -EINVAL);
	question.reserved = 0;
	(void)strcpy(question.path, "/dev/zero");
	assert_int_equal(opener_file_open(&host.opener, &question, &fd, &error), -EINVAL);
	question.container_pid = UINT32_MAX;
	assert_int_equal(opener_file_open(&host.opener, &question, &fd, &error), -EINVAL);
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

/* A process with a root directory of its own, in which /probe is this program. */
struct container {
	char root[32];
	pid_t pid;
};

static void container_start(struct container *container)
{
	char command[512];
	int ready[2];
	char byte;

	(void)strcpy(container->root, "/tmp/bpfd-container-XXXXXX");
	assert_non_null(mkdtemp(container->root));
	/* /absolute leads to the container's own file, not to the host's of that name */
	(void)snprintf(command, sizeof(command),
	               "cp %s %s/probe && ln -s /probe %s/absolute && chmod 755 %s", self,
	               container->root, container->root, container->root);
	assert_int_equal(host_run(command, NULL, 0), 0);
	assert_return_code(pipe2(ready, O_CLOEXEC), errno);
	container->pid = fork();
	assert_return_code(container->pid, errno);
	if (container->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (chroot(container->root) < 0 || chdir("/") < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void container_stop(const struct container *container)
{
	char command[64];

	(void)kill(container->pid, SIGKILL);
	(void)waitpid(container->pid, NULL, 0);
	(void)snprintf(command, sizeof(command), "rm -r %s", container->root);
	assert_int_equal(host_run(command, NULL, 0), 0);
}

static void containers_off(void **state)
{
	struct opener_uprobe question = uprobe_question("/probe");
	struct error error = {};
	int fd = -7;

	(void)state;
	question.file.container_pid = (uint32_t)getpid();
	assert_int_equal(opener_uprobe_open(&host.opener, &question, &fd, &error), -EPERM);
	assert_int_equal(error.code, ERROR_UNSUPPORTED);
	assert_non_null(strstr(error.message, "containers"));
	assert_int_equal(fd, -7);
}

/* The path is found in the container, whatever its links say. */
static void container_probe(struct opener_client *opener, uint32_t pid, const char *path,
                            uint32_t returns)
{
	struct opener_uprobe question = uprobe_question(path);
	struct error error = {};
	int fd = -1;

	question.file.container_pid = pid;
	question.returns = returns;
	if (opener_uprobe_open(opener, &question, &fd, &error) < 0)
		fail_msg("%s", error.message);
	perf_event_assert(fd);
}

static void containers_on(void **state)
{
	struct host other = host;
	struct container container;
	struct opener_uprobe question = uprobe_question("/etc/passwd"); /* the host's */
	struct error error = {};
	int fd = -7;

	(void)state;
	other.settings.containers = 1;
	host_opener_start(&other);
	container_start(&container);
	for (uint32_t returns = 0; returns < 2; returns++) {
		container_probe(&other.opener, (uint32_t)container.pid, "/probe", returns);
		container_probe(&other.opener, (uint32_t)container.pid, "/absolute", returns);
	}
	container_probe(&other.opener, 0, self, 0);
	question.file.container_pid = (uint32_t)container.pid;
	assert_int_equal(opener_uprobe_open(&other.opener, &question, &fd, &error), -ENOENT);
	question.file.container_pid = INT32_MAX;
	assert_int_equal(opener_uprobe_open(&other.opener, &question, &fd, &error), -ESRCH);
	assert_int_equal(fd, -7);
	assert_int_equal(
		opener_tracepoint_open(&other.opener, "sched", "sched_process_fork", &fd, &error),
		0);
	perf_event_assert(fd);
	container_stop(&container);
	host_opener_stop(&other);
}

/* Each feature that goes with the opener is named when it is switched off. */
static void switched_off(void **state)
{
	const struct opener_kprobe function = { .function = "do_nanosleep" };
	const struct opener_uprobe place = uprobe_question(self);
	const struct opener_sample clock = { 1, 1, 0, 99, 0, 0 };
	struct error error = {};
	int fd = -7;

	(void)state;
	assert_int_equal(opener_kprobe_open(NULL, &function, &fd, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.message, "kprobe"));
	assert_int_equal(opener_uprobe_open(NULL, &place, &fd, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.message, "uprobe"));
	assert_int_equal(opener_sample_open(NULL, &clock, &fd, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.message, "sampled"));
	assert_int_equal(opener_file_open(NULL, &place.file, &fd, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.message, "opener = yes"));
	assert_int_equal(fd, -7);
}

/* Whatever is asked, nothing is kept: its descriptors are as many as before. */
static void nothing_kept(void **state)
{
	const struct opener_uprobe place = uprobe_question(self),
				   nowhere = uprobe_question("/dev/null");
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
	for (int i = 0; i < 5; i++) { /* the kernel takes its time to take each out again */
		assert_int_equal(opener_uprobe_open(&host.opener, &place, &fd, &error), 0);
		(void)close(fd);
		assert_int_equal(opener_uprobe_open(&host.opener, &nowhere, &fd, &error), -EINVAL);
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
		cmocka_unit_test(kprobe),
		cmocka_unit_test(kprobe_malformed),
		cmocka_unit_test(uprobe),
		cmocka_unit_test(uprobe_refused),
		cmocka_unit_test(fifo_untouched),
		cmocka_unit_test(sample),
		cmocka_unit_test(sample_refused),
		cmocka_unit_test(file),
		cmocka_unit_test(containers_off),
		cmocka_unit_test(containers_on),
		cmocka_unit_test(switched_off),
	};
	int result;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	host_open(&host);
	host_opener_start(&host);
	program_load(&host, NULL, "plain", 1, XDP_PASS, &program);
	assert_int_equal(kernel_pin(program.program_fd, BPFFS "/bpfd/programs/1"), 0);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	host_opener_stop(&host);
	return result;
}
