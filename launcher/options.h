/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command line of bpfd(8). */
#ifndef BPFD_LAUNCHER_OPTIONS_H
#define BPFD_LAUNCHER_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config_path;
	bool config_required; /* it was named */
	const char *helpers;  /* NULL: as configured */
	bool check;
};

/* True if bpfd is to go on with `out`; otherwise all is said, and `exit_status` is set: 0, or 2 for
 * a wrong command line. */
bool options_read(int argc, char **argv, struct options *out, int *exit_status);

#endif
