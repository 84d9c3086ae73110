/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a seccomp filter as the kernel would, on a system call that nobody makes. */
#ifndef BPFD_TESTS_SANDBOX_SIMULATOR_H
#define BPFD_TESTS_SANDBOX_SIMULATOR_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* What a filter never returns: it left its bounds, or held an instruction that the kernel refuses.
 */
#define SIMULATOR_BROKEN 0xdeadbeefu

/* The filter's SECCOMP_RET_* value, or SIMULATOR_BROKEN. */
unsigned int simulator_run(const struct sock_filter *filter, size_t length,
                           const struct seccomp_data *data);

#endif
