/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/run_command.h"
#include "common/cleanup.h"

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>

static char *stream_read(FILE *stream)
{
	char *text = NULL;
	size_t size = 0;

	rewind(stream);
	/* up to a zero byte, which none of these texts holds: all of it */
	if (getdelim(&text, &size, '\0', stream) < 0) {
		free(text);
		text = strdup("");
	}
	assert_non_null(text);
	return text;
}

struct run_result command_run(char *const *argv)
{
	_cleanup_fclose_ FILE *out = tmpfile(), *err = tmpfile();
	struct run_result result = { .exit_code = -1 };
	int status;
	pid_t child;

	assert_true(out && err);
	child = fork();
	if (child == 0) {
		if (dup2(fileno(out), STDOUT_FILENO) < 0 || dup2(fileno(err), STDERR_FILENO) < 0)
			_exit(126);
		(void)execv(argv[0], argv);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		result.exit_code = WEXITSTATUS(status);
	assert_int_not_equal(result.exit_code, 127);
	result.out = stream_read(out);
	result.err = stream_read(err);
	return result;
}

void run_result_free(struct run_result *result)
{
	free(result->out);
	free(result->err);
}

void golden_compare(const char *name, const char *text)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[512], *golden;

	(void)snprintf(path, sizeof(path), "%s/tests/client/golden/%s", BPFD_SOURCE_DIR, name);
	if (getenv("BPFD_GOLDEN_WRITE")) {
		file = fopen(path, "we");
		assert_non_null(file);
		assert_true(fputs(text, file) >= 0);
		return;
	}
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s is missing", path);
	golden = stream_read(file);
	if (strcmp(golden, text) != 0)
		fail_msg("%s is\n%s\nwhat was printed is\n%s", name, golden, text);
	free(golden);
}
