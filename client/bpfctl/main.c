/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bpfctl/arguments.h"
#include "bpfctl/help.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static enum exit_code run(int argc, char **argv)
{
	static struct arguments arguments;

	if (!arguments_parse(argc, argv, &arguments)) {
		complaint_print(stderr, &arguments);
		return EXIT_USAGE;
	}
	if (arguments.help) {
		help_print(stdout, &arguments);
		return EXIT_DONE;
	}
	if (arguments.version) {
		(void)printf("bpfctl %s\n", bpfd_library_version());
		return EXIT_DONE;
	}
	return arguments.command->run(&arguments);
}

/* What was done counts, also when nobody reads on at the other end of a pipe; a full disk is worth
 * a word. */
static enum exit_code output_close(enum exit_code code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	(void)fprintf(stderr, "bpfctl: cannot write the output: %s\n",
	              errno ? strerrordesc_np(errno) : "an earlier write failed");
	return code == EXIT_DONE ? EXIT_REFUSED : code;
}

int main(int argc, char **argv)
{
	enum exit_code code;

	(void)setlocale(LC_ALL, "");
	/* A reader that leaves must not stop "unload 1 2 3" after the first. */
	(void)signal(SIGPIPE, SIG_IGN);
	code = output_close(run(argc, argv));
	/* Not exit(): closing an nng socket is the one thing that nng 1.5 does not do reliably. */
	_exit((int)code);
}
