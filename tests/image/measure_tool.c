/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * measure_tool PROGRAM [ARGUMENT]...: runs it, with all descriptors, and logs the most memory that
 * it ever had, with its libraries, as the kernel counted it: "measured N KiB". Ends as it did. Who
 * starts it may be large: the kernel counts a process as what it was before exec, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	struct rusage usage;
	int status;

	if (argc < 2)
		return EXIT_FAILURE;
	pid_t child = fork();

	if (child == 0) {
		(void)execv(argv[1], argv + 1);
		_exit(127);
	}
	/* its channel and its settings are its own */
	for (int fd = STDERR_FILENO + 1; fd < 16; fd++)
		(void)close(fd);
	if (child < 0 || wait4(child, &status, 0, &usage) != child)
		return EXIT_FAILURE;
	(void)fprintf(stderr, "measured %ld KiB\n", usage.ru_maxrss);
	if (WIFSIGNALED(status)) {
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)raise(WTERMSIG(status));
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
