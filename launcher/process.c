/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/process.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_STARTED 127
#define PATH_SIZE 256
#define ARGUMENTS_MAX 8

static int signals_reset(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++) {
		/* those that cannot be changed, and libc's own, answer EINVAL */
		if (sigaction(number, &action, NULL) < 0 && errno != EINVAL)
			return -errno;
	}
	(void)sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* First above all targets, so that no target overwrites a source; then down, which clears CLOEXEC;
 * the rest goes. */
static int descriptors_place(const struct process *process)
{
	int high[PROCESS_DESCRIPTORS];
	int lowest = ROLE_FD_LAUNCHER + PROCESS_DESCRIPTORS;

	if (dup2(process->null_fd, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return -errno;
	for (int i = 0; i < PROCESS_DESCRIPTORS; i++) {
		high[i] = process->descriptors[i];
		if (high[i] >= 0)
			high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, lowest);
		if (process->descriptors[i] >= 0 && high[i] < 0)
			return -errno;
	}
	for (int i = 0; i < PROCESS_DESCRIPTORS; i++) {
		if (high[i] < 0)
			(void)close(ROLE_FD_LAUNCHER + i);
		else if (dup2(high[i], ROLE_FD_LAUNCHER + i) < 0)
			return -errno;
	}
	return close_range((unsigned int)lowest, ~0U, 0) < 0 ? -errno : 0;
}

_Noreturn static void process_fail(const struct process *process, const char *what)
{
	log_error("cannot start bpfd-%s: %s", process->role, what);
	_exit(EXIT_NOT_STARTED);
}

_Noreturn static void process_run(const struct process *process, pid_t launcher)
{
	char path[PATH_SIZE], name[64], journal[128];
	const char *stream = getenv("JOURNAL_STREAM");
	struct error error = {};

	(void)snprintf(name, sizeof(name), "bpfd-%s", process->role);
	(void)snprintf(path, sizeof(path), "%s/%s", process->helpers, name);
	(void)snprintf(journal, sizeof(journal), "JOURNAL_STREAM=%s", stream ? stream : "");

	char *arguments[ARGUMENTS_MAX + 2] = { name };
	/* libraries' symbols are looked up at the start, not while somebody waits */
	char *environment[] = { "LD_BIND_NOW=1", stream ? journal : NULL, NULL };
	int result = signals_reset();

	for (size_t i = 0; process->arguments && process->arguments[i] && i < ARGUMENTS_MAX; i++)
		arguments[i + 1] = (char *)(uintptr_t)process->arguments[i];
	if (result < 0)
		process_fail(process, strerror(-result));
	result = descriptors_place(process);
	if (result < 0)
		process_fail(process, strerror(-result));
	if (sandbox_identity(process->policy, process->uid, process->gid, process->groups,
	                     process->group_count, &error) < 0)
		process_fail(process, error.message);
	/* the parent-death signal only tells of deaths after it was set */
	if (getppid() != launcher)
		_exit(EXIT_NOT_STARTED);
	(void)execve(path, arguments, environment);
	(void)snprintf(error.message, sizeof(error.message), "cannot execute %s: %s", path,
	               strerror(errno));
	process_fail(process, error.message);
}

int process_start(const struct process *process, pid_t *out)
{
	pid_t launcher = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		process_run(process, launcher);
	*out = pid;
	return 0;
}

const char *process_reason(int wait_status, char out[PROCESS_REASON_SIZE])
{
	int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	const char *hint = "";

	if (!number) {
		(void)snprintf(out, PROCESS_REASON_SIZE, "ended with status %d",
		               WEXITSTATUS(wait_status));
		return out;
	}
	if (number == SIGSYS)
		hint = ": its seccomp policy refused a system call (the kernel's log says which)";
	else if (number == SIGKILL)
		hint = ": by somebody who may, or because memory ran out";
	else if (number == SIGXCPU || number == SIGXFSZ)
		hint = ": it reached its resource limit";
	const char *abbreviation = sigabbrev_np(number);

	if (abbreviation)
		(void)snprintf(out, PROCESS_REASON_SIZE, "was killed by SIG%s%s", abbreviation,
		               hint);
	else
		(void)snprintf(out, PROCESS_REASON_SIZE, "was killed by signal %d", number);
	return out;
}
