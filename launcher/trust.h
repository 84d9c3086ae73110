/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The rules with the files that they name, as verifiers get them: proto/trust.h. */
#ifndef BPFD_LAUNCHER_TRUST_H
#define BPFD_LAUNCHER_TRUST_H

#include "common/error.h"
#include "launcher/policy.h"

/*
 * Reads the key files, and trusted_root.json (`trusted_root`; empty: none), which must be root's
 * and writable by nobody else, and makes the sealed memfd. 0 and `fd`; or -errno with `error`: a
 * file that cannot be read, or a keyless rule without a trusted root, is one, for no rule may
 * quietly be left out.
 */
int trust_make(const struct policy *policy, const char *trusted_root, int *fd, struct error *error);

#endif
