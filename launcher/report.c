/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/report.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_SIZE 4096

static pid_t process_pid(const struct supervisor *supervisor, size_t index)
{
	return index < ROLE_COUNT ? supervisor->roles[index].pid : getpid();
}

void report_open(const struct supervisor *supervisor, struct report *report)
{
	for (size_t i = 0; i < REPORT_PROCESSES; i++) {
		pid_t pid = process_pid(supervisor, i);
		char path[32];

		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		report->status_fds[i] = pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	}
}

/* The number behind "NAME:" at the start of a line. */
static bool field_read(const char *text, const char *name, int base, uint64_t *number)
{
	size_t length = strlen(name);
	char *end;

	while (text && (strncmp(text, name, length) != 0 || text[length] != ':')) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (!text)
		return false;
	*number = strtoull(text + length + 1, &end, base);
	return end != text + length + 1;
}

int report_parse(const char *text, struct launcher_process *process)
{
	uint64_t pid, uid, capabilities, privileges, seccomp;

	/* the first of four uids is the real one: all are the same in bpfd's processes */
	if (!field_read(text, "Pid", 10, &pid) || !field_read(text, "Uid", 10, &uid) ||
	    !field_read(text, "CapEff", 16, &capabilities) ||
	    !field_read(text, "NoNewPrivs", 10, &privileges) ||
	    !field_read(text, "Seccomp", 10, &seccomp))
		return -EBADMSG;
	process->pid = (uint32_t)pid;
	process->uid = (uint32_t)uid;
	process->capabilities = capabilities;
	process->no_new_privileges = (uint32_t)privileges;
	process->seccomp = (uint32_t)seccomp;
	return 0;
}

static void process_send(const struct supervisor *supervisor, size_t index, int status_fd)
{
	const struct role *frontend = &supervisor->roles[ROLE_FRONTEND];
	const struct role *confined = &supervisor->roles[index < ROLE_COUNT ? index : ROLE_BROKER];
	struct launcher_process process = { .landlock_abi = confined->landlock_abi };
	char text[STATUS_SIZE];
	ssize_t got = pread(status_fd, text, sizeof(text) - 1, 0);

	if (got <= 0)
		return;
	text[got] = '\0';
	(void)snprintf(process.role, sizeof(process.role), "%s",
	               index < ROLE_COUNT ? supervisor->roles[index].name : "launcher");
	if (report_parse(text, &process) < 0 || frontend->channel.fd < 0)
		return;
	if (channel_send(&frontend->channel, LAUNCHER_PROCESS, 0, &process, NULL) < 0)
		log_debug("bpfd-frontend takes no messages");
}

void report_send(const struct supervisor *supervisor, struct report *report)
{
	for (size_t i = 0; i < REPORT_PROCESSES; i++) {
		if (report->status_fds[i] < 0)
			continue;
		process_send(supervisor, i, report->status_fds[i]);
		(void)close(report->status_fds[i]);
		report->status_fds[i] = -1;
	}
}
