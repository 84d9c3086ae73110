/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a kernel has by its version: for words to the user, after the kernel itself refused. */
#ifndef BPFD_COMMON_KERNEL_RELEASE_H
#define BPFD_COMMON_KERNEL_RELEASE_H

#include "common/error.h"

#include <stdint.h>

/*
 * After the kernel refused a program of the type: -EOPNOTSUPP with an error that names the Linux
 * version that it needs, if `release` (as uname(2) has it) is older; else 0, and no error is set.
 */
int program_type_too_new(uint32_t type, const char *release, struct error *error);

#endif
