/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "launcher/options.h"

#include "launcher/config.h"

#include <getopt.h>
#include <stdio.h>

#define EXIT_USAGE 2

static void usage(FILE *out)
{
	(void)fputs("usage: bpfd [-c FILE] [--helpers DIRECTORY] [--check]\n"
	            "       bpfd --version | --help\n"
	            "  -c, --config FILE     read FILE instead of " CONFIG_FILE_DEFAULT "\n"
	            "  --helpers DIRECTORY   start bpfd-broker and the others from there\n"
	            "  --check               check configuration, users and directories, change "
	            "nothing\n"
	            "See bpfd(8), bpfd.conf(5).\n",
	            out);
}

static bool finish(int status, int *exit_status)
{
	if (status != 0)
		usage(stderr);
	*exit_status = status;
	return false;
}

bool options_read(int argc, char **argv, struct options *out, int *exit_status)
{
	static const struct option rows[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "helpers", required_argument, NULL, 'H' },
		{ "check", no_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .config_path = CONFIG_FILE_DEFAULT };
	int option;

	while ((option = getopt_long(argc, argv, "c:h", rows, NULL)) != -1) {
		if (option == 'c') {
			options.config_path = optarg;
			options.config_required = true;
		} else if (option == 'H') {
			options.helpers = optarg;
		} else if (option == 'k') {
			options.check = true;
		} else if (option == 'V') {
			(void)puts("bpfd " BPFD_VERSION);
			return finish(0, exit_status);
		} else if (option == 'h') {
			usage(stdout);
			return finish(0, exit_status);
		} else {
			return finish(EXIT_USAGE, exit_status);
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "bpfd: unexpected argument \"%s\"\n", argv[optind]);
		return finish(EXIT_USAGE, exit_status);
	}
	*out = options;
	return true;
}
