/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the kernel says of bpfd's processes once all are confined, for `bpfctl status`: read from
 * /proc through descriptors that are opened before the launcher itself is confined.
 */
#ifndef BPFD_LAUNCHER_REPORT_H
#define BPFD_LAUNCHER_REPORT_H

#include "launcher/supervisor.h"

#define REPORT_PROCESSES (ROLE_COUNT + 1) /* the roles, and the launcher */

struct report {
	int status_fds[REPORT_PROCESSES]; /* -1: does not run, or /proc is not there */
};

void report_open(const struct supervisor *supervisor, struct report *report);

/* Tells the frontend, and closes the descriptors. */
void report_send(const struct supervisor *supervisor, struct report *report);

/*
 * The fields of a /proc/<pid>/status that `process` has beside role and Landlock. 0, or -EBADMSG
 * where one is missing. Pure.
 */
int report_parse(const char *text, struct launcher_process *process);

#endif
