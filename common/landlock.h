/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Landlock by its three system calls: Debian 12's libc has no wrappers, and its headers know ABI 2
 * only, while bpfd runs on kernels from none at all to the newest. See landlock(7) and the kernel's
 * userspace-api/landlock.rst.
 */
#ifndef BPFD_COMMON_LANDLOCK_H
#define BPFD_COMMON_LANDLOCK_H

#include "common/sandbox.h"

/* The version that the running kernel has; 0 where it has none or it is switched off. */
uint32_t landlock_version(void);

/*
 * Confines the calling thread to the policy's paths, without TCP and with the policy's scopes, each
 * as far as `abi` goes; needs no-new-privileges. 0 or -errno with `error`.
 */
int landlock_confine(const struct sandbox_policy *policy, const struct launcher_settings *settings,
                     uint32_t abi, struct error *error);

#endif
