/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stands for a role's binary after exec: enters the sandbox of the role named by its first
 * argument, with directories below the second, and prints what /proc/self/status says then, before
 * it the parent-death signal that outlived exec, unless a third argument says that a launcher's
 * filter is there already, which does not let one ask. Exit status: 0, or 3 with the reason on
 * standard output.
 */
#include "tests/sandbox/policies.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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
	(void)snprintf(settings->helpers_directory, sizeof(settings->helpers_directory),
	               "%s/helpers", base);
}

/*
 * /proc/self/status, which the caller opened before any sandbox closed; the kernel writes the text
 * at the time of the read.
 */
#define STATUS_FD 3

static int status_print(void)
{
	char text[4096];
	ssize_t length = read(STATUS_FD, text, sizeof(text));

	if (length <= 0)
		return -errno;
	return write(STDOUT_FILENO, text, (size_t)length) == length ? 0 : -EIO;
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
	int length = snprintf(line, sizeof(line), "Landlock:\t%u\nDeathSignal:\t%d\n", abi,
	                      death_signal);

	if (write(STDOUT_FILENO, line, (size_t)length) != length || status_print() < 0)
		return 4;
	return 0;
}
