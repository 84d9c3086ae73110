/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The real opener, asked for perf events of functions, places in programs and clocks, in containers
 * too. */
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
	for (int i = 0; i < 5; i++) { /* the kernel takes its time to take each out again */
		assert_int_equal(opener_uprobe_open(&host.opener, &place, &fd, &error), 0);
		(void)close(fd);
		assert_int_equal(opener_uprobe_open(&host.opener, &nowhere, &fd, &error), -EINVAL);
	}
	assert_int_equal(opener_descriptors(&host), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kprobe),         cmocka_unit_test(kprobe_malformed),
		cmocka_unit_test(uprobe),         cmocka_unit_test(uprobe_refused),
		cmocka_unit_test(fifo_untouched), cmocka_unit_test(sample),
		cmocka_unit_test(sample_refused), cmocka_unit_test(file),
		cmocka_unit_test(containers_off), cmocka_unit_test(containers_on),
		cmocka_unit_test(switched_off),   cmocka_unit_test(nothing_kept),
	};
	int result;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	host_open(&host);
	host_opener_start(&host);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	host_opener_stop(&host);
	return result;
}
