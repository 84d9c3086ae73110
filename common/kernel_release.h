/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a kernel has by its version: for words to the user, and where asking it does harm. */
#ifndef BPFD_COMMON_KERNEL_RELEASE_H
#define BPFD_COMMON_KERNEL_RELEASE_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Is a kernel of this release ("6.1.0-42-amd64") the named one or a later one? */
bool kernel_release_is(const char *release, unsigned int major, unsigned int minor);

/*
 * After the kernel refused a program of the type: -EOPNOTSUPP with an error that names the Linux
 * version that it needs, if `release` (as uname(2) has it) is older; else 0, and no error is set.
 */
int program_type_too_new(uint32_t type, const char *release, struct error *error);

#endif
