/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What must be in place before the first role starts. */
#ifndef BPFD_LAUNCHER_PREPARE_H
#define BPFD_LAUNCHER_PREPARE_H

#include "common/error.h"
#include "launcher/config.h"
#include "launcher/rules.h"
#include "launcher/supervisor.h"

#define PREPARE_LOCKS 3

/* The locks live as long as these descriptors. */
struct prepared {
	int locks[PREPARE_LOCKS];
};

/* What was found in place. */
struct findings {
	struct users users;
	struct rules rules; /* of policy.d; its descriptor is -1 where images are switched off */
};

/* Looks, and changes nothing: users, helpers, bpffs, directories, policy. 0 and `out`, whose
 * descriptor is the caller's, or -errno with `error`. */
int prepare_check(const struct config *config, struct findings *out, struct error *error);

/*
 * Makes directories, takes the locks, opens the socket, and fills the supervisor's settings and
 * descriptors; `config` must outlive it. Needs root. 0 or -errno with `error`.
 */
int prepare_start(const struct config *config, struct supervisor *supervisor, struct prepared *out,
                  struct error *error);

#endif
