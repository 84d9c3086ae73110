/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Waiting for packets that are on their way through a dispatcher. One that was just replaced may
 * still run on another CPU; if its components were unlinked then, that packet would meet empty
 * slots: neither the chain before nor the one after.
 */
#ifndef BPFD_BROKER_GRACE_H
#define BPFD_BROKER_GRACE_H

#include "common/error.h"

struct grace {
	int outer_fd; /* an array of maps; -1: membarrier(2) serves */
	int inner_fd;
};

/* Before the sandbox closes. 0, or -errno with `error` and with nothing open. */
int grace_open(struct grace *out, struct error *error);
void grace_close(struct grace *grace);

/*
 * Returns when every eBPF program that runs at the call has ended. The kernel waits so
 * (synchronize_rcu) in membarrier(MEMBARRIER_CMD_GLOBAL), from Linux 4.3, unless it runs with
 * nohz_full or on one CPU alone; elsewhere in a change to a map of maps, from Linux 4.20, so that
 * nobody reads an inner map that was taken out. 0 or -errno.
 */
int grace_wait(const struct grace *grace);

#endif
