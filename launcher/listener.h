/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The socket that clients connect to: made here, for only root may make it in the runtime
 * directory; served by the frontend. */
#ifndef BPFD_LAUNCHER_LISTENER_H
#define BPFD_LAUNCHER_LISTENER_H

#include "common/error.h"

#include <sys/types.h>

/*
 * Makes a listening, non-blocking stream socket at `path`, whose directory only root may write to;
 * a stale one is removed (the caller holds the directory's lock). At no time has it more rights
 * than root:`gid` `mode`. 0 or -errno with `error`.
 */
int listener_open(const char *path, gid_t gid, mode_t mode, int *out, struct error *error);

#endif
