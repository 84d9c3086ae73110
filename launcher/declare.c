/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/declare.h"

#include "common/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* An identity alone: it reads root's files and speaks to the frontend like any other client, which
 * has no filter either. */
static const struct sandbox_policy declare_policy = { .role = "declare", .root = 1 };

void declare_start(struct supervisor *supervisor)
{
	char socket[sizeof(supervisor->settings.runtime_directory) + 16];
	const char *const arguments[] = {
		"--socket", socket, "reload", "--directory", supervisor->declarations, NULL
	};
	struct process process = {
		.helpers = supervisor->helpers,
		.role = "declare",
		.policy = &declare_policy,
		.arguments = arguments,
		.null_fd = supervisor->null_fd,
		.descriptors = { -1, -1, -1 },
	};
	int result;

	/* Without a directory nothing was ever declared. An empty one may have had files before. */
	if (!supervisor->declarations || access(supervisor->declarations, F_OK) < 0)
		return;
	(void)snprintf(socket, sizeof(socket), "%s/bpfd.sock",
	               supervisor->settings.runtime_directory);
	result = process_start(&process, &supervisor->declare_pid);
	if (result < 0)
		log_warning("cannot start bpfd-declare: %s", strerror(-result));
}

bool declare_reaped(struct supervisor *supervisor, pid_t pid, int wait_status)
{
	char reason[PROCESS_REASON_SIZE];

	if (!supervisor->declare_pid || supervisor->declare_pid != pid)
		return false;
	supervisor->declare_pid = 0;
	if (!wait_status)
		log_info("what %s declares is there", supervisor->declarations);
	else if (supervisor->state != SUPERVISOR_STOPPING)
		log_warning("not all that %s declares is there (bpfd-declare %s): correct it and "
		            "run \"bpfctl reload\"",
		            supervisor->declarations, process_reason(wait_status, reason));
	return true;
}
