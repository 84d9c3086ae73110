/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stands for a role's binary after exec: enters the sandbox of the role named by its first
 * argument, with directories below the second, says so, and lets itself be looked at. It says the
 * parent-death signal that outlived exec too, unless a third argument tells that a launcher's
 * filter is there already, which does not let one ask. Exit status: 0, or 3 with the reason on
 * standard output.
 */
#include "tests/sandbox/policies.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void settings_fill(struct launcher_settings *settings, const char *base)
{
	(void)snprintf(settings->state_directory, sizeof(settings->state_directory), "%s/state",
	               base);
	(void)snprintf(settings->runtime_directory, sizeof(settings->runtime_directory), "%s/run",
	               base);
	(void)snprintf(settings->bpffs_directory, sizeof(settings->bpffs_directory), "%s/bpffs",
	               base);
	(void)snprintf(settings->xdp_directory, sizeof(settings->xdp_directory), "%s/xdp", base);
	(void)snprintf(settings->tracefs_directory, sizeof(settings->tracefs_directory),
	               "%s/tracefs", base);
	(void)snprintf(settings->ca_directory, sizeof(settings->ca_directory), "%s/ca", base);
	(void)snprintf(settings->rules_directory, sizeof(settings->rules_directory), "%s/rules",
	               base);
	(void)snprintf(settings->helpers_directory, sizeof(settings->helpers_directory),
	               "%s/helpers", base);
}

/* A socket whose other end the test closes once it has looked at this process. */
#define HOLD_FD 3

static int hold(void)
{
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	return recvmsg(HOLD_FD, &message, 0) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct launcher_settings settings = {};
	struct error error = {};
	uint32_t abi = 0;
	int death_signal = 0;

	if (argc != 3 && argc != 4)
		return 2;
	const struct sandbox_policy *policy = policy_by_role(argv[1]);

	if (!policy)
		return 2;
	settings_fill(&settings, argv[2]);
	if (argc == 3 && prctl(PR_GET_PDEATHSIG, &death_signal) < 0)
		return 2;
	if (sandbox_enter(policy, &settings, &abi, &error) < 0) {
		(void)dprintf(STDOUT_FILENO, "refused: %s\n", error.message);
		return 3;
	}
	char line[64];
	int length = snprintf(line, sizeof(line), "Landlock:\t%u\nDeathSignal:\t%d\nconfined\n",
	                      abi, death_signal);

	if (write(STDOUT_FILENO, line, (size_t)length) != length || hold() < 0)
		return 4;
	return 0;
}
