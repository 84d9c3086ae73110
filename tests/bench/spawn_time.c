/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* spawn_time COUNT FILE COMMAND...: how long the command takes from start to end; FILE is removed
 * after each run. */
#include "tests/bench/samples.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static uint64_t run(char **command)
{
	uint64_t start = now_ns();
	int wait_status, result;
	pid_t pid;

	result = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
	if (result)
		die("cannot start %s: %s", command[0], strerror(result));
	if (waitpid(pid, &wait_status, 0) != pid || wait_status != 0)
		die("%s failed", command[0]);
	return now_ns() - start;
}

int main(int argc, char **argv)
{
	struct samples samples = {};
	uint64_t total_ns = 0;

	if (argc < 5)
		die("usage: spawn_time COUNT PAUSE_MS FILE COMMAND...");
	for (unsigned int left = number_read(argv[1], 100000); left; left--) {
		sleep_ms(number_read(argv[2], 10000));
		uint64_t time_ns = run(argv + 4);

		samples_add(&samples, time_ns);
		total_ns += time_ns;
		(void)unlink(argv[3]);
	}
	samples_print(&samples, total_ns);
	return 0;
}
