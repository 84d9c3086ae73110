/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Steps that sandbox_identity() and sandbox_enter() share. Each: 0 or -errno with `error`. */
#ifndef BPFD_COMMON_SANDBOX_STEPS_H
#define BPFD_COMMON_SANDBOX_STEPS_H

#include "common/sandbox.h"

/* -EPERM, naming them, when capabilities of the policy are not permitted now. */
int sandbox_capabilities_present(const struct sandbox_policy *policy, struct error *error);

/*
 * Closes the ways to gain by exec: no-new-privileges always; with CAP_SETPCAP also a bounding set
 * of nothing but the policy's capabilities and securebits that give uid 0 none, locked.
 */
int sandbox_gain_close(const struct sandbox_policy *policy, struct error *error);

/* Soft and hard limits alike, the hard ones lowered only. */
int sandbox_rlimits_apply(const struct sandbox_policy *policy, struct error *error);

/* SIGKILL when the parent ends; -ESRCH when it ended meanwhile. */
int sandbox_parent_bind(const struct sandbox_policy *policy, struct error *error);

#endif
