/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Starting one process in its role's identity, and saying what became of it. */
#ifndef BPFD_LAUNCHER_PROCESS_H
#define BPFD_LAUNCHER_PROCESS_H

#include "common/sandbox.h"

#include <sys/types.h>

#define PROCESS_DESCRIPTORS 4 /* ROLE_FD_LAUNCHER and those after it */

struct process {
	const char *helpers; /* the directory of bpfd-<role> */
	const char *role;
	const struct sandbox_policy *policy;
	const char *const *arguments; /* after the name, ended by NULL; NULL: none */
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
	int null_fd;                          /* becomes standard input */
	int descriptors[PROCESS_DESCRIPTORS]; /* become ROLE_FD_LAUNCHER...; -1: closed there. They
	                                         stay the caller's. */
};

/*
 * Forks, takes the identity, and execs: with these descriptors, standard error (also as standard
 * output) and no others, default signal handlers, nothing blocked, and of the environment only
 * JOURNAL_STREAM. 0 or -errno of the fork; a child that fails later logs why and ends with status
 * 127.
 */
int process_start(const struct process *process, pid_t *out);

#define PROCESS_REASON_SIZE 160

/* "was killed by SIGSYS: ..." for a status of waitpid(2). Returns `out`. */
const char *process_reason(int wait_status, char out[PROCESS_REASON_SIZE]);

#endif
