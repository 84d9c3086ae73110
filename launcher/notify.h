/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sd_notify(3), spoken by hand: it is one datagram. */
#ifndef BPFD_LAUNCHER_NOTIFY_H
#define BPFD_LAUNCHER_NOTIFY_H

#include "common/error.h"

/*
 * Connects to the socket that NOTIFY_SOCKET names, and takes the variable out of the environment:
 * before the sandbox closes. `out` is -1 if there is none. 0 or -errno with `error`.
 */
int notify_open(int *out, struct error *error);

/* Sends lines like "READY=1\nSTATUS=text". -1 as `fd` is fine. Nothing can be done about a message
 * that nobody takes. */
void notify_send(int fd, const char *text);

#endif
