/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the administrator declares is loaded once bpfd serves: by bpfd-declare, an ordinary client
 * that is started before the launcher confines itself. It is root without a capability, enough to
 * read root's files and to be root for the frontend. Later "bpfctl reload" does the same.
 */
#ifndef BPFD_LAUNCHER_DECLARE_H
#define BPFD_LAUNCHER_DECLARE_H

#include "launcher/config.h"
#include "launcher/supervisor.h"

/* Starts bpfd-declare if there is a directory for it: its pid in supervisor->declare_pid. A failure
 * is in the log, and keeps nobody from anything. */
void declare_start(struct supervisor *supervisor);

/* Says in the log how it ended. False if `pid` is not it. */
bool declare_reaped(struct supervisor *supervisor, pid_t pid, int wait_status);

#endif
