/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Capability sets of the calling thread, asked of the kernel itself: see capabilities(7),
 * capget(2). */
#ifndef BPFD_COMMON_CAPABILITY_H
#define BPFD_COMMON_CAPABILITY_H

#include <stddef.h>
#include <stdint.h>

/* Masks of 1 << CAP_*. */
struct capability_sets {
	uint64_t permitted;
	uint64_t effective;
	uint64_t inheritable;
};

/* 0 and `sets`, or -errno. */
int capability_sets_read(struct capability_sets *sets);

/* Sets all three at once. 0 or -errno: -EPERM for what is not permitted now. */
int capability_sets_write(const struct capability_sets *sets);

/* The ambient set; 0 on kernels that have none (before 4.3). */
uint64_t capability_ambient_read(void);

/* Takes everything but `keep` out of the bounding set, which needs CAP_SETPCAP effective. 0 or
 * -errno. */
int capability_bounding_limit(uint64_t keep);

/* "CAP_BPF" for a CAP_* that some policy of bpfd's names, else NULL. */
const char *capability_name(unsigned int number);

/* "CAP_PERFMON CAP_BPF and 3 more" for a mask, "none" for 0; cut to `size`. Returns `out`. */
const char *capability_names(uint64_t mask, char *out, size_t size);

#endif
