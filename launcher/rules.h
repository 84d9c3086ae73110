/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whose signatures count: policy.d, made into what verifiers are given. */
#ifndef BPFD_LAUNCHER_RULES_H
#define BPFD_LAUNCHER_RULES_H

#include "common/error.h"

#include <stddef.h>

struct rules {
	int fd; /* with the keys, a sealed memfd: proto/trust.h */
	size_t count;
	size_t demands; /* those that want a signature */
};

/*
 * Reads the directory, and the files that its rules name. 0 and `out`, whose descriptor is the
 * caller's; or -errno with `error`: a rule that cannot be kept is never left out.
 */
int rules_make(const char *policy, const char *trusted_root, struct rules *out,
               struct error *error);

#endif
