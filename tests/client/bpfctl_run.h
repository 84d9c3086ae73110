/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs the real bpfctl. */
#ifndef BPFD_TESTS_CLIENT_BPFCTL_RUN_H
#define BPFD_TESTS_CLIENT_BPFCTL_RUN_H

#include "client/run_command.h"
#include "client/test_server.h"

#define BPFCTL BPFD_BUILD_DIR "/bin/bpfctl"

/* With the words of `line`, which is cut at blanks; OBJECT is this file (may be NULL). */
struct run_result bpfctl_run(const char *line, const char *object);
/* The same on that server. */
struct run_result bpfctl_run_on(const struct test_server *server, const char *line,
                                const char *object);

#endif
